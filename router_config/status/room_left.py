"""What the limits of providers leave of their days, weeks and months, in tokens."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

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


@dataclass(frozen=True, slots=True)
class Left:
    """What the tightest limit of a provider in a kind of window leaves.

    room: in tokens. worth: the tokens that one of its requests, tokens or dollars counts as. ends_at: when a calendar's
    window does, epoch seconds; None for a rolling one.
    """

    room: Room
    worth: float
    ends_at: float | None

    @property
    def remaining(self) -> float:
        return self.room.left / self.worth

    @property
    def metric(self) -> Metric:
        return kind_of(self.room.limit).metric


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
        return int(sum(each.room.left for each in self.budgets.values())) if self.budgets else None

    @property
    def known(self) -> bool:
        """Whether what is left is known in tokens of all providers that have such a limit."""
        return len(self.budgets) == len(self.limited)

    @property
    def ends_at(self) -> float | None:
        """When the last of the calendar's windows does, epoch seconds."""
        return max((each.ends_at for each in self.budgets.values() if each.ends_at is not None), default=None)


class InUse:
    """A provider in use, its status, its usage by hour, and of which windows and metrics it has a limit."""

    def __init__(self, view: ProviderView, status: Mapping[str, Any], slots: Mapping[int, Usage]) -> None:
        self.view, self.status, self.slots = view, status, slots
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
        a_request = tokens_a_request([status]) or usual
        in_tokens = _left(provider, unit, _worth(view, status, unit, a_request), now)
        in_requests = None
        if (unit, "requests") in provider.limits:
            in_requests = _left(provider, unit, _OF_REQUESTS[unit], now)
        if in_tokens is None and in_requests is None:
            unlimited.append(view.name)
            continue
        limited.append(view.name)
        found = [] if in_requests is None else [in_requests.room.left]
        if in_tokens is not None:
            budgets[view.name] = in_tokens
            found += [] if a_request is None else [in_tokens.room.left / a_request]
        requests = requests + min(found) if found else math.nan
    whole = limited and not math.isnan(requests)
    return LeftOfWindow(budgets, limited, unlimited, int(requests) if whole else None)


def tokens_a_request(statuses: Iterable[Mapping[str, Any]]) -> float | None:
    """On average of today. None: nobody asked."""
    usages = [each["usage_today"] for each in statuses]
    requests, tokens = sum(each["requests"] for each in usages), sum(each["tokens"] for each in usages)
    return tokens / requests if requests and tokens else None


def _left(provider: InUse, unit: Unit, worth: Mapping[str, float], now: float) -> Left | None:
    """What the account leaves, or what its models leave together where that is less. None: no limit of such a window.

    worth: what one unit of each limit counts as.
    """
    status, window = provider.status, _Window(provider, unit, now)
    found = [_tightest(status["limits"], worth, window)]
    models = [each for each in status["models"] if each["status"] not in OFF]
    theirs = [_spent_if_exhausted(_tightest(each["limits"], worth, window), each) for each in models]
    if theirs and all(theirs):
        found.append(_together([each for each in theirs if each is not None]))
    left = min((each for each in found if each is not None), key=lambda each: each.room.left, default=None)
    return _spent_if_exhausted(left, status)


class _Window:
    """A provider's day, week or month as it stands: when the calendar's ends, or how a rolling one frees room."""

    def __init__(self, provider: InUse, unit: Unit, now: float) -> None:
        self.provider, self.unit, self.now = provider, unit, now
        meters = (meter for each in provider.view.deployments for meter in each.meters)
        window = next((meter.long for meter in meters if unit in meter.units), None)
        self.length = window.length if isinstance(window, Rolling) else LENGTHS[unit]
        self.ends_at = window.frees(now) if isinstance(window, Calendar) else None

    def room(self, name: LimitName, limit: Mapping[str, Any], worth: float) -> Room:
        left, whole = limit["remaining"] * worth, limit["limit"] * worth
        until = self.now + self.length if self.ends_at is None else self.ends_at
        used = () if self.ends_at is not None else self._used(limit, worth)
        return Room(name, self.unit, left, whole, self.length, until, self.ends_at or math.inf, used)

    def _used(self, limit: Mapping[str, Any], worth: float) -> tuple[Used, ...]:
        """What a rolling window holds, in the hours in which it was used."""
        amount, begins = limit["used"] * worth, self.now - self.length
        if not amount:
            return ()
        hours = [
            Used(max(begins, float(number * HOUR)), min(self.now, float((number + 1) * HOUR)), float(usage.tokens))
            for number, usage in sorted(self.provider.slots.items())
            if usage.tokens and (number + 1) * HOUR > begins and number * HOUR < self.now
        ]
        known = sum(each.amount for each in hours)
        if known:
            return tuple(each._replace(amount=each.amount * amount / known) for each in hours)
        whole_again = self.now + self.length if limit["resets_at"] is None else epoch(limit["resets_at"])
        return (Used(begins, max(begins + 1, whole_again - self.length), amount),)


def _spent_if_exhausted(left: Left | None, status: Mapping[str, Any]) -> Left | None:
    """Where the provider says that nothing is left, nothing is left until it is available again."""
    if left is None or status["status"] != "exhausted" or left.room.left <= 0:
        return left
    back = status["available_at"]
    back_at = math.inf if back is None else epoch(back)
    return replace(left, room=replace(left.room, left=0.0, whole=left.room.left, used=(), renews_at=back_at))


def _tightest(limits: Mapping[str, Mapping[str, Any]], worth: Mapping[str, float], window: _Window) -> Left | None:
    """What the limit leaves that leaves the fewest tokens. worth: tokens that one unit of each limit counts as."""
    known = [(limits[name]["remaining"] * tokens, name) for name, tokens in worth.items() if name in limits]
    if not known:
        return None
    _, name = min(known, key=lambda each: each[0])
    return Left(window.room(name, limits[name], worth[name]), worth[name], window.ends_at)


def _together(found: Sequence[Left]) -> Left:
    last, rooms = found[-1], [each.room for each in found]
    room = replace(
        last.room,
        left=sum(each.left for each in rooms),
        whole=sum(each.whole for each in rooms),
        renews_at=min(each.renews_at for each in rooms),
        used=tuple(sorted(used for each in rooms for used in each.used)),
    )
    return replace(last, room=room)


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
