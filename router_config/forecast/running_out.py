"""Which room is expected to end before its window does: told once, and taken back when it lasts after all.

It is told when the middle of the forecast ends too early, and taken back when even the early edge lasts. What lies
between the two neither begins nor ends a warning, so that none comes and goes with every hour. A window that ends takes
its warning with it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Final, NamedTuple

from router_config.forecast.exhaustion import Ends
from router_config.ledger.rules.history import Event

TOGETHER: Final = "all providers"
"""Who runs out where all do."""

KINDS: Final = frozenset({"running_out", "lasts_again"})


class Watched(NamedTuple):
    """A room that is watched: whose, and of which limit; of all together, of which kind of window."""

    provider: str
    limit: str


@dataclass(frozen=True, slots=True)
class Prospect:
    """What is expected of a room.

    ends_at: when the calendar's window does, epoch seconds; None for a rolling one. told: the same for a person.
    """

    ends: Ends
    ends_at: float | None
    told: str


def holding(events: Iterable[Event], now: float) -> set[Watched]:
    """The warnings that hold at a moment (epoch seconds), by the events of a store, oldest first."""
    last = {Watched(each.provider, each.reason.partition(":")[0]): each for each in events if each.kind in KINDS}
    return {watched for watched, each in last.items() if each.kind == "running_out" and each.until > now}


def news(prospects: Mapping[Watched, Prospect], held: Iterable[Watched], now: float) -> list[Event]:
    """The events to tell: at most one of each kind for a provider, since a store keeps one; others come next time.

    held: the warnings that hold. now: epoch seconds.
    """
    before, found = set(held), dict[tuple[str, str], Event]()
    for watched, prospect in prospects.items():
        ends, reason = prospect.ends, f"{watched.limit}: {prospect.told}"
        if watched not in before and ends.p50 is not None and ends.p50 > now:
            until = inf if prospect.ends_at is None else prospect.ends_at
            event = Event(now, "running_out", watched.provider, reason, until)
        elif watched in before and ends.p10 is None:
            event = Event(now, "lasts_again", watched.provider, reason, now)
        else:
            continue
        found.setdefault((event.kind, event.provider), event)
    return list(found.values())
