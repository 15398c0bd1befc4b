"""`groups:` of litellm.yaml and of `Router(groups=...)`: what it says, and what is an error with its place."""

import json
from pathlib import Path
from typing import Any

import pytest
from rig_cli import run_router_config
from rig_config import load_text

from router_config import ConfigError, Router
from router_config.config.changes import changes_between
from router_config.config.group_rules import After, GroupRules, Hedge

PROVIDERS = """
providers:
  groq: {models: [{name: m, groups: [default, deep]}]}
aliases: {gpt-4o: default}
"""
MODEL_LIST = [{"model_name": "default", "litellm_params": {"model": "groq/m", "api_key": "k"}}]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def rules(text: str) -> dict[str, GroupRules]:
    return load_text(text + PROVIDERS).group_rules


def error_of(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_text(text + PROVIDERS)
    return str(caught.value)


def test_a_file_without_groups_has_no_rules() -> None:
    assert rules("") == rules("groups: {}") == {}


def test_a_group_may_say_how_long_a_first_token_may_take() -> None:
    assert rules("groups: {deep: {first_token_timeout: 1500ms}}") == {"deep": GroupRules(first_token_timeout=1.5)}


@pytest.mark.parametrize(
    ("hedge", "read"),
    [
        ("{}", Hedge(after=After(quantile=0.95), at_most=0.05, paid=False)),
        ("{after: p99, at_most: 2%}", Hedge(after=After(quantile=0.99), at_most=0.02)),
        ("{after: 1500ms, paid: true}", Hedge(after=After(seconds=1.5), paid=True)),
    ],
)
def test_a_group_may_have_a_second_provider_asked_where_the_first_is_late(hedge: str, read: Hedge) -> None:
    assert rules(f"groups: {{default: {{prefer: fastest, hedge: {hedge}}}}}") == {
        "default": GroupRules(prefer="fastest", hedge=read)
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("groups: {default: {hedge: {after: p30}}}", '1:35: groups, default, hedge, after: "p30" is not a duration'),
        ("groups: {default: {hedge: {after: p30}}}", "Write p50 to p99, such as p95"),
        ("groups: {default: {hedge: {at_most: 120%}}}", '1:37: groups, default, hedge, at_most: "120%"'),
        ("groups: {default: {hedge: {budget: 5%}}}", "Write at_most."),
        ("groups: {default: {hedge: 2s}}", "Write {after: p95, at_most: 5%}, or leave it out."),
        ("groups: {default: {prefer: speed}}", '"speed" is not known here'),
        ("groups: {defualt: {}}", '1:10: no model serves the group "defualt"\n  Did you mean default?'),
        ("groups: {xyz: {}}", '1:10: no model serves the group "xyz"\n  Groups that models serve: deep, default.'),
        ("groups: {gpt-4o: {}}", '1:10: "gpt-4o" is an alias, not a group\n  Write its group: default.'),
        ("groups: {default: {first_token: 5s}}", "Did you mean first_token_timeout?"),
        ("groups: {default: {first_token_timeout: 0}}", "1:41: groups, default, first_token_timeout: 0 is too little"),
        ("groups: {default: {sticky: forever}}", "such as 10m, or off."),
        ("groups: {default: {models: [m]}}", "A model names its groups"),
        ("groups: [default]", "1:9: groups: a mapping is expected here"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_to_write(text: str, told: str) -> None:
    assert told in error_of(text)


def test_an_edit_is_told_in_words() -> None:
    before, after = (load_text(text + PROVIDERS) for text in ("", "groups: {default: {first_token_timeout: 5s}}"))
    assert changes_between(before, after) == ("group default first_token_timeout none -> 5",)
    assert changes_between(after, before) == ("group default first_token_timeout 5 -> none",)


def test_an_edited_hedge_is_told_part_by_part() -> None:
    one, other = (
        load_text(f"groups: {{default: {{hedge: {{{text}}}}}}}" + PROVIDERS)
        for text in ("after: p95", "after: 2s, at_most: 3%")
    )
    assert changes_between(one, other) == ("group default hedge p95, at most 5% -> 2s, at most 3%",)
    assert changes_between(load_text(PROVIDERS), one) == ("group default hedge none -> p95, at most 5%",)


def test_show_has_the_rules_under_the_key_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "litellm.yaml").write_text("groups: {default: {first_token_timeout: 5s}}" + PROVIDERS, "utf-8")
    shown = json.loads(run_router_config(tmp_path, "show", "--json").stdout)
    assert shown["groups"]["default"]["first_token_timeout"] == 5.0


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"defualt": {}}, 'groups: no model serves the group "defualt"\n  Did you mean default?'),
        ({"default": {"first_token_timeout": "soon"}}, 'default, first_token_timeout: "soon" is not a duration'),
        ({"default": {"first_token_timeout": object()}}, "default, first_token_timeout: nothing is not a duration"),
    ],
)
def test_a_router_without_a_file_takes_the_same_mapping_and_tells_the_same_mistakes(
    given: dict[str, Any], told: str
) -> None:
    Router(model_list=MODEL_LIST, groups={"default": {"first_token_timeout": "2s"}}).close()
    with pytest.raises(ConfigError) as caught:
        Router(model_list=MODEL_LIST, groups=given)
    assert told in str(caught.value)


def test_a_router_with_a_file_takes_its_rules_from_there_alone(tmp_path: Path) -> None:
    (tmp_path / "litellm.yaml").write_text(PROVIDERS, "utf-8")
    with pytest.raises(ConfigError, match="Write `groups:` in the file"):
        Router.from_yaml("litellm.yaml", groups={"default": {}})
