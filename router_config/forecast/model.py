"""A model of usage by the hour: a week's shape, its level, and today's. It knows how far it was off in the past."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from router_config.forecast.ratios import Ratios, Sighting
from router_config.forecast.series import Series
from router_config.forecast.week import HOURS, Week, hour_of_week
from router_config.slices import pause

DAY: Final = 24

TODAY: Final = 5.0
"""Hours after which an hour counts half in how today goes."""

FADES: Final[float] = 0.5 ** (1 / 12)
"""What is left an hour later of today's deviation: half of it after 12 hours."""

USUAL_TODAY: Final = 0.1
"""Today's deviation is drawn towards none, as if so many usual days had gone as expected."""

USUAL_WEEK: Final = 0.3
"""The same for the level of the last seven days."""

WEEK_HOLDS: Final = 0.6
"""How much of a week's deviation holds on, before that was seen."""

TODAY_HOLDS: Final = 0.8
"""The same of today's."""

ALIKE: Final = 2
"""Hours between two times of day at which as much is known of today, and as little to be seen."""

MANY: Final = 14 * DAY
"""Hours of history up to which all times of day are taken together."""

ORIGINS: Final = 3
"""Hours between the moments of the past of which it is known how a forecast would have gone."""

NEXT_TO_NOTHING: Final = 0.001
"""Usual days; of less it is not asked how many times as much came."""

AHEAD: Final = (1, 2, 3, 4, 6, 9, 12, 18, 24, 36, 48, 72, 96, 168, 336)
"""Hours ahead for which that is known."""

_LONGEST: Final = DAY + AHEAD[-1]


class Model:
    """Of a series of hours. Raises ValueError for one that is shorter than a day.

    weights: what a week's hours are expected to use, on the level of the last days.
    """

    def __init__(self, series: Series) -> None:
        if len(series.values) < DAY:
            raise ValueError("an hour of the day has not been seen before a day is over")
        self._series = series
        self._sums = [0.0, *accumulate(series.values)]
        week, origins = Week(), list[tuple[_Shape, int]]()
        shape = _Shape(week.weights(), 0)
        for place, value in enumerate(series.values):
            if place >= DAY and place % DAY == 0:
                shape = _Shape(week.weights(), hour_of_week(series.first + place))
            if place >= DAY and place % ORIGINS == 0 and shape.daily > 0:
                origins.append((shape, place))
            week.add(hour_of_week(series.first + place), value)
            pause()
        self._trust_in_week = self._trust_in_today = 1.0
        self._trust_in_week = self._slope_of_weeks(origins)
        self._trust_in_today = self._slope_of_days(origins)
        self._shape = _Shape(week.weights(), hour_of_week(series.end))
        self._level = self._level_at(self._shape, len(series.values), self._shape.begins)
        self.weights: tuple[float, ...] = tuple(each * self._level for each in self._shape.weights)
        self.ratios = Ratios(self._sightings(origins), len(series.values) / DAY)

    def _slope_of_weeks(self, origins: Sequence[tuple["_Shape", int]]) -> float:
        """How much of the deviation of the last seven days was there in the next two days, too."""
        slope = Slope(WEEK_HOLDS, 8 * DAY // ORIGINS)
        for shape, place in origins:
            if place + 48 <= len(self._series.values):
                deviation = self._level_at(shape, place, hour_of_week(self._series.first + place)) - 1
                slope.add(deviation, shape.expected(place % DAY, 48, 0.0), self._sums[place + 48] - self._sums[place])
        return slope.value

    def _slope_of_days(self, origins: Sequence[tuple["_Shape", int]]) -> float:
        """How much of today's deviation was there in the next hours, too, as it fades."""
        slope = Slope(TODAY_HOLDS, 4 * DAY // ORIGINS)
        for shape, place in origins:
            if place + 8 <= len(self._series.values):
                level = self._level_at(shape, place, hour_of_week(self._series.first + place))
                deviation = self._today_at(shape, level, place, 0.0, 0.0) - 1
                plain = level * shape.expected(place % DAY, 8, 0.0)
                fading = level * shape.expected(place % DAY, 8, 1.0) - plain
                slope.add(deviation, fading, self._sums[place + 8] - self._sums[place] - plain + fading)
        return slope.value

    def _sightings(self, origins: Sequence[tuple["_Shape", int]]) -> Iterator[Sighting]:
        """How forecasts of the past compare with what came; of those of a short time the ones at this time of day."""
        present, few = len(self._series.values), len(self._series.values) < MANY
        for shape, place in origins:
            near = abs((place - present + DAY // 2) % DAY - DAY // 2) <= ALIKE or few
            yield from (each for each in self._seen_from(shape, place) if near or each[0] > 1.5)
            pause()

    @property
    def daily(self) -> float:
        """What a usual day takes."""
        return sum(self.weights) / 7

    def hours_ahead(self, present: float, gone: float, hours: int) -> list[float]:
        """What is expected of the rest of the hour that runs, and of so many hours after it.

        present: what it used so far. gone: which share of it is over.
        """
        shape, level = self._shape, self._level
        place = shape.begins
        today = self._today_at(shape, level, len(self._series.values), present, gone)
        expected = [shape.weights[place] * level * today * (1 - gone)]
        excess = today - 1
        for ahead in range(1, hours + 1):
            excess *= FADES
            expected.append(shape.weights[(place + ahead) % HOURS] * level * (1 + excess))
        return expected

    def _seen_from(self, shape: "_Shape", place: int) -> list[Sighting]:
        """How a forecast at the beginning of a past hour compares with what came."""
        level = self._level_at(shape, place, hour_of_week(self._series.first + place))
        excess = self._today_at(shape, level, place, 0.0, 0.0) - 1
        begun, daily = self._sums[place], shape.daily
        found = list[Sighting]()
        if daily <= 0 or level <= 0:
            return found
        for ahead in AHEAD:
            if place + ahead > len(self._series.values):
                break
            expected = level * shape.expected(place % DAY, ahead, excess)
            if expected > NEXT_TO_NOTHING * daily:
                found.append((expected / daily, (self._sums[place + ahead] - begun) / expected))
        return found

    def _level_at(self, shape: "_Shape", place: int, of_week: int) -> float:
        """How the seven days before an hour compare with the week's shape."""
        hours = min(HOURS, place)
        used = self._sums[place] - self._sums[place - hours]
        expected = shape.before(of_week, hours)
        usual = USUAL_WEEK * shape.daily
        if expected + usual <= 0:
            return 1.0
        return 1 + self._trust_in_week * ((used + usual) / (expected + usual) - 1)

    def _today_at(self, shape: "_Shape", level: float, place: int, present: float, gone: float) -> float:
        """How the hours just before compare with what was expected of them."""
        of_week = hour_of_week(self._series.first + place)
        weights, values = shape.weights, self._series.values
        used, expected = present, gone * weights[of_week]
        keeps = 0.5 ** (1 / TODAY)
        counts = keeps**gone
        for back in range(1, min(place, DAY) + 1):
            used += counts * values[place - back]
            expected += counts * weights[of_week - back]
            counts *= keeps
        usual = USUAL_TODAY * shape.daily * level
        if usual <= 0:
            return 1.0
        return 1 + self._trust_in_today * ((used + usual) / (expected * level + usual) - 1)


class Slope:
    """How much of a deviation holds on: the line through what was seen, drawn towards what is usual."""

    def __init__(self, usual: float, sightings: int) -> None:
        self._usual, self._as_often = usual, sightings
        self._both = self._square = 0.0
        self._number = 0

    def add(self, deviation: float, expected: float, used: float) -> None:
        """See that so much was used where so much was expected, and the deviation was known."""
        self._both += (used - expected) * deviation
        self._square += expected * deviation * deviation
        self._number += 1

    @property
    def value(self) -> float:
        """0: nothing of it; 1: all of it."""
        if self._square <= 0:
            return self._usual
        prior = self._square / self._number * self._as_often
        return min(1.0, max(0.0, (self._both + prior * self._usual) / (self._square + prior)))


class _Shape:
    """A week's weights as they were known on a day, with their sums. begins: the place in the week it begins at."""

    def __init__(self, weights: Sequence[float], begins: int) -> None:
        self.weights, self.begins = weights, begins
        self.daily = sum(weights) / 7
        self._of_week = [0.0, *accumulate(weights)]
        ahead = [weights[(begins + hour) % HOURS] for hour in range(_LONGEST)]
        self._sums = [0.0, *accumulate(ahead)]
        self._fading = [0.0, *accumulate(each * FADES**hour for hour, each in enumerate(ahead))]

    def before(self, of_week: int, hours: int) -> float:
        """What is expected of so many hours, at most a week, before a place in the week."""
        first = of_week - hours
        if first >= 0:
            return self._of_week[of_week] - self._of_week[first]
        return self._of_week[of_week] + self._of_week[-1] - self._of_week[first + HOURS]

    def expected(self, of_day: int, ahead: int, excess: float) -> float:
        """What is expected of so many hours from an hour of its day on, where today is by `excess` above the usual."""
        plain = self._sums[of_day + ahead] - self._sums[of_day]
        fading = self._fading[of_day + ahead] - self._fading[of_day]
        return plain + excess * fading / FADES**of_day
