"""The JSON of what is left of the day, the week and the month over all providers, and when it will be used up."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from router_config.forecast.exhaustion import Ends, Exhaustion, Taker, exhaustion
from router_config.forecast.profile import Curve, Profile, steady
from router_config.forecast.ratios import Band
from router_config.forecast.series import HOUR
from router_config.forecast.shares import shares
from router_config.iso import iso
from router_config.ledger.rules.meters import Metric
from router_config.ledger.rules.windows import LENGTHS, Unit
from router_config.ledger.values import Usage
from router_config.status.numbers import number
from router_config.status.outlook import METRICS, Outlook
from router_config.status.room_left import OFF, UNITS, InUse, Left, LeftOfWindow, left_of, tokens_a_request
from router_config.status.views import ProviderView

_NAMES: Final[Mapping[Metric, str]] = {"tokens": "tokens", "requests": "requests", "usd": "cost_usd"}

_LATELY: Final = 7 * 24
"""Hours whose requests are averages of what a request takes, where today has none yet."""


def capacity(
    views: Sequence[ProviderView],
    statuses: Sequence[dict[str, Any]],
    burn: Mapping[str, int],
    outlook: Outlook,
    now: float,
) -> dict[str, Any]:
    """The JSON of `capacity`: tokens left today, and when they run out at the pace that is expected.

    Requests and dollars left count as as many tokens as those of the day so far. `binding` is the limit that is the
    last to be used up. `unlimited` names the providers in use that have no daily limit: they are not counted.
    `windows` says the same of the day, the week and the month, where a provider in use has such a limit; `providers` of
    each of them by itself.

    statuses: what the status shows of each view. burn: tokens of the last hour by provider. now: epoch seconds.
    """
    lately = _sums_of(outlook.slots, int(now // HOUR) - _LATELY)
    total = _added(lately.values())
    usual = tokens_a_request(statuses) or (total.tokens / total.requests if total.requests and total.tokens else None)
    in_use = [
        InUse(view, each, outlook.slots.get(view.name, {}))
        for view, each in zip(views, statuses, strict=True)
        if each["status"] not in OFF
    ]
    left = {unit: left_of(in_use, unit, usual, now) for unit in UNITS}
    limited = [unit for unit in UNITS if left[unit].limited]
    until = {unit: left[unit].ends_at or now + LENGTHS[unit] for unit in limited}
    curves = _curves(outlook, sum(burn.values()), now, max(until.values(), default=now))
    takes = shares(outlook.slots, [each.view.name for each in in_use], int(now // HOUR) - _LATELY)
    takers = [
        Taker(
            each.view.name,
            tuple(left[unit].budgets[each.view.name].room for unit in UNITS if each.view.name in left[unit].budgets),
            takes[each.view.name],
        )
        for each in in_use
    ]
    found = exhaustion(takers, curves["tokens"], {unit: until[unit] for unit in limited if _ends_known(unit, left)})
    windows = {unit: _window(unit, left[unit], found, curves, until[unit]) for unit in limited}
    today = left["day"]
    ends = found.together.get("day", Ends())
    return {
        "tokens_remaining_today": today.tokens,
        "unlimited": today.unlimited,
        "burn_tokens_per_hour": sum(burn.values()),
        "exhausted_at": iso(ends.p50),
        "binding": found.binding.get("day"),
        "basis": outlook.profiles["tokens"].basis,
        "history_days": round(outlook.profiles["tokens"].history_days, 2),
        "windows": windows,
        "providers": {
            each.view.name: {
                unit: _of_provider(each.view.name, unit, left[unit].budgets[each.view.name], found, lately)
                for unit in limited
                if each.view.name in left[unit].budgets
            }
            for each in in_use
        },
    }


def _ends_known(unit: Unit, left: Mapping[Unit, LeftOfWindow]) -> bool:
    """Whether it can be said when nobody has room: of a day not while a provider in use has no daily limit."""
    return left[unit].known and not (unit == "day" and left[unit].unlimited)


def _curves(outlook: Outlook, burn: float, now: float, until: float) -> dict[Metric, Curve]:
    """What is expected to be used of each metric. burn: tokens of the last hour."""
    profiles: dict[Metric, Profile] = dict(outlook.profiles)
    if profiles["tokens"].basis == "last_hour":
        profiles["tokens"] = steady(burn, profiles["tokens"].history_days)
    return {metric: profiles[metric].curve(now, until, outlook.present[metric]) for metric in METRICS}


def _window(
    unit: Unit, left: LeftOfWindow, found: Exhaustion, curves: Mapping[Metric, Curve], until: float
) -> dict[str, Any]:
    ends = found.together.get(unit, Ends())
    return {
        "tokens_remaining": left.tokens,
        "requests_remaining": left.requests,
        "unlimited": left.unlimited,
        "exhausted_at": iso(ends.p50),
        "binding": found.binding.get(unit),
        "ends_at": iso(left.ends_at),
        "exhausted": _moments(ends),
        "expected": {_NAMES[metric]: _amounts(curves[metric].until(until), metric) for metric in METRICS},
    }


def _of_provider(name: str, unit: Unit, left: Left, found: Exhaustion, lately: Mapping[str, Usage]) -> dict[str, Any]:
    """What is left of one provider's window. It takes no more than it has room for."""
    usage, taken = lately.get(name, Usage()), found.taken[name, unit]
    a_token = {
        "tokens": 1.0,
        "requests": usage.requests / usage.tokens if usage.tokens else 0.0,
        "usd": usage.usd / usage.tokens if usage.tokens else 0.0,
    }
    expected = {metric: Band(*(each * a_token[metric] for each in taken)) for metric in METRICS}
    remaining = left.remaining
    return {
        "limit": left.room.limit,
        "remaining": round(remaining, 9) if left.metric == "usd" else int(remaining + 1e-6),
        "unit": left.metric,
        "ends_at": iso(left.ends_at),
        "exhausted": _moments(found.ends[name, unit]),
        "expected": {_NAMES[metric]: _amounts(expected[metric], metric) for metric in METRICS},
    }


def _moments(ends: Ends) -> dict[str, str | None]:
    return {name: iso(moment) for name, moment in ends._asdict().items()}


def _amounts(band: Band, metric: Metric) -> dict[str, Any]:
    return {
        name: number(round(amount, 6)) if metric == "usd" else round(amount) for name, amount in band._asdict().items()
    }


def _sums_of(slots: Mapping[str, Mapping[int, Usage]], since: int) -> dict[str, Usage]:
    return {name: _added(each for hour, each in theirs.items() if hour >= since) for name, theirs in slots.items()}


def _added(usages: Iterable[Usage]) -> Usage:
    requests = tokens = 0
    usd = 0.0
    for each in usages:
        requests, tokens, usd = requests + each.requests, tokens + each.tokens, usd + each.usd
    return Usage(requests, tokens, usd)
