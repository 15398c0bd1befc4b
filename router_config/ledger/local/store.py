"""The steps of the ledger and the journal for stores that a process reads and writes itself (memory, SQLite).

A subclass brings one atomic transaction and the primitives that load and save. Every rule is here.
"""

from abc import abstractmethod
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial, update_wrapper
from types import MappingProxyType
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from router_config.ledger.interfaces import Backend
from router_config.ledger.local.journal import LocalJournal
from router_config.ledger.local.pages import NO_SLOT, UNUSED, Pages
from router_config.ledger.rules.choice import choose, room_for
from router_config.ledger.rules.decisions import DECISIONS_KEPT, Decision
from router_config.ledger.rules.examinations import examine_all
from router_config.ledger.rules.gates import PROBE_HOLDS, Candidate, Cooldown, Examination, Need
from router_config.ledger.rules.history import (
    BURN_SECONDS,
    Event,
    News,
    SlotSeconds,
    event_of_cooldown,
    event_of_recovery,
    is_news,
)
from router_config.ledger.rules.learned import merged
from router_config.ledger.rules.meters import NOTHING, Counts, LimitName, Meter
from router_config.ledger.rules.reported_limits import Report, observed_after
from router_config.ledger.rules.schedule import following
from router_config.ledger.rules.totals import Counted, Totals
from router_config.ledger.rules.windows import Calendar, Window
from router_config.ledger.values import (
    SETTLED,
    Affinity,
    History,
    Lease,
    Outcome,
    Reserved,
    Settled,
    Settlement,
    Snapshot,
    new_lease_id,
)

T = TypeVar("T")
P = ParamSpec("P")
S = TypeVar("S", bound="LocalStore")

_new: Final = tuple.__new__  # Half the time of calling the class.


def atomic(step: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Make a method of the interfaces of what it does: all of it in one transaction."""

    def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
        return self._atomically(partial(step, self, *args, **kwargs))

    update_wrapper(run, step)
    return run


class LocalStore(Pages, Backend):
    """One algorithm over abstract pages, leases and cooldowns, and over a journal."""

    def __init__(self, journal: LocalJournal) -> None:
        self._journal = journal
        self._meters: dict[str, Meter] = {}
        self._formerly: Mapping[str, str] = {}
        """Other names of scopes, each with its name now, until what stands under them was taken over."""
        self._turned: tuple[Meter, ...] = ()
        """Meters of which a day begins at another moment than before, since the clock was corrected."""
        self._now = 0.0
        """The time of the present step, or of the last one that has a time, epoch seconds."""
        self._news = News()

    @atomic
    def reserve(self, candidates: Sequence[Candidate], need: Need, now: float, ttl: float) -> Reserved:
        self._now = now
        for dead in self._expired_leases(now):
            self._close(dead, Settlement(dead.amount, dead.expires_at, dead.expires_at))
        choice = choose(candidates, need, self, now)
        if choice.chosen is None:
            return choice, None
        chosen = choice.chosen
        amount, scopes = choice.amount, []
        for meter in chosen.meters:
            scope, part = meter.scope, meter.part
            if meter.limits or meter.of_class or self._page(scope) is not None:
                scopes.append(scope)
                self._meters.setdefault(scope, meter)
                counts = self._page_to_write(scope).counts
                counts.open = counts.open.plus(amount.counted(part) if part else amount)
        lease = _new(Lease, (new_lease_id(), chosen.id, tuple(scopes), amount, now, now + ttl, choice.probes))
        for scope in lease.probes:
            cooldown = self.cooldown_of(scope)
            if cooldown is not None:
                self._put_cooldown(cooldown._replace(probe=lease.id, probe_until=now + PROBE_HOLDS))
        self._put_lease(lease)
        return choice, lease

    @atomic
    def settle(self, lease: Lease, settlement: Settlement, now: float) -> Settled:
        self._now = now
        held = self._pop_lease(lease)
        if held is not None:
            self._close(held, settlement)
        outcome = settlement.outcome
        for cooldown in settlement.cooldowns:
            begun = self._put_unless_shorter(cooldown)
            if begun is not None and outcome is not None:
                self._note_beginning(begun, outcome.provider, outcome.model)
        for report in settlement.reports:
            self._observe(report, lease)
        for counted, times in settlement.counted:
            self._journal.count_on(counted, times)
        if outcome is not None:
            self._journal.record(outcome, (settlement.spent or NOTHING).whole, now)
        if settlement.decision is not None:
            self._keep(settlement.decision)
        for event in settlement.events:
            self._keep_event(event)
        if settlement.affinity is not None:
            self._put_affinity(settlement.affinity)
        return SETTLED

    @atomic
    def adopt(self, lease: Lease, now: float) -> None:
        self._now = now
        held = self._pop_lease(lease)
        if held is None:
            for scope in lease.scopes:
                counts = self._page_now(scope).counts
                counts.open = counts.open.plus(lease.amount.counted(self._meter(scope).part))
        self._put_lease(held or lease)

    @atomic
    def renew(self, lease: Lease, expires_at: float) -> None:
        held = self._pop_lease(lease)
        if held is not None:
            self._put_lease(held._replace(expires_at=expires_at))

    @atomic
    def begin_cooldown(self, cooldown: Cooldown, of: tuple[str, str] | None = None) -> None:
        self._now = cooldown.since
        if of is None:
            self._put_cooldown(cooldown)
        elif (begun := self._put_unless_shorter(cooldown)) is not None:
            self._note_beginning(begun, *of)

    @atomic
    def end_cooldown(self, scope: str) -> None:
        self._drop_cooldown(scope)

    @atomic
    def explain(self, candidates: Sequence[Candidate], need: Need, now: float) -> tuple[Examination, ...]:
        self._now = now
        return examine_all(candidates, need, self, now)

    @atomic
    def rooms(self, candidates: Sequence[Candidate], need: Need, now: float) -> tuple[float, ...]:
        self._now = now
        return tuple([room_for(each, need, self, now) for each in candidates])

    @atomic
    def snapshot(self, meters: Sequence[Meter], since: Mapping[str, float], now: float) -> Snapshot:
        self._now = now
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
        cooldowns = {scope: each for scope, each in self._all_cooldowns().items() if not each.over(now)}
        burn = {provider: self._journal.tokens_since(provider, now - BURN_SECONDS) for provider in since}
        return Snapshot(counts, resets, cooldowns, self._journal.usage(since), self._journal.last_errors(), burn)

    @atomic
    def learn(self, curves: Mapping[str, str]) -> Mapping[str, str]:
        known = self._curves()
        for name, text in curves.items():
            known[name] = merged(name, known.get(name), text)
            self._put_curve(name, known[name])
        return known

    @atomic
    def affinity(self, conversation: str, now: float) -> Affinity | None:
        affinity = self._affinity(conversation)
        return affinity if affinity is not None and now < affinity.until else None

    def register_meters(self, meters: Sequence[Meter], formerly: Mapping[str, str] = MappingProxyType({})) -> None:
        before = ((self._meters.get(meter.scope), meter) for meter in meters)
        self._turned += tuple(now for old, now in before if old and _is_corrected(old.long, now.long))
        self._meters.update((meter.scope, meter) for meter in meters)
        self._formerly = formerly

    @atomic
    def record(self, decision: Decision, now: float) -> None:
        self._now = now
        self._keep(decision)

    @atomic
    def decisions(self, after: int = 0, last: int = DECISIONS_KEPT) -> tuple[Decision, ...]:
        return self._journal.decisions(after, last)

    @atomic
    def history(self, slot_seconds: SlotSeconds, since: float, now: float) -> History:
        self._now = now
        events = tuple(event for event in self._journal.events() if event.at >= since)
        return History(self._journal.slots_since(slot_seconds, since), events)

    @atomic
    def totals(self, now: float) -> Totals:
        self._now = now
        return self._journal.totals()

    # Parts of a step.

    def _turn_days(self) -> None:
        """What a day by calendar holds leaves at the midnight by the clock as it is corrected now."""
        for meter in self._turned:
            page = self._page(meter.scope)
            if page is not None and page.long.newest != NO_SLOT:
                tally = self._page_to_write(meter.scope).long
                tally.leaves = meter.long.frees(min(self._now, tally.leaves - 1.0))
                tally.oldest_leaves = 0.0  # The next reading finds out.

    def _keep(self, decision: Decision) -> None:
        self._journal.put_decision(decision)
        if decision.skipped or len(decision.attempts) > 1:  # Seldom.
            for event in self._news.of(decision):
                self._keep_event(event)

    def _keep_event(self, event: Event) -> None:
        if is_news(event, self._journal.events()):
            self._journal.put_event(event)

    def _note_beginning(self, cooldown: Cooldown, provider: str, model: str) -> None:
        if cooldown.status == "cooldown":
            self._journal.count_on(Counted("cooldown", provider, model), 1)
        event = event_of_cooldown(cooldown, provider)
        if event is not None:
            self._journal.put_event(event)

    def _note_recovery(self, cooldown: Cooldown, outcome: Outcome) -> None:
        event = event_of_recovery(cooldown, outcome.provider, self._now)
        if event is not None:
            self._journal.put_event(event)

    def _close(self, lease: Lease, settlement: Settlement) -> None:
        spent, arrived_at, ended_at = settlement.spent, settlement.arrived_at, settlement.ended_at
        meters = self._meters
        for scope in lease.scopes:
            meter, page = meters.get(scope) or Meter(scope), self._page_now(scope)
            part, counts = meter.part, page.counts
            counts.open = counts.open.minus(lease.amount.counted(part) if part else lease.amount)
            if spent is not None:
                self._count(meter, page, spent.counted(part) if part else spent, arrived_at, ended_at)
        for scope in lease.probes:
            cooldown = self.cooldown_of(scope)
            if cooldown is None:
                continue
            if settlement.alive and cooldown.since <= lease.taken_at:  # Also when a later probe has taken its place.
                self._drop_cooldown(scope)
                if settlement.outcome is not None:
                    self._note_recovery(cooldown, settlement.outcome)
            elif cooldown.probe == lease.id:
                self._put_cooldown(cooldown._replace(probe=None, probe_until=0.0))

    def _put_unless_shorter(self, cooldown: Cooldown) -> Cooldown | None:
        """Replace the scope's cooldown, unless that holds for longer. What has begun; None: it goes on."""
        old = self.cooldown_of(cooldown.scope)
        held = old is not None and old.holds(self._now)
        after = following(old, cooldown, self._now)
        if after is not None:
            self._put_cooldown(after)
        goes_on = old is not None and held and old.status == cooldown.status
        return None if goes_on else (after or cooldown)._replace(since=cooldown.since)

    def _observe(self, report: Report, lease: Lease) -> None:
        meter = self._meter(report.scope)
        observed = observed_after(report, meter, self.counts(meter) or Counts(), lease.taken_at, self._now)
        if observed is not None:
            self._page_to_write(report.scope).counts.observed[report.limit_name] = observed

    def _meter(self, scope: str) -> Meter:
        return self._meters.get(scope) or Meter(scope)

    # What a store brings. All but the first run inside a transaction.

    @abstractmethod
    async def _atomically(self, step: Callable[[], T]) -> T:
        """Run one step so that no other step of any process comes between."""

    def _prefetch(self, meters: Sequence[Meter]) -> None:
        """Make ready to read all of these."""

    @property
    @abstractmethod
    def any_cooldown(self) -> bool: ...

    cooldown_of: Callable[[str], Cooldown | None]

    @abstractmethod
    def _put_cooldown(self, cooldown: Cooldown) -> None: ...

    @abstractmethod
    def _drop_cooldown(self, scope: str) -> None: ...

    @abstractmethod
    def _all_cooldowns(self) -> dict[str, Cooldown]: ...

    @abstractmethod
    def _curves(self) -> dict[str, str]:
        """The texts of all curves, by model; a copy."""

    @abstractmethod
    def _put_curve(self, name: str, text: str) -> None: ...

    @abstractmethod
    def _affinity(self, conversation: str) -> Affinity | None: ...

    @abstractmethod
    def _put_affinity(self, affinity: Affinity) -> None:
        """Keep it in the place of the conversation's former one. Those that are over may go."""

    @abstractmethod
    def _put_lease(self, lease: Lease) -> None: ...

    @abstractmethod
    def _pop_lease(self, lease: Lease) -> Lease | None:
        """Take out a lease and return it as it is held; None: it is closed."""

    @abstractmethod
    def _expired_leases(self, now: float) -> list[Lease]:
        """Take out and return the leases that expired."""


def _is_corrected(old: Window, new: Window) -> bool:
    """Whether both are calendar days, by clocks that are apart."""
    return isinstance(old, Calendar) and isinstance(new, Calendar) and old.correction != new.correction
