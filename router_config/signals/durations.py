"""Durations and moments as providers write them, in seconds.

The functions take any text, give None for what is not a duration, and never raise.
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

_LONGEST = 64  # characters of a duration or date that are looked at
_UNIT_SECONDS = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "msec": 1e-3, "msecs": 1e-3,
    "millisecond": 1e-3, "milliseconds": 1e-3,
    "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0,
    "m": 60.0, "min": 60.0, "mins": 60.0, "minute": 60.0, "minutes": 60.0,
    "h": 3600.0, "hr": 3600.0, "hrs": 3600.0, "hour": 3600.0, "hours": 3600.0,
    "d": 86400.0, "day": 86400.0, "days": 86400.0,
}  # fmt: skip
_PART = re.compile(r"\s{0,2}(?:and\s)?(\d{1,15}(?:\.\d{1,15})?)[ ]?([a-zµ]{1,12})(?![a-zµ]),?", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,20}(?:\.\d{1,20})?(?:e[+-]?\d{1,3})?(?![\w:/-])", re.ASCII)
_ISO = re.compile(r"\d{4}-\d\d-\d\d[t ]\d\d:\d\d")
_HTTP_DATE = re.compile(r"(\d{1,2})[ -]([a-z]{3})[ -](\d{4}|\d\d) (\d\d):(\d\d):(\d\d)(?: gmt| utc)?", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_EPOCH_SECONDS = 1e9  # a bare number from here on is a point in time (2001 and later) …
_EPOCH_MILLISECONDS = 1e11  # … and from here on one in milliseconds

_PACIFIC = ZoneInfo("America/Los_Angeles")


def leading_duration(text: str) -> float | None:
    """Seconds of the duration that the text begins with: `5m45.6s`, `172ms`, `2 hours and 5 min`, `20`."""
    text = text[:_LONGEST].lower().lstrip()
    seconds, end = 0.0, 0
    while end < len(text) and (part := _PART.match(text, end)):
        unit = _UNIT_SECONDS.get(part[2])
        if unit is None:
            break
        seconds += float(part[1]) * unit
        end = part.end()
    if end:
        return seconds
    bare = _NUMBER.match(text)
    return _finite(bare[0]) if bare else None


def duration(value: Any) -> float | None:
    """Seconds of a text as in `leading_duration`, a number, or protobuf's `{"seconds": 26, "nanos": 0}`."""
    if isinstance(value, Mapping):
        seconds, nanos = number(value.get("seconds")), number(value.get("nanos"))
        return None if seconds is None and nanos is None else (seconds or 0.0) + (nanos or 0.0) * 1e-9
    if isinstance(value, str):
        return leading_duration(value)
    return number(value)


def wait(value: Any, now: float) -> float | None:
    """Seconds from `now` to what a header names: a duration, epoch (milli)seconds, an HTTP or ISO 8601 date.

    Negative where that moment has passed.
    """
    if isinstance(value, str):
        value = value[:_LONGEST].strip()
        seconds = number(value) if value[-1:].isdigit() else None
        if seconds is None:
            moment = _moment(value) if ":" in value else None
            return moment - now if moment is not None else leading_duration(value)
    else:
        seconds = duration(value)
    if seconds is None or seconds < _EPOCH_SECONDS:
        return seconds
    return (seconds / 1000.0 if seconds >= _EPOCH_MILLISECONDS else seconds) - now


def number(value: Any) -> float | None:
    """A finite number from a number or a text that is nothing but one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = value[:_LONGEST].strip().lower()
        return _finite(value) if _NUMBER.fullmatch(value) else None
    return _finite(value) if isinstance(value, int | float) else None


def next_midnight_utc(now: float) -> float:
    """Epoch seconds of the next 00:00 UTC after `now`."""
    return (math.floor(now / 86400.0) + 1) * 86400.0


def next_midnight_pacific(now: float) -> float:
    """Epoch seconds of the next midnight in California after `now`, by its daylight saving time."""
    try:
        today = datetime.fromtimestamp(now, _PACIFIC)
        tomorrow = today.date() + timedelta(days=1)
        return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=_PACIFIC).timestamp()
    except (ValueError, OverflowError, OSError):
        return now + 86400.0


def _moment(text: str) -> float | None:
    # email.utils reads these dates too, but takes 10 ms to import
    text = text.lower()
    try:
        if _ISO.match(text):
            moment = datetime.fromisoformat(text.upper())
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        date = _HTTP_DATE.search(text)
        if date is None or date[2] not in _MONTHS:
            return None
        day, year, hour, minute, second = (int(date[n]) for n in (1, 3, 4, 5, 6))
        month = _MONTHS.index(date[2]) + 1
        year = year if year >= 100 else year + 2000
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _finite(value: str | int | float) -> float | None:
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None
