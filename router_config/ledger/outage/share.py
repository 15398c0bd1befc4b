"""The accounting of one process that cannot see the others: everything counts as if each of them did the same.

So with four processes a request takes four times its room, and together they stay within every limit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from router_config.ledger.local.memory import MemoryStore
from router_config.ledger.outage.debt import Debt
from router_config.ledger.outage.snapshots import Known, count, put
from router_config.ledger.rules.choice import Choice, Passed
from router_config.ledger.rules.decisions import DECISIONS_KEPT, Decision
from router_config.ledger.rules.gates import Candidate, Examination, Need, Rest, Tier
from router_config.ledger.rules.meters import NOTHING, Amount, Meter
from router_config.ledger.rules.totals import Totals
from router_config.ledger.store import Attendance, History, Lease, Settlement, SlotSeconds, Snapshot, Store


class Share(Store):
    """A share of a store's room. Leases and settlements come and go in real amounts."""

    name = "share"
    shared = False

    def __init__(self, processes: int) -> None:
        self.processes = processes
        self._ledger = MemoryStore()
        self._stand_ins: dict[int, _StandIn] = {}

    async def begin(
        self, known: Known, meters: Mapping[str, Meter], mine: Iterable[Lease], recent: Iterable[Debt], now: float
    ) -> None:
        """Start from what was last known of the store.

        `mine` are the leases of this process that are open, `recent` what it settled shortly before that reading: the
        others may have read the store a little earlier and not know of it, so it counts as much as what came after.
        """
        await put(known, self._ledger, meters, now)
        assumed: dict[str, Amount] = {}
        for lease in mine:
            await self.adopt(lease, now)
            for scope in lease.scopes:
                others = self._times(lease.amount).minus(lease.amount)
                assumed[scope] = assumed.get(scope, NOTHING).plus(others)
        for scope, elsewhere in known.open_elsewhere.items():
            # What others held beyond the assumption that each holds as much as this process.
            await count(self._ledger, scope, elsewhere.minus(assumed.get(scope, NOTHING)), known.at, now)
        for debt in recent:
            spent = debt.settlement.spent
            if spent is not None and self.processes > 1:
                others = self._times(spent).minus(spent)  # Once it is in what was known already.
                for scope in debt.lease.scopes:
                    await count(self._ledger, scope, others, debt.settlement.ended_at, now)

    async def reserve(
        self, candidates: Sequence[Candidate], need: Need, now: float, ttl: float
    ) -> tuple[Choice, Lease | None]:
        fitting = {each.id: each for each in candidates if self._fits(each, need)}
        choice, lease = await self._ledger.reserve([self._stand_in(each) for each in fitting.values()], need, now, ttl)
        statuses = {passed.deployment: passed.status for passed in choice.passed}
        if choice.chosen is None or lease is None:
            everyone = tuple(Passed(each.id, statuses.get(each.id, "rate_limited")) for each in candidates)
            return Choice(None, NOTHING, (), everyone), None
        chosen = fitting[choice.chosen.id]
        before = candidates[: next(place for place, each in enumerate(candidates) if each.id == chosen.id)]
        amount = chosen.need(need.tokens, need.prompt_tokens)
        tokens, usd = min(amount.tokens, choice.amount.tokens // self.processes), choice.amount.usd / self.processes
        amount = amount._replace(tokens=tokens, usd=usd)
        passed = tuple(Passed(each.id, statuses.get(each.id, "rate_limited")) for each in before)
        return Choice(chosen, amount, choice.probes, passed), lease._replace(amount=amount)

    async def settle(self, lease: Lease, settlement: Settlement, now: float) -> None:
        spent = settlement.spent
        counted = settlement._replace(spent=None if spent is None else self._times(spent), outcome=None, decision=None)
        if settlement.outcome is None and settlement.decision is None:
            await self._ledger.settle(lease, counted, now)
        else:  # The history is of what was really spent.
            await self._ledger.settle(lease, counted._replace(rests=(), counted=()), now)
            await self._ledger.settle(lease, settlement._replace(reports=()), now)

    async def adopt(self, lease: Lease, now: float) -> None:
        await self._ledger.adopt(lease._replace(amount=self._times(lease.amount)), now)

    async def renew(self, lease: Lease, expires_at: float) -> None:
        await self._ledger.renew(lease, expires_at)

    async def rest(self, rest: Rest) -> None:
        await self._ledger.rest(rest)

    async def wake(self, scope: str) -> None:
        await self._ledger.wake(scope)

    async def explain(self, candidates: Sequence[Candidate], need: Need, now: float) -> tuple[Examination, ...]:
        examined = await self._ledger.explain([self._stand_in(each) for each in candidates], need, now)
        pairs = zip(candidates, examined, strict=True)
        return tuple(each if self._fits(candidate, need) else self._too_much(each) for candidate, each in pairs)

    async def rooms(self, candidates: Sequence[Candidate], need: Need, now: float) -> tuple[float, ...]:
        rooms = await self._ledger.rooms([self._stand_in(each) for each in candidates], need, now)
        return tuple(room if self._fits(each, need) else 0.0 for each, room in zip(candidates, rooms, strict=True))

    async def snapshot(self, meters: Sequence[Meter], since: Mapping[str, float], now: float) -> Snapshot:
        return await self._ledger.snapshot(meters, since, now)

    async def totals(self, now: float) -> Totals:
        return await self._ledger.totals(now)

    async def record(self, decision: Decision, now: float) -> None:
        await self._ledger.record(decision, now)

    async def decisions(self, after: int = 0, last: int = DECISIONS_KEPT) -> tuple[Decision, ...]:
        return await self._ledger.decisions(after, last)

    async def history(self, slot_seconds: SlotSeconds, since: float, now: float) -> History:
        return await self._ledger.history(slot_seconds, since, now)

    def know(self, meters: Sequence[Meter]) -> None:
        self._ledger.know(meters)

    async def attend(self, process: str, now: float, lasts: float) -> Attendance:
        return Attendance(self.processes, "")

    async def aclose(self) -> None:
        await self._ledger.aclose()

    def _times(self, amount: Amount) -> Amount:
        processes = self.processes
        return Amount(amount.requests * processes, amount.tokens * processes, amount.usd * processes)

    def _stand_in(self, candidate: Candidate) -> Candidate:
        if self.processes == 1:
            return candidate
        known = self._stand_ins.get(id(candidate))
        if known is None:
            known = self._stand_ins[id(candidate)] = _StandIn(candidate, self)
        return known

    def _fits(self, candidate: Candidate, need: Need) -> bool:
        """Whether a share of each token limit holds the request; cut to the limit it would take too much."""
        if self.processes == 1:
            return True
        tokens = candidate.need(need.tokens, need.prompt_tokens).tokens * self.processes
        limits = (limit for meter in candidate.meters for limit in meter.limits)
        return all(tokens <= limit.value for limit in limits if limit.metric == "tokens")

    def _too_much(self, examination: Examination) -> Examination:
        gates = tuple(
            replace(gate, status="rate_limited", clears_at=None)
            if gate.limit in ("tpm", "tpd") and gate.needed >= gate.value
            else gate
            for gate in examination.gates
        )
        return replace(examination, gates=gates)


@dataclass(frozen=True)
class _StandIn:
    """A candidate at which a request needs as much as all processes together would."""

    candidate: Candidate
    share: Share

    @property
    def id(self) -> str:
        return self.candidate.id

    @property
    def tier(self) -> Tier:
        return self.candidate.tier

    @property
    def meters(self) -> tuple[Meter, ...]:
        return self.candidate.meters

    @property
    def rests_with(self) -> tuple[str, ...]:
        return self.candidate.rests_with

    def need(self, tokens: int, prompt_tokens: int) -> Amount:
        return self.share._times(self.candidate.need(tokens, prompt_tokens))
