"""A plan as JSON, and as rows for a spreadsheet."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from router_config.iso import iso
from router_config.planner.plan import ClassServed, Plan, PlanDay, Served
from router_config.planner.wording import in_the_way

COLUMNS: Final = (
    "date",
    "provider",
    "share",
    "requests",
    "tokens",
    "cost_usd",
    "full_seconds",
    "full_since",
    "binding",
    "failed_attempts",
)
HOURS: Final = 7 * 24
UNSERVED: Final = "unserved"
"""Stands in the column of providers for what nobody served."""


def document(plan: Plan, told: str, remarks: Sequence[str] = ()) -> dict[str, Any]:
    """The JSON of a plan. Moments in UTC, days by their date in `timezone`.

    told: its answer in words. remarks: what is to be said beside it.
    """
    binding = None if plan.binding is None else {"provider": plan.binding[0], "limit": plan.binding[1]}
    return {
        "answer": bool(plan),
        "told": told,
        "remarks": list(remarks),
        "served": round(plan.served, 6),
        "requests": plan.requests,
        "tokens": plan.tokens,
        "tokens_per_day": round(plan.tokens_per_day),
        "usd_per_month": round(plan.usd_per_month, 4),
        "wait_seconds": {"p50": plan.wait_p50, "p95": plan.wait_p95},
        "binding": binding,
        "dark_seconds": round(plan.dark_seconds),
        "wasted_attempts": plan.wasted_attempts,
        "needless_failures": plan.needless_failures,
        "unserved_since": iso(plan.unserved_since),
        "worst_hour": None if (worst := plan.worst_hour) is None else {**worst._asdict(), "begins": iso(worst.begins)},
        "fallback": None if plan.fallback is None else plan.fallback._asdict(),
        "worst_day": date_of(plan.worst, plan.timezone),
        "advice": list(plan.advice),
        "timezone": plan.timezone,
        "left_out": dict(plan.left_out),
        "providers": [_provider(each) for each in plan.providers],
        **_classes(plan.classes),
        **({} if plan.loops is None else {"loops": plan.loops._asdict()}),
        "days": [_day(each, plan.timezone) for each in plan.days],
        "week": _week(plan),
    }


def rows(plan: Plan) -> Iterator[tuple[object, ...]]:
    """A row for each day and provider, and one for what nobody served, in the order of `COLUMNS`.

    Where there are classes, two more for each: what of the class was served, and what was not (`class batch unserved`).
    """
    for day in plan.days:
        date = date_of(day, plan.timezone)
        for each in day.providers:
            yield date, *_provider(each).values()
        share = round(1 - day.served, 6)
        since = iso(day.unserved_since)
        dark = round(day.dark_seconds)
        yield date, UNSERVED, share, day.unserved_requests, day.unserved_tokens, 0.0, dark, since, None, 0
        for of in day.classes:
            name, since = f"class {of.name}", iso(of.unserved_since)
            share = round(of.served, 6)
            served = of.requests - of.unserved_requests, of.tokens - of.unserved_tokens
            limit = None if of.obstacle is None else f"{of.obstacle.provider} {of.obstacle.limit}"
            yield date, name, share, *served, 0.0, 0, None, None, 0
            missed = of.unserved_requests, of.unserved_tokens
            yield date, f"{name} {UNSERVED}", round(1 - of.served, 6), *missed, 0.0, 0, since, limit, 0


def date_of(day: PlanDay, timezone: str) -> str:
    """The date of a day: 2026-11-23."""
    return datetime.fromtimestamp(day.begins, ZoneInfo(timezone)).date().isoformat()


def _day(day: PlanDay, timezone: str) -> dict[str, Any]:
    return {
        "date": date_of(day, timezone),
        "begins_at": iso(day.begins),
        "served": round(day.served, 6),
        "requests": day.requests,
        "tokens": day.tokens,
        "unserved_requests": day.unserved_requests,
        "unserved_tokens": day.unserved_tokens,
        "unserved_since": iso(day.unserved_since),
        "requests_by_hour": list(day.requests_by_hour),
        "unserved_by_hour": list(day.unserved_by_hour),
        "dark_seconds": round(day.dark_seconds),
        "needless_failures": day.needless_failures,
        "providers": [_provider(each) for each in day.providers],
        **_classes(day.classes),
    }


def _classes(classes: Sequence[ClassServed]) -> dict[str, Any]:
    """By class of agents; nothing where there are none."""
    return {"classes": [_class(each) for each in classes]} if classes else {}


def _class(each: ClassServed) -> dict[str, Any]:
    return {
        "name": each.name,
        "served": round(each.served, 6),
        "requests": each.requests,
        "tokens": each.tokens,
        "unserved_requests": each.unserved_requests,
        "unserved_tokens": each.unserved_tokens,
        "unserved_since": iso(each.unserved_since),
        "obstacle": None if each.obstacle is None else each.obstacle._asdict(),
        "told": in_the_way(each),
    }


def _week(plan: Plan) -> dict[str, list[int]]:
    """Requests by hour of the week, over all days: 168 numbers, the first of Monday's first hour in `timezone`."""
    zone, requests, unserved = ZoneInfo(plan.timezone), [0] * HOURS, [0] * HOURS
    for day in plan.days:
        for hour, (asked, missed) in enumerate(zip(day.requests_by_hour, day.unserved_by_hour, strict=True)):
            if asked:
                local = datetime.fromtimestamp(day.begins + 3600 * hour, zone)
                place = 24 * local.weekday() + local.hour
                requests[place] += asked
                unserved[place] += missed
    return {"requests": requests, "unserved": unserved}


def _provider(served: Served) -> dict[str, Any]:
    return {
        "name": served.provider,
        "share": round(served.share, 6),
        "requests": served.requests,
        "tokens": served.tokens,
        "cost_usd": round(served.usd, 6),
        "full_seconds": round(served.full_seconds),
        "full_since": iso(served.full_since),
        "binding": served.binding,
        "failed_attempts": served.failed,
    }
