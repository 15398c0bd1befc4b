"""The outages of a history as faults of a plan."""

from math import inf

import pytest

from router_config import Fault
from router_config.ledger.rules.history import Event, EventKind
from router_config.ledger.values import History, Usage
from router_config.planner.assumptions.observed_faults import observed_faults, observed_since
from router_config.planner.assumptions.workload import DAY

NOW = 1_795_392_000.0  # A slot begins.
FINE = Usage(requests=3, tokens=900)
FAILED = Usage(requests=2, errors=2)


def cooldown(at: float, seconds: float = 300.0, provider: str = "groq", kind: EventKind = "cooldown") -> Event:
    return Event(NOW + at, kind, provider, "it fails", NOW + at + seconds)


def history(*events: Event, answered: dict[str, list[float]], failed: tuple[float, ...] = ()) -> History:
    slots = {name: {int((NOW + at) // 300): FINE for at in theirs} for name, theirs in answered.items()}
    for at in failed:
        slots.setdefault("groq", {})[int((NOW + at) // 300)] = FAILED
    return History(slots, events)


def test_cooldowns_between_which_nobody_was_answered_are_one_outage() -> None:
    one = [cooldown(-DAY + 310 * number) for number in range(12)]
    other = [cooldown(-DAY / 2)]
    known = history(*one, *other, answered={"groq": [-4 * DAY, -DAY + 7200, -DAY / 2 + 900]}, failed=(-DAY + 900,))
    (fault,) = observed_faults(known, NOW)
    assert fault.of == "groq"
    assert list(fault.lengths) == pytest.approx([11 * 310 + 150, 150])
    assert fault.every == pytest.approx(2 * DAY)
    assert observed_since(known, NOW) == NOW - 4 * DAY


def test_an_outage_ends_where_a_probe_succeeds() -> None:
    refused = cooldown(-7200, 86400.0, kind="disabled")
    known = history(refused, Event(NOW - 3600, "recovered", "groq", "", NOW - 3600), answered={"groq": [-DAY]})
    assert observed_faults(known, NOW) == (Fault(of="groq", lasts=(3600.0,), every=DAY),)


def test_a_day_that_is_used_up_is_no_outage_and_neither_is_what_is_no_failure() -> None:
    used_up = Event(NOW - 600, "exhausted", "groq", "m: the day is used up", inf)
    over = Event(NOW - 300, "failover", "groq", "429", NOW - 300)
    assert observed_faults(history(used_up, over, answered={"groq": [-DAY]}), NOW) == ()
    assert observed_faults(History({}), NOW) == ()
    assert observed_since(History({}), NOW) == NOW


def test_a_network_that_was_away_fails_all_until_somebody_answered() -> None:
    away = Event(NOW - 3600, "unreachable", "network", "away", NOW - 3600)
    known = history(away, answered={"groq": [-DAY], "gemini": [-1800]})
    assert observed_faults(known, NOW) == (Fault(of="all", lasts=(1800.0,), every=DAY),)


def test_a_list_of_events_that_is_full_tells_only_of_what_is_in_it() -> None:
    events = [cooldown(-DAY + 60 * number, 30.0) for number in range(200)]
    known = history(*events, answered={"groq": [-5 * DAY]})
    assert observed_since(known, NOW) == NOW - DAY
    (fault,) = observed_faults(known, NOW)
    assert fault.every == DAY
