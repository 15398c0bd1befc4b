"""Where the fixed windows of providers begin and end: minutes, hours, days, weeks and months.

The router has arithmetic of its own for the same calendars; none of it is used here, since this judges it.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo

Bounds = Callable[[float], tuple[float, float]]
"""Start and end (seconds since 1970) of the window that holds a moment."""

MINUTE = 60.0
HOUR = 3600.0
DAY = 86400.0
WEEK = 7 * DAY
MONTH = 31 * DAY
"""The longest."""

_ONE_DAY = timedelta(days=1)


def clock_minute(now: float) -> tuple[float, float]:
    """The wall-clock minute of `now`."""
    start = now // MINUTE * MINUTE
    return start, start + MINUTE


def clock_hour(now: float) -> tuple[float, float]:
    """The wall-clock hour of `now`, in UTC."""
    start = now // HOUR * HOUR
    return start, start + HOUR


def calendar_day(zone: tzinfo) -> Bounds:
    """The local day in `zone`: 23, 24 or 25 hours long."""
    return _calendar(zone, lambda day: True)


def calendar_week(zone: tzinfo) -> Bounds:
    """The local week in `zone`, from Monday on: an hour shorter or longer where clocks are changed in it."""
    return _calendar(zone, lambda day: day.isoweekday() == 1)


def calendar_month(zone: tzinfo, first: int = 1) -> Bounds:
    """The local month in `zone` that begins with day `first`; with the last day of a month that lacks that day."""

    def begins(day: date) -> bool:
        return day.day == first or (day.day < first and (day + _ONE_DAY).day == 1)

    return _calendar(zone, begins)


def _calendar(zone: tzinfo, begins: Callable[[date], bool]) -> Bounds:
    """Windows that begin at the local midnight of each day that `begins` one."""

    def bounds(now: float) -> tuple[float, float]:
        first = datetime.fromtimestamp(now, zone).date()
        following = first + _ONE_DAY
        while not begins(first):
            first -= _ONE_DAY
        while not begins(following):
            following += _ONE_DAY
        return _midnight(first, zone), _midnight(following, zone)

    return bounds


def _midnight(day: date, zone: tzinfo) -> float:
    """Where clocks skip midnight, the moment at which they do; where it comes twice, the first."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()


def local_date(now: float, zone: tzinfo | None) -> str:
    """The date of `now` in `zone` (UTC without one), as 2026-11-23."""
    return datetime.fromtimestamp(now, zone or UTC).date().isoformat()
