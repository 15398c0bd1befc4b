"""The ledger of one process, gone with it."""

import heapq
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, TypeVar

from router_config.ledger.decisions import DECISIONS_KEPT, Decision, numbered
from router_config.ledger.events import EVENTS_KEPT, Event
from router_config.ledger.gates import Rest
from router_config.ledger.history import LATENCIES_KEPT, MINUTES_KEPT, SLOT_SECONDS, SLOTS_KEPT, minute_of, slot_of
from router_config.ledger.local import LocalStore
from router_config.ledger.meters import NOTHING, Amount, Counts, Meter
from router_config.ledger.store import Attendance, LastError, Lease, Outcome, SlotSeconds, Usage
from router_config.ledger.totals import Counted, Ending, Sums, Totals
from router_config.ledger.windows import Period, Window

T = TypeVar("T")
NO_USAGE: Final = Usage()


@dataclass(slots=True)
class _Tally:
    """Usage of one window by slot; `oldest_leaves` is when the first slot will have left it."""

    slots: dict[int, Amount] = field(default_factory=dict)
    oldest_leaves: float = float("inf")

    def add(self, window: Window, slot: int, amount: Amount) -> None:
        so_far = self.slots.get(slot)
        if so_far is not None:
            self.slots[slot] = so_far.plus(amount)
            return
        self.slots[slot] = amount
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
        super().__init__()
        self._lock = threading.Lock()
        self._pages: dict[str, _Page] = {}
        self._leases: dict[str, Lease] = {}
        self._expiries: list[tuple[float, str]] = []
        self._rests: dict[str, Rest] = {}
        self._history: dict[tuple[str, str], dict[int, list[float]]] = {}
        self._latencies: dict[tuple[str, str], deque[int]] = {}
        self._errors: dict[str, LastError] = {}
        self._attempts: dict[Ending, list[float]] = {}
        self._counted: dict[Counted, int] = {}
        self._minutes: dict[str, list[list[float]]] = {}
        self._last_decisions: deque[tuple[int, Decision]] = deque(maxlen=DECISIONS_KEPT)
        self._last_events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self._decided = 0

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
        self._page(meter).counts = counts

    def _add(self, meter: Meter, period: Period, slot: int, amount: Amount) -> None:
        page = self._page(meter)
        (page.minute if period == "minute" else page.day).add(meter.window(period), slot, amount)

    def _slots(self, meter: Meter, period: Period) -> list[tuple[float, Amount]]:
        page = self._pages.get(meter.scope)
        if page is None:
            return []
        window, tally = meter.window(period), page.minute if period == "minute" else page.day
        return [(window.leaves(slot), amount) for slot, amount in tally.slots.items()]

    def _put_lease(self, lease: Lease) -> None:
        self._leases[lease.id] = lease
        heapq.heappush(self._expiries, (lease.expires_at, lease.id))
        if len(self._expiries) > 2 * len(self._leases) + 1000:  # Mostly settled leases by now.
            self._expiries = [(lease.expires_at, lease.id) for lease in self._leases.values()]
            heapq.heapify(self._expiries)

    def _pop_lease(self, lease_id: str) -> Lease | None:
        return self._leases.pop(lease_id, None)

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

    def _record(self, outcome: Outcome, spent: Amount, now: float) -> None:
        key, slot = (outcome.provider, outcome.model), slot_of(now)
        slots = self._history.setdefault(key, {})
        if slot not in slots:
            for old in [each for each in slots if each <= slot - SLOTS_KEPT]:
                del slots[old]
        _add_to(slots.setdefault(slot, [0, 0, 0.0, 0]), spent, outcome)
        minute = minute_of(now)
        ring = self._minutes.get(outcome.provider)
        if ring is None:
            ring = self._minutes[outcome.provider] = [[0, 0, 0.0, 0, -1] for _ in range(MINUTES_KEPT)]
        sums = ring[minute % MINUTES_KEPT]
        if sums[4] < minute:
            sums[:] = 0, 0, 0.0, 0, minute
        if sums[4] == minute:  # Else it is told so late that the next round has begun.
            _add_to(sums, spent, outcome)
        if outcome.error is None:
            latencies = self._latencies.setdefault(key, deque(maxlen=LATENCIES_KEPT))
            latencies.append(round(outcome.seconds * 1000))
        else:
            self._errors[outcome.provider] = LastError(now, outcome.error, outcome.message)

    def _usage(self, since: Mapping[str, float]) -> dict[tuple[str, str], Usage]:
        found: dict[tuple[str, str], Usage] = {}
        for (provider, model), slots in self._history.items():
            if provider not in since:
                continue
            recent = [sums for slot, sums in slots.items() if (slot + 1) * SLOT_SECONDS > since[provider]]
            requests, tokens, usd, errors = (sum(sums[place] for sums in recent) for place in range(4))
            latencies = tuple(self._latencies.get((provider, model), ()))
            found[provider, model] = Usage(int(requests), int(tokens), usd, int(errors), latencies)
        return found

    def _last_errors(self) -> dict[str, LastError]:
        return dict(self._errors)

    def _add_up(self, ending: Ending, outcome: Outcome, spent: Amount) -> None:
        sums = self._attempts.get(ending)
        if sums is None:
            sums = self._attempts[ending] = [0, 0, 0.0, 0.0]
        sums[0] += 1
        sums[1] += spent[1]
        sums[2] += spent[2]
        sums[3] += outcome.seconds

    def _count_on(self, counted: Counted, times: int) -> None:
        self._counted[counted] = self._counted.get(counted, 0) + times

    def _totals(self) -> Totals:
        attempts = {
            ending: Sums(int(attempts), int(tokens), usd, seconds)
            for ending, (attempts, tokens, usd, seconds) in self._attempts.items()
        }
        return Totals(attempts, dict(self._counted))

    def _slots_since(self, slot_seconds: SlotSeconds, since: float) -> dict[str, dict[int, Usage]]:
        found: dict[str, dict[int, Usage]] = {}
        if slot_seconds == SLOT_SECONDS:
            for (provider, _), slots in self._history.items():
                theirs = found.setdefault(provider, {})
                for slot in [slot for slot in slots if (slot + 1) * SLOT_SECONDS > since]:
                    theirs[slot] = _usage(slots[slot], theirs.get(slot, NO_USAGE))
            return found
        for provider, ring in self._minutes.items():
            recent = [sums for sums in ring if (sums[4] + 1) * slot_seconds > since]
            found[provider] = {int(sums[4]): _usage(sums) for sums in recent}
        return found

    def _put_decision(self, decision: Decision) -> None:
        self._decided += 1
        self._last_decisions.append((self._decided, decision))

    def _decisions(self, after: int, last: int) -> tuple[Decision, ...]:
        wanted = min(last, self._decided - after) if after <= self._decided else last
        return numbered(list(islice(reversed(self._last_decisions), wanted)))

    def _put_event(self, event: Event) -> None:
        self._last_events.append(event)

    def _events(self) -> tuple[Event, ...]:
        return tuple(self._last_events)

    async def attend(self, process: str, now: float, lasts: float) -> Attendance:
        return Attendance(1, "")

    async def aclose(self) -> None:
        """Nothing is held."""


def _add_to(sums: list[float], spent: Amount, outcome: Outcome) -> None:
    sums[0] += spent[0]
    sums[1] += spent[1]
    sums[2] += spent[2]
    if outcome.error is not None:
        sums[3] += 1


def _usage(sums: list[float], besides: Usage = NO_USAGE) -> Usage:
    return Usage(
        int(sums[0]) + besides.requests,
        int(sums[1]) + besides.tokens,
        sums[2] + besides.usd,
        int(sums[3]) + besides.errors,
    )
