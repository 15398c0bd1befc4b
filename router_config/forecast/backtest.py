"""How good the forecast would have been: it is made at moments of the past and held against what came.

At each moment the forecast knows what was known then. It is asked when rooms of a half, one, three and seven usual days
would have ended, and whether they ended within the band. Beside it stands the rate of the last hour.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from math import inf
from typing import Final

from router_config.forecast.exhaustion import Ends
from router_config.forecast.model import DAY, Model
from router_config.forecast.profile import Curve, Profile
from router_config.forecast.ratios import quantile
from router_config.forecast.series import HOUR, HOURS_KEPT, Series

LEAST: Final = 3 * DAY
"""Hours of history below which there is nothing to compare."""

APART: Final = 5
"""Hours between two moments, so that all hours of a day have their turn."""

MOST: Final = 150
"""Moments looked at; of a long history they lie further apart."""

ROOMS: Final = (0.5, 1.0, 3.0, 7.0)
"""Usual days."""


@dataclass(frozen=True, slots=True)
class Tested:
    """How forecasts of one room's end went.

    days: how large the room was, in usual days. number: of forecasts. covered: the share of those in which it ended
    between p10 and p90. error: the median error of p50, as a share of the time that was left; naive: the same of the
    rate of the last hour.
    """

    days: float
    number: int
    covered: float
    error: float
    naive: float


def backtest(series: Series, progress: Callable[[float], None] = lambda _: None) -> tuple[Tested, ...]:
    """How the forecast would have done on this history; empty where it is shorter than three days.

    progress: told the share that is done, 0 to 1.
    """
    values, sums = series.values, [0.0, *accumulate(series.values)]
    moments = range(2 * DAY, len(values) - DAY // 4, max(APART, _odd((len(values) - 2 * DAY) // MOST)))
    found: dict[float, list[tuple[bool, float, float]]] = {days: [] for days in ROOMS}
    for number, place in enumerate(moments if len(values) >= LEAST else ()):
        progress(number / len(moments))
        for days, seen in _seen(series, sums, place):
            found[days].append(seen)
    return tuple(
        Tested(
            days,
            len(seen),
            sum(covered for covered, _, _ in seen) / len(seen),
            quantile(sorted(error for _, error, _ in seen), 0.5),
            quantile(sorted(naive for _, _, naive in seen), 0.5),
        )
        for days, seen in found.items()
        if seen
    )


def _odd(hours: int) -> int:
    return hours | 1


def _seen(series: Series, sums: list[float], place: int) -> Iterator[tuple[float, tuple[bool, float, float]]]:
    """For each room that ended since: whether that was within the band, the error, and that of the last hour's rate."""
    begins = max(0, place - HOURS_KEPT)
    model = Model(Series(series.first + begins, series.values[begins:place]))
    now, daily = float((series.first + place) * HOUR), model.daily
    if daily <= 0:
        return
    curve = Profile(model.weights, "profile", (place - begins) / DAY, model).curve(now, now + 35 * DAY * HOUR)
    for days in ROOMS:
        room = days * daily
        end = _crossing(sums, place, room)
        if end is None or end <= 0:
            return
        ends, last = ends_of(curve, room), series.values[place - 1]
        early, middle, late = ((inf if each is None else (each - now) / HOUR) for each in ends)
        naive = room / last if last > 0 else inf
        yield days, (early <= end <= late, _error(middle, end), _error(naive, end))


def _error(hours: float, end: float) -> float:
    return abs(min(hours, 35.0 * DAY) - end) / end


def _crossing(sums: list[float], place: int, room: float) -> float | None:
    """Hours from a place on until so much had been used; None: it has not."""
    target = sums[place] + room
    for later in range(place + 1, len(sums)):
        if sums[later] >= target:
            used = sums[later] - sums[later - 1]
            return later - place - (sums[later] - target) / used
    return None


def ends_of(curve: Curve, room: float) -> Ends:
    """When so much will have been used."""
    ends: list[float | None] = []
    for quantile_at in (2, 1, 0):
        moment: float | None = None
        for number in range(1, len(curve.moments)):
            after = curve.used[number][quantile_at]
            if after >= room:
                before, since = curve.used[number - 1][quantile_at], curve.moments[number - 1]
                moment = since + (curve.moments[number] - since) * (room - before) / (after - before)
                break
        ends.append(moment)
    return Ends(*ends)
