"""`plan`: what the providers serve of a workload, by the router's own rules, and never more than they allow."""

from dataclasses import replace
from datetime import date
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import yaml

from router_config import load_config, plan
from router_config.config.loading import load_text
from router_config.config.loads import Hours
from router_config.config.models import Config
from router_config.planner.assumptions.what_if import not_planned, with_every_key
from router_config.planner.assumptions.workload import DAY, even_load
from router_config.planner.document import document
from router_config.planner.largest import largest

NOVEMBER = date(2026, 11, 23)
UTC_ZONE = ZoneInfo("UTC")
DAYTIME: dict[str, object] = {"day": {"timezone": "America/New_York"}}
SMALL: dict[str, object] = {
    "groq": {"limits": {"rpm": 30, "tpd": "10k"}, "models": ["one", "two"]},
    "gemini": {"limits": {"rpm": 60, "tpd": "150k"}, "models": ["three"]},
    "openai": {
        "tier": "paid",
        "limits": {"tpd": "10k"},
        "models": [{"name": "four", "price": {"input": 2, "output": 4}}],
    },
}


def config_of(providers: dict[str, object], **more: object) -> Config:
    text = yaml.safe_dump({"state": "memory://", "providers": providers, **more}, sort_keys=False)
    return with_every_key(load_text(text, "litellm.yaml", {}))


def test_a_load_that_fits_is_served_whole_and_free_providers_come_first() -> None:
    config = with_every_key(load_config("examples/reference.yaml", {}))
    made = plan(config, even_load(tokens_per_day=1_000_000), 3, begins=NOVEMBER)
    assert made
    assert (made.served, made.binding, made.unserved_since, made.usd_per_month) == (1.0, None, None, 0.0)
    shares = {each.provider: each.share for each in made.providers}
    assert list(shares) == ["groq", "gemini"]
    assert sum(shares.values()) == pytest.approx(1)
    assert 0.08 < shares["groq"] <= 0.1
    assert len(made.days) == 3
    assert made.tokens_per_day == pytest.approx(1e6, rel=0.1)


def test_what_does_not_fit_is_told_with_the_limit_and_the_moment() -> None:
    made = plan(config_of(SMALL), even_load(tokens_per_day=200_000), 4, begins=NOVEMBER, advise=False)
    assert not made
    assert 0.8 < made.served < 0.95
    assert made.binding == ("gemini", "tpd")
    assert made.unserved_since is not None
    assert made.unserved_since == made.days[1].unserved_since
    assert made.days[1].begins < made.unserved_since < made.days[2].begins
    assert made.usd_per_month == pytest.approx(0.03 * 3 * 30.4375 / 4, rel=0.01)
    third = made.days[2]
    assert DAY / 24 < third.dark_seconds < DAY / 3
    assert sum(third.unserved_by_hour) == third.unserved_requests > 0
    assert {each.binding for each in third.providers} == {"tpd"}
    for day in made.days:
        assert sum(each.tokens for each in day.providers) + day.unserved_tokens == day.tokens


def test_the_day_of_each_provider_ends_in_its_own_zone_whatever_the_clocks_do() -> None:
    config = config_of({"groq": {"limits": {"rpd": 100}, "models": ["m"], **DAYTIME}})
    load = even_load(requests_per_hour=20)
    made = plan(config, load, 4, begins=date(2026, 10, 30), timezone="America/New_York", advise=False)
    assert [each.providers[0].requests for each in made.days] == [100] * 4
    lengths = [(after.begins - day.begins) / 3600 for day, after in pairwise(made.days)]
    assert lengths == [24, 24, 25]  # The clocks go back in the night to November 2.


def test_every_day_is_told_where_next_to_nothing_is_asked_and_nobody_serves() -> None:
    rare = plan(config_of(SMALL), even_load(tokens_per_day=1), 5, begins=NOVEMBER)
    assert rare
    assert [day.requests for day in rare.days] == [0] * 5
    load = replace(even_load(requests_per_hour=1), group="fast")
    models = [{"name": "one", "groups": ["fast"]}]
    config = load_text(yaml.safe_dump({"providers": {"groq": {"models": models}}}), "litellm.yaml", {})
    nobody = plan(config, load, 2, begins=NOVEMBER, advise=False)
    assert (nobody.served, nobody.binding, nobody.providers) == (0.0, None, ())
    assert list(nobody.left_out) == ["groq"]
    assert [round(day.dark_seconds / DAY) for day in nobody.days] == [1, 1]
    one_at_a_time = config_of({"groq": {"limits": {"parallel": 1}, "models": ["m"]}})
    slow = plan(one_at_a_time, even_load(requests_per_hour=1), 4, begins=NOVEMBER, latency=2 * DAY, advise=False)
    assert slow.providers[0].requests == 2


def test_who_may_wait_is_served_later_and_the_plan_tells_how_much_later() -> None:
    config = config_of({"groq": {"limits": {"rpm": 10}, "models": ["m"]}})
    load = even_load(requests_per_hour=480)  # Eight a minute, but not evenly.
    made = {wait: plan(config, load, 1, begins=NOVEMBER, max_wait=wait, advise=False) for wait in (0.0, 30.0, 300.0)}
    served = [each.served for each in made.values()]
    assert served == sorted(served)
    assert served[0] < 0.95 < served[2] == 1.0
    assert (made[0.0].wait_p50, made[0.0].wait_p95) == (0.0, 0.0)
    assert 0 <= made[300.0].wait_p50 < made[300.0].wait_p95 <= 300
    assert made[30.0].wait_p95 <= 30


def test_the_same_seed_gives_the_same_plan() -> None:
    load, config = even_load(tokens_per_day=180_000), config_of(SMALL)
    one, same, other = (plan(config, load, 2, begins=NOVEMBER, seed=seed, advise=False) for seed in (1, 1, 2))
    assert one == same != other


def test_the_largest_load_is_served_and_a_little_more_is_not() -> None:
    config = config_of({"groq": {"limits": {"tpd": "200k"}, "day": {"timezone": "UTC"}, "models": ["m"]}})
    load = even_load(tokens_per_day=50_000)
    found = largest(config, [load], 90, begins=NOVEMBER)
    assert found is not None
    assert found.plan
    assert 3 < found.times <= 4.2
    assert not plan(config, load.times(found.times * 1.05), 7, begins=NOVEMBER, advise=False)
    assert largest(config_of({"groq": {"limits": {"rpd": 0}, "models": ["m"]}}), [load], 2, begins=NOVEMBER) is None


def test_the_workload_of_the_file_is_planned_for_where_none_is_given() -> None:
    work = [
        {"agent": "trader", "requests_per_hour": 60, "hours": "mon-fri 09:00-15:00 America/New_York"},
        {"agent": "reader", "group": "many", "requests_per_day": 50, "tokens": {"prompt": "900-1100", "answer": 20}},
    ]
    models = ["one", {"name": "two", "groups": ["many"]}]
    config = config_of({"groq": {"limits": {"tpd": "200k"}, "models": models, **DAYTIME}}, workload=work)
    made = plan(config, days=7, begins=NOVEMBER, timezone="America/New_York", advise=False)
    assert not made
    assert [day.unserved_requests > 0 for day in made.days] == [True] * 5 + [False] * 2
    assert made.binding == ("groq", "tpd")
    assert all(day.requests == pytest.approx(410, rel=0.2) for day in made.days[:5])
    assert not any(any(day.unserved_by_hour[:9]) for day in made.days)


def test_the_week_of_a_plan_has_each_request_in_its_local_hour_whatever_the_clocks_do() -> None:
    """The clocks of New York go back on 2026-11-01, a Sunday: noon is the thirteenth hour since midnight."""
    config = config_of({"groq": {"limits": {"rpd": 30}, "models": ["m"], **DAYTIME}})
    hours = Hours(days=frozenset([6]), begins=12 * 60, ends=14 * 60, timezone="America/New_York")
    load = replace(even_load(requests_per_hour=60), hours=hours)
    made = plan(config, load, 2, begins=date(2026, 10, 31), timezone="America/New_York", advise=False)
    week = document(made, "No.")["week"]
    sunday = 6 * 24
    assert [place for place, count in enumerate(week["requests"]) if count] == [sunday + 12, sunday + 13]
    assert sum(week["requests"]) == made.requests
    assert week["unserved"][sunday + 13] == week["requests"][sunday + 13] > 30
    for day in made.days:
        assert (sum(day.requests_by_hour), sum(day.unserved_by_hour)) == (day.requests, day.unserved_requests)


def test_what_rules_of_groups_may_change_is_said_beside_the_plan() -> None:
    groups = "groups: {default: {prefer: fastest, hedge: {at_most: 5%}}}\n"
    told = list(not_planned(load_text(groups + "providers: {groq: {models: [m]}}", "litellm.yaml", {})))
    assert told[0].startswith("Hedging in the group default may ask up to 5 % more requests than planned")
    assert "divided by 1.05" in told[0]
    assert told[1].startswith("The group default prefers the fastest")
    assert not list(not_planned(load_text("providers: {groq: {models: [m]}}", "litellm.yaml", {})))
