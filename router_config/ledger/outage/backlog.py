"""Settlements that a store has not received because it failed, to be sent when it is back."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Final

from router_config.ledger.interfaces import Backend
from router_config.ledger.outage.renaming import renamed_lease, renamed_settlement
from router_config.ledger.rules.meters import NOTHING, Spending, SplitAmount
from router_config.ledger.rules.windows import LENGTHS
from router_config.ledger.values import SETTLED, Lease, Membership, Settled, Settlement

MOST: Final = 20_000
"""So many settlements are kept one by one. Beyond that the oldest are added up, and their outcomes are lost."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """A settlement of a lease at a moment (epoch seconds).

    `held`: the lease was open then. `stored`: the store itself had granted it. `settled`: what became of it, where the
    store has received it.
    """

    lease: Lease
    settlement: Settlement
    at: float
    held: bool = True
    stored: bool = True
    settled: Settled = SETTLED

    @classmethod
    def without_lease(cls, settlement: Settlement, at: float) -> "Unsent":
        """A settlement that only brings something else: a cooldown, a decision, a count."""
        return cls(Lease(f"none-{token_hex(8)}", "", (), NOTHING, at, at), settlement, at, held=False)

    @property
    def room_alone(self) -> "Unsent":
        """Without its outcome, where the journal has that already."""
        return replace(self, settlement=self.settlement._replace(outcome=None, decision=None, events=()))

    async def restore(self, store: Backend, membership: Membership) -> None:
        """Settle once more, in a store that has lost everything, what of it that has not received since."""
        received = self.settled.store in ("", membership.store)
        if not (received and self.settled.was_open):
            unsent = self.room_alone if received or membership.counts_only else self
            await unsent.send(store, wiped=True)

    async def send(self, store: Backend, *, wiped: bool) -> None:
        """Settle in the store. wiped: it has lost its leases."""
        if self.held and (wiped or not self.stored):
            await store.adopt(self.lease, self.at)
        await store.settle(self.lease, self.settlement, self.at)


class Backlog:
    """Unsent settlements in the order in which they arose, and the scopes whose cooldown was ended."""

    def __init__(self) -> None:
        self._unsent: deque[Unsent] = deque()
        self._ended_cooldowns: set[str] = set()

    def __len__(self) -> int:
        return len(self._unsent) + len(self._ended_cooldowns)

    def add(self, unsent: Unsent) -> None:
        # Reports are about their moment, and no longer true when they are sent.
        self._unsent.append(replace(unsent, settlement=unsent.settlement._replace(reports=())))
        for cooldown in unsent.settlement.cooldowns:
            self._ended_cooldowns.discard(cooldown.scope)
        if len(self._unsent) > MOST:
            self._add_up(MOST // 2)

    def end_cooldown(self, scope: str) -> None:
        self._ended_cooldowns.add(scope)

    def rename(self, names: Mapping[str, str]) -> None:
        """names: by other names of scopes, those that they have now."""
        for _ in range(len(self._unsent)):
            unsent = self._unsent.popleft()
            lease, settlement = renamed_lease(unsent.lease, names), renamed_settlement(unsent.settlement, names)
            self._unsent.append(replace(unsent, lease=lease, settlement=settlement))
        self._ended_cooldowns = {names.get(scope, scope) for scope in self._ended_cooldowns}

    async def send(self, store: Backend, *, wiped: bool) -> None:
        """Send everything. What the store does not take stays here."""
        for scope in tuple(self._ended_cooldowns):
            await store.end_cooldown(scope)
            self._ended_cooldowns.discard(scope)
        while self._unsent:
            unsent = self._unsent.popleft()
            try:
                await unsent.send(store, wiped=wiped)
            except BaseException:
                self._unsent.appendleft(unsent)
                raise

    def _add_up(self, oldest: int) -> None:
        """Make one settlement of all those of the same scopes and minute whose leases only this process knows."""
        sums: dict[tuple[tuple[str, ...], int], Unsent] = {}
        kept: list[Unsent] = []
        for unsent in (self._unsent.popleft() for _ in range(oldest)):
            spent = unsent.settlement.spent
            if unsent.stored or not unsent.held or unsent.settlement.cooldowns:
                kept.append(unsent)
            elif spent is not None:
                minute = (unsent.lease.scopes, int(unsent.settlement.ended_at // LENGTHS["minute"]))
                so_far = sums.get(minute)
                sums[minute] = unsent if so_far is None else _merged(so_far, unsent, spent)
        self._unsent.extendleft(reversed([*kept, *sums.values()]))


def _merged(one: Unsent, other: Unsent, spent: Spending) -> Unsent:
    before = one.settlement.spent or NOTHING
    together = before.plus(spent) if isinstance(before, SplitAmount) else spent.plus(before)
    ended_at = max(one.settlement.ended_at, other.settlement.ended_at)
    lease = one.lease._replace(id=f"sum-{token_hex(8)}", amount=NOTHING, probes=())
    return Unsent(lease, Settlement(together, ended_at, ended_at), max(one.at, other.at), stored=False)
