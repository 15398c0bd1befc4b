"""What happened to a provider that a person wants to see on a chart: derived from settlements, kept by every store."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, cast

from router_config.ledger.rules.decisions import Decision
from router_config.ledger.rules.gates import Rest

EventKind = Literal["failover", "cooldown", "disabled", "exhausted"]

EVENTS_KEPT: Final = 200
"""A store keeps its last 200 events."""

AGAIN: Final[dict[str, float]] = {"failover": 60.0, "exhausted": 3600.0}
"""Seconds for which the same of the same provider is no news: what happens to every request would fill the list."""

RESTS_TOLD: Final = frozenset({"cooldown", "disabled", "exhausted"})


@dataclass(frozen=True, slots=True)
class Event:
    """`until`: epoch seconds; `inf` where it has no end that is known."""

    at: float
    kind: EventKind
    provider: str
    reason: str
    until: float = float("inf")


def event_of_rest(rest: Rest, provider: str) -> Event | None:
    """That a provider, or a part of it, is left alone from now on."""
    if rest.status not in RESTS_TOLD:
        return None
    return Event(rest.since, cast(EventKind, rest.status), provider, rest.reason, rest.until)


def events_of(decision: Decision) -> Iterator[Event]:
    """Failovers to another provider, and providers that were passed over because their day is used up."""
    for attempt in decision.attempts:
        if attempt.outcome != "ok" and decision.provider is not None and attempt.provider != decision.provider:
            reason = f"{attempt.outcome}; {decision.provider} answered"
            yield Event(decision.at, "failover", attempt.provider, reason, decision.at)
    for passed in decision.passed:
        if passed.status == "exhausted":
            yield Event(decision.at, "exhausted", passed.provider, f"{passed.model}: the day is used up")


class News:
    """Keeps this process from telling the same again and again; the store looks once more, for the others."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], float] = {}

    def of(self, decision: Decision) -> list[Event]:
        """The events of a decision that are not told already."""
        fresh: list[Event] = []
        for event in events_of(decision):
            key = event.kind, event.provider
            if event.at >= self._told.get(key, float("-inf")) + AGAIN[event.kind]:
                self._told[key] = event.at
                fresh.append(event)
        return fresh


def is_news(event: Event, kept: Iterable[Event]) -> bool:
    """Whether none of those kept says the same."""
    since = event.at - AGAIN.get(event.kind, 0.0)
    return not any(each.kind == event.kind and each.provider == event.provider and each.at > since for each in kept)
