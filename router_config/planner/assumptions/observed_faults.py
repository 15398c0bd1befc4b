"""The outages that a router lived through, as faults of a plan: how often each provider failed, and for how long."""

from collections.abc import Iterator, Sequence
from math import inf
from typing import Final

from router_config.ledger.rules.history import EVENTS_KEPT, SLOT_SECONDS, SLOTS_KEPT, Event
from router_config.ledger.values import History
from router_config.planner.assumptions.faults import ALL, Fault

LOOKED_BACK: Final = float(SLOT_SECONDS * SLOTS_KEPT)
"""Seconds of history that are kept in slots short enough to tell one outage from the next."""

NETWORK: Final = "network"
"""Stands for a provider in the events of this machine's own network."""

SHORTEST: Final = 10.0
"""Seconds: no cooldown tells of less."""


def observed_faults(history: History, now: float) -> tuple[Fault, ...]:
    """What failed as often and as long as it did in a history of slots of five minutes. now: epoch seconds.

    An outage begins with the cooldown of a provider, or of a part of it. It goes on while no request in between was
    answered, and ends where a probe succeeded, or else halfway through its last cooldown: nobody asked in that time.
    A day's room that is used up is none, since a plan counts that itself.
    """
    began = observed_since(history, now)
    seconds, found = now - began, []
    for provider in dict.fromkeys(event.provider for event in history.events):
        theirs = [event for event in history.events if event.provider == provider and event.at >= began]
        answers = _answers(history, provider)
        if provider == NETWORK:
            lengths = [_until_answered(event.at, answers, now) for event in theirs if event.kind == "unreachable"]
        else:
            lengths = list(_outages(theirs, answers, now))
        if lengths:
            every = max(seconds / len(lengths), *lengths)
            found.append(Fault(of=ALL if provider == NETWORK else provider, lasts=tuple(lengths), every=every))
    return tuple(found)


def observed_since(history: History, now: float) -> float:
    """From when on it tells of every outage, epoch seconds; `now` where nothing has happened yet."""
    slots = [number * SLOT_SECONDS for theirs in history.slots.values() for number in theirs]
    began = max(now - LOOKED_BACK, min([now, *slots, *(event.at for event in history.events)]))
    full = len(history.events) >= EVENTS_KEPT
    return max(began, min(event.at for event in history.events)) if full else began


def _outages(events: Sequence[Event], answers: Sequence[float], now: float) -> Iterator[float]:
    """How long each outage of a provider lasted, seconds."""
    began, ends = 0.0, -inf
    for event in sorted(events):
        if event.kind == "recovered":
            ends = min(ends, event.at)
        elif event.kind in ("cooldown", "disabled", "exhausted") and event.until < inf:
            answered = any(ends <= slot and slot + SLOT_SECONDS <= event.at for slot in answers)
            goes_on = began > 0 and (ends >= event.at or not answered)
            if began and not goes_on:
                yield max(SHORTEST, ends - began)
            if not goes_on:
                began = event.at
            ends = min(event.at + (event.until - event.at) / 2, now)
    if began:
        yield max(SHORTEST, ends - began)


def _answers(history: History, provider: str) -> tuple[float, ...]:
    """When slots began in which a provider answered; of the network, in which anybody did."""
    slots = history.slots.values() if provider == NETWORK else [history.slots.get(provider, {})]
    found = {number for theirs in slots for number, usage in theirs.items() if usage.requests > usage.errors}
    return tuple(sorted(float(number * SLOT_SECONDS) for number in found))


def _until_answered(since: float, answers: Sequence[float], now: float) -> float:
    return max(SHORTEST, next((slot for slot in answers if slot >= since), now) - since)
