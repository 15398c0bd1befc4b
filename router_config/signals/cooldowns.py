"""How long a scope is in cooldown: which retry hints are believed, and what holds without one. All in seconds.

A hint is believed if it is above zero and not above the cap of its kind. The longest believed hint counts. If all
are above the cap (a Retry-After in 2037), the cap itself counts. Zero, negative and unreadable hints count as none.
"""

import math
from collections.abc import Iterable

MARGIN = 0.5  # added to every wait, so that a retry then succeeds
MIDNIGHT_MARGIN = 1.0

MINUTE_CAP = 120.0
HOUR_CAP = 3_900.0
DAY_CAP = 26 * 3600.0  # a day of 25 hours (end of daylight saving time) and a margin
UNSTATED_CAP = 3_600.0  # a limit whose window is not named
PROVIDER_CAP = 3_600.0  # a provider that says it is down

MINUTE_DEFAULT = 60.0
HOUR_DEFAULT = 900.0
DAY_RECHECK = 3_600.0  # a day's limit is used up, and nobody knows when its day ends
IN_FLIGHT = 5.0  # too many requests at a time, and nobody knows when one of them ends
SHARED_POOL = 20.0  # a pool that the provider shares among its customers is busy
NO_CREDIT = 300.0  # credit is gone; further refusals in a row have longer pauses, six hours at last


def believed(hints: Iterable[float], cap: float) -> float | None:
    """The longest believable hint, the cap where all hints are above it, None without one."""
    positive = [hint for hint in hints if hint > 0]
    return max((hint for hint in positive if hint <= cap), default=cap if positive else None)


def seconds(hints: Iterable[float], cap: float, default: float) -> float:
    """The length of a cooldown: a believed hint or the default, and the margin."""
    hint = believed(hints, cap)
    return (default if hint is None else hint) + MARGIN


def clock_minute(hints: Iterable[float], now: float) -> float:
    """The same for a window that ends with the wall clock's minute."""
    return seconds(hints, MINUTE_CAP, to_end_of_clock_minute(now) + MARGIN)


def to_end_of_clock_minute(now: float) -> float:
    """Seconds until the wall clock's next minute."""
    return math.floor(now / 60.0) * 60.0 + 60.0 - now
