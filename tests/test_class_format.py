"""`classes:` of litellm.yaml: what it says, what is an error with its place, and what is doubtful."""

from pathlib import Path

import pytest
from rig_config import load_text

from router_config import ConfigError
from router_config.config.agent_classes import AgentClass
from router_config.config.changes import changes_between
from router_config.config.class_checks import overlap
from router_config.config.file_format import json_schema
from router_config.config.models import Config

PROVIDERS = """
providers:
  groq: {models: [m], limits: {tpd: 100k}}
  gemini: {models: [m]}
  openai: {tier: paid, models: [m]}
"""


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def loaded(classes: str) -> Config:
    return load_text(f"classes:\n{classes}{PROVIDERS}")


def class_named(name: str, classes: str) -> AgentClass:
    return next(each for each in loaded(classes).classes if each.name == name)


def error_of(classes: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(classes)
    return str(caught.value)


def test_a_file_without_classes_has_none() -> None:
    assert load_text(PROVIDERS).classes == ()
    assert load_text("classes: {}" + PROVIDERS).classes == ()


def test_the_classes_of_a_file_are_those_that_it_names_and_the_default_one() -> None:
    config = loaded("  trader: {reserve: 30%, agents: [TradingAgent, 'exec-*']}\n  batch: {use: leftover}\n")
    assert [each.name for each in config.classes] == ["trader", "batch", "default"]
    assert config.classes[0] == AgentClass(name="trader", reserve=0.3, agents=("TradingAgent", "exec-*"))


def test_a_class_without_agents_is_that_of_the_agent_of_its_name() -> None:
    assert class_named("batch", "  batch: {use: leftover}\n").agents == ("batch",)


def test_every_key_of_a_class_is_read() -> None:
    written = """  x:
    reserve: {groq: 50%, gemini: 10%}
    agents: one
    share: 0.7
    release: never
    max_wait: 5s
    paid: last
    usd_per_day: 0.5
    providers: [groq, gemini]
    priority: -1
"""
    assert class_named("x", written) == AgentClass(
        name="x",
        agents=("one",),
        by_provider={"groq": 0.5, "gemini": 0.1},
        share=0.7,
        release="never",
        max_wait=5.0,
        paid="last",
        usd_per_day=0.5,
        providers=("groq", "gemini"),
        priority=-1,
    )


@pytest.mark.parametrize(("written", "release"), [("30m", 1800.0), ("forecast", "forecast"), ("never", "never")])
def test_unused_room_is_released_so_long_before_or_by_forecast_or_never(written: str, release: object) -> None:
    assert class_named("x", f"  x: {{reserve: 1%, release: {written}}}\n").release == release


def test_a_reserve_by_provider_keeps_nothing_elsewhere_save_for_a_star() -> None:
    named = class_named("x", "  x: {reserve: {groq: 50%}}\n")
    assert [named.reserve_at(name) for name in ("groq", "gemini")] == [0.5, 0.0]
    named = class_named("x", "  x: {reserve: {groq: 0%, '*': 20%}}\n")
    assert [named.reserve_at(name) for name in ("groq", "gemini")] == [0.0, 0.2]


def test_nothing_is_kept_where_the_class_may_not_ask() -> None:
    named = class_named("x", "  x: {reserve: 40%, providers: [groq, openai], paid: never}\n")
    assert [named.reserve_at(name) for name in ("groq", "gemini", "openai")] == [0.4, 0.0, 0.0]


WRONG = {
    "  x: {resrve: 30%}\n": ('2:7: classes, x: unknown key "resrve"', "Did you mean reserve?"),
    "  x: {reserve: 130%}\n": ('2:16: classes, x, reserve: "130%" is not a share of the limits', "{groq: 50%"),
    "  x: {reserve: {grok: 30%}}\n": ('2:17: class x: there is no provider "grok"', "Did you mean groq?"),
    "  x: {providers: [groq, gemni]}\n": ('2:25: class x: there is no provider "gemni"', "Did you mean gemini?"),
    "  x: {share: 0%}\n": ('2:14: classes, x, share: "0%" is not a share', "Write a share above 0%"),
    "  x: {share: 20%, reserve: 30%}\n": ("2:14: class x: 30 % are kept for it at groq, and it may use no more", "Low"),
    "  x: {use: leftover, reserve: 1%}\n": ("2:12: class x: use: leftover takes what nobody else needs", "Take out"),
    "  default: {agents: [a]}\n": ("2:21: default is the class of every agent that no other class names", "Take"),
    "  x: {agents: [a]}\n  y: {agents: [b, a]}\n": ('3:19: "a" is an agent of class x and of class y', "Take it out"),
    "  x: {reserve: 60%}\n  y: {reserve: {groq: 50%}}\n": ("3:16: 110 % of groq are kept: 60 % for x, 50 %", "Lower"),
    "  x: {reserve: {openai: 9%}, paid: never}\n": ("2:17: class x: 9 % are kept at openai, which it may not", "Take"),
    "  x: {max_wait: soon}\n": ('2:17: classes, x, max_wait: "soon" is not a duration', "5m"),
    "  x: {release: soon}\n": ('2:16: classes, x, release: "soon" is not a duration', "forecast"),
    "  x: {paid: rarely}\n": ('2:13: classes, x, paid: "rarely" is not known here', "never"),
    "  x: {agents: []}\n": ("2:15: classes, x, agents: this list is empty", "TradingAgent"),
    "  a b: {}\n": ('2:3: classes: "a b" is no name of a class', "Use letters"),
    "  x:\n": ("2:5: classes, x: nothing stands here", "Write a mapping"),
    "  x: {limits: {rpm: 3}}\n": ('2:7: classes, x: unknown key "limits"', "Write share"),
}


@pytest.mark.parametrize("classes", WRONG)
def test_what_makes_classes_useless_is_an_error_with_its_place_and_what_to_do(classes: str) -> None:
    what, hint = WRONG[classes]
    told = error_of(classes)
    assert told.startswith(f"litellm.yaml:{what}"), told
    assert hint in told.split("\n")[1], told


def warnings_of(classes: str) -> list[str]:
    return [each for each in loaded(classes).warnings if "no provider has a key" not in each]


def test_a_name_beats_a_pattern_of_another_class_and_is_no_doubt() -> None:
    assert warnings_of("  x: {agents: ['exec-*']}\n  y: {agents: [exec-nightly]}\n") == []


def test_two_patterns_that_one_name_may_be_of_are_doubtful() -> None:
    (told,) = warnings_of("  x: {agents: ['exec-*']}\n  y: {agents: ['*-nightly']}\n")
    assert told.startswith('litellm.yaml:3:15: "*-nightly" of class y and "exec-*" of class x may both be of an agent')


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("exec-*", "exec-b*", True),
        ("exec-*", "trade-*", False),
        ("a*c", "*b*", True),
        ("a?", "ab", True),
        ("a?", "abc", False),
        ("[ab]x", "?y", False),
        ("[ab]x", "?x", True),
        ("*a", "*b", False),
        ("*" * 50 + "a", "*" * 50 + "b", False),
    ],
)
def test_patterns_overlap_where_one_name_is_of_both(one: str, other: str, meet: bool) -> None:
    assert overlap(one, other) is overlap(other, one) is meet


def test_a_class_that_may_ask_nobody_is_doubtful() -> None:
    (told,) = warnings_of("  x: {paid: never, providers: [openai]}\n")
    assert told.startswith("litellm.yaml:2:3: class x may ask no provider of the file: paid: never")


def test_it_is_told_where_nothing_is_left_for_others() -> None:
    (told,) = warnings_of("  x: {reserve: {groq: 100%}}\n")
    assert "all of groq is kept for x: nothing is left for default" in told


def test_the_schema_has_the_keys_of_a_class_and_forbids_others() -> None:
    of_class = json_schema()["properties"]["classes"]["additionalProperties"]
    assert of_class["additionalProperties"] is False
    assert {"reserve", "agents", "share", "release"} <= of_class["properties"].keys()
    assert of_class["properties"]["paid"]["enum"] == ["never", "last", "always"]


def test_what_an_edit_of_classes_changes_is_told() -> None:
    old = loaded("  x: {reserve: 30%, agents: [a, b]}\n  y: {}\n")
    new = loaded("  x: {reserve: {groq: 50%}, agents: [a], max_wait: 5s}\n  z: {share: 70%}\n")
    assert changes_between(old, new) == (
        "+class z",
        "-class y",
        "class x agents a, b -> a",
        "class x reserve 30% -> 0%",
        "class x reserve at groq 30% -> 50%",
        "class x max_wait none -> 5",
    )
