"""The daily budgets of providers in tokens, from what their status shows."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from router_config.iso import epoch, iso
from router_config.ledger.rules.windows import CalendarDay
from router_config.status.capacity import Budget, end_of
from router_config.status.views import ProviderView

OFF: Final = ("disabled", "unconfigured")


def capacity(
    views: Sequence[ProviderView], providers: Sequence[dict[str, Any]], burn: int, now: float
) -> dict[str, Any]:
    """Tokens left today where a daily limit says so, and when they run out at the rate of the last hour.

    Requests and dollars left are worth as many tokens as those of the day so far. `binding` is the limit that is the
    last to be used up.
    """
    usual = _tokens_a_request(providers)
    budgets: list[Budget] = []
    unlimited = False
    for view, shown in zip(views, providers, strict=True):
        if shown["status"] in OFF:
            continue
        budget = _budget(view, shown, usual, now)
        if budget is None:
            unlimited = True
        else:
            budgets.append(budget)
    end = None if unlimited else end_of(budgets, burn, now)
    return {
        "tokens_remaining_today": int(sum(each.left for each in budgets)) if budgets else None,
        "burn_tokens_per_hour": burn,
        "exhausted_at": None if end is None else iso(end.at),
        "binding": None if end is None else end.binding,
    }


def _budget(view: ProviderView, shown: Mapping[str, Any], usual: float | None, now: float) -> Budget | None:
    """The tightest of what the account leaves and what its models leave together; None: no limit of the day."""
    worth, day = _worth(view, shown, usual), view.accounts[0].day
    day_ends = day.frees(now) if isinstance(day, CalendarDay) else None
    found = [_tightest(view.name, shown["limits"], worth, day_ends, now)]
    models = [each for each in shown["models"] if each["status"] not in OFF]
    theirs = [_spent_if_exhausted(_tightest(view.name, each["limits"], worth, day_ends, now), each) for each in models]
    if theirs and all(theirs):
        found.append(_together([each for each in theirs if each is not None]))
    budget = min((each for each in found if each is not None), key=lambda each: each.left, default=None)
    return _spent_if_exhausted(budget, shown)


def _spent_if_exhausted(budget: Budget | None, shown: Mapping[str, Any]) -> Budget | None:
    """Nothing is left where the provider says so, whatever we counted; until it is available again."""
    if budget is None or shown["status"] != "exhausted" or budget.left <= 0:
        return budget
    back = shown["available_at"]
    back_at = math.inf if back is None else epoch(back)
    return budget._replace(left=0.0, whole=budget.left, returns=0.0, resets_at=back_at)


def _tightest(
    provider: str,
    limits: Mapping[str, Mapping[str, Any]],
    worth: Mapping[str, float],
    day_ends: float | None,
    now: float,
) -> Budget | None:
    """`day_ends`: when the provider's day does; None: it rolls."""
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
    """What comes back of a rolling day each second, as if what was used had been used evenly."""
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


def _worth(view: ProviderView, shown: Mapping[str, Any], usual: float | None) -> dict[str, float]:
    """How many tokens one unit of each daily limit is worth, where that can be said."""
    worth = {"tpd": 1.0}
    a_request = _tokens_a_request([shown]) or usual
    if a_request is not None:
        worth["rpd"] = a_request
    usage = shown["usage_today"]
    if usage["cost_usd"] and usage["tokens"]:
        worth["usd_per_day"] = usage["tokens"] / usage["cost_usd"]
    elif (price := sum(view.deployments[0].price) / 2) > 0:
        worth["usd_per_day"] = 1 / price
    return worth


def _tokens_a_request(providers: Iterable[Mapping[str, Any]]) -> float | None:
    usages = [each["usage_today"] for each in providers]
    requests, tokens = sum(each["requests"] for each in usages), sum(each["tokens"] for each in usages)
    return tokens / requests if requests and tokens else None
