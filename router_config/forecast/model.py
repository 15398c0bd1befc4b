"""A model of usage by the hour: a week's shape, its level, and today's. It knows how far it was off in the past."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from router_config.forecast.ratios import Ratios, Sighting
from router_config.forecast.series import Series
from router_config.forecast.week import HOURS, Week, hour_of_week
from router_config.slices import pause

DAY: Final = 24

TODAY: Final = 4.0
"""Hours after which an hour counts half in how today goes."""

FADES: Final[float] = 0.5 ** (1 / 12)
"""What is left an hour later of today's deviation: half of it after 12 hours."""

USUAL_TODAY: Final = 0.15
"""Today's deviation is drawn towards none, as if so many usual days had gone as expected."""

USUAL_WEEK: Final = 0.5
"""The same for the level of the last seven days."""

ALIKE: Final = 4
"""Hours between two times of day at which as much is known of today, and as little to be seen."""

MANY: Final = 14 * DAY
"""Hours of history up to which all times of day are taken together."""

ORIGINS: Final = 3
"""Hours between the moments of the past of which it is known how a forecast would have gone."""

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
        week, sightings, ends_at = Week(), list[Sighting](), len(series.values) % DAY
        shape = _Shape(week.weights(), 0)
        for place, value in enumerate(series.values):
            if place >= DAY and place % DAY == 0:
                shape = _Shape(week.weights(), hour_of_week(series.first + place))
            if place >= DAY and place % ORIGINS == 0:
                near = abs((place - ends_at + DAY // 2) % DAY - DAY // 2) <= ALIKE or len(series.values) < MANY
                sightings += (each for each in self._seen_from(shape, place) if near or each[0] > 1.5)
                pause()
            week.add(hour_of_week(series.first + place), value)
        self._shape = _Shape(week.weights(), hour_of_week(series.end))
        self._level = self._level_at(self._shape, len(series.values), self._shape.begins)
        self.weights: tuple[float, ...] = tuple(each * self._level for each in self._shape.weights)
        self.ratios = Ratios(sightings, len(series.values) / DAY)

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
            if expected > 0:
                found.append((expected / daily, (self._sums[place + ahead] - begun) / expected))
        return found

    def _level_at(self, shape: "_Shape", place: int, of_week: int) -> float:
        """How the seven days before an hour compare with the week's shape."""
        hours = min(HOURS, place)
        used = self._sums[place] - self._sums[place - hours]
        expected = shape.before(of_week, hours)
        usual = USUAL_WEEK * shape.daily
        return (used + usual) / (expected + usual) if expected + usual > 0 else 1.0

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
        return (used + usual) / (expected * level + usual) if usual > 0 else 1.0


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
