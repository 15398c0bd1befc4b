"""A plan in words."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from router_config.config.models import Config
from router_config.ledger.rules.meters import kind_of
from router_config.planner.plan import ClassServed, Plan


def first_line(made: Plan, config: Config, asked: str) -> str:
    """Yes or no, in plain words. asked: the workload, such as `1M tokens a day`."""
    days = "1 day" if len(made.days) == 1 else f"{len(made.days)} days"
    cost = f" The paid providers cost ${made.usd_per_month:.2f} a month." if made.usd_per_month else ""
    if made:
        paid = {each.name for each in config.providers if each.tier == "paid"}
        free = (
            ""
            if any(each.requests and each.provider in paid for each in made.providers)
            else " by free providers alone"
        )
        return f"Yes. {percent(made.served)} of {asked} are served for {days}{free}.{cost}"
    told = f"No. {percent(made.served)} of {asked} are served{by_class(made.classes)}"
    first = made.unserved_since
    if first is not None:
        told += f"; from day {_when(made, first)}, {_who_is_missing(made, config)}"
        told += f": {made.binding[0]} {made.binding[1]} binds" if made.binding else ""
    return f"{told}{_costs(made)}."


def _when(made: Plan, first: float) -> str:
    """When it is first, and how often: `1, 14:20 New York, each day`."""
    number = next(number for number, day in enumerate(made.days, 1) if day.unserved_requests)
    bad, days = sum(day.unserved_requests > 0 for day in made.days), len(made.days)
    often = "" if days == 1 else ", each day" if bad == days else f", on {bad} of {days} days"
    return f"{number}, {time_of_day(first, made.timezone)} {_city(made.timezone)}{often}"


def by_class(classes: Sequence[ClassServed]) -> str:
    """` (trader 100 %, batch 41 %)`; nothing where there are no classes."""
    return f" ({', '.join(f'{each.name} {percent(each.served)}' for each in classes)})" if classes else ""


def in_the_way(of: ClassServed) -> str | None:
    """What keeps requests of a class out: `it has used its share of groq tpd`."""
    if of.obstacle is None:
        return None
    provider, limit, status = of.obstacle
    if status == "share_used":
        return f"it has used its share of {provider} {limit}"
    if status == "kept":
        return f"what is left of {provider} {limit} is kept for others"
    return f"{provider} {limit} has no room"


def _who_is_missing(made: Plan, config: Config) -> str:
    worst = max(made.classes, key=lambda each: each.unserved_tokens, default=None)
    if worst is not None and worst.obstacle is not None and worst.obstacle.status == "share_used":
        return f"class {worst.name} has used its share"
    if worst is not None and worst.obstacle is not None and worst.obstacle.status == "kept":
        return f"class {worst.name} finds no room but what is kept for others"
    if made.binding is None:
        return "nobody serves"
    if not kind_of(made.binding[1]).exhausts:
        return "nobody has room"
    paid = any(each.tier == "paid" and each.name not in made.left_out for each in config.providers)
    return "everything is used up" if paid else "everything free is used up"


def _costs(made: Plan) -> str:
    cost = f"${made.usd_per_month:.2f} a month" if made.usd_per_month else ""
    if made.fallback is None:
        return f"; the paid providers cost {cost}" if cost else ""
    rest = f"${made.fallback.usd_per_month:.2f}"
    if cost:
        return f"; the paid providers cost {cost}, and the rest would cost {rest} more at {made.fallback.provider}"
    return f"; paid fallback ({made.fallback.provider}) would cost {rest} a month"


def _city(timezone: str) -> str:
    """New York, of America/New_York."""
    return timezone.rpartition("/")[2].replace("_", " ")


def percent(share: float) -> str:
    """Rounded down, so that 100 % means all."""
    return "100 %" if share >= 1 else f"{int(share * 1000) / 10:g} %"


def rounded(number: float) -> str:
    """To three digits: 998k."""
    for unit, size in (("M", 10**6), ("k", 10**3)):
        if number >= 0.9995 * size:
            return f"{float(f'{number / size:.3g}'):g}{unit}"
    return f"{number:.3g}"


def date_and_time(moment: float | None, timezone: str) -> str | None:
    """2026-11-23 14:05 in a timezone; epoch seconds are given."""
    return None if moment is None else datetime.fromtimestamp(moment, ZoneInfo(timezone)).strftime("%Y-%m-%d %H:%M")


def time_of_day(moment: float | None, timezone: str) -> str:
    """14:05 in a timezone; epoch seconds are given."""
    return "" if moment is None else datetime.fromtimestamp(moment, ZoneInfo(timezone)).strftime("%H:%M")
