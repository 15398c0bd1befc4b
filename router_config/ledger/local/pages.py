"""What is counted of each scope, by window and slot; the same for every store of this machine."""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from math import inf
from typing import Final, NamedTuple

from router_config.ledger.rules.gates import ROUNDING
from router_config.ledger.rules.meters import NOTHING, Amount, Counts, Limit, LimitName, Meter, Spending
from router_config.ledger.rules.windows import MINUTE, Period, Window

NO_SLOT: Final = -1


@dataclass(slots=True)
class Tally:
    """The slots of a window: the newest one, in which nearly everything is counted, and the older ones.

    The store keeps the older slots one by one, and `older` is their sum. What the newest holds is not written down: it
    is the window's total less `older`, so mostly only that total changes. `leaves` is when the newest slot will have
    left the window, `oldest_leaves` when the first of all will.
    """

    scope: str
    period: Period
    oldest_leaves: float = inf
    newest: int = NO_SLOT
    leaves: float = inf
    older: Amount = NOTHING

    def begin(self, slot: int, leaves: float, older: Amount) -> None:
        self.newest, self.leaves, self.older = slot, leaves, older
        if leaves < self.oldest_leaves:
            self.oldest_leaves = leaves


@dataclass(slots=True)
class Page:
    """The counts of a scope, and what each of its windows holds by slot."""

    counts: Counts
    minute: Tally
    long: Tally
    reading: "Reading | None" = field(default=None, repr=False, compare=False)
    """As last read for a status, until the page changes."""

    def tally(self, period: Period) -> Tally:
        return self.minute if period == "minute" else self.long


class Reading(NamedTuple):
    """The counts of a meter, not to be changed, and by scope and name when each of its windows will be whole again."""

    meter: Meter
    counts: Counts
    resets_at: Mapping[tuple[str, LimitName], float]


UNUSED: Final = Counts()
"""What is read of a meter by which nothing was ever counted."""


def blank(scope: str) -> Page:
    return Page(Counts(), Tally(scope, "minute"), Tally(scope, "long"))


class Pages(ABC):
    """Counts in slots and forgets those that left their window. What is read of a page is as of `_now`."""

    _now: float

    def counts(self, meter: Meter) -> Counts | None:
        """The counts of a meter; None: nothing counted and no limit."""
        page = self._page(meter.scope)
        if page is None:
            return Counts() if meter.limits else None
        if page.minute.oldest_leaves <= self._now or page.long.oldest_leaves <= self._now:
            self._forget(self._page_to_write(meter.scope))
        return page.counts

    def reading(self, meter: Meter) -> Reading | None:
        """The meter's counts for a status, the same object until its page changes. None: nothing was counted."""
        page = self._page(meter.scope)
        if page is None:
            return None
        if page.minute.oldest_leaves <= self._now or page.long.oldest_leaves <= self._now:
            self._forget(self._page_to_write(meter.scope))
        if page.reading is None or page.reading.meter is not meter:
            used = [limit for limit in meter.limits if page.counts.used(limit) > 0]
            resets_at = {(meter.scope, limit.name): self._whole_again(meter, limit) for limit in used}
            page.reading = Reading(meter, page.counts.copy(), resets_at)
        return page.reading

    def clears_at(self, meter: Meter, limit: Limit, room: float, without: Sequence[str] = ()) -> float:
        """When the window of `limit` will have `room` more than now, if nothing else is used.

        without: scopes of meters that count a part of the same; what leaves of theirs gives no room.
        """
        freed = 0.0
        if without:
            leaving: defaultdict[float, float] = defaultdict(float)
            for scope in (meter.scope, *without):
                for leaves, amount in self._oldest_first(scope, limit.period):
                    leaving[leaves] += amount.of(limit.metric) if scope == meter.scope else -amount.of(limit.metric)
            for leaves in sorted(leaving):
                freed += leaving[leaves]
                if freed >= room - ROUNDING:
                    return leaves
            return meter.window(limit.period).frees(self._now)
        for leaves, amount in self._oldest_first(meter.scope, limit.period):
            freed += amount.of(limit.metric)
            if freed >= room - ROUNDING:
                return leaves
        return meter.window(limit.period).frees(self._now)

    def unchanged_until(self, meters: Iterable[Meter]) -> float:
        """When the first of what the windows of these meters hold will leave them; `inf` where they hold nothing."""
        until = inf
        for meter in meters:
            page = self._page(meter.scope)
            if page is not None:
                until = min(until, page.minute.oldest_leaves, page.long.oldest_leaves)
        return until

    def _whole_again(self, meter: Meter, limit: Limit) -> float:
        """When the last of what the limit's window holds will have left it."""
        page = self._page(meter.scope)
        if page is not None:
            tally = page.tally(limit.period)
            if page.counts.used(limit) > tally.older.of(limit.metric):  # Nearly always.
                return tally.leaves
            held = [leaves for leaves, amount in self._slots(tally) if amount.of(limit.metric) > 0]
            if held:
                return max(held)
        return meter.window(limit.period).frees(self._now)

    def _oldest_first(self, scope: str, period: Period) -> Iterable[tuple[float, Amount]]:
        """What a window holds, with the moment at which it leaves, in that order."""
        page = self._page(scope)
        if page is None:
            return ()
        tally, total = page.tally(period), page.counts.held(period)
        slots = self._slots(tally)
        return slots if tally.newest == NO_SLOT else merge(slots, [(tally.leaves, total.minus(tally.older))])

    def _page_now(self, scope: str) -> Page:
        """The page of a scope, to be changed."""
        page = self._page_to_write(scope)
        if page.minute.oldest_leaves <= self._now or page.long.oldest_leaves <= self._now:
            self._forget(page)
        return page

    def _forget(self, page: Page) -> None:
        counts = page.counts
        counts.minute = self._forget_in(page.minute, counts.minute)
        counts.long = self._forget_in(page.long, counts.long)

    def _forget_in(self, tally: Tally, total: Amount) -> Amount:
        if tally.oldest_leaves > self._now:
            return total
        gone, next_leaves = self._drop_slots(tally)
        if tally.leaves <= self._now:
            total, tally.newest, tally.leaves = tally.older, NO_SLOT, inf
        tally.oldest_leaves = min(next_leaves, tally.leaves)
        tally.older = NOTHING if next_leaves == inf else tally.older.minus(gone)
        return NOTHING if tally.oldest_leaves == inf else total.minus(gone)

    def _count(self, meter: Meter, page: Page, spent: Spending, arrived_at: float, ended_at: float) -> None:
        """Requests count in the slot in which they arrived, tokens and dollars in that of their end."""
        counts = page.counts
        if meter.limits_minutes or (counts.observed and meter.long.is_day):
            counts.minute = self._count_in(MINUTE, page.minute, counts.minute, spent, arrived_at, ended_at)
        counts.long = self._count_in(meter.long, page.long, counts.long, spent, arrived_at, ended_at)

    def _count_in(
        self, window: Window, tally: Tally, total: Amount, spent: Spending, arrived_at: float, ended_at: float
    ) -> Amount:
        """What a window holds that held `total`."""
        ended = window.slot(ended_at)
        if arrived_at == ended_at or (arrived := window.slot(arrived_at)) == ended:
            return total.plus(spent) if ended == tally.newest else self._add(window, tally, total, ended, spent)
        total = self._add(window, tally, total, arrived, Amount(spent.requests))
        return self._add(window, tally, total, ended, Amount(0, spent.tokens, spent.usd))

    def _add(self, window: Window, tally: Tally, total: Amount, slot: int, amount: Spending) -> Amount:
        if slot == tally.newest:
            return total.plus(amount)
        leaves = window.leaves(slot)
        if leaves <= self._now or amount[:3] == NOTHING:
            return total
        if slot > tally.newest:
            if tally.newest != NO_SLOT:
                self._put_slot(tally, tally.newest, tally.leaves, total.minus(tally.older))
            tally.begin(slot, leaves, older=total)
        else:
            self._put_slot(tally, slot, leaves, amount.whole)
            tally.older = tally.older.plus(amount)
            tally.oldest_leaves = min(tally.oldest_leaves, leaves)
        return total.plus(amount)

    # What a store brings.

    _page: Callable[[str], Page | None]
    """The page of a scope; None: nothing was counted."""

    @abstractmethod
    def _page_to_write(self, scope: str) -> Page:
        """The page of a scope, a new one where there is none. The store keeps it as the step leaves it."""

    @abstractmethod
    def _put_slot(self, tally: Tally, slot: int, leaves: float, amount: Amount) -> None:
        """Add to a slot of a tally that is not its newest."""

    @abstractmethod
    def _drop_slots(self, tally: Tally) -> tuple[Amount, float]:
        """Drop the slots that have left: what they held, and when the next one leaves (`inf` where there is none)."""

    @abstractmethod
    def _slots(self, tally: Tally) -> Iterable[tuple[float, Amount]]:
        """When each slot leaves and what it holds, the first to leave first."""
