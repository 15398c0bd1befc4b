"""A plan by class of agents: whose eyes a load is asked with, and what becomes of each class."""

from datetime import date
from typing import Any

from router_config.config.loading import load_text
from router_config.config.models import Config
from router_config.planner.document import COLUMNS, document, rows
from router_config.planner.plan import Plan
from router_config.planner.planning import plan
from router_config.planner.wording import first_line

PROVIDERS = """\
version: 1
providers:
  groq: {priority: 1, api_key: none, limits: {tpd: 1M}, models: [llama-3.3-70b-versatile]}
  together: {priority: 2, api_key: none, limits: {tpd: 2M}, models: [mistralai/Mixtral-8x7B-Instruct-v0.1]}
"""
BEGINS = date(2026, 11, 23)


def config(classes: str, workload: str) -> Config:
    return load_text(f"{PROVIDERS}classes: {classes}\nworkload:\n{workload}", "litellm.yaml", {})


def planned(classes: str, workload: str, days: int = 3, **how: Any) -> Plan:
    return plan(config(classes, workload), days=days, begins=BEGINS, advise=False, **how)


BOTH = """\
  - {agent: TradingAgent, tokens_per_day: 500k}
  - {agent: night, class: batch, tokens_per_day: 1500k}
"""


def test_a_load_asks_only_whom_its_class_may_ask() -> None:
    made = planned("{trader: {agents: [TradingAgent]}, batch: {providers: [groq]}}", BOTH)
    trader, batch = made.classes
    assert (trader.name, batch.name) == ("trader", "batch")
    assert (trader.served, trader.obstacle) == (1, None)
    assert 0.3 < batch.served < 0.7
    assert batch.obstacle is not None
    assert batch.obstacle[:2] == ("groq", "tpd")


def test_the_agent_of_a_load_says_its_class_where_the_load_names_none() -> None:
    made = planned("{batch: {agents: ['night*']}}", "  - {agent: night-7, tokens_per_day: 1k}\n")
    assert [each.name for each in made.classes] == ["batch"]


def test_what_becomes_of_a_class_stands_in_words_in_the_json_and_in_rows() -> None:
    made = planned("{trader: {agents: [TradingAgent]}, batch: {providers: [groq]}}", BOTH)
    told = first_line(made, config("{batch: {}}", BOTH), "2M tokens a day")
    assert told.startswith(
        f"No. {int(made.served * 1000) / 10:g} % of 2M tokens a day are served (trader 100 %, batch "
    )
    shown = document(made, told)
    assert [each["name"] for each in shown["classes"]] == ["trader", "batch"]
    assert shown["classes"][1]["told"] == "groq tpd has no room"
    assert sum(day["classes"][1]["unserved_tokens"] for day in shown["days"]) == shown["classes"][1]["unserved_tokens"]
    listed = [dict(zip(COLUMNS, row, strict=True)) for row in rows(made)]
    missed = [row["tokens"] for row in listed if row["provider"] == "class batch unserved"]
    assert missed == [day["classes"][1]["unserved_tokens"] for day in shown["days"]]


def test_a_provider_is_full_when_it_is_so_for_all_classes_that_may_ask_it() -> None:
    made = planned("{trader: {agents: [TradingAgent]}, batch: {providers: [groq]}}", BOTH)
    full = {each.provider: each.full_seconds for each in made.providers}
    assert full["groq"] > 0
    assert full["together"] == 0
    assert made.dark_seconds == 0  # Somebody always had room, if not for batch.


def test_what_is_kept_for_a_class_is_there_when_it_comes() -> None:
    late = """\
  - {agent: TradingAgent, tokens_per_day: 500k, hours: '18:00-22:00'}
  - {agent: night, tokens_per_day: 6M}
"""
    kept = planned("{trader: {reserve: 30%, agents: [TradingAgent]}}", late)
    assert {each.name: each.served for each in kept.classes}["trader"] == 1
    others = next(each for each in kept.classes if each.name == "default")
    assert others.obstacle is not None
    assert others.obstacle.status == "kept"
    assert kept.unserved_since == others.unserved_since
    without = planned("{trader: {agents: [TradingAgent]}}", late)
    assert {each.name: each.served for each in without.classes}["trader"] < 0.9


def test_a_class_that_has_used_its_share_is_told_so() -> None:
    classes, night = "{batch: {share: 20%, agents: [night]}}", "  - {agent: night, tokens_per_day: 2M}\n"
    made = planned(classes, night)
    told = first_line(made, config(classes, night), "2M tokens a day")
    assert "class batch has used its share" in told
    assert document(made, told)["classes"][0]["told"] == "it has used its share of groq tpd"
    served = sum(each.tokens for each in made.providers) / len(made.days)
    assert 0.55e6 < served <= 0.6e6 * 4 / 3  # Of 3M a day; rolling days begin with nothing used.


def test_what_is_kept_opens_for_others_when_it_is_released() -> None:
    classes = "{trader: {reserve: 50%%, agents: [TradingAgent], release: %s}}"
    one = """\
version: 1
providers:
  groq: {api_key: none, day: {window: calendar}, limits: {tpd: 1M}, models: [llama-3.3-70b-versatile]}
classes: %s
workload: [{agent: night, tokens_per_day: 10M}]
"""
    released = plan(load_text(one % (classes % "6h"), "litellm.yaml", {}), days=2, begins=BEGINS, advise=False)
    never = plan(load_text(one % (classes % "never"), "litellm.yaml", {}), days=2, begins=BEGINS, advise=False)
    assert [sum(each.tokens for each in made.providers) // 100_000 for made in (released, never)] == [20, 10]


def test_what_would_help_tells_what_it_does_to_each_class() -> None:
    classes = "{trader: {reserve: 30%, agents: [TradingAgent]}, batch: {share: 20%, agents: [night]}}"
    workload = "  - {agent: night, tokens_per_day: 1500k}\n  - {agent: TradingAgent, tokens_per_day: 300k}\n"
    made = plan(config(classes, workload), days=2, begins=BEGINS)
    assert "class batch without a share: 100 % (trader 100 %, batch 100 %)" in made.advice


def test_without_classes_a_plan_has_none() -> None:
    made = plan(
        load_text(f"{PROVIDERS}workload:\n{BOTH.replace('class: batch, ', '')}", "litellm.yaml", {}),
        days=1,
        begins=BEGINS,
    )
    assert made.classes == ()
    assert "classes" not in document(made, "")
