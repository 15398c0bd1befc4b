"""Quota windows as providers keep them: token bucket, wall-clock window, exact rolling window.

Pure arithmetic on numbers passed in: no clock, no I/O. Amounts are requests, tokens or dollars, times are
seconds since 1970. The router is tested against these windows, so they share nothing with its ledger.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from router_config.simulator.quotas.calendars import Bounds

Settle = Callable[[float, float], None]
"""Called once with the real amount and the time: the real amount replaces the one that was taken."""


class Window(Protocol):
    """One limit over one period."""

    limit: float
    seconds: float

    def used(self, now: float) -> float:
        """What of the limit is in use at `now`."""

    def wait(self, amount: float, now: float) -> float:
        """Seconds until `amount` has room: 0.0 when it has room now, infinity when it never will."""

    def take(self, amount: float, now: float) -> Settle:
        """Use `amount`, whether or not it has room."""

    def full_after(self, now: float) -> float:
        """Seconds until nothing of the limit is in use any more."""


def _slack(limit: float) -> float:
    """Times near 2e9 s resolve to 2e-7 s only, and sums of dollars are not exact."""
    return limit * 1e-8


class TokenBucket:
    """Refills continuously at `limit` per `seconds`: Groq, OpenAI and Together, for every period."""

    def __init__(self, limit: float, seconds: float) -> None:
        self.limit = limit
        self.seconds = seconds
        self._rate = limit / seconds
        self._slack = _slack(limit)
        self._level = 0.0
        self._at = 0.0

    def used(self, now: float) -> float:
        elapsed = now - self._at
        if elapsed > 0:
            self._level = max(0.0, self._level - elapsed * self._rate)
        self._at = now
        return self._level

    def wait(self, amount: float, now: float) -> float:
        if amount > self.limit:
            return float("inf")
        over = self.used(now) + amount - self.limit
        return over / self._rate if over > self._slack else 0.0

    def take(self, amount: float, now: float) -> Settle:
        self._level = self.used(now) + amount
        return lambda real, now: self._correct(real - amount, now)

    def _correct(self, difference: float, now: float) -> None:
        """Add `difference` to the level. What was refilled meanwhile is not refilled again."""
        self._level = max(0.0, self.used(now) + difference)

    def full_after(self, now: float) -> float:
        return self.used(now) / self._rate if self._rate else 0.0


class FixedWindow:
    """Starts again at fixed moments: clock minutes and calendar days, weeks and months."""

    def __init__(self, limit: float, seconds: float, bounds: Bounds) -> None:
        self.limit = limit
        self.seconds = seconds
        self._bounds = bounds
        self._start = self._end = 0.0
        self._used = 0.0

    def used(self, now: float) -> float:
        if not self._start <= now < self._end:
            self._start, self._end = self._bounds(now)
            self._used = 0.0
        return self._used

    def wait(self, amount: float, now: float) -> float:
        if amount > self.limit:
            return float("inf")
        return self._end - now if self.used(now) + amount - self.limit > _slack(self.limit) else 0.0

    def take(self, amount: float, now: float) -> Settle:
        self._used = self.used(now) + amount
        start = self._start
        return lambda real, now: self._correct(real - amount, start, now)

    def _correct(self, difference: float, start: float, now: float) -> None:
        """Add `difference`, unless the window that began at `start` is over."""
        self.used(now)
        if self._start == start:
            self._used = max(0.0, self._used + difference)

    def full_after(self, now: float) -> float:
        self.used(now)
        return self._end - now


@dataclass(slots=True)
class _Taken:
    """One amount in a rolling window. gone: it is older than the window."""

    at: float
    amount: float
    gone: bool = False


class RollingWindow:
    """Every stretch of `seconds`, counted exactly: an amount taken at t is gone at t + `seconds`."""

    def __init__(self, limit: float, seconds: float) -> None:
        self.limit = limit
        self.seconds = seconds
        self._taken: deque[_Taken] = deque()
        self._sum = 0.0

    def used(self, now: float) -> float:
        while self._taken and self._taken[0].at <= now - self.seconds:
            old = self._taken.popleft()
            old.gone = True
            self._sum -= old.amount
        return self._sum

    def wait(self, amount: float, now: float) -> float:
        if amount > self.limit:
            return float("inf")
        over = self.used(now) + amount - self.limit - _slack(self.limit)
        for taken in self._taken:
            if over <= 0:
                break
            over -= taken.amount
            if over <= 0:
                return taken.at + self.seconds - now
        return 0.0

    def take(self, amount: float, now: float) -> Settle:
        self.used(now)
        taken = _Taken(now, amount)
        self._taken.append(taken)
        self._sum += amount

        def settle(real: float, now: float) -> None:
            if not taken.gone:
                self._sum += real - taken.amount
                taken.amount = real

        return settle

    def full_after(self, now: float) -> float:
        self.used(now)
        return max(0.0, self._taken[-1].at + self.seconds - now) if self._taken else 0.0


class OpenRequests:
    """Requests at a time: what was taken is in use until it is settled with 0. It has no length."""

    seconds = 1.0
    """When to come back: nobody knows when an answer ends."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._open = 0.0

    def used(self, now: float) -> float:
        return self._open

    def wait(self, amount: float, now: float) -> float:
        if amount > self.limit:
            return float("inf")
        return self.seconds if self._open + amount > self.limit else 0.0

    def take(self, amount: float, now: float) -> Settle:
        self._open += amount

        def settle(real: float, now: float) -> None:
            self._open += real - amount

        return settle

    def full_after(self, now: float) -> float:
        return self.seconds if self._open else 0.0


class StrictWindow:
    """The provider's own window and the exact rolling one at once; the provider's is what it shows."""

    def __init__(self, own: Window) -> None:
        self.limit = own.limit
        self.seconds = own.seconds
        self._own = own
        self._rolling = RollingWindow(own.limit, own.seconds)

    def used(self, now: float) -> float:
        return max(self._own.used(now), self._rolling.used(now))

    def wait(self, amount: float, now: float) -> float:
        return max(self._own.wait(amount, now), self._rolling.wait(amount, now))

    def take(self, amount: float, now: float) -> Settle:
        both = (self._own.take(amount, now), self._rolling.take(amount, now))

        def settle(real: float, now: float) -> None:
            for each in both:
                each(real, now)

        return settle

    def full_after(self, now: float) -> float:
        return max(self._own.full_after(now), self._rolling.full_after(now))
