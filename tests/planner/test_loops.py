"""Tool loops in a plan: each call after the one before, with the model that answered it while that has room."""

from collections import defaultdict
from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from router_config import plan
from router_config.cli.commands.plan import _lines
from router_config.config.loading import load_text
from router_config.config.loads import Burst, Load, Spread
from router_config.config.models import Config
from router_config.forecast.workload_hours import midnight
from router_config.planner.assumptions.what_if import with_every_key
from router_config.planner.assumptions.workload import DAY, Arrival, arrivals, even_load
from router_config.planner.document import document
from router_config.planner.plan import Plan
from router_config.planner.virtual.observer import Observer, Served
from router_config.planner.virtual.simulation import Simulation

NOVEMBER = date(2026, 11, 23)
BEGINS = midnight(NOVEMBER, ZoneInfo("UTC"))
EQUALS: dict[str, Any] = {
    "groq": {"priority": 1, "limits": {"rpm": 10, "tpd": "300k"}, "models": ["one", "two"]},
    "gemini": {"priority": 1, "limits": {"rpm": 10, "tpd": "300k"}, "models": ["three"]},
    "openai": {"priority": 2, "tier": "paid", "models": [{"name": "four", "price": {"input": 2, "output": 4}}]},
}
LOAD = replace(even_load(requests_per_hour=600, tokens=600), tools=True)
LOOPS = replace(LOAD, calls_per_loop=20)


def config_of(providers: dict[str, Any], **more: Any) -> Config:
    text = yaml.safe_dump({"state": "memory://", "providers": providers, **more}, sort_keys=False)
    return with_every_key(load_text(text, "litellm.yaml", {}))


def planned(load: Load, config: Config, days: int = 2, **how: Any) -> Plan:
    return plan(config, load, days, begins=NOVEMBER, advise=False, **how)


def moves(made: Plan) -> int:
    assert made.loops is not None
    return made.loops.moved


class Asked(Observer):
    """What became of each call, and when."""

    def __init__(self) -> None:
        self.served_calls: list[Served] = []
        self.refused_at: list[float] = []

    def served(self, request: Served) -> None:
        self.served_calls.append(request)

    def unserved(self, arrival: Arrival, *told: Any, **more: Any) -> None:
        self.refused_at.append(arrival.at)


def run(load: Load, config: Config, **how: Any) -> tuple[Asked, list[Arrival]]:
    asked, drawn = Asked(), list(arrivals([load], BEGINS, BEGINS + DAY))
    for _ in Simulation(config, [load], asked, **how).run(iter(drawn)):
        pass
    return asked, drawn


def test_loops_that_stay_change_their_model_less_often_and_as_much_is_asked() -> None:
    loyal, by_priority = (
        planned(LOOPS, config_of(EQUALS)),
        planned(LOOPS, config_of(EQUALS, defaults={"sticky": False})),
    )
    each_by_itself = planned(LOAD, config_of(EQUALS))
    assert loyal.loops is not None
    assert by_priority.loops is not None
    assert loyal.loops.begun == by_priority.loops.begun == -(-loyal.requests // 20)
    assert 0 < loyal.loops.moved < 0.8 * by_priority.loops.moved
    totals = [(each.requests, each.tokens, len(each.days)) for each in (loyal, by_priority, each_by_itself)]
    assert len(set(totals)) == 1


def test_a_loop_that_has_all_the_room_it_needs_never_moves() -> None:
    roomy = {name: {**each, "limits": {}} for name, each in EQUALS.items()}
    assert moves(planned(LOOPS, config_of(roomy))) == 0
    assert moves(planned(LOOPS, config_of(roomy, defaults={"sticky": False}))) > 1000


def test_a_loop_that_was_begun_goes_on_past_the_soft_limit() -> None:
    """The 950th request of the day is in the middle of a loop, which ends where it began; the next begin elsewhere."""
    first = {"priority": 1, "limits": {"rpd": 1000}, "models": ["one"]}
    providers = {"groq": first, "gemini": {"priority": 2, "models": ["two"]}}
    load, at_first = replace(LOOPS, requests_per_hour=60), list[int]()
    for sticky in ("10m", False):
        made = planned(load, config_of(providers, defaults={"sticky": sticky}), days=1)
        at_first.append(made.providers[0].requests)
        assert moves(made) == (not sticky)
    assert at_first == [960, 950]


def test_the_rule_of_a_group_goes_before_that_of_the_defaults() -> None:
    off = config_of(EQUALS, defaults={"sticky": False})
    assert planned(LOOPS, config_of(EQUALS, groups={"default": {"sticky": False}})) == planned(LOOPS, off)
    on = config_of(EQUALS, defaults={"sticky": False}, groups={"default": {"sticky": "10m"}})
    assert planned(LOOPS, on) == planned(LOOPS, config_of(EQUALS))
    aliased = config_of(EQUALS, groups={"default": {"sticky": False}}, aliases={"main": "default"})
    assert planned(replace(LOOPS, group="main"), aliased) == planned(LOOPS, off)


def test_a_loop_with_which_nobody_goes_on_for_long_goes_by_priority_again() -> None:
    rare = replace(LOOPS, requests_per_hour=4)
    roomy = {name: {**each, "limits": {}} for name, each in EQUALS.items()}
    short, long = (moves(planned(rare, config_of(roomy, defaults={"sticky": sticky}))) for sticky in ("1m", "1d"))
    assert short > 50
    assert long == 0


@pytest.mark.parametrize("max_wait", [0.0, 20.0])
def test_a_call_is_asked_at_its_own_moment_or_when_the_one_before_has_ended(max_wait: float) -> None:
    burst = Burst(requests=Spread(((0.0, 4), (1.0, 60))), over=60.0)
    load = replace(LOOPS, calls_per_loop=7, burst=burst, requests_per_hour=300)
    limited = config_of({"groq": {"limits": {"rpm": 30}, "models": ["one"]}})
    asked, drawn = run(load, limited, latency=9.0, max_wait=max_wait)
    assert asked.refused_at  # They do not break a loop off.
    assert len(asked.served_calls) + len(asked.refused_at) == len(drawn)
    roomy = config_of({"groq": {"models": ["one"]}})
    asked, drawn = run(load, roomy, latency=9.0, max_wait=max_wait)
    ends = defaultdict[int, float](float)
    expected = []
    for number, arrival in enumerate(drawn):
        begins = max(arrival.at, ends[number // 7])
        ends[number // 7] = begins + 9.0
        expected.append(begins)
    assert sorted(call.asked_at for call in asked.served_calls) == pytest.approx(sorted(expected), abs=1e-6)
    assert any(after != before.at for after, before in zip(expected, drawn, strict=True))


def test_that_a_call_waits_for_the_one_before_is_no_wait_for_room() -> None:
    burst = Burst(requests=Spread(((0.5, 40),)), over=10.0)
    made = planned(replace(LOOPS, burst=burst), config_of({"groq": {"models": ["one"]}}), max_wait=30.0, latency=5.0)
    assert (made.served, made.wait_p95) == (1.0, 0.0)


@pytest.mark.parametrize("loops", [True, False])
def test_what_ends_after_the_last_day_counts_as_that_days(loops: bool) -> None:
    config = config_of({"groq": {"limits": {"rpm": 12}, "models": ["one"]}})
    load, latency = (LOOPS, 1800.0) if loops else (LOAD, 2.0)
    made = planned(load, config, 2, max_wait=300.0, latency=latency)
    asked = len(
        list(arrivals([load], midnight(NOVEMBER, ZoneInfo("UTC")), midnight(NOVEMBER, ZoneInfo("UTC")) + 2 * DAY))
    )
    assert (len(made.days), made.requests) == (2, asked)
    assert [sum(day.requests_by_hour) for day in made.days] == [day.requests for day in made.days]
    assert all(day.requests_by_hour[24] == 0 for day in made.days)


def test_an_answer_tells_of_loops_where_there_are_any() -> None:
    config = config_of(EQUALS)
    made = planned(LOOPS, config, 1)
    assert made.loops is not None
    assert document(made, "")["loops"] == {"begun": made.loops.begun, "moved": made.loops.moved}
    told = "\n".join(_lines(made, config, ""))
    assert f"{made.loops.begun} tool loops begun; within them calls changed the model {made.loops.moved} times." in told
    without = planned(LOAD, config, 1)
    assert without.loops is None
    assert "loops" not in document(without, "")
    assert "loop" not in "\n".join(_lines(without, config, ""))
