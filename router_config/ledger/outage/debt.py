"""What a store has not heard of while it could not be used, to be told when it is back."""

from collections import deque
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Final

from router_config.ledger.rules.meters import NOTHING, Amount
from router_config.ledger.store import Lease, Settlement, Store

MOST: Final = 20_000
"""So many attempts are kept one by one; of more the oldest are added up, and their outcomes are lost to the history."""


@dataclass(frozen=True, slots=True)
class Debt:
    """A settlement of a lease at a moment (epoch seconds).

    `held`: the lease was open then. `stored`: the store itself had opened it.
    """

    lease: Lease
    settlement: Settlement
    at: float
    held: bool = True
    stored: bool = True

    async def pay(self, store: Store, *, wiped: bool) -> None:
        """Tell the store. `wiped`: it has lost its leases."""
        if self.held and (wiped or not self.stored):
            await store.adopt(self.lease, self.at)
        await store.settle(self.lease, self.settlement, self.at)


class Owed:
    """Debts in the order in which they arose, and the scopes that were woken."""

    def __init__(self) -> None:
        self._debts: deque[Debt] = deque()
        self._woken: set[str] = set()

    def __len__(self) -> int:
        return len(self._debts) + len(self._woken)

    def add(self, debt: Debt) -> None:
        # Reports are about the moment, and untrue by the time that they are told.
        self._debts.append(replace(debt, settlement=debt.settlement._replace(reports=())))
        for rest in debt.settlement.rests:
            self._woken.discard(rest.scope)
        if len(self._debts) > MOST:
            self._add_up(MOST // 2)

    def wake(self, scope: str) -> None:
        self._woken.add(scope)

    async def pay(self, store: Store, *, wiped: bool) -> None:
        """Tell the store everything; what it does not take stays owed."""
        for scope in tuple(self._woken):
            await store.wake(scope)
            self._woken.discard(scope)
        while self._debts:
            debt = self._debts.popleft()
            try:
                await debt.pay(store, wiped=wiped)
            except BaseException:
                self._debts.appendleft(debt)
                raise

    def _add_up(self, oldest: int) -> None:
        """Make one debt of all those of the same scopes and the same minute that only this process knows of."""
        sums: dict[tuple[tuple[str, ...], int], Debt] = {}
        kept: list[Debt] = []
        for debt in (self._debts.popleft() for _ in range(oldest)):
            spent = debt.settlement.spent
            if debt.stored or not debt.held or debt.settlement.rests:
                kept.append(debt)
            elif spent is not None:
                minute = (debt.lease.scopes, int(debt.settlement.ended_at // 60))
                so_far = sums.get(minute)
                sums[minute] = debt if so_far is None else _merged(so_far, debt, spent)
        self._debts.extendleft(reversed([*kept, *sums.values()]))


def _merged(one: Debt, other: Debt, spent: Amount) -> Debt:
    together = (one.settlement.spent or NOTHING).plus(spent)
    ended_at = max(one.settlement.ended_at, other.settlement.ended_at)
    lease = one.lease._replace(id=f"sum-{token_hex(8)}", amount=NOTHING, probes=())
    return Debt(lease, Settlement(together, ended_at, ended_at), max(one.at, other.at), stored=False)
