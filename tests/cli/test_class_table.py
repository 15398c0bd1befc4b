"""`check` says what the classes of a file mean, and where they mean nothing."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from rig_cli import REPOSITORY
from rig_config import load_text

from router_config.cli import main
from router_config.cli.checks.class_table import class_documents, class_report, class_warnings
from router_config.config.models import Config

FILE = """
providers:
  groq: {{limits: {{rpm: 30, tpd: 100k{more}}}, models: [m]}}
  gemini: {{limits: {{tpd: 15M}}, models: [{{name: n, limits: {{rpm: 10}}}}]}}
  openai: {{tier: paid, models: [o]}}
classes: {classes}
"""


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def loaded(classes: str, more: str = "", **env: str) -> Config:
    return load_text(FILE.format(classes=classes, more=more), env)


def words(text: str) -> list[str]:
    return [re.sub(r" {2,}", " | ", line) for line in text.splitlines()]


def test_a_share_is_told_in_requests_and_tokens() -> None:
    report = words(class_report(loaded("{trader: {reserve: 35%, agents: [TradingAgent, 'exec-*']}}")))
    assert report[1:3] == [
        "trader | TradingAgent, exec-* | 35 % | 100 % | -",
        "default | everyone else | - | 100 % | -",
    ]
    assert report[3] == "trader: 10 rpm, 35k tpd at groq; 5250k tpd at gemini; 3 rpm at gemini n"


def test_what_else_holds_for_a_class_is_told_in_words() -> None:
    report = words(
        class_report(
            loaded(
                "{trader: {reserve: {groq: 50%, gemini: 10%}, max_wait: 5s, priority: -1},"
                " batch: {use: leftover, paid: never, providers: [groq]}, default: {paid: last, usd_per_day: 0.5}}"
            )
        )
    )
    assert report[1:4] == [
        "trader | trader | groq 50 %, gemini 10 % | 100 % | waits 5 s, priority -1",
        "batch | batch | - | 100 % | only what is left over, only groq, no paid provider",
        "default | everyone else | - | 100 % | paid ones last, $0.5 a day",
    ]


def test_what_cannot_be_divided_is_warned_of() -> None:
    config = loaded("{trader: {reserve: 30%}, batch: {share: 70%, providers: [groq]}}", ", parallel: 1")
    assert list(class_warnings(config)) == [
        "groq parallel: 1: nothing can be kept of it for class trader (30 % is less than one)",
        "groq parallel: 1: 70 %, the share of class batch, is less than one request; it may use one",
    ]


def test_nothing_is_said_of_a_provider_that_a_class_may_not_ask() -> None:
    assert list(class_warnings(loaded("{batch: {share: 70%, providers: [gemini]}}", ", parallel: 1"))) == []


def test_a_class_for_which_nobody_can_be_asked_is_warned_of() -> None:
    (told,) = class_warnings(loaded("{batch: {providers: [gemini]}}", GROQ_API_KEY="k"))
    assert told == "class batch: no provider that it may ask has a key and is switched on"


def test_dollars_of_a_class_need_prices() -> None:
    (told,) = class_warnings(loaded("{batch: {usd_per_day: 1}}"))
    assert told.startswith("class batch: usd_per_day needs a price, and none is known for o of openai")
    assert list(class_warnings(loaded("{batch: {usd_per_day: 1, paid: never}}"))) == []


def test_the_json_has_the_numbers() -> None:
    trader, others = class_documents(loaded("{trader: {reserve: 35%, paid: never}}"))
    assert trader["kept"] == {
        "groq": {"rpm": 10, "tpd": 35000},
        "gemini": {"tpd": 5250000},
        "gemini n": {"rpm": 3},
    }
    assert trader["providers"] == [{"name": "groq", "reserve": 0.35}, {"name": "gemini", "reserve": 0.35}]
    assert (others["name"], others["kept"], len(others["providers"])) == ("default", {}, 3)


def test_the_example_with_classes_is_fine(capsys: Any) -> None:
    assert main(["check", str(REPOSITORY / "examples" / "classes.yaml"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in document["classes"]] == ["trader", "research", "batch", "default"]
    assert [each for each in document["warnings"] if "class" in each] == []
