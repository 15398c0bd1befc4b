"""`plan --replay`: the requests of the own history, week by week."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from rig_ledger import Place, run, taken

from router_config import plan
from router_config.config.loading import load_text
from router_config.config.loads import Recorded
from router_config.config.models import Config
from router_config.ledger.interfaces import Store
from router_config.ledger.opening import open_store
from router_config.ledger.rules.decisions import Decision
from router_config.ledger.rules.meters import Amount
from router_config.ledger.values import History, Outcome, Settlement, Usage
from router_config.planner.assumptions.own_history import replay_of
from router_config.planner.assumptions.replay import moments_again, replayed
from router_config.planner.assumptions.what_if import with_every_key
from router_config.planner.assumptions.workload import DAY, arrivals, per_day
from router_config.planner.largest import largest

MONDAY = 1_795_392_000.0
"""2026-11-23 00:00 UTC."""

WEEK = 7 * DAY
FIRST = int((MONDAY - WEEK) // 300)
PLACE = Place("groq/m")


def config_of(limits: dict[str, Any]) -> Config:
    text = yaml.safe_dump({"providers": {"groq": {"limits": limits, "models": ["m"]}}})
    return with_every_key(load_text(text, "litellm.yaml", {}))


@contextmanager
def closing_store(url: str) -> Iterator[Store]:
    store = open_store(url)
    yield store
    run(store.aclose())


def decision(
    at: float, tokens: int | None, agent: str | None = "trader", group: str = "default", outcome: str = "ok"
) -> Decision:
    provider = "groq" if outcome == "ok" else None
    return Decision(at, agent, group, provider, None, outcome, (), (), tokens, 1.0)


def hours(slots: dict[int, int], tokens: int = 1000) -> History:
    """So many requests in each slot, since a week before."""
    return History({"groq": {FIRST + slot: Usage(each, each * tokens) for slot, each in slots.items()}})


def counted(history: History, *decisions: Decision, days: float = 14, times: float = 1.0) -> Counter[int]:
    """Requests by slot of a plan that begins where the history ends."""
    replay = replayed(history, decisions, 300, MONDAY - WEEK, MONDAY)
    loads = [load.times(times) for load in replay.loads]
    return Counter(int((each.at - MONDAY) // 300) for each in arrivals(loads, MONDAY, MONDAY + days * DAY))


def test_a_week_comes_again_slot_by_slot() -> None:
    known = {0: 5, 100: 1, 2015: 3}
    assert counted(hours(known)) == {slot + week * 2016: each for slot, each in known.items() for week in (0, 1)}
    assert counted(hours(known), times=3) == {
        slot + week * 2016: 3 * each for slot, each in known.items() for week in (0, 1)
    }


def test_moments_are_at_random_in_their_slot_and_the_same_by_the_same_seed() -> None:
    recorded = Recorded(300, FIRST, (400.0,))
    moments = list(moments_again(recorded, MONDAY, MONDAY + 300, Random(1)))
    assert moments == sorted(moments) == list(moments_again(recorded, MONDAY, MONDAY + 300, Random(1)))
    assert MONDAY < moments[0] < MONDAY + 10 < MONDAY + 290 < moments[-1] < MONDAY + 300
    assert moments != list(moments_again(recorded, MONDAY, MONDAY + 300, Random(2)))


def test_two_weeks_come_again_in_turn_and_less_than_a_week_day_by_day() -> None:
    day = 288
    two_weeks = Recorded(300, FIRST, tuple(float(slot // day) for slot in range(14 * day)))
    times = [
        sum(1 for _ in moments_again(two_weeks, MONDAY + at * DAY, MONDAY + (at + 1) * DAY, Random(1)))
        for at in range(14)
    ]
    assert times == [day * number for number in (*range(7, 14), *range(7))]
    two_days = Recorded(300, FIRST, (1.0,) * day + (2.0,) * day)  # Monday and Tuesday
    each = [
        sum(1 for _ in moments_again(two_days, MONDAY + at * DAY, MONDAY + (at + 1) * DAY, Random(1)))
        for at in range(7)
    ]
    assert each[:2] == [day, 2 * day]
    assert set(each[2:]) == {day, 2 * day}
    hour = Recorded(300, FIRST, (3.0,) * 12)
    assert sum(1 for _ in moments_again(hour, MONDAY, MONDAY + DAY, Random(1))) == 3 * day


def test_what_nobody_served_is_asked_again_where_decisions_tell_of_it() -> None:
    refused = [decision(MONDAY - 1000, None, outcome="refused"), decision(MONDAY - 900, None, outcome="overloaded")]
    others = [decision(MONDAY - 800, None, outcome="cancelled"), decision(MONDAY - 700, 900)]
    replay = replayed(hours({2012: 1}), [*refused, *others], 300, MONDAY - WEEK, MONDAY)
    assert (replay.requests, replay.unserved) == (3, 2)


def test_failed_attempts_are_not_asked_again() -> None:
    history = History({"groq": {FIRST: Usage(5, 3000, errors=2)}, "gemini": {FIRST: Usage(2, 2000, errors=0)}})
    assert replayed(history, (), 300, MONDAY - WEEK, MONDAY).requests == 5


def test_agents_groups_and_sizes_are_those_of_the_decisions_and_the_mean_that_of_the_history() -> None:
    traders = [decision(MONDAY - 500, size) for size in (100, 300)]
    readers = [decision(MONDAY - 400, 4000, "reader", "long"), decision(MONDAY - 300, 4000, "reader", "gone")]
    replay = replayed(
        hours({0: 80}, tokens=4200),
        [*traders, *readers],
        300,
        MONDAY - WEEK,
        MONDAY,
        {"default": "default", "long": "long"}.get,
    )
    assert replay.forgotten == ("gone",)
    loads = {(load.agent, load.group): load for load in replay.loads}
    assert {who: per_day(load)[0] for who, load in loads.items()} == pytest.approx(
        {("trader", "default"): 40 / 7, ("reader", "long"): 20 / 7, ("reader", "default"): 20 / 7}
    )
    assert sum(per_day(load)[1] for load in replay.loads) == pytest.approx(80 * 4200 / 7)
    trader, reader = loads["trader", "default"], loads["reader", "long"]
    assert reader.mean_tokens == pytest.approx(20 * trader.mean_tokens)
    assert trader.prompt.least < trader.prompt.most == trader.answer.most
    assert {each.load for each in arrivals(replay.loads, MONDAY, MONDAY + WEEK)} == {0, 1, 2}


def test_the_agents_that_ask_most_are_told_apart() -> None:
    each = [decision(MONDAY - 500 - number, 100, f"agent-{number % 30}") for number in range(100)]
    replay = replayed(hours({0: 100}), each, 300, MONDAY - WEEK, MONDAY)
    agents = {load.agent: per_day(load)[0] * 7 for load in replay.loads}
    assert len(agents) == 21
    assert (agents["agent-0"], agents["others"]) == pytest.approx((4, 30))
    assert sum(agents.values()) == pytest.approx(100)


def test_without_history_nothing_can_be_replayed() -> None:
    with pytest.raises(ValueError, match="nobody has asked yet"):
        replayed(History({}), (), 300, MONDAY - WEEK, MONDAY)
    with pytest.raises(ValueError, match="before the 5 minutes that are not over yet"):
        replayed(hours({2016: 3}), (), 300, MONDAY - WEEK, MONDAY + 60)


def test_a_plan_takes_a_replay() -> None:
    replay = replayed(hours({12: 150}), (), 300, MONDAY - WEEK, MONDAY)
    made = plan(config_of({"rpd": 100}), replay.loads, 14, begins=date(2026, 11, 23), advise=False)
    assert [(day.requests, day.unserved_requests) for day in made.days[::7]] == [(150, 50), (150, 50)]
    assert made.requests == 300
    found = largest(config_of({"rpd": 100}), replay.loads, 90, begins=date(2026, 11, 23))
    assert found is not None
    assert 0.66 < found.times <= 0.67


@pytest.mark.parametrize("kept", ["memory", "sqlite"])
def test_the_history_of_a_store_is_replayed_and_it_is_said_how_much_there_is(kept: str, tmp_path: Path) -> None:
    config = config_of({})
    with closing_store(f"sqlite:///{tmp_path}/state.db" if kept == "sqlite" else "memory://") as store:
        with pytest.raises(ValueError, match="nobody has asked yet"):
            run(replay_of(store, config, WEEK, MONDAY))
        for number in range(6):
            at = MONDAY - 2 * DAY + 3600 * number
            lease = taken(store, PLACE, at=at)
            assert lease is not None
            answered = Outcome("groq", "m", 1.0)
            settled = Settlement(Amount(1, 1200), at, at, outcome=answered, decision=decision(at, 1200))
            run(store.settle(lease, settled, at))
        run(store.record(decision(MONDAY - 3600, None, outcome="refused"), MONDAY - 3600))
        replay, told = run(replay_of(store, config, WEEK, MONDAY))
        assert told == (
            "Replayed: 7 requests of the last 2 days, 1 of which nobody served; "
            "there is no more history, though 7 days were asked for."
        )
        assert sum(1 for _ in arrivals(replay.loads, MONDAY, MONDAY + 4 * DAY)) == 14
        assert run(replay_of(store, config, 2 * DAY, MONDAY))[1].endswith("1 of which nobody served.")


def test_more_than_the_days_that_are_kept_in_slots_of_minutes_comes_again_by_the_hour() -> None:
    with closing_store("memory://") as store:
        for days in (20, 19.99, 2):
            at = MONDAY - days * DAY
            lease = taken(store, PLACE, at=at)
            assert lease is not None
            run(store.settle(lease, Settlement(Amount(1, 500), at, at, outcome=Outcome("groq", "m", 1.0)), at))
        replay, told = run(replay_of(store, config_of({}), 30 * DAY, MONDAY))
    assert told.startswith("Replayed: 3 requests of the last 20 days; there is no more history")
    (load,) = replay.loads
    assert load.recorded is not None
    assert (load.recorded.seconds, load.recorded.days) == (3600, 20)
    assert list(load.recorded.counts[:1]) == [2.0]
