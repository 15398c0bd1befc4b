"""The ledger of one process, gone with it."""

import heapq
import threading
from collections import OrderedDict
from collections.abc import Callable
from math import inf
from typing import TypeVar

from router_config.forks import taken_for_forks
from router_config.ledger.local.memory_journal import MemoryJournal
from router_config.ledger.local.pages import Page, Tally, blank
from router_config.ledger.local.store import LocalStore
from router_config.ledger.rules.gates import Cooldown
from router_config.ledger.rules.meters import NOTHING, Amount
from router_config.ledger.rules.windows import Period
from router_config.ledger.values import AFFINITIES_KEPT, Affinity, Lease, Membership

T = TypeVar("T")


class MemoryStore(LocalStore):
    """Counts for this process alone."""

    name = "memory"
    shared = False

    def __init__(self) -> None:
        super().__init__(MemoryJournal())
        self._lock = taken_for_forks(threading.Lock())
        self._pages: dict[str, Page] = {}
        self._older: dict[tuple[str, Period], dict[int, tuple[float, Amount]]] = {}
        self._leases: dict[str, Lease] = {}
        self._expiries: list[tuple[float, str]] = []
        self._cooldowns: dict[str, Cooldown] = {}
        self._curve_texts: dict[str, str] = {}
        self._affinities: OrderedDict[str, Affinity] = OrderedDict()
        # No functions of ours: they are asked six times for a request.
        self._page, self.cooldown_of = self._pages.get, self._cooldowns.get

    @property
    def any_cooldown(self) -> bool:
        return bool(self._cooldowns)

    async def _atomically(self, step: Callable[[], T]) -> T:
        with self._lock:
            if self._formerly:
                self._take_over()
            if self._turned:
                self._turn_days()
                self._turned = ()
            return step()

    def _take_over(self) -> None:
        """Give scopes their new name where nothing stands under it yet."""
        found: dict[str, str] = {}
        for old, new in self._formerly.items():
            if old in self._pages and new not in self._pages:
                page = self._pages[new] = self._pages.pop(old)
                for tally in (page.minute, page.long):
                    self._older[new, tally.period] = self._older.pop((old, tally.period), {})
                    tally.scope = new
                page.reading = None
                found[old] = new
            if old in self._cooldowns and new not in self._cooldowns:
                self._cooldowns[new] = self._cooldowns.pop(old)._replace(scope=new)
                found[old] = new
        for lease in self._leases.values() if found else ():
            scopes = tuple(found.get(scope, scope) for scope in lease.scopes)
            probes = tuple(found.get(scope, scope) for scope in lease.probes)
            self._leases[lease.id] = lease._replace(scopes=scopes, probes=probes)
        self._formerly = {}

    def _page_to_write(self, scope: str) -> Page:
        page = self._pages.get(scope)
        if page is None:
            page = self._pages[scope] = blank(scope)
        page.reading = None
        return page

    def _put_slot(self, tally: Tally, slot: int, leaves: float, amount: Amount) -> None:
        slots = self._older.setdefault((tally.scope, tally.period), {})
        _, so_far = slots.get(slot, (leaves, NOTHING))
        slots[slot] = leaves, so_far.plus(amount)

    def _drop_slots(self, tally: Tally) -> tuple[Amount, float]:
        slots, gone = self._older.get((tally.scope, tally.period), {}), NOTHING
        for slot in [slot for slot, (leaves, _) in slots.items() if leaves <= self._now]:
            gone = gone.plus(slots.pop(slot)[1])
        return gone, min((leaves for leaves, _ in slots.values()), default=inf)

    def _slots(self, tally: Tally) -> list[tuple[float, Amount]]:
        return sorted(self._older.get((tally.scope, tally.period), {}).values())

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

    def _put_cooldown(self, cooldown: Cooldown) -> None:
        for over in [scope for scope, each in self._cooldowns.items() if each.over(self._now)]:
            del self._cooldowns[over]
        self._cooldowns[cooldown.scope] = cooldown

    def _drop_cooldown(self, scope: str) -> None:
        self._cooldowns.pop(scope, None)

    def _all_cooldowns(self) -> dict[str, Cooldown]:
        return dict(self._cooldowns)

    def _curves(self) -> dict[str, str]:
        return dict(self._curve_texts)

    def _put_curve(self, name: str, text: str) -> None:
        self._curve_texts[name] = text

    def _affinity(self, conversation: str) -> Affinity | None:
        return self._affinities.get(conversation)

    def _put_affinity(self, affinity: Affinity) -> None:
        self._affinities[affinity.conversation] = affinity
        self._affinities.move_to_end(affinity.conversation)
        oldest = next(iter(self._affinities.values()))
        if len(self._affinities) > AFFINITIES_KEPT or oldest.until <= self._now:
            del self._affinities[oldest.conversation]

    async def sign_in(self, process: str, now: float, lasts: float) -> Membership:
        return Membership(1, "")

    async def aclose(self) -> None:
        pass
