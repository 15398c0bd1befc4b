"""A plan in words."""

from datetime import datetime
from zoneinfo import ZoneInfo

from router_config.config.models import Config
from router_config.planner.plan import Plan


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
    told = f"No. {percent(made.served)} of {asked} are served."
    first = made.unserved_since
    if first is not None:
        number = next(number for number, day in enumerate(made.days, 1) if day.unserved_requests)
        bad = sum(day.unserved_requests > 0 for day in made.days)
        how_often = f", on {bad} of {days}" if bad > 1 else ""
        at = f"{time_of_day(first, made.timezone)} {made.timezone}"
        told += f" From day {number}, {at}{how_often}, nobody has room"
        told += f": {made.binding[0]} {made.binding[1]} binds." if made.binding else "."
    return told + cost


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
