"""What the limits of providers leave of their days, weeks and months, in tokens."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from router_config.forecast.exhaustion import Room, Used
from router_config.forecast.series import HOUR
from router_config.iso import epoch
from router_config.ledger.rules.meters import LIMITS, LimitName, Metric, kind_of
from router_config.ledger.rules.windows import LENGTHS, Calendar, Rolling, Unit
from router_config.ledger.values import Usage
from router_config.status.views import ProviderView

OFF: Final = ("disabled", "unconfigured")

UNITS: Final[tuple[Unit, ...]] = ("day", "week", "month")

_OF_REQUESTS: Final = {
    unit: {name: 1.0 for name, kind in LIMITS.items() if (kind.unit, kind.metric) == (unit, "requests")}
    for unit in UNITS
}


class Left(NamedTuple):
    """What the tightest limit of a provider in a kind of window leaves, in tokens.

    worth: the tokens that one of its requests, tokens or dollars counts as. length: of the window, seconds. ends_at:
    when a calendar's window does, epoch seconds; None for a rolling one. back_at: from when on `whole` is there again,
    where the provider says so; until: when all is that was used of a rolling one.
    """

    limit: LimitName
    unit: Unit
    left: float
    whole: float
    worth: float
    length: float
    ends_at: float | None
    until: float
    back_at: float | None = None

    @property
    def remaining(self) -> float:
        return self.left / self.worth

    @property
    def metric(self) -> Metric:
        return kind_of(self.limit).metric

    def room(self, slots: Mapping[int, Usage], now: float) -> Room:
        """The room that a forecast is walked through. slots: the usage of the provider by hour."""
        rolls = self.ends_at is None and self.back_at is None
        return Room(
            self.limit,
            self.unit,
            self.left,
            self.whole,
            self.length,
            now + self.length if self.ends_at is None else self.ends_at,
            math.inf if rolls else self.back_at or self.ends_at or math.inf,
            self._used(slots, now) if rolls else (),
        )

    def _used(self, slots: Mapping[int, Usage], now: float) -> tuple[Used, ...]:
        """What a rolling window holds, in the hours in which it was used."""
        amount, begins = self.whole - self.left, now - self.length
        if amount <= 0:
            return ()
        hours = range(int(begins // HOUR), int(now // HOUR) + 1)
        found = [
            Used(max(begins, float(hour * HOUR)), min(now, float((hour + 1) * HOUR)), float(slots[hour].tokens))
            for hour in hours
            if hour in slots and slots[hour].tokens
        ]
        known = sum(each.amount for each in found)
        if known:
            return tuple(each._replace(amount=each.amount * amount / known) for each in found)
        return (Used(begins, max(begins + 1, self.until - self.length), amount),)


@dataclass(frozen=True, slots=True)
class LeftOfWindow:
    """What the limits of one kind of window leave, over all providers.

    budgets: by provider whose limit is worth any tokens. limited: the providers in use that have such a limit;
    unlimited: those that have none. requests: as many as are left at least, None where nobody knows.
    """

    budgets: Mapping[str, Left]
    limited: list[str]
    unlimited: list[str]
    requests: int | None

    @property
    def tokens(self) -> int | None:
        return int(sum(each.left for each in self.budgets.values())) if self.budgets else None

    @property
    def known(self) -> bool:
        """Whether what is left is known in tokens of all providers that have such a limit."""
        return len(self.budgets) == len(self.limited)

    @property
    def ends_at(self) -> float | None:
        """When the last of the calendar's windows does, epoch seconds."""
        return max((each.ends_at for each in self.budgets.values() if each.ends_at is not None), default=None)


class InUse:
    """A provider in use, its status, and of which windows and metrics it has a limit."""

    def __init__(self, view: ProviderView, status: Mapping[str, Any]) -> None:
        self.view, self.status = view, status
        names = {*status["limits"], *(name for model in status["models"] for name in model["limits"])}
        self.limits = {(kind.unit, kind.metric) for kind in map(kind_of, names)}
        self.units = {unit for unit, _ in self.limits}


def left_of(providers: Sequence[InUse], unit: Unit, usual: float | None, now: float) -> LeftOfWindow:
    """What is left of a kind of window.

    usual: tokens that a request takes on average, over all providers; None: nobody knows. now: epoch seconds.
    """
    budgets: dict[str, Left] = {}
    limited: list[str] = []
    unlimited: list[str] = []
    requests = 0.0
    for provider in providers:
        view, status = provider.view, provider.status
        if unit not in provider.units:
            unlimited.append(view.name)
            continue
        a_request, window = tokens_a_request([status]) or usual, _Window(provider, unit, now)
        in_tokens = _left(provider, window, _worth(view, status, unit, a_request))
        in_requests = None
        if (unit, "requests") in provider.limits:
            in_requests = _left(provider, window, _OF_REQUESTS[unit])
        if in_tokens is None and in_requests is None:
            unlimited.append(view.name)
            continue
        limited.append(view.name)
        found = [] if in_requests is None else [in_requests.left]
        if in_tokens is not None:
            budgets[view.name] = in_tokens
            found += [] if a_request is None else [in_tokens.left / a_request]
        requests = requests + min(found) if found else math.nan
    whole = limited and not math.isnan(requests)
    return LeftOfWindow(budgets, limited, unlimited, int(requests) if whole else None)


def tokens_a_request(statuses: Iterable[Mapping[str, Any]]) -> float | None:
    """On average of today. None: nobody asked."""
    usages = [each["usage_today"] for each in statuses]
    requests, tokens = sum(each["requests"] for each in usages), sum(each["tokens"] for each in usages)
    return tokens / requests if requests and tokens else None


def _left(provider: InUse, window: "_Window", worth: Mapping[str, float]) -> Left | None:
    """What the account leaves, or what its models leave together where that is less. None: no limit of such a window.

    worth: what one unit of each limit counts as.
    """
    status = provider.status
    left = _tightest(status["limits"], worth, window)
    of_models = _of_models(status["models"], worth, window)
    if of_models is not None and (left is None or of_models.left < left.left):
        left = of_models
    return _spent_if_exhausted(left, status)


def _of_models(models: Sequence[Mapping[str, Any]], worth: Mapping[str, float], window: "_Window") -> Left | None:
    """What the models in use leave together. None: one of them has no limit of such a window."""
    found: list[Left] = []
    for model in models:
        if model["status"] not in OFF:
            left = _spent_if_exhausted(_tightest(model["limits"], worth, window), model)
            if left is None:
                return None
            found.append(left)
    return _together(found) if found else None


class _Window:
    """A provider's day, week or month as it stands."""

    def __init__(self, provider: InUse, unit: Unit, now: float) -> None:
        self.unit, self.now = unit, now
        meters = (meter for each in provider.view.deployments for meter in each.meters)
        window = next((meter.long for meter in meters if unit in meter.units), None)
        self.length = window.length if isinstance(window, Rolling) else LENGTHS[unit]
        self.ends_at = window.frees(now) if isinstance(window, Calendar) else None

    def left(self, name: LimitName, limit: Mapping[str, Any], worth: float) -> Left:
        left, whole, resets_at = limit["remaining"] * worth, limit["limit"] * worth, limit["resets_at"]
        until = self.now + self.length if resets_at is None else epoch(resets_at)
        return Left(name, self.unit, left, whole, worth, self.length, self.ends_at, until)


def _spent_if_exhausted(left: Left | None, status: Mapping[str, Any]) -> Left | None:
    """Where the provider says that nothing is left, nothing is left until it is available again."""
    if left is None or status["status"] != "exhausted" or left.left <= 0:
        return left
    back = status["available_at"]
    return left._replace(left=0.0, whole=left.left, back_at=math.inf if back is None else epoch(back))


def _tightest(limits: Mapping[str, Mapping[str, Any]], worth: Mapping[str, float], window: _Window) -> Left | None:
    """What the limit leaves that leaves the fewest tokens. worth: tokens that one unit of each limit counts as."""
    least, tightest = math.inf, None
    for name, tokens in worth.items() if limits else ():
        limit = limits.get(name)
        if limit is not None and (tightest is None or limit["remaining"] * tokens < least):
            least, tightest = limit["remaining"] * tokens, name
    return None if tightest is None else window.left(tightest, limits[tightest], worth[tightest])


def _together(found: Sequence[Left]) -> Left:
    back = [each.back_at for each in found]
    return found[-1]._replace(
        left=sum(each.left for each in found),
        whole=sum(each.whole for each in found),
        until=max(each.until for each in found),
        back_at=min((each for each in back if each is not None), default=None),
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
