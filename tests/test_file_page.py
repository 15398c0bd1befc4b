"""docs/file.md: its examples can be used, and it explains every key, with the default that holds."""

import re
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any

import pytest
from rig_cli import REPOSITORY

from router_config.config.file_format import DEFAULTS, FILE, MODEL, PROVIDER, File, FileProvider
from router_config.config.grammar.quantities import parse_count, parse_duration, parse_share, parse_size
from router_config.config.loading import load_text
from router_config.config.models import Defaults, Model
from router_config.config.sections.groups import GROUP
from router_config.config.sections.limits import LIMITS

PAGE = (REPOSITORY / "docs" / "file.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
ROWS = dict(re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", PAGE, re.MULTILINE))
PARSED: dict[str, Callable[[str], Any]] = {
    "cooldown": parse_duration,
    "timeout": parse_duration,
    "max_wait": parse_duration,
    "soft_limit": parse_share,
    "output_tokens": parse_count,
    "max_response": parse_size,
    "reload": lambda text: text == "on",
}


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_can_be_used(example: str) -> None:
    config = load_text(example, "litellm.yaml", {})
    assert config.providers


@pytest.mark.parametrize(
    "section", [FILE, DEFAULTS, PROVIDER, MODEL, GROUP], ids=["file", "defaults", "provider", "model", "group"]
)
def test_every_key_is_explained(section: Any) -> None:
    assert section.entries.keys() <= ROWS.keys()


def test_every_key_and_limit_stands_in_an_example() -> None:
    shown = " ".join(EXAMPLES)
    for section in (FILE, DEFAULTS, PROVIDER, MODEL, GROUP):
        assert [name for name in section.entries if f"{name}:" not in shown] == []
    assert {"rpm", "tpd", "usd_per_day", "parallel", "requests"} <= LIMITS.entries.keys()


@pytest.mark.parametrize("of", [File, Defaults, FileProvider, Model], ids=lambda of: of.__name__)
def test_the_defaults_are_those_that_hold(of: Any) -> None:
    written = FILE.entries.keys() | DEFAULTS.entries.keys() | PROVIDER.entries.keys() | MODEL.entries.keys()
    for each in (each for each in fields(of) if each.name in written):
        told = ROWS[each.name].strip("`")
        if each.name in PARSED:
            assert PARSED[each.name](told) == each.default, each.name
        elif each.default is MISSING and each.default_factory is MISSING:
            assert told == "needed", each.name
        elif isinstance(each.default, str | int):
            assert told == str(each.default).lower(), each.name
