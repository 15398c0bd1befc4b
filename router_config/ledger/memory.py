"""The ledger of one process, gone with it."""

import heapq
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from router_config.ledger.gates import Rest
from router_config.ledger.local import LocalStore
from router_config.ledger.memory_past import MemoryPast
from router_config.ledger.meters import NOTHING, Amount, Counts, Limit, Meter
from router_config.ledger.store import Attendance, Lease
from router_config.ledger.windows import Period, Window

T = TypeVar("T")


@dataclass(slots=True)
class _Tally:
    """Usage of one window by slot; `oldest_leaves` is when the first slot will have left it."""

    slots: dict[int, Amount] = field(default_factory=dict)
    oldest_leaves: float = float("inf")
    newest: int = -1

    def begin(self, window: Window, slot: int, amount: Amount) -> None:
        self.slots[slot] = amount
        if slot > self.newest:
            self.newest = slot
        leaves = window.leaves(slot)
        if leaves < self.oldest_leaves:
            self.oldest_leaves = leaves

    def forget(self, window: Window, now: float, total: Amount) -> Amount:
        for slot in [slot for slot in self.slots if window.leaves(slot) <= now]:
            total = total.minus(self.slots.pop(slot))
        self.oldest_leaves = min((window.leaves(slot) for slot in self.slots), default=float("inf"))
        return total if self.slots else NOTHING


@dataclass(slots=True)
class _Page:
    counts: Counts = field(default_factory=Counts)
    minute: _Tally = field(default_factory=_Tally)
    day: _Tally = field(default_factory=_Tally)


class MemoryStore(LocalStore):
    name = "memory"
    shared = False

    def __init__(self) -> None:
        super().__init__(MemoryPast())
        self._lock = threading.Lock()
        self._pages: dict[str, _Page] = {}
        self._leases: dict[str, Lease] = {}
        self._expiries: list[tuple[float, str]] = []
        self._rests: dict[str, Rest] = {}

    async def _atomically(self, now: float, step: Callable[[], T]) -> T:
        with self._lock:
            self._now = now
            return step()

    def counts(self, meter: Meter) -> Counts | None:
        page = self._pages.get(meter.scope)
        if page is None:
            return Counts() if meter.limits else None
        if page.minute.oldest_leaves <= self._now:
            page.counts.minute = page.minute.forget(meter.window("minute"), self._now, page.counts.minute)
        if page.day.oldest_leaves <= self._now:
            page.counts.day = page.day.forget(meter.day, self._now, page.counts.day)
        return page.counts

    def rest_of(self, scope: str) -> Rest | None:
        return self._rests.get(scope)

    def _page(self, meter: Meter) -> _Page:
        page = self._pages.get(meter.scope)
        if page is None:
            page = self._pages[meter.scope] = _Page()
        return page

    def _save_counts(self, meter: Meter, counts: Counts) -> None:
        page = self._pages.get(meter.scope) or self._page(meter)
        page.counts = counts

    def _add(self, meter: Meter, period: Period, slot: int, amount: Amount) -> None:
        page = self._pages.get(meter.scope) or self._page(meter)
        tally = page.minute if period == "minute" else page.day
        so_far = tally.slots.get(slot)
        if so_far is not None:
            tally.slots[slot] = so_far.plus(amount)
        else:
            tally.begin(meter.window(period), slot, amount)

    def _oldest_first(self, meter: Meter, period: Period) -> Iterator[tuple[float, Amount]]:
        page = self._pages.get(meter.scope)
        if page is None:
            return
        window, tally = meter.window(period), page.minute if period == "minute" else page.day
        for slot in sorted(tally.slots):
            yield window.leaves(slot), tally.slots[slot]

    def _whole_again(self, meter: Meter, limit: Limit) -> float:
        page = self._pages[meter.scope]
        window, tally = meter.window(limit.period), page.minute if limit.period == "minute" else page.day
        newest = tally.slots.get(tally.newest)
        if newest is not None and newest.of(limit.metric) > 0:  # Nearly always.
            return window.leaves(tally.newest)
        held = [slot for slot, amount in tally.slots.items() if amount.of(limit.metric) > 0]
        return window.leaves(max(held)) if held else window.frees(self._now)

    def _put_lease(self, lease: Lease) -> None:
        self._leases[lease.id] = lease
        heapq.heappush(self._expiries, (lease.expires_at, lease.id))
        if len(self._expiries) > 2 * len(self._leases) + 1000:  # Mostly settled leases by now.
            self._expiries = [(lease.expires_at, lease.id) for lease in self._leases.values()]
            heapq.heapify(self._expiries)

    def _pop_lease(self, lease: Lease) -> Lease | None:
        return self._leases.pop(lease.id, None)

    def _expired_leases(self, now: float) -> list[Lease]:
        expired: list[Lease] = []
        while self._expiries and self._expiries[0][0] <= now:
            expires_at, lease_id = heapq.heappop(self._expiries)
            lease = self._leases.get(lease_id)
            if lease is not None and lease.expires_at == expires_at:
                expired.append(self._leases.pop(lease_id))
        return expired

    def _put_rest(self, rest: Rest) -> None:
        self._rests = {scope: each for scope, each in self._rests.items() if not each.over(self._now)}
        self._rests[rest.scope] = rest

    def _drop_rest(self, scope: str) -> None:
        self._rests.pop(scope, None)

    def _all_rests(self) -> dict[str, Rest]:
        return dict(self._rests)

    async def attend(self, process: str, now: float, lasts: float) -> Attendance:
        return Attendance(1, "")

    async def aclose(self) -> None:
        """Nothing is held."""
