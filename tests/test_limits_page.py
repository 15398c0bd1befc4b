"""docs/limits.md: its examples load, and it names every limit that the file may hold."""

import re
from pathlib import Path

import pytest

from router_config import load_config
from router_config.config.models import Config
from router_config.config.sections.limits import LIMITS
from router_config.deployments.model_list import deployments_of

PAGE = (Path(__file__).parents[1] / "docs" / "limits.md").read_text("utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def loaded(example: str, folder: Path, **env: str) -> Config:
    path = folder / "litellm.yaml"
    path.write_text(example, "utf-8")
    return load_config(path, env=env)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_whole_file_without_a_warning(example: str, tmp_path: Path) -> None:
    config = loaded(example, tmp_path)
    assert any(provider.limits.given() for provider in config.providers)
    assert not [each for each in config.warnings if "key" not in each]


def test_every_limit_is_named() -> None:
    table = PAGE.partition("## Which there are")[2].partition("```")[0]
    assert set(re.findall(r"`([a-z_]+)`", table)) == set(LIMITS.entries)


def test_keys_of_one_account_share_its_limits_as_the_page_says(tmp_path: Path) -> None:
    example = next(each for each in EXAMPLES if "account: ours" in each)
    env = {name: name for name in re.findall(r"os\.environ/(\w+)", example)}
    found = deployments_of(loaded(example, tmp_path, **env))
    allowed: dict[str, dict[str, float]] = {}
    for each in found:
        meter = each.account_meters[0]
        allowed.setdefault(each.provider, {})[meter.scope] = meter.value_of("rpm") or 0
    assert {name: sum(theirs.values()) for name, theirs in allowed.items()} == {
        "groq": 60,
        "gemini": 60,
        "together": 80,
    }
