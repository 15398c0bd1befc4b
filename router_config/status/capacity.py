"""The JSON of what is left of the day, the week and the month over all providers, and when it will be used up."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from router_config.forecast.running_out import TOGETHER
from router_config.iso import iso
from router_config.ledger.interfaces import Journal
from router_config.ledger.rules.windows import LENGTHS, Unit
from router_config.status.outlook import Outlooks, Question
from router_config.status.room_left import OFF, UNITS, InUse, Left, LeftOfWindow, left_of, tokens_a_request
from router_config.status.views import ProviderView

_NO_WINDOW: Final = {"exhausted_at": None, "binding": None}


async def capacity(
    views: Sequence[ProviderView],
    statuses: Sequence[dict[str, Any]],
    burn: Mapping[str, int],
    journal: Journal,
    outlooks: Outlooks,
    now: float,
) -> dict[str, Any]:
    """The JSON of `capacity`: tokens left today, and when they run out at the pace that is expected.

    Requests and dollars left count as as many tokens as those of the day so far. `binding` is the limit that is the
    last to be used up. `unlimited` names the providers in use that have no daily limit: they are not counted.
    `windows` says the same of the day, the week and the month, where a provider in use has such a limit; `providers` of
    each of them by itself.

    statuses: what the status shows of each view. burn: tokens of the last hour by provider. now: epoch seconds.
    """
    outlook = await outlooks.current(journal, now)
    usual = tokens_a_request(statuses) or outlook.tokens_a_request
    in_use = [InUse(*each) for each in zip(views, statuses, strict=True) if each[1]["status"] not in OFF]
    left = {unit: left_of(in_use, unit, usual, now) for unit in UNITS}
    limited = [unit for unit in UNITS if left[unit].limited]
    lefts = {
        each.view.name: {
            unit: left[unit].budgets[each.view.name] for unit in limited if each.view.name in left[unit].budgets
        }
        for each in in_use
    }
    question = Question(
        lefts,
        {unit: left[unit].ends_at or now + LENGTHS[unit] for unit in limited},
        frozenset(unit for unit in limited if _ends_known(unit, left)),
        {unit: ends for unit in limited if (ends := left[unit].ends_at) is not None},
        sum(burn.values()),
    )
    forecast = await outlooks.forecast(outlook, question, now)
    warned = outlooks.running_out(now)
    today, tokens = forecast["windows"].get("day", _NO_WINDOW), outlook.profiles["tokens"]
    return {
        "tokens_remaining_today": left["day"].tokens,
        "unlimited": left["day"].unlimited,
        "burn_tokens_per_hour": sum(burn.values()),
        "exhausted_at": today["exhausted_at"],
        "binding": today["binding"],
        "basis": tokens.basis,
        "history_days": round(tokens.history_days, 2),
        "windows": {
            unit: {**_of_window(left[unit], (TOGETHER, unit) in warned), **forecast["windows"][unit]}
            for unit in limited
        },
        "providers": {
            name: {
                unit: {**_of_provider(each, (name, each.limit) in warned), **forecast["providers"][name][unit]}
                for unit, each in theirs.items()
            }
            for name, theirs in lefts.items()
        },
    }


def _ends_known(unit: Unit, left: Mapping[Unit, LeftOfWindow]) -> bool:
    """Whether it can be said when nobody has room: of a day not while a provider in use has no daily limit."""
    return left[unit].known and not (unit == "day" and left[unit].unlimited)


def _of_window(left: LeftOfWindow, running_out: bool) -> dict[str, Any]:
    return {
        "tokens_remaining": left.tokens,
        "requests_remaining": left.requests,
        "unlimited": left.unlimited,
        "ends_at": iso(left.ends_at),
        "running_out": running_out,
    }


def _of_provider(left: Left, running_out: bool) -> dict[str, Any]:
    remaining = left.remaining
    return {
        "limit": left.limit,
        "remaining": round(remaining, 9) if left.metric == "usd" else int(remaining + 1e-6),
        "unit": left.metric,
        "ends_at": iso(left.ends_at),
        "running_out": running_out,
    }
