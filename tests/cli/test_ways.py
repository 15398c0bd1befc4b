"""`check --verbose` and `doctor` say which way requests go through the LiteLLM that is installed, and why."""

import json
from pathlib import Path

import pytest
from rig_cli import GOOD

from router_config import cli
from router_config.config.loading import load_config
from router_config.transport.fast import answers


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "litellm.yaml"
    path.write_text(GOOD, "utf-8")
    return path


def test_each_provider_goes_the_fast_way(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--verbose", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["litellm"].startswith("LiteLLM 1.")
    providers = [each for each in found["ways"] if "way" in each]
    assert [each["name"] for each in providers] == [each.name for each in load_config(file).providers]
    assert [(each["way"], each["why"]) for each in providers] == [("fast", None)] * len(providers)
    assert any(each.get("on") for each in found["ways"])


def test_where_a_name_is_gone_it_says_so(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(model: str, provider: str) -> None:
        raise AttributeError("gone in this LiteLLM")

    answers.reader.cache_clear()
    monkeypatch.setattr(answers, "configuration", gone)
    assert cli.main(["check", "--verbose"]) == 0
    answers.reader.cache_clear()
    shown = capsys.readouterr().out
    assert "public" in shown
    assert "gone in this LiteLLM" in shown


def test_without_it_litellm_is_not_loaded(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--json"]) == 0
    assert "ways" not in json.loads(capsys.readouterr().out)
