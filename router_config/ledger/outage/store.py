"""A store whose failure no request notices."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from router_config.ledger.interfaces import Backend, MovableClock, Store
from router_config.ledger.outage.backlog import Unsent
from router_config.ledger.outage.failover import Failover
from router_config.ledger.outage.journal import JournalCache
from router_config.ledger.outage.share import Share
from router_config.ledger.rules.decisions import DECISIONS_KEPT, Decision
from router_config.ledger.rules.gates import Candidate, Cooldown, Examination, Need
from router_config.ledger.rules.history import SlotSeconds
from router_config.ledger.rules.meters import Meter
from router_config.ledger.rules.pacing import Expected
from router_config.ledger.rules.totals import Totals
from router_config.ledger.values import Affinity, Degraded, History, Lease, Reserved, Settled, Settlement, Snapshot


class ResilientStore(Store):
    """Wraps a backend. While that fails `degraded` says why, and this process counts for itself. No step raises.

    reopen: makes the backend anew, as a file that was damaged must be. monotonic: seconds, another clock in tests.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        reopen: Callable[[], Backend] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self.shared = backend.name, backend.shared
        self._failover = Failover(backend, reopen, monotonic)
        self._cache = JournalCache()

    async def reserve(self, candidates: Sequence[Candidate], need: Need, now: float, ttl: float) -> Reserved:
        self._failover.serves = True
        (choice, lease), share = await self._failover.step(now, lambda store: store.reserve(candidates, need, now, ttl))
        if lease is not None and choice.chosen is not None:
            self._failover.reserved(lease, choice.chosen.meters, stored=share is None)
        return choice, lease

    async def settle(self, lease: Lease, settlement: Settlement, now: float) -> Settled:
        failover = self._failover
        held = failover.leases.pop(lease.id, None)

        async def close(store: Backend) -> Settled:
            if held is not None and (isinstance(store, Share) or not held.stored):
                await store.adopt(held.lease, now)
            return await store.settle(lease, settlement, now)

        taken, share = await failover.step(now, close)
        known = lease if held is None else held.lease  # By the names that scopes have now.
        settled = Unsent(known, settlement, now, held is not None, held is None or held.stored, taken)
        if share is not None:
            failover.backlog.add(settled)
        elif failover.serves:
            failover.settled.append(settled)
        return taken

    async def renew(self, lease: Lease, expires_at: float) -> None:
        held = self._failover.leases.get(lease.id)
        if held is not None:
            held.lease = held.lease._replace(expires_at=expires_at)
        await self._failover.step(self._failover.now, lambda store: store.renew(lease, expires_at))

    async def begin_cooldown(self, cooldown: Cooldown, of: tuple[str, str] | None = None) -> None:
        now = cooldown.since
        _, share = await self._failover.step(now, lambda store: store.begin_cooldown(cooldown, of))
        if share is not None:
            settlement = Settlement(None, now, now, cooldowns=(cooldown,))
            self._failover.backlog.add(Unsent.without_lease(settlement, now))

    async def end_cooldown(self, scope: str) -> None:
        _, share = await self._failover.step(self._failover.now, lambda store: store.end_cooldown(scope))
        if share is not None:
            self._failover.backlog.end_cooldown(scope)

    async def explain(self, candidates: Sequence[Candidate], need: Need, now: float) -> tuple[Examination, ...]:
        return (await self._failover.step(now, lambda store: store.explain(candidates, need, now)))[0]

    async def rooms(self, candidates: Sequence[Candidate], need: Need, now: float) -> tuple[float, ...]:
        return (await self._failover.step(now, lambda store: store.rooms(candidates, need, now)))[0]

    async def snapshot(self, meters: Sequence[Meter], since: Mapping[str, float], now: float) -> Snapshot:
        snapshot, share = await self._failover.step(now, lambda store: store.snapshot(meters, since, now))
        if share is not None:
            return self._cache.with_usage(snapshot)
        self._cache.snapshot = snapshot
        return snapshot

    async def learn(self, curves: Mapping[str, str]) -> Mapping[str, str]:
        return (await self._failover.step(self._failover.now, lambda store: store.learn(curves)))[0]

    async def affinity(self, conversation: str, now: float) -> Affinity | None:
        return (await self._failover.step(now, lambda store: store.affinity(conversation, now)))[0]

    def expect(self, expected: Expected) -> None:
        super().expect(expected)
        self._failover.expect(expected)

    def register_meters(self, meters: Sequence[Meter], formerly: Mapping[str, str] = MappingProxyType({})) -> None:
        self._failover.register_meters(meters, formerly)

    async def record(self, decision: Decision, now: float) -> None:
        _, share = await self._failover.step(now, lambda store: store.record(decision, now))
        if share is not None:
            settlement = Settlement(None, now, now, decision=decision)
            self._failover.backlog.add(Unsent.without_lease(settlement, now))

    async def decisions(self, after: int = 0, last: int = DECISIONS_KEPT) -> tuple[Decision, ...]:
        """While the store fails: those last read of it, and those of this process since."""
        found, share = await self._failover.step(
            self._failover.now,
            lambda store: store.decisions() if isinstance(store, Share) else store.decisions(after, last),
        )
        if share is not None:
            return self._cache.with_decisions(found, after, last)
        self._cache.read_decisions(found)
        return found

    async def history(self, slot_seconds: SlotSeconds, since: float, now: float) -> History:
        """While the store fails: what was last read of it, and what this process has done since."""
        found, share = await self._failover.step(now, lambda store: store.history(slot_seconds, since, now))
        if share is not None:
            return self._cache.with_history(slot_seconds, found, since)
        self._cache.histories[slot_seconds] = found
        return found

    async def totals(self, now: float) -> Totals:
        """While the store fails: those last read, for a sum that falls would look as if counting had begun anew."""
        totals, share = await self._failover.step(now, lambda store: store.totals(now))
        if share is not None:
            return self._cache.with_errors(self._failover.errors)
        self._cache.totals = totals
        return totals

    @property
    def degraded(self) -> Degraded | None:
        return self._failover.degraded or self._failover.backend.degraded

    @property
    def set_aside(self) -> Path | None:
        return self._failover.backend.set_aside

    def lead(self, clock: MovableClock) -> None:
        self._failover.lead(clock)

    async def aclose(self) -> None:
        await self._failover.aclose()
