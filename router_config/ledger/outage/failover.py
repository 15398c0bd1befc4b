"""Which store takes the steps of this process: the one opened or, while that fails, a share of the room last read.

At most once a second, beside the requests, the store is read, or tried again while it fails. Once it works it is sent
what was spent meanwhile, and takes the steps again.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Final, TypeVar

from router_config.forks import in_forked_child, taken_for_forks
from router_config.ledger.interfaces import Backend, MovableClock
from router_config.ledger.outage.backlog import Backlog, Unsent
from router_config.ledger.outage.journal import STORE_ERROR
from router_config.ledger.outage.renaming import renamed_lease
from router_config.ledger.outage.share import PROCESS_LASTS, LastReading, Share, restore
from router_config.ledger.rules.history import Event
from router_config.ledger.rules.meters import NOTHING, Meter
from router_config.ledger.rules.pacing import EVEN, Expected
from router_config.ledger.values import Degraded, Lease, Membership, Settlement

T = TypeVar("T")

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at the store."""

GOODBYE: Final = 2.0
"""Seconds that closing may take to send a store its backlog."""

SETTLED_KEPT: Final = 5000
"""So many settlements since the last look are kept at most."""

_log = logging.getLogger("router_config")


@dataclass(slots=True)
class HeldLease:
    """An open lease of this process, and whether the store knows of it."""

    lease: Lease
    stored: bool


class Failover:
    """Takes each step in the backend, or in a share while the backend fails.

    reopen: makes the backend anew, as a file that was damaged must be. monotonic: seconds, another clock in tests.
    """

    def __init__(self, backend: Backend, reopen: Callable[[], Backend] | None, monotonic: Callable[[], float]) -> None:
        self.backend = backend
        self.degraded: Degraded | None = None
        self.now = 0.0
        """The time of the last step, epoch seconds."""
        self._reopen = reopen
        self._monotonic = monotonic
        self._lock = taken_for_forks(threading.Lock())
        self._meters: dict[str, Meter] = {}
        self._formerly: Mapping[str, str] = {}
        self._expected = EVEN
        self._share: Share | None = None
        self._last_reading: LastReading | None = None
        self._next_look = 0.0
        self._closed = False
        self._clock: MovableClock | None = None
        self._begin_process()
        in_forked_child(self._begin_process)  # What is open belongs to the process that forked.

    def _begin_process(self) -> None:
        self._process = token_hex(8)
        self.looking: asyncio.Task[None] | None = None
        self.serves = False
        """Whether this process makes requests. One that only shows the store is not counted among its users."""
        self.leases: dict[str, HeldLease] = {}
        self.backlog = Backlog()
        self.settled: deque[Unsent] = deque(maxlen=SETTLED_KEPT)
        """Settlements that the store has received since it was last read."""
        self._settled_before: deque[Unsent] = deque(maxlen=SETTLED_KEPT)
        """Those that it received between the last two readings."""
        self._processes_before = 1
        self._sent_before = False
        self.errors = self._errors_sent = 0
        """Steps that failed, since the store worked last."""

    async def step(self, now: float, ask: Callable[[Backend], Awaitable[T]]) -> tuple[T, Share | None]:
        """The result of a step, and the share that took it, if it was one."""
        self.now = now
        while True:
            share, backend = self._share, self.backend
            if share is not None:
                self._look_if_due()
                return await ask(share), share
            try:
                result = await ask(backend)
            except Exception as error:
                self.errors += 1
                if backend is self.backend:
                    await self._degrade(error, now)
            else:
                self._look_if_due()
                return result, None

    def register_meters(self, meters: Sequence[Meter], formerly: Mapping[str, str]) -> None:
        self._meters.update((meter.scope, meter) for meter in meters)
        self._formerly = formerly
        self.backend.register_meters(meters, formerly)
        if self._share is not None:
            self._share.register_meters(meters, formerly)
            self._rename(formerly)

    def _rename(self, names: Mapping[str, str]) -> None:
        """The store takes over other names once: what it is still to be sent must not come by one of them later."""
        self.backlog.rename(names)
        for held in self.leases.values():
            held.lease = renamed_lease(held.lease, names)
        if self._last_reading is not None:
            self._last_reading = self._last_reading.renamed(names)

    def expect(self, expected: Expected) -> None:
        self._expected = expected
        self.backend.expect(expected)
        if self._share is not None:
            self._share.expect(expected)

    def lead(self, clock: MovableClock) -> None:
        self._clock = clock
        self.backend.lead(clock)

    def reserved(self, lease: Lease, meters: Sequence[Meter], *, stored: bool) -> None:
        """Keep an open lease, and the meters that it counts in."""
        self.leases[lease.id] = HeldLease(lease, stored)
        for meter in meters:
            self._meters.setdefault(meter.scope, meter)

    async def aclose(self) -> None:
        if not self._closed and self._share is not None and self.backlog:
            try:
                async with asyncio.timeout(GOODBYE):
                    await self._return(self.now)
            except Exception as error:
                _log.warning("the %s store never received what this process spent last: %s", self.backend.name, error)
        self._closed = True
        if self.looking is not None and self.looking.get_loop() is asyncio.get_running_loop():
            self.looking.cancel()
        await self.backend.aclose()

    async def _degrade(self, error: Exception, now: float) -> None:
        """Begin a share, unless another step was faster."""
        share = Share()
        share.register_meters(tuple(self._meters.values()))
        share.expect(self._expected)
        if self._last_reading is not None:
            leases = [held.lease for held in self.leases.values()]
            await share.begin(self._last_reading, self._meters, leases, self._settled_before, now)
        for each in tuple(self.settled):  # The store has their outcomes already; here only the room counts.
            await each.room_alone.send(share, wiped=True)
        with self._lock:
            if self._share is not None or self._closed:
                self._share = self._share or share
                return
            self._share, self._next_look, self._sent_before = share, self._monotonic() + LOOK_EVERY, False
            self.degraded = Degraded(str(error) or type(error).__name__, now)
        _log.warning(
            "the %s store failed; until it is back this process counts for itself, as one of %d: %s",
            self.backend.name,
            share.processes,
            error,
        )

    def _look_if_due(self) -> None:
        if self._monotonic() < self._next_look or self._closed or not (self.serves or self._share):
            return
        task = self.looking
        if task is not None and not task.done() and not task.get_loop().is_closed():
            return
        self._next_look = self._monotonic() + LOOK_EVERY
        self.looking = asyncio.get_running_loop().create_task(self._look(self.now))

    async def _look(self, now: float) -> None:
        """Read the store, or try to return to it."""
        try:
            await (self._read(now) if self._share is None else self._return(now))
        except Exception as error:
            self.errors += 1
            if self._share is None:
                await self._degrade(error, now)
            elif self.degraded is not None:
                self.degraded = self.degraded._replace(reason=str(error) or type(error).__name__)

    async def _read(self, now: float) -> None:
        membership = await self.backend.sign_in(self._process, now, PROCESS_LASTS)
        if self._last_reading is not None and membership.store != self._last_reading.store:
            await self._restore(self.backend, membership, now)
        await self.backlog.send(self.backend, wiped=False)
        settled, self.settled = self.settled, deque(maxlen=SETTLED_KEPT)
        # Without their limits: when they clear is of no interest, and is most of a snapshot's cost.
        bare = [replace(meter, limits=()) for meter in self._meters.values()]
        try:
            snapshot = await self.backend.snapshot(bare, {}, now)
        except BaseException:
            self.settled.extendleft(reversed(settled))
            raise
        elsewhere = {scope: counts.open for scope, counts in snapshot.counts.items()}
        for held in self.leases.values():
            for scope in held.lease.scopes:
                if scope in elsewhere:
                    part = self._meters[scope].part
                    elsewhere[scope] = elsewhere[scope].minus(held.lease.amount.counted(part))
        # When processes were idle together, the first to make requests again sees no other before its next look.
        processes, self._processes_before = max(membership.processes, self._processes_before), membership.processes
        self._last_reading = LastReading(snapshot, now, membership.store, processes, membership.rank, elsewhere)
        self._settled_before = settled
        for lease_id in [each for each, held in self.leases.items() if held.lease.expires_at <= now]:
            self.leases.pop(lease_id, None)

    async def _return(self, now: float) -> None:
        """Send the store what it has missed, and let it take the steps again. Raises where that fails.

        Where there are other processes, this waits for the next look. Until they have sent theirs, too, the store seems
        emptier than it is.
        """
        former = self.backend
        backend = former if self._reopen is None else await asyncio.to_thread(self._reopen)
        returned = False
        try:
            backend.register_meters(tuple(self._meters.values()), self._formerly)
            backend.expect(self._expected)
            if self._clock is not None and backend is not self.backend:
                backend.lead(self._clock)
            membership = await backend.sign_in(self._process, now, PROCESS_LASTS)
            wiped = self._last_reading is not None and membership.store != self._last_reading.store
            if wiped:
                await self._restore(backend, membership, now)
            sent_before, self._sent_before = self._sent_before, True
            await self._send(backend, now, wiped=wiped)
            if not sent_before and self._share is not None and self._share.processes > 1:
                return
            while not self._returned_to(backend):
                await self._send(backend, now, wiped=wiped)
            returned = True
        finally:
            if backend is not former:
                await (former if returned else backend).aclose()
        _log.warning("the %s store is back", backend.name)

    def _returned_to(self, backend: Backend) -> bool:
        """Let the backend take the steps from this moment on, unless something is left to be sent."""
        with self._lock:
            if self.backlog or any(not held.stored for held in self.leases.values()):
                return False
            self.backend, self._share, self.degraded = backend, None, None
            self.errors = self._errors_sent = 0
            return True

    async def _send(self, backend: Backend, now: float, *, wiped: bool) -> None:
        await self.backlog.send(backend, wiped=wiped)
        errors = self.errors - self._errors_sent
        if errors:
            counted = Settlement(None, now, now, counted=((STORE_ERROR, errors),))
            await Unsent.without_lease(counted, now).send(backend, wiped=wiped)
            self._errors_sent += errors
        await self._adopt_by(backend, [held for held in self.leases.values() if not held.stored], now)

    async def _restore(self, backend: Backend, membership: Membership, now: float) -> None:
        """Give a store that lost everything what is known of it.

        Of each scope one process gives what it last read, those that read it later what came in between, and the others
        only what is their own.
        """
        last = self._last_reading
        if last is None:
            return
        what = "its counts" if membership.counts_only else "what it held"
        lost = f"the {backend.name} store lost {what}; what was known of it is restored"
        _log.warning("%s", lost)
        event = Settlement(None, now, now, events=(Event(now, "state_lost", "state", lost, now),))
        await Unsent.without_lease(event, now).send(backend, wiped=True)
        days = {scope: counts.long for scope, counts in last.snapshot.counts.items()}
        days |= {scope: NOTHING for scope in last.snapshot.cooldowns if scope not in days}
        claimed = await backend.claim(last.store, last.at, days, membership)
        await restore(last.only(claimed), backend, self._meters, now, claimed)
        await self._adopt_by(backend, list(self.leases.values()), now)
        for each in tuple(self.settled):
            await each.restore(backend, membership)
        self._last_reading = replace(last, store=membership.store)

    async def _adopt_by(self, backend: Backend, leases: Sequence[HeldLease], now: float) -> None:
        for held in leases:
            if held.lease.id in self.leases:  # Else it was settled meanwhile.
                await backend.adopt(held.lease, now)
                held.stored = True
