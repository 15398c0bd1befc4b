"""How long a scope rests: which hints are believed, and what holds without one. All in seconds.

A hint is believed if it is above zero and not beyond the cap of its kind; the longest believed one counts.
If all are beyond the cap (a Retry-After in 2037), the cap itself counts; zero, negative and unreadable
hints count as none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

MARGIN = 0.5  # added to every wait, so that a retry then succeeds
MIDNIGHT_MARGIN = 1.0

MINUTE_CAP = 120.0
HOUR_CAP = 3_900.0
DAY_CAP = 26 * 3600.0  # a day of 25 hours (end of daylight saving time) and a margin
UNSTATED_CAP = 3_600.0  # a limit of a window that is not named: asked again every hour at least
PROVIDER_CAP = 3_600.0  # a provider that says it is down

MINUTE_DEFAULT = 60.0
HOUR_DEFAULT = 900.0
DAY_RECHECK = 3_600.0  # a spent day whose end nobody knows
SHORT = 20.0  # a shared pool behind the provider is busy
QUOTA_BENCH = 6 * 3600.0  # no credit: a person must act; asked again four times a day
WEB_PAGE_BENCH = 3_600.0  # something that is no API answers at the provider's address


def believed(hints: Iterable[float], cap: float) -> float | None:
    """The longest believable hint, the cap where all hints are beyond it, None without one."""
    positive = [hint for hint in hints if hint > 0]
    return max((hint for hint in positive if hint <= cap), default=cap if positive else None)


def after(hints: Iterable[float], cap: float, default: float) -> float:
    """Seconds to rest: a believed hint or the default, with the margin."""
    hint = believed(hints, cap)
    return (default if hint is None else hint) + MARGIN


def to_end_of_clock_minute(now: float) -> float:
    """Seconds until the wall clock's next minute, for windows that are aligned to it."""
    return math.floor(now / 60.0) * 60.0 + 60.0 - now
