"""Warnings before room ends: events of the store, told once by all processes that share it."""

from collections.abc import Iterator
from typing import Final

from router_config.forecast.exhaustion import Ends
from router_config.forecast.running_out import TOGETHER, Prospect, Watched, news
from router_config.iso import iso
from router_config.ledger.interfaces import Store
from router_config.ledger.rules.meters import NOTHING
from router_config.ledger.rules.windows import Unit
from router_config.ledger.values import Lease, Settlement, new_lease_id
from router_config.status.outlook import Outlooks

EVERY: Final = 300.0
"""Seconds between two looks at the forecast: more than for which a store takes the same event for one."""


class RunningOut:
    """Tells a store which rooms are expected to end too early, by the forecast that was made last."""

    def __init__(self) -> None:
        self._next: float | None = None

    def look_is_due(self, now: float) -> bool:
        """Whether to look at the forecast; once it is, it is not for five minutes. Not at the first time."""
        if self._next is None:
            self._next = now + EVERY
        if now < self._next:
            return False
        self._next = now + EVERY
        return True

    async def tell(self, outlooks: Outlooks, store: Store, now: float) -> None:
        """Tell what is new. A guess by the last hour warns nobody: it changes with every hour."""
        if outlooks.is_a_guess:
            return
        told = tuple(news(dict(_prospects(outlooks)), outlooks.running_out(now), now))
        if told:
            nothing = Lease(f"none-{new_lease_id()}", "", (), NOTHING, now, now)
            await store.settle(nothing, Settlement(None, now, now, events=told), now)
            outlooks.heard(told)


def _prospects(outlooks: Outlooks) -> Iterator[tuple[Watched, Prospect]]:
    question, found = outlooks.last
    for name, lefts in question.lefts.items():
        for unit, left in lefts.items():
            ends = found.ends[name, unit]
            yield Watched(name, left.limit), Prospect(ends, left.ends_at, _told(ends, unit, left.ends_at))
    for unit in question.together:
        ends, ends_at = found.together[unit], question.ends_at.get(unit)
        yield Watched(TOGETHER, unit), Prospect(ends, ends_at, _told(ends, unit, ends_at))


def _told(ends: Ends, unit: Unit, ends_at: float | None) -> str:
    before = f"within a {unit}" if ends_at is None else f"before {iso(ends_at)}, when the next {unit} begins"
    if ends.p10 is None:
        return f"it lasts again: it is not expected to be used up {before}"
    late = "not at all" if ends.p90 is None else iso(ends.p90)
    return f"expected to be used up at {iso(ends.p50)} ({iso(ends.p10)} to {late}), {before}"
