"""The bounded history that every store keeps: usage by slot, the last latencies, and events.

It also keeps the last error of each provider and the last decisions (decisions.py).
"""

from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple, cast

from router_config.ledger.rules.decisions import Decision
from router_config.ledger.rules.gates import Cooldown

MINUTE_SECONDS: Final = 60
MINUTES_KEPT: Final = 130
"""Usage of each provider is summed by the minute, for the last 130 minutes."""

SLOT_SECONDS: Final = 300
SLOTS_KEPT: Final = 8 * 24 * 12
"""It is also summed over slots of five minutes, for the last eight days: at most 2304 rows for each provider."""

SLOT_MINUTES: Final = SLOT_SECONDS // MINUTE_SECONDS

HOUR_SECONDS: Final = 3600
HOURS_KEPT: Final = 60 * 24
"""Slots older than their eight days are summed over hours, for 60 days: at most 1440 rows for each provider.

A younger hour is the sum of its slots, which nobody writes a second time. So no settlement counts in a third place, and
a store that an older version wrote has its last eight days by the hour at once.
"""

HOUR_SLOTS: Final = HOUR_SECONDS // SLOT_SECONDS

SlotSeconds = Literal[60, 300, 3600]

BURN_SECONDS: Final = 3600
"""The burn of a provider is its tokens of the last hour."""

LATENCIES_KEPT: Final = 200
"""The percentiles shown are those of the last 200 answers of a provider."""

EVENTS_KEPT: Final = 200
"""A store keeps its last 200 events."""

EventKind = Literal[
    "configuration", "configuration_error", "cooldown", "disabled", "exhausted", "failover", "implausible_usage",
    "lasts_again", "limit_changed", "recovered", "running_out", "share_used", "state_lost", "unreachable",
]  # fmt: skip

REPEATED_AFTER: Final[dict[str, float]] = {
    "configuration": 2.0,
    "configuration_error": 2.0,
    "failover": 60.0,
    "exhausted": 3600.0,
    "implausible_usage": 3600.0,
    "lasts_again": 240.0,
    "limit_changed": 86400.0,
    "running_out": 240.0,
    "share_used": 86400.0,
    "state_lost": 60.0,
    "unreachable": 3600.0,
}
"""Seconds after which the same event of the same provider is kept again. Sooner it would fill the list."""

TOLD_APART: Final = frozenset({"configuration", "configuration_error", "limit_changed"})
"""Kinds of which two with another reason are two events, however soon one follows the other."""

COOLDOWN_EVENTS: Final = frozenset({"cooldown", "disabled", "exhausted"})
"""The statuses of a cooldown that are an event."""

RECOVERY_EVENTS: Final = frozenset({"disabled", "exhausted"})
"""Those of which it is an event, too, that a probe succeeded."""

RECOVERED: Final = "It serves again. Before: "


UNREACHABLE: Final = "this machine cannot reach any provider"


class Event(NamedTuple):
    """Something that happened to a provider and that a chart shows. Epoch seconds.

    `until`: `inf` where nobody knows the end.
    """

    at: float
    kind: EventKind
    provider: str
    reason: str
    until: float = float("inf")


def slot_of(moment: float) -> int:
    return int(moment // SLOT_SECONDS)


def minute_of(moment: float) -> int:
    return int(moment // MINUTE_SECONDS)


def event_of_cooldown(cooldown: Cooldown, provider: str) -> Event | None:
    """The beginning of a cooldown of a provider, or of a part of it."""
    if cooldown.status not in COOLDOWN_EVENTS:
        return None
    return Event(cooldown.since, cast(EventKind, cooldown.status), provider, cooldown.reason, cooldown.until)


def event_of_recovery(cooldown: Cooldown, provider: str, now: float) -> Event | None:
    """A probe succeeded: the provider, or a part of it, serves again."""
    if cooldown.status not in RECOVERY_EVENTS:
        return None
    return Event(now, "recovered", provider, f"{RECOVERED}{cooldown.reason}", now)


def events_of(decision: Decision) -> Iterator[Event]:
    """Failovers, providers that were skipped because their day is used up, no network, and classes past their share."""
    if decision.error is not None and decision.error.startswith(UNREACHABLE):
        yield Event(decision.at, "unreachable", "network", UNREACHABLE, decision.at)
    refused = decision.agent_class is not None and decision.provider is None
    if refused and any(each.status == "share_used" for each in decision.skipped):
        reason = "it has used its share; a request of it was refused"
        yield Event(decision.at, "share_used", f"class {decision.agent_class}", reason, decision.at)
    for attempt in decision.attempts:
        if attempt.outcome != "ok" and decision.provider is not None and attempt.provider != decision.provider:
            reason = f"{attempt.outcome}; {decision.provider} answered"
            yield Event(decision.at, "failover", attempt.provider, reason, decision.at)
    for skipped in decision.skipped:
        if skipped.status == "exhausted":
            yield Event(decision.at, "exhausted", skipped.provider, f"{skipped.model}: the day is used up")


class News:
    """The events of decisions that this process has not told a store yet.

    The store compares once more (`is_news`), since other processes tell it events too.
    """

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], float] = {}

    def of(self, decision: Decision) -> list[Event]:
        fresh: list[Event] = []
        for event in events_of(decision):
            key = event.kind, event.provider
            if event.at >= self._told.get(key, float("-inf")) + REPEATED_AFTER[event.kind]:
                self._told[key] = event.at
                fresh.append(event)
        return fresh


def is_news(event: Event, kept: Iterable[Event]) -> bool:
    """Whether none of the events kept says the same, or did so long enough ago."""
    since = event.at - REPEATED_AFTER.get(event.kind, 0.0)
    return not any(
        each.kind == event.kind
        and each.provider == event.provider
        and each.at > since
        and (each.kind not in TOLD_APART or each.reason == event.reason)
        for each in kept
    )
