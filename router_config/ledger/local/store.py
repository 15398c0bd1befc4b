"""The ledger's steps for stores that a process reads and writes itself (memory, SQLite).

A subclass brings one atomic transaction and the few primitives that load and save; every rule is here.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from os import getpid, register_at_fork
from secrets import token_hex
from typing import TypeVar, TypeVarTuple

from router_config.ledger.local.journal import Past
from router_config.ledger.local.pages import UNUSED, Pages
from router_config.ledger.rules.choice import Choice, choose, room_for
from router_config.ledger.rules.decisions import DECISIONS_KEPT, Decision
from router_config.ledger.rules.events import News, event_of_rest, is_news
from router_config.ledger.rules.gates import Candidate, Examination, Need, Rest, examine_all
from router_config.ledger.rules.meters import NOTHING, Counts, LimitName, Meter
from router_config.ledger.rules.reported_limits import heard
from router_config.ledger.rules.totals import Counted, Totals
from router_config.ledger.store import (
    History,
    Lease,
    Outcome,
    Report,
    Settlement,
    SlotSeconds,
    Snapshot,
    Store,
)

T = TypeVar("T")
Given = TypeVarTuple("Given")

_lease_numbers = count(1)
_here = token_hex(6)  # Two containers may have the same process number.
_process = f"{_here}-{getpid()}"


def _name_process() -> None:
    global _process
    _process = f"{_here}-{getpid()}"


register_at_fork(after_in_child=_name_process)  # Asking the system each time costs as much as all the rest of an id.


class LocalStore(Pages, Store):
    """One algorithm over abstract pages, leases and rests, and over a past."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self._meters: dict[str, Meter] = {}
        self._now = 0.0
        self._news = News()

    async def reserve(
        self, candidates: Sequence[Candidate], need: Need, now: float, ttl: float
    ) -> tuple[Choice, Lease | None]:
        return await self._atomically(now, self._reserve, candidates, need, ttl)

    async def settle(self, lease: Lease, settlement: Settlement, now: float) -> None:
        await self._atomically(now, self._settle, lease, settlement)

    async def adopt(self, lease: Lease, now: float) -> None:
        await self._atomically(now, self._adopt, lease)

    async def renew(self, lease: Lease, expires_at: float) -> None:
        await self._atomically(self._now, self._renew, lease, expires_at)

    async def rest(self, rest: Rest) -> None:
        await self._atomically(rest.since, self._put_rest, rest)

    async def wake(self, scope: str) -> None:
        await self._atomically(self._now, self._drop_rest, scope)

    async def explain(self, candidates: Sequence[Candidate], need: Need, now: float) -> tuple[Examination, ...]:
        return await self._atomically(now, self._explain, candidates, need)

    async def rooms(self, candidates: Sequence[Candidate], need: Need, now: float) -> tuple[float, ...]:
        return await self._atomically(now, lambda: tuple(room_for(each, need, self, self._now) for each in candidates))

    async def snapshot(self, meters: Sequence[Meter], since: Mapping[str, float], now: float) -> Snapshot:
        return await self._atomically(now, self._snapshot, meters, since)

    async def totals(self, now: float) -> Totals:
        return await self._atomically(now, self._past.totals)

    async def record(self, decision: Decision, now: float) -> None:
        await self._atomically(now, self._keep, decision)

    async def decisions(self, after: int = 0, last: int = DECISIONS_KEPT) -> tuple[Decision, ...]:
        return await self._atomically(self._now, self._past.decisions, after, last)

    async def history(self, slot_seconds: SlotSeconds, since: float, now: float) -> History:
        return await self._atomically(now, self._history_since, slot_seconds, since)

    # The steps, each inside one transaction.

    def _reserve(self, candidates: Sequence[Candidate], need: Need, ttl: float) -> tuple[Choice, Lease | None]:
        now = self._now
        for dead in self._expired_leases(now):
            self._close(dead, Settlement(dead.amount, dead.expires_at, dead.expires_at))
        choice = choose(candidates, need, self, now)
        if choice.chosen is None:
            return choice, None
        chosen = choice.chosen
        held = [meter for meter in chosen.meters if meter.limits or self._page(meter.scope) is not None]
        scopes = tuple([meter.scope for meter in held])
        lease = Lease(
            f"{_process}-{next(_lease_numbers)}", chosen.id, scopes, choice.amount, now, now + ttl, choice.probes
        )
        for meter in held:
            self._meters.setdefault(meter.scope, meter)
            counts = self._page_to_write(meter.scope).counts
            counts.open = counts.open.plus(lease.amount)
        for scope in lease.probes:
            rest = self.rest_of(scope)
            if rest is not None:
                self._put_rest(replace(rest, probe=lease.id, probe_until=lease.expires_at))
        self._put_lease(lease)
        return choice, lease

    def _adopt(self, lease: Lease) -> None:
        held = self._pop_lease(lease)
        if held is None:
            for scope in lease.scopes:
                counts = self._page_now(scope).counts
                counts.open = counts.open.plus(lease.amount)
        self._put_lease(held or lease)

    def _settle(self, lease: Lease, settlement: Settlement) -> None:
        held = self._pop_lease(lease)
        if held is not None:
            self._close(held, settlement)
        outcome = settlement.outcome
        for rest in settlement.rests:
            if self._prolong(rest) and outcome is not None:
                self._begun(rest, outcome)
        for report in settlement.reports:
            self._hear(report, lease)
        for counted, times in settlement.counted:
            self._past.count_on(counted, times)
        if outcome is not None:
            self._past.record(outcome, settlement.spent or NOTHING, self._now)
        if settlement.decision is not None:
            self._keep(settlement.decision)

    def _keep(self, decision: Decision) -> None:
        self._past.put_decision(decision)
        if decision.passed or len(decision.attempts) > 1:
            for event in self._news.of(decision):
                if is_news(event, self._past.events()):
                    self._past.put_event(event)

    def _begun(self, rest: Rest, outcome: Outcome) -> None:
        if rest.status == "cooldown":
            self._past.count_on(Counted("cooldown", outcome.provider, outcome.model), 1)
        event = event_of_rest(rest, outcome.provider)
        if event is not None:
            self._past.put_event(event)

    def _close(self, lease: Lease, settlement: Settlement) -> None:
        spent = settlement.spent
        for scope in lease.scopes:
            page = self._page_now(scope)
            page.counts.open = page.counts.open.minus(lease.amount)
            if spent is not None:
                self._count(self._meter(scope), page, spent, settlement.arrived_at, settlement.ended_at)
        for scope in lease.probes:
            rest = self.rest_of(scope)
            if rest is None or rest.probe != lease.id:
                continue
            if settlement.alive:
                self._drop_rest(scope)
            else:
                self._put_rest(replace(rest, probe=None, probe_until=0.0))

    def _prolong(self, rest: Rest) -> bool:
        """A new rest replaces an old one, but never shortens it while it holds. Whether a rest of its kind began."""
        old = self.rest_of(rest.scope)
        held = old is not None and old.holds(self._now)
        if old is None or not held or old.until <= rest.until:
            self._put_rest(rest)
        return old is None or not held or old.status != rest.status

    def _hear(self, report: Report, lease: Lease) -> None:
        meter = self._meter(report.scope)
        seen = heard(report, meter, self.counts(meter) or Counts(), lease, self._now)
        if seen is not None:
            self._page_to_write(report.scope).counts.seen[report.limit_name] = seen

    def _renew(self, lease: Lease, expires_at: float) -> None:
        held = self._pop_lease(lease)
        if held is not None:
            self._put_lease(held._replace(expires_at=expires_at))

    def _explain(self, candidates: Sequence[Candidate], need: Need) -> tuple[Examination, ...]:
        return examine_all(candidates, need, self, self._now)

    def _snapshot(self, meters: Sequence[Meter], since: Mapping[str, float]) -> Snapshot:
        self._prefetch(meters)
        counts: dict[str, Counts] = {}
        resets: dict[tuple[str, LimitName], float] = {}
        for meter in meters:
            reading = self.reading(meter)
            if reading is not None:
                counts[meter.scope] = reading.counts
                resets.update(reading.resets_at)
            elif meter.limits:
                counts[meter.scope] = UNUSED
        rests = {scope: rest for scope, rest in self._all_rests().items() if not rest.over(self._now)}
        burn = {provider: self._past.tokens_since(provider, self._now - 3600) for provider in since}
        return Snapshot(counts, resets, rests, self._past.usage(since), self._past.last_errors(), burn)

    def _history_since(self, slot_seconds: SlotSeconds, since: float) -> History:
        events = tuple(event for event in self._past.events() if event.at >= since)
        return History(self._past.slots_since(slot_seconds, since), events)

    def _meter(self, scope: str) -> Meter:
        return self._meters.get(scope) or Meter(scope)

    def know(self, meters: Sequence[Meter]) -> None:
        """The meters in use; an expired lease of another process is settled by their windows."""
        self._meters.update((meter.scope, meter) for meter in meters)

    # The primitives of a store, all but the first inside a transaction.

    @abstractmethod
    async def _atomically(self, now: float, step: Callable[[*Given], T], *given: *Given) -> T:
        """Run one step at `now` so that no other step of any process comes between."""

    def _prefetch(self, meters: Sequence[Meter]) -> None:
        """All of these are going to be read."""

    @abstractmethod
    def rest_of(self, scope: str) -> Rest | None: ...

    @abstractmethod
    def _put_lease(self, lease: Lease) -> None: ...

    @abstractmethod
    def _pop_lease(self, lease: Lease) -> Lease | None:
        """Take out a lease and return it as it is held; None: it is closed."""

    @abstractmethod
    def _expired_leases(self, now: float) -> list[Lease]:
        """Take out and return the leases that expired."""

    @abstractmethod
    def _put_rest(self, rest: Rest) -> None: ...

    @abstractmethod
    def _drop_rest(self, scope: str) -> None: ...

    @abstractmethod
    def _all_rests(self) -> dict[str, Rest]: ...
