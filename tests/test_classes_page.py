"""docs/classes.md: its examples can be used, and it explains every key of a class, with the default that holds."""

import re
from dataclasses import fields

import pytest
from rig_cli import REPOSITORY

from router_config.config.grammar.quantities import parse_duration, parse_share
from router_config.config.loading import load_text
from router_config.config.sections.classes import CLASS, FileClass

PAGE = (REPOSITORY / "docs" / "classes.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
ROWS = dict(re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", PAGE, re.MULTILINE))


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_can_be_used_without_a_doubt(example: str) -> None:
    config = load_text(example, "litellm.yaml", {})
    assert config.classes
    assert [each for each in config.warnings if "class" in each] == []


def test_every_key_is_explained_and_stands_in_an_example() -> None:
    assert CLASS.entries.keys() == ROWS.keys()
    assert [name for name in CLASS.entries if f"{name}:" not in " ".join(EXAMPLES)] == []


def test_the_defaults_are_those_that_hold() -> None:
    told = {each.name: ROWS[each.name] for each in fields(FileClass)}
    held = {each.name: each.default for each in fields(FileClass)}
    assert parse_share(told.pop("share")) == held["share"]
    assert parse_duration(told.pop("release")) == held["release"]
    for name in ("use", "paid", "priority"):
        assert told[name] == str(held[name])
