"""What is left of the day over all providers, in tokens, and when it will be used up."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from router_config.iso import epoch, iso
from router_config.ledger.rules.windows import CalendarDay
from router_config.status.views import ProviderView

OFF: Final = ("disabled", "unconfigured")

AHEAD: Final = 86400.0
"""Seconds that are looked ahead: what lasts for a day lasts."""


class Budget(NamedTuple):
    """What the tightest daily limit of a provider leaves, in tokens.

    Where a calendar day ends at `resets_at` (epoch seconds), `whole` is there again. Of a rolling day some comes back
    all the time: `returns`, in tokens a second.
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


def capacity(
    views: Sequence[ProviderView], statuses: Sequence[dict[str, Any]], burn: int, now: float
) -> dict[str, Any]:
    """The JSON of `capacity`: tokens left today, and when they run out at the rate of the last hour.

    Requests and dollars left count as as many tokens as those of the day so far. `binding` is the limit that is the
    last to be used up. `unlimited` names the providers in use that have no daily limit: they are not counted.

    statuses: what the status shows of each view. burn: tokens of the last hour. now: epoch seconds.
    """
    usual = _tokens_a_request(statuses)
    budgets: list[Budget] = []
    unlimited: list[str] = []
    for view, status in zip(views, statuses, strict=True):
        if status["status"] in OFF:
            continue
        budget = _budget(view, status, usual, now)
        if budget is None:
            unlimited.append(view.name)
        else:
            budgets.append(budget)
    end = None if unlimited else end_of(budgets, burn, now)
    return {
        "tokens_remaining_today": int(sum(each.left for each in budgets)) if budgets else None,
        "unlimited": unlimited,
        "burn_tokens_per_hour": burn,
        "exhausted_at": None if end is None else iso(end.at),
        "binding": None if end is None else end.binding,
    }


def end_of(budgets: Sequence[Budget], burn: float, now: float) -> End | None:
    """When all budgets will be used up, at `burn` tokens an hour taken in this order. None: not within a day."""
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


def _budget(view: ProviderView, status: Mapping[str, Any], usual: float | None, now: float) -> Budget | None:
    """What the account leaves, or what its models leave together where that is less. None: no limit of a day.

    usual: tokens that a request takes on average, over all providers.
    """
    worth, day = _worth(view, status, usual), view.accounts[0].day
    day_ends = day.frees(now) if isinstance(day, CalendarDay) else None
    found = [_tightest(view.name, status["limits"], worth, day_ends, now)]
    models = [each for each in status["models"] if each["status"] not in OFF]
    theirs = [_spent_if_exhausted(_tightest(view.name, each["limits"], worth, day_ends, now), each) for each in models]
    if theirs and all(theirs):
        found.append(_together([each for each in theirs if each is not None]))
    budget = min((each for each in found if each is not None), key=lambda each: each.left, default=None)
    return _spent_if_exhausted(budget, status)


def _spent_if_exhausted(budget: Budget | None, status: Mapping[str, Any]) -> Budget | None:
    """Where the provider says that nothing is left, nothing is left until it is available again."""
    if budget is None or status["status"] != "exhausted" or budget.left <= 0:
        return budget
    back = status["available_at"]
    back_at = math.inf if back is None else epoch(back)
    return budget._replace(left=0.0, whole=budget.left, returns=0.0, resets_at=back_at)


def _tightest(
    provider: str,
    limits: Mapping[str, Mapping[str, Any]],
    worth: Mapping[str, float],
    day_ends: float | None,
    now: float,
) -> Budget | None:
    """The budget of the daily limit that leaves the fewest tokens.

    worth: tokens that one unit of each limit counts as. day_ends: when the provider's day does, epoch seconds; None
    for a rolling day.
    """
    tightest: Budget | None = None
    for name, tokens in worth.items():
        limit = limits.get(name)
        if limit is None:
            continue
        left = limit["remaining"] * tokens
        if tightest is None or left < tightest.left:
            whole, returns = limit["limit"] * tokens, _returns(limit, now) * tokens if day_ends is None else 0.0
            tightest = Budget(provider, name, left, whole, math.inf if day_ends is None else day_ends, returns)
    return tightest


def _returns(limit: Mapping[str, Any], now: float) -> float:
    """What comes back of a rolling day each second, as if it had been used evenly."""
    whole_again = limit["resets_at"]
    if whole_again is None or not limit["used"]:
        return 0.0
    return float(limit["used"]) / max(1.0, epoch(whole_again) - now)


def _together(budgets: Sequence[Budget]) -> Budget:
    last = budgets[-1]
    return Budget(
        last.provider,
        last.limit,
        sum(each.left for each in budgets),
        sum(each.whole for each in budgets),
        min(each.resets_at for each in budgets),
        sum(each.returns for each in budgets),
    )


def _worth(view: ProviderView, status: Mapping[str, Any], usual: float | None) -> dict[str, float]:
    """How many tokens one unit of each daily limit is worth, where that can be said."""
    worth = {"tpd": 1.0}
    a_request = _tokens_a_request([status]) or usual
    if a_request is not None:
        worth["rpd"] = a_request
    usage = status["usage_today"]
    if usage["cost_usd"] and usage["tokens"]:
        worth["usd_per_day"] = usage["tokens"] / usage["cost_usd"]
    elif (price := sum(view.deployments[0].price) / 2) > 0:
        worth["usd_per_day"] = 1 / price
    return worth


def _tokens_a_request(statuses: Iterable[Mapping[str, Any]]) -> float | None:
    usages = [each["usage_today"] for each in statuses]
    requests, tokens = sum(each["requests"] for each in usages), sum(each["tokens"] for each in usages)
    return tokens / requests if requests and tokens else None
