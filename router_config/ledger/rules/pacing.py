"""How the room of a day, a week or a month is spread over the hours in which it is expected to be needed.

Of a paced limit only the share may be used that is expected to be needed until now; what is not used stays for later.
A window that rolls has no beginning from which a share could count. So it is paced by a meter beside it, which counts
the same by the calendar's day, week or month.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final, Literal, NamedTuple

from router_config.ledger.rules.windows import Calendar, Window

Pace = Literal["none", "even", "beside"]
"""Whether a meter's limits are paced. `beside`: it is there for that alone, beside one whose window rolls."""

AHEAD: Final = 0.02
"""So much of what is for later may be used ahead: less and less, so that the last hour has its part, too."""

HOUR: Final = 3600
HOURS: Final = 168
MONDAY: Final = 72
"""The epoch began on a Thursday."""

_LATER: Final = 0.001
"""Seconds by which a moment is told later than it is computed, so that its share is surely reached then."""


class _Spread(NamedTuple):
    """A window's hours, with the share of its room for those before each, and for each.

    begins, ends: of the window, epoch seconds. first: where the first hour begins.
    """

    begins: float
    ends: float
    first: float
    before: tuple[float, ...]
    each: tuple[float, ...]

    def until(self, moment: float) -> float:
        """The share that is for the time until a moment in the window."""
        if moment >= self.ends:
            return 1.0
        hours = (moment - self.first) / HOUR
        place = int(hours)
        return self.before[place] + (hours - place) * self.each[place]


class Expected:
    """When requests are expected: tokens in each of the 168 hours of a week, the first from Monday 00:00 UTC on.

    weights: only how they compare matters. Without any above 0, in the whole week or in a window, all its hours are
    equal.

        expected = Expected(profile.weights)
        expected.share(CalendarDay("UTC"), now)  # 0.4: of a limit of 100k tokens a day 40k may be used by now
    """

    def __init__(self, weights: Sequence[float] = ()) -> None:
        self.weights = tuple(max(0.0, each) for each in weights)
        self._spreads: dict[Window, _Spread] = {}

    def share(self, window: Window, now: float) -> float:
        """The share, 0 to 1, of the room of the window that runs now (epoch seconds) that may be used so far."""
        spread = self._spreads.get(window)
        if spread is None or not spread.begins <= now < spread.ends:
            spread = self._spread(window, now)
        so_far = spread.until(now)
        return so_far + AHEAD * (1 - so_far)

    def reached(self, window: Window, share: float, now: float) -> float:
        """When so large a share may be used: epoch seconds, the window's end at the latest."""
        if self.share(window, now) >= share:
            return now
        spread = self._spreads[window]
        share = (share - AHEAD) / (1 - AHEAD)
        place = bisect_left(spread.before, share)
        moment = spread.ends
        if place < len(spread.before):
            whole = (share - spread.before[place - 1]) / spread.each[place - 1]
            moment = min(moment, spread.first + (place - 1 + whole) * HOUR)
        return min(max(now, moment + _LATER), spread.ends)

    def _spread(self, window: Window, now: float) -> _Spread:
        if not isinstance(window, Calendar):
            raise TypeError("a window that rolls is paced by a meter beside it")
        begins, ends, ahead = window.began(now), window.frees(now), window.correction
        number = int((begins + ahead) // HOUR)
        hours = range(number, int(-(-(ends + ahead) // HOUR)))
        weights = [self.weights[(hour + MONDAY) % HOURS] for hour in hours] if self.weights else [1.0] * len(hours)
        first = number * HOUR - ahead
        total = _between(weights, first, begins, ends)
        if total <= 0:
            weights = [1.0] * len(hours)
            total = (ends - begins) / HOUR
        gone = weights[0] * (begins - first) / HOUR
        each = (*(weight / total for weight in weights), 0.0)
        before = tuple(accumulate(each[:-1], initial=-gone / total))
        if len(self._spreads) > 1000:  # The clock was corrected again and again.
            self._spreads.clear()
        spread = self._spreads[window] = _Spread(begins, ends, first, before, each)
        return spread


EVEN: Final = Expected()
"""Nobody knows when requests come."""


def _between(weights: Sequence[float], first: float, begins: float, ends: float) -> float:
    """The weight of the time between two moments, of which the hours that touch it begin at `first`."""
    edges = pairwise(first + place * HOUR for place in range(len(weights) + 1))
    return sum(
        weight * (min(closes, ends) - max(opens, begins)) / HOUR
        for weight, (opens, closes) in zip(weights, edges, strict=True)
    )


def held_back(metric: str, value: float, share: float, held: float, needed: float) -> bool:
    """Whether pace keeps a request away from a limit of this value.

    held: used and reserved so far; the first request is always served, or a small room would serve none for hours.
    Dollars are reserved for the longest answer, so of them the next request counts nothing yet.
    """
    return held > 0 and held + (0 if metric == "usd" else needed) > value * share


def paced_until(
    expected: Expected, window: Window, metric: str, value: float, held: float, needed: float, now: float
) -> float:
    """When pace lets such a request through (epoch seconds), if nothing else is used."""
    return expected.reached(window, (held + (0 if metric == "usd" else needed)) / value, now)
