"""A store whose failure no request notices.

While the store works, every step is its own. When it fails, this process counts for itself, within its share of the
room last known (share.py), and asks at most once a second whether the store is back. What was spent meanwhile is then
written to it, and it is taken up again.
"""

import asyncio
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from typing import Final, TypeVar

from router_config.ledger.outage.debt import Debt, Owed
from router_config.ledger.outage.journal import Remembered
from router_config.ledger.outage.share import Share
from router_config.ledger.outage.snapshots import Known, put
from router_config.ledger.rules.choice import Choice
from router_config.ledger.rules.decisions import DECISIONS_KEPT, Decision
from router_config.ledger.rules.gates import Candidate, Examination, Need, Rest
from router_config.ledger.rules.meters import NOTHING, Meter
from router_config.ledger.rules.totals import Counted, Totals
from router_config.ledger.store import (
    Attendance,
    Degraded,
    History,
    Lease,
    Settlement,
    SlotSeconds,
    Snapshot,
    Store,
)

T = TypeVar("T")

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at the store: what is used and by how many, or whether it is back."""

PROCESS_LASTS: Final = 120.0
"""Seconds for which a process that makes no requests is thought to be about."""

GOODBYE: Final = 2.0
"""Seconds that closing may take to tell a failed store what it is owed."""

REMEMBERED: Final = 5000
"""So many settlements since the last look are remembered at most."""

_STORE_ERROR: Final = Counted("store_error")

_log = logging.getLogger("router_config")


@dataclass(slots=True)
class _Held:
    """An open lease of this process, and whether the store knows of it."""

    lease: Lease
    stored: bool


class ResilientStore(Store):
    """Wraps a store; `degraded` says whether and why it cannot be used. No step raises because the store fails.

    `reopen` makes the store anew, as a file that was damaged must be. `monotonic` is for tests.
    """

    def __init__(
        self,
        store: Store,
        *,
        reopen: Callable[[], Store] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self.shared = store.name, store.shared
        self.degraded: Degraded | None = None
        self._store = store
        self._reopen = reopen
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._meters: dict[str, Meter] = {}
        self._share: Share | None = None
        self._known: Known | None = None
        self._totals = Totals()
        self._remembered = Remembered()
        self._looking: asyncio.Task[None] | None = None
        self._next_look = 0.0
        self._now = 0.0
        self._closed = False
        self._begin_process()

    def _begin_process(self) -> None:
        self._pid, self._process = os.getpid(), token_hex(8)
        self._serves = False
        self._attended = 1
        self._told = False
        self._leases: dict[str, _Held] = {}
        self._since_known: deque[Debt] = deque(maxlen=REMEMBERED)
        self._just_known: deque[Debt] = deque(maxlen=REMEMBERED)
        self._owed = Owed()
        self._errors = self._errors_told = 0

    @property
    def set_aside(self) -> Path | None:
        """Where a damaged file was moved to when the store was opened."""
        return getattr(self._store, "set_aside", None)

    # Steps.

    async def reserve(
        self, candidates: Sequence[Candidate], need: Need, now: float, ttl: float
    ) -> tuple[Choice, Lease | None]:
        self._serves = True
        (choice, lease), share = await self._step(now, lambda store: store.reserve(candidates, need, now, ttl))
        if lease is not None and choice.chosen is not None:
            self._leases[lease.id] = _Held(lease, stored=share is None)
            for meter in choice.chosen.meters:
                self._meters.setdefault(meter.scope, meter)
        return choice, lease

    async def settle(self, lease: Lease, settlement: Settlement, now: float) -> None:
        held = self._leases.pop(lease.id, None)

        async def close(store: Store) -> None:
            if held is not None and (isinstance(store, Share) or not held.stored):
                await store.adopt(held.lease, now)
            await store.settle(lease, settlement, now)

        _, share = await self._step(now, close)
        debt = Debt(lease, settlement, now, held is not None, held is None or held.stored)
        if share is not None:
            self._owed.add(debt)
        elif self._serves:
            self._since_known.append(debt)

    async def adopt(self, lease: Lease, now: float) -> None:
        _, share = await self._step(now, lambda store: store.adopt(lease, now))
        self._leases[lease.id] = _Held(lease, stored=share is None)

    async def renew(self, lease: Lease, expires_at: float) -> None:
        held = self._leases.get(lease.id)
        if held is not None:
            held.lease = held.lease._replace(expires_at=expires_at)
        await self._step(self._now, lambda store: store.renew(lease, expires_at))

    async def rest(self, rest: Rest) -> None:
        _, share = await self._step(rest.since, lambda store: store.rest(rest))
        if share is not None:
            since = rest.since
            teller = Lease(f"rest-{token_hex(8)}", "", (), NOTHING, since, since)
            self._owed.add(Debt(teller, Settlement(None, since, since, rests=(rest,)), since, held=False))

    async def wake(self, scope: str) -> None:
        _, share = await self._step(self._now, lambda store: store.wake(scope))
        if share is not None:
            self._owed.wake(scope)

    async def explain(self, candidates: Sequence[Candidate], need: Need, now: float) -> tuple[Examination, ...]:
        return (await self._step(now, lambda store: store.explain(candidates, need, now)))[0]

    async def rooms(self, candidates: Sequence[Candidate], need: Need, now: float) -> tuple[float, ...]:
        return (await self._step(now, lambda store: store.rooms(candidates, need, now)))[0]

    async def snapshot(self, meters: Sequence[Meter], since: Mapping[str, float], now: float) -> Snapshot:
        snapshot, share = await self._step(now, lambda store: store.snapshot(meters, since, now))
        if share is not None:
            return self._remembered.with_usage(snapshot)
        self._remembered.read_snapshot(snapshot)
        return snapshot

    async def totals(self, now: float) -> Totals:
        """While the store fails, those last read: a sum that falls would look as if the counting had begun anew."""
        totals, share = await self._step(now, lambda store: store.totals(now))
        if share is None:
            self._totals = totals
            return totals
        counted = dict(self._totals.counted)
        counted[_STORE_ERROR] = counted.get(_STORE_ERROR, 0) + self._errors
        return replace(self._totals, counted=counted)

    async def record(self, decision: Decision, now: float) -> None:
        _, share = await self._step(now, lambda store: store.record(decision, now))
        if share is not None:
            teller = Lease(f"decision-{token_hex(8)}", "", (), NOTHING, now, now)
            self._owed.add(Debt(teller, Settlement(None, now, now, decision=decision), now, held=False))

    async def decisions(self, after: int = 0, last: int = DECISIONS_KEPT) -> tuple[Decision, ...]:
        """While the store fails: what was last read of it, and what this process has decided since."""
        found, share = await self._step(
            self._now, lambda store: store.decisions() if isinstance(store, Share) else store.decisions(after, last)
        )
        if share is not None:
            return self._remembered.with_decisions(found, after, last)
        self._remembered.read_decisions(found)
        return found

    async def history(self, slot_seconds: SlotSeconds, since: float, now: float) -> History:
        """While the store fails: what was last read of it, and what this process has done since."""
        found, share = await self._step(now, lambda store: store.history(slot_seconds, since, now))
        if share is not None:
            return self._remembered.with_history(slot_seconds, found, since)
        self._remembered.read_history(slot_seconds, found)
        return found

    def know(self, meters: Sequence[Meter]) -> None:
        self._meters.update((meter.scope, meter) for meter in meters)
        self._store.know(meters)
        if self._share is not None:
            self._share.know(meters)

    async def attend(self, process: str, now: float, lasts: float) -> Attendance:
        return (await self._step(now, lambda store: store.attend(process, now, lasts)))[0]

    def boot_epoch(self, boot: str, proposed: float) -> float:
        return self._store.boot_epoch(boot, proposed)

    async def aclose(self) -> None:
        if not self._closed and self._share is not None and self._owed:
            try:
                async with asyncio.timeout(GOODBYE):
                    await self._return(self._now)
            except Exception as error:
                _log.warning("the %s store never heard of what this process spent last: %s", self.name, error)
        self._closed = True
        if self._looking is not None and self._looking.get_loop() is asyncio.get_running_loop():
            self._looking.cancel()
        await self._store.aclose()

    async def _step(self, now: float, ask: Callable[[Store], Awaitable[T]]) -> tuple[T, Share | None]:
        """The result of a step, and the share that it was done in, if it was."""
        self._now = now
        if self._pid != os.getpid():
            self._begin_process()  # What was open belongs to the process that forked.
        while True:
            share, store = self._share, self._store
            if share is not None:
                self._look_if_due()
                return await ask(share), share
            try:
                result = await ask(store)
            except Exception as error:
                self._errors += 1
                if store is self._store:
                    await self._degrade(error, now)
            else:
                self._look_if_due()
                return result, None

    # Failing and coming back.

    async def _degrade(self, error: Exception, now: float) -> None:
        known = self._known
        share = Share(1 if known is None else known.processes)
        share.know(tuple(self._meters.values()))
        if known is not None:
            leases = [held.lease for held in self._leases.values()]
            await share.begin(known, self._meters, leases, self._just_known, now)
        for debt in tuple(self._since_known):  # What it was the store has told already; here only the room counts.
            room = debt.settlement._replace(outcome=None, decision=None)
            await replace(debt, settlement=room).pay(share, wiped=True)
        with self._lock:
            if self._share is not None or self._closed:
                self._share = self._share or share
                return
            self._share, self._next_look, self._told = share, self._monotonic() + LOOK_EVERY, False
            self.degraded = Degraded(str(error) or type(error).__name__, now)
        _log.warning(
            "the %s store failed; until it is back this process counts for itself, as one of %d: %s",
            self.name,
            share.processes,
            error,
        )

    def _look_if_due(self) -> None:
        if self._monotonic() < self._next_look or self._closed or not (self._serves or self._share):
            return
        task = self._looking
        if task is not None and not task.done() and not task.get_loop().is_closed():
            return
        self._next_look = self._monotonic() + LOOK_EVERY
        self._looking = asyncio.get_running_loop().create_task(self._look(self._now))

    async def _look(self, now: float) -> None:
        """Once a second, beside the requests: read what is known of the store, or try to take it up again."""
        if self._share is not None:
            try:
                await self._return(now)
            except Exception as error:
                self._errors += 1
                if self.degraded is not None:
                    self.degraded = replace(self.degraded, reason=str(error) or type(error).__name__)
            return
        try:
            await self._read(now)
        except Exception as error:
            self._errors += 1
            await self._degrade(error, now)

    async def _read(self, now: float) -> None:
        attendance = await self._store.attend(self._process, now, PROCESS_LASTS)
        if self._known is not None and attendance.store != self._known.store:
            await self._restore(self._store, attendance, now)
        await self._owed.pay(self._store, wiped=False)
        settled, self._since_known = self._since_known, deque(maxlen=REMEMBERED)
        # Without their limits: when they clear is of no interest, and costs most of a snapshot.
        bare = [Meter(meter.scope, day=meter.day) for meter in self._meters.values()]
        try:
            snapshot = await self._store.snapshot(bare, {}, now)
        except BaseException:
            self._since_known.extendleft(reversed(settled))
            raise
        elsewhere = {scope: counts.open for scope, counts in snapshot.counts.items()}
        for held in self._leases.values():
            for scope in held.lease.scopes:
                if scope in elsewhere:
                    elsewhere[scope] = elsewhere[scope].minus(held.lease.amount)
        # Of processes that were idle together, the first to wake sees none of the others until its next look.
        processes, self._attended = max(attendance.processes, self._attended), attendance.processes
        self._known = Known(snapshot, now, attendance.store, processes, elsewhere)
        self._just_known = settled
        for lease_id in [each for each, held in self._leases.items() if held.lease.expires_at <= now]:
            self._leases.pop(lease_id, None)

    async def _return(self, now: float) -> None:
        """Tell the store what it has missed and take it up again; raises where that fails.

        Where there are other processes, not before the next look: until they have told theirs, too, it seems emptier
        than it is.
        """
        store = self._store if self._reopen is None else await asyncio.to_thread(self._reopen)
        try:
            store.know(tuple(self._meters.values()))
            attendance = await store.attend(self._process, now, PROCESS_LASTS)
            wiped = self._known is not None and attendance.store != self._known.store
            if wiped:
                await self._restore(store, attendance, now)
            told_before, self._told = self._told, True
            await self._tell(store, now, wiped=wiped)
            if not told_before and self._share is not None and self._share.processes > 1:
                if store is not self._store:
                    await store.aclose()
                return
            while not self._taken_up(store):
                await self._tell(store, now, wiped=wiped)
        except BaseException:
            if store is not self._store:
                await store.aclose()
            raise
        _log.warning("the %s store is back", self.name)

    async def _tell(self, store: Store, now: float, *, wiped: bool) -> None:
        await self._owed.pay(store, wiped=wiped)
        await self._tell_errors(store, now)
        for held in [held for held in self._leases.values() if not held.stored]:
            await store.adopt(held.lease, now)
            held.stored = True

    def _taken_up(self, store: Store) -> bool:
        """Whether nothing is left to be told, and so the store counts again from this moment on."""
        with self._lock:
            if self._owed or any(not held.stored for held in self._leases.values()):
                return False
            self._store, self._share, self.degraded = store, None, None
            self._errors = self._errors_told = 0
            return True

    async def _tell_errors(self, store: Store, now: float) -> None:
        untold = self._errors - self._errors_told
        if untold:
            teller = Lease(f"errors-{token_hex(8)}", "", (), NOTHING, now, now)
            await store.settle(teller, Settlement(None, now, now, counted=((_STORE_ERROR, untold),)), now)
            self._errors_told += untold

    async def _restore(self, store: Store, attendance: Attendance, now: float) -> None:
        """Give a store that lost everything what was known of it: the first to notice everything, the others theirs."""
        if self._known is None:
            return
        _log.warning("the %s store lost what it held; what this process knew of it is restored", self.name)
        if attendance.founded:
            await put(self._known, store, self._meters, now)
        for debt in tuple(self._since_known):
            await debt.pay(store, wiped=True)
        for held in list(self._leases.values()):
            await store.adopt(held.lease, now)
            held.stored = True
        self._known = replace(self._known, store=attendance.store)
