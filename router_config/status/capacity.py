"""What is left of the day, the week and the month over all providers, and when it will be used up."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from router_config.iso import epoch, iso
from router_config.ledger.rules.meters import LIMITS, LimitName, kind_of
from router_config.ledger.rules.windows import LENGTHS, Calendar, Unit
from router_config.status.views import ProviderView

OFF: Final = ("disabled", "unconfigured")

AHEAD: Final[Mapping[Unit, float]] = {unit: LENGTHS[unit] for unit in ("day", "week", "month")}
"""Seconds that are looked ahead: what lasts for a day, or for a week, lasts."""

_OF_REQUESTS: Final = {
    unit: {name: 1.0 for name, kind in LIMITS.items() if (kind.unit, kind.metric) == (unit, "requests")}
    for unit in AHEAD
}


class Budget(NamedTuple):
    """What the tightest limit of a provider in a kind of window leaves, in tokens.

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


class _InUse:
    """A provider in use, its status, and of which windows and metrics it has a limit."""

    def __init__(self, view: ProviderView, status: Mapping[str, Any]) -> None:
        self.view, self.status = view, status
        names = {*status["limits"], *(name for model in status["models"] for name in model["limits"])}
        self.limits = {(kind.unit, kind.metric) for kind in map(kind_of, names)}
        self.units = {unit for unit, _ in self.limits}


@dataclass(frozen=True, slots=True)
class _Left:
    """What the limits of one kind of window leave: a budget in tokens for each provider whose limit is worth any.

    limited: the providers in use that have such a limit; unlimited: those that have none. requests: as many as are
    left at least, None where nobody knows.
    """

    budgets: list[Budget]
    limited: list[str]
    unlimited: list[str]
    requests: int | None

    @property
    def tokens(self) -> int | None:
        return int(sum(each.left for each in self.budgets)) if self.budgets else None

    @property
    def counts_all(self) -> bool:
        """Whether everything that is left is known in tokens."""
        return not self.unlimited and len(self.budgets) == len(self.limited)


def capacity(
    views: Sequence[ProviderView], statuses: Sequence[dict[str, Any]], burn: Mapping[str, int], now: float
) -> dict[str, Any]:
    """The JSON of `capacity`: tokens left today, and when they run out at the rate of the last hour.

    Requests and dollars left count as as many tokens as those of the day so far. `binding` is the limit that is the
    last to be used up. `unlimited` names the providers in use that have no daily limit: they are not counted.
    `windows` says the same of the day, the week and the month, where a provider in use has such a limit. A provider
    without a weekly limit says nothing of the week, so there the rate is that of the providers that have one.

    statuses: what the status shows of each view. burn: tokens of the last hour by provider. now: epoch seconds.
    """
    usual = _tokens_a_request(statuses)
    in_use = [_InUse(view, each) for view, each in zip(views, statuses, strict=True) if each["status"] not in OFF]
    left = {unit: _left(in_use, unit, usual, now) for unit in AHEAD}
    today, rate = left["day"], sum(burn.values())
    end = end_of(today.budgets, rate, now) if today.counts_all else None
    windows: dict[Unit, dict[str, Any]] = {"day": _window(today, end)}
    for unit, theirs in left.items():
        if unit == "day":
            continue
        known = len(theirs.budgets) == len(theirs.limited)
        spent = sum(burn.get(name, 0) for name in theirs.limited)
        windows[unit] = _window(theirs, end_of(theirs.budgets, spent, now, AHEAD[unit]) if known else None)
    return {
        "tokens_remaining_today": today.tokens,
        "unlimited": today.unlimited,
        "burn_tokens_per_hour": rate,
        "exhausted_at": windows["day"]["exhausted_at"],
        "binding": windows["day"]["binding"],
        "windows": {unit: each for unit, each in windows.items() if left[unit].limited},
    }


def _window(left: _Left, end: "End | None") -> dict[str, Any]:
    return {
        "tokens_remaining": left.tokens,
        "requests_remaining": left.requests,
        "unlimited": left.unlimited,
        "exhausted_at": None if end is None else iso(end.at),
        "binding": None if end is None else end.binding,
    }


def _left(providers: Sequence[_InUse], unit: Unit, usual: float | None, now: float) -> _Left:
    """usual: tokens that a request takes on average, over all providers."""
    budgets: list[Budget] = []
    limited: list[str] = []
    unlimited: list[str] = []
    requests = 0.0
    for provider in providers:
        view, status = provider.view, provider.status
        if unit not in provider.units:
            unlimited.append(view.name)
            continue
        a_request = _tokens_a_request([status]) or usual
        in_tokens = _budget(view, status, unit, _worth(view, status, unit, a_request), now)
        in_requests = None
        if (unit, "requests") in provider.limits:
            in_requests = _budget(view, status, unit, _OF_REQUESTS[unit], now)
        if in_tokens is None and in_requests is None:
            unlimited.append(view.name)
            continue
        limited.append(view.name)
        found = [] if in_requests is None else [in_requests.left]
        if in_tokens is not None:
            budgets.append(in_tokens)
            found += [] if a_request is None else [in_tokens.left / a_request]
        requests = requests + min(found) if found else math.nan
    return _Left(budgets, limited, unlimited, int(requests) if limited and not math.isnan(requests) else None)


def end_of(budgets: Sequence[Budget], burn: float, now: float, ahead: float = AHEAD["day"]) -> End | None:
    """When all budgets will be used up, at `burn` tokens an hour taken in this order. None: not in `ahead` seconds."""
    if not budgets:
        return None
    moment, rate, remaining = now, burn / 3600, list(budgets)
    while moment < now + ahead:
        left, net = sum(each.left for each in remaining), rate - sum(each.returns for each in remaining)
        turn = min(now + ahead, *(each.resets_at for each in remaining if each.resets_at > moment))
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


def _budget(
    view: ProviderView, status: Mapping[str, Any], unit: Unit, worth: Mapping[str, float], now: float
) -> Budget | None:
    """What the account leaves, or what its models leave together where that is less. None: no limit of such a window.

    worth: what one unit of each limit counts as.
    """
    ends = _ends(view, unit, now)
    found = [_tightest(view.name, status["limits"], worth, ends, now)]
    models = [each for each in status["models"] if each["status"] not in OFF]
    theirs = [_spent_if_exhausted(_tightest(view.name, each["limits"], worth, ends, now), each) for each in models]
    if theirs and all(theirs):
        found.append(_together([each for each in theirs if each is not None]))
    budget = min((each for each in found if each is not None), key=lambda each: each.left, default=None)
    return _spent_if_exhausted(budget, status)


def _ends(view: ProviderView, unit: Unit, now: float) -> float | None:
    """When the calendar's window does, epoch seconds; None for a rolling one, or where nothing is counted by it."""
    meters = (meter for each in view.deployments for meter in each.meters)
    window = next((meter.long for meter in meters if unit in meter.units), None)
    return window.frees(now) if isinstance(window, Calendar) else None


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
    ends: float | None,
    now: float,
) -> Budget | None:
    """The budget of the limit that leaves the fewest tokens.

    worth: tokens that one unit of each limit counts as. ends: when the calendar's window does, epoch seconds; None for
    a rolling one.
    """
    tightest: Budget | None = None
    for name, tokens in worth.items():
        limit = limits.get(name)
        if limit is None:
            continue
        left = limit["remaining"] * tokens
        if tightest is None or left < tightest.left:
            whole, returns = limit["limit"] * tokens, _returns(limit, now) * tokens if ends is None else 0.0
            tightest = Budget(provider, name, left, whole, math.inf if ends is None else ends, returns)
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


def _worth(
    view: ProviderView, status: Mapping[str, Any], unit: Unit, a_request: float | None
) -> dict[LimitName, float]:
    """How many tokens one unit of each limit of such windows is worth, where that can be said.

    A token of a prompt, or of an answer, is worth one at least.
    """
    usage = status["usage_today"]
    a_dollar = None
    if usage["cost_usd"] and usage["tokens"]:
        a_dollar = usage["tokens"] / usage["cost_usd"]
    elif (price := sum(view.deployments[0].price) / 2) > 0:
        a_dollar = 1 / price
    of = {"tokens": 1.0, "requests": a_request, "usd": a_dollar}
    names = ((name, of[kind.metric]) for name, kind in LIMITS.items() if kind.unit == unit)
    return {name: worth for name, worth in names if worth is not None}


def _tokens_a_request(statuses: Iterable[Mapping[str, Any]]) -> float | None:
    usages = [each["usage_today"] for each in statuses]
    requests, tokens = sum(each["requests"] for each in usages), sum(each["tokens"] for each in usages)
    return tokens / requests if requests and tokens else None
