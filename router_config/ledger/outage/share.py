"""The accounting of one process that cannot see the others: everything counts as if each of them did the same.

With four processes a request takes four times its room. So together they stay within every limit. What does not divide
of a limit of requests at a time goes to the processes that came first: of `parallel: 1` to one of them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from secrets import token_hex
from types import MappingProxyType
from typing import Final

from router_config.ledger.interfaces import Backend
from router_config.ledger.local.memory import MemoryStore
from router_config.ledger.outage.backlog import Unsent
from router_config.ledger.outage.renaming import renamed_scopes
from router_config.ledger.rules.choice import Choice, Skipped
from router_config.ledger.rules.gates import Candidate, Examination, Need
from router_config.ledger.rules.meters import NOTHING, Amount, Counts, Limit, LimitName, Meter, ObservedLimit, kind_of
from router_config.ledger.rules.reported_limits import Report
from router_config.ledger.rules.windows import LENGTHS
from router_config.ledger.values import Lease, Reserved, Settled, Settlement, Snapshot

MEANWHILE: Final = 60.0
"""Seconds that a lease would last which is settled at once."""

PROCESS_LASTS: Final = 120.0
"""Seconds for which a process without requests counts as one that uses the store."""

HAVE_ENDED: Final = 60.0
"""Seconds after which what other processes had under way when the store failed has ended, save long streams."""


@dataclass(frozen=True, slots=True)
class LastReading:
    """What a store held `at` a moment (epoch seconds), its name, and how many processes used it then.

    `rank`: how many of them had come before this one. `open_elsewhere`: by scope, what leases of other processes held.
    """

    snapshot: Snapshot
    at: float
    store: str
    processes: int
    rank: int
    open_elsewhere: Mapping[str, Amount]

    def only(self, scopes: Collection[str]) -> "LastReading":
        """The counts and cooldowns of these scopes."""
        counts = {scope: each for scope, each in self.snapshot.counts.items() if scope in scopes}
        cooldowns = {scope: each for scope, each in self.snapshot.cooldowns.items() if scope in scopes}
        return replace(self, snapshot=replace(self.snapshot, counts=counts, cooldowns=cooldowns))

    def renamed(self, names: Mapping[str, str]) -> "LastReading":
        """names: by other names of scopes, those that they have now."""
        cooldowns = renamed_scopes(self.snapshot.cooldowns, names)
        cooldowns = {scope: each._replace(scope=scope) for scope, each in cooldowns.items()}
        snapshot = replace(self.snapshot, counts=renamed_scopes(self.snapshot.counts, names), cooldowns=cooldowns)
        return replace(self, snapshot=snapshot, open_elsewhere=renamed_scopes(self.open_elsewhere, names))


class Share(MemoryStore):
    """A share of a store's room. Leases and settlements come and go in real amounts, and are kept multiplied."""

    processes = 1
    _last: LastReading | None = None
    _began = 0.0

    async def begin(
        self,
        last: LastReading,
        meters: Mapping[str, Meter],
        mine: Iterable[Lease],
        recent: Iterable[Unsent],
        now: float,
    ) -> None:
        """Start from what was last read of the store.

        mine: the open leases of this process. recent: what it settled shortly before that reading. Other processes may
        have read the store a little earlier and not know of it, so it counts as much as what came after.
        """
        await restore(last, self, meters, now)
        times = last.processes - 1
        by_this: dict[str, Amount] = {}
        for lease in mine:
            for scope in lease.scopes:
                held = lease.amount.times(times).counted(_meter(meters, scope).part)
                by_this[scope] = by_this.get(scope, NOTHING).plus(held)
        for scope, elsewhere in last.open_elsewhere.items():
            # Each of the others is taken to hold as much as this process. This is what they hold beyond that.
            await count(self, scope, elsewhere.minus(by_this.get(scope, NOTHING)), last.at, now)
        for each in recent:
            if each.settlement.spent is not None and times:  # What this process spent is part of the reading already.
                for scope in each.lease.scopes:
                    theirs = each.settlement.spent.times(times).counted(_meter(meters, scope).part)
                    await count(self, scope, theirs, each.settlement.ended_at, now)
        self.processes = last.processes  # Up to here everything is counted once, from here on as often as this.
        self._last, self._began = last, now
        for lease in mine:
            await self.adopt(lease, now)

    async def reserve(self, candidates: Sequence[Candidate], need: Need, now: float, ttl: float) -> Reserved:
        fitting = [each for each in candidates if self._fits(each, need)]
        choice, lease = await super().reserve(fitting, self._of_all(need, now), now, ttl)
        statuses = {skipped.deployment: skipped.status for skipped in choice.skipped}
        skipped = tuple(Skipped(each.id, statuses.get(each.id, "rate_limited")) for each in candidates)
        chosen = choice.chosen
        if chosen is None or lease is None:
            return Choice(None, NOTHING, (), skipped), None
        before = next(place for place, each in enumerate(candidates) if each.id == chosen.id)
        amount = choice.amount.shared(self.processes)
        return Choice(chosen, amount, choice.probes, skipped[:before]), lease._replace(amount=amount)

    async def settle(self, lease: Lease, settlement: Settlement, now: float) -> Settled:
        spent = settlement.spent
        counted = settlement._replace(
            spent=None if spent is None else spent.times(self.processes), outcome=None, decision=None
        )
        if settlement.outcome is None and settlement.decision is None:
            return await super().settle(lease, counted, now)
        # The journal is told what was really spent.
        await super().settle(lease, counted._replace(cooldowns=(), counted=()), now)
        return await super().settle(lease, settlement._replace(reports=()), now)

    async def adopt(self, lease: Lease, now: float) -> None:
        await super().adopt(lease._replace(amount=lease.amount.times(self.processes)), now)

    async def explain(self, candidates: Sequence[Candidate], need: Need, now: float) -> tuple[Examination, ...]:
        examined = await super().explain(candidates, self._of_all(need, now), now)
        pairs = zip(candidates, examined, strict=True)
        return tuple(each if self._fits(candidate, need) else _too_much(each) for candidate, each in pairs)

    async def rooms(self, candidates: Sequence[Candidate], need: Need, now: float) -> tuple[float, ...]:
        rooms = await super().rooms(candidates, self._of_all(need, now), now)
        return tuple(room if self._fits(each, need) else 0.0 for each, room in zip(candidates, rooms, strict=True))

    def _of_all(self, need: Need, now: float) -> Need:
        """The same as each process would make it.

        The rank holds while nobody can have taken this process for gone when it read it, and once the others have
        nothing under way any more that they began with the store.
        """
        last = self._last
        known = last is not None and self._began < last.at + PROCESS_LASTS and now >= self._began + HAVE_ENDED
        return need._replace(times=self.processes, rank=last.rank if last is not None and known else None)

    def _fits(self, candidate: Candidate, need: Need) -> bool:
        """Whether this share of each token limit holds the request. Cut to the limit it would take too much."""
        if self.processes == 1:
            return True
        amount = need.amount(candidate).times(self.processes)
        return all(amount.counted(meter.part).tokens <= meter.most_tokens for meter in candidate.meters)


def _too_much(examination: Examination) -> Examination:
    gates = tuple(
        replace(gate, status="rate_limited", clears_at=None)
        if kind_of(gate.limit).metric == "tokens" and gate.needed >= gate.value
        else gate
        for gate in examination.gates
    )
    return replace(examination, gates=gates)


async def restore(
    last: LastReading,
    store: Backend,
    meters: Mapping[str, Meter],
    now: float,
    given: Mapping[str, Amount] = MappingProxyType({}),
) -> None:
    """Count in an empty store what was last read: cooldowns, observed limits, and the windows' totals.

    given: by scope, what the store was given of the day by a process that had read it earlier.

    Nobody knows when each part of a total leaves its window. All of it is counted as of the reading, never too early.
    """
    for scope, counts in last.snapshot.counts.items():
        meter = _meter(meters, scope)
        minute, earlier = _beyond(counts, given.get(scope, NOTHING))
        # In the day but no more in the minute. Where the day has just begun there is no such moment.
        before = last.at - LENGTHS["minute"] - 1
        await count(store, scope, earlier, before if meter.long.frees(before) > last.at else last.at, now)
        await count(store, scope, minute, last.at, now)
        for name, observed in counts.observed.items():
            await _report(store, meter, counts, name, observed, now)
    for cooldown in last.snapshot.cooldowns.values():
        await store.begin_cooldown(cooldown)


def _meter(meters: Mapping[str, Meter], scope: str) -> Meter:
    return meters.get(scope) or Meter(scope)


def _beyond(counts: Counts, given: Amount) -> tuple[Amount, Amount]:
    """What is in the minute, and in the day alone, beyond what was read of the day earlier."""
    left = counts.long.minus(given)
    if any(late < early for late, early in zip(counts.long, given, strict=True)):  # A day has ended since.
        return counts.minute, left.minus(counts.minute)
    minute = counts.minute.minus(counts.minute.minus(left))  # No more than is left of the day.
    return minute, left.minus(minute)


async def count(store: Backend, scope: str, amount: Amount, moment: float, now: float) -> None:
    """Count as spent at `moment` what no lease of this store was for."""
    if amount != NOTHING:
        lease = Lease(f"restored-{token_hex(8)}", "", (scope,), NOTHING, moment, now + MEANWHILE)
        await store.adopt(lease, now)
        await store.settle(lease, Settlement(amount, moment, moment), now)


async def _report(
    store: Backend, meter: Meter, counts: Counts, name: LimitName, observed: ObservedLimit, now: float
) -> None:
    """Report a limit to the store such that the same usage beyond our own count follows."""
    configured = meter.value_of(name)
    limit = observed.limit if configured is None else min(observed.limit, configured)
    remaining = limit - counts.used(Limit(name, observed.limit)) - observed.extra_at(now)
    report = Report(meter.scope, name, observed.limit, remaining, observed.until - now, observed.refills)
    lease = Lease(f"restored-{token_hex(8)}", "", (), NOTHING, observed.asked_at, now)
    await store.settle(lease, Settlement(None, now, now, reports=(report,)), now)
