"""How long what is left of the day lasts: pure logic over the budgets of all providers, in tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

AHEAD: Final = 86400.0
"""Seconds that are looked ahead: what lasts for a day lasts."""


class Budget(NamedTuple):
    """What the tightest daily limit of a provider leaves, in tokens.

    `whole` is there again at `resets_at` (epoch seconds), where a calendar day ends. Of a rolling day some comes back
    all the time: `returns` a second.
    """

    provider: str
    limit: str
    left: float
    whole: float
    resets_at: float = float("inf")
    returns: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.provider} {self.limit}"


@dataclass(frozen=True, slots=True)
class End:
    """When nothing will be left (epoch seconds), and the limit that is the last to be used up."""

    at: float
    binding: str


def end_of(budgets: Sequence[Budget], burn: float, now: float) -> End | None:
    """When all budgets will be used up, at `burn` tokens an hour taken in this order; None: not within a day."""
    if not budgets:
        return None
    moment, rate, remaining = now, burn / 3600, list(budgets)
    while moment < now + AHEAD:
        left, net = sum(each.left for each in remaining), rate - sum(each.returns for each in remaining)
        turn = min(now + AHEAD, *(each.resets_at for each in remaining if each.resets_at > moment))
        if left <= 0 and (moment == now or net >= 0):
            return End(moment, remaining[-1].name)
        if net > 0 and moment + left / net < turn:
            return End(moment + left / net, next(each for each in reversed(remaining) if each.left > 0).name)
        remaining = [_renewed(each, turn) for each in _after(remaining, rate, turn - moment)]
        moment = turn
    return None


def _after(budgets: Sequence[Budget], rate: float, seconds: float) -> list[Budget]:
    """The budgets after so many seconds: the first is used as far as it goes, then the next."""
    wanted, used = rate * seconds, list[Budget]()
    for budget in budgets:
        left = min(budget.whole, budget.left + budget.returns * seconds)
        taken = min(left, wanted)
        wanted -= taken
        used.append(budget._replace(left=left - taken))
    return used


def _renewed(budget: Budget, moment: float) -> Budget:
    return budget._replace(left=budget.whole, resets_at=float("inf")) if budget.resets_at <= moment else budget
