"""The shape of a week: how much is expected in each of its 168 hours.

An hour of the week that was seen once or twice says little by itself. It is drawn towards the same hour of other days
of its kind (working days, or the weekend, once both were seen), and those towards the same hour of all days.
"""

from collections.abc import Sequence
from typing import Final

HOURS: Final = 168
MONDAY: Final = 72
"""The epoch began on a Thursday."""

_WORKING: Final = range(120)
_WEEKEND: Final = range(120, HOURS)

HALF_LIFE: Final = 3.0
"""Weeks after which what was seen counts half."""

DAYS_ALIKE: Final = 8.0
"""An hour of the week counts as so many sightings of the same hour of such days, besides its own."""

KINDS_ALIKE: Final = 1.0
"""As much for the hours of a kind of days, besides its own."""


def hour_of_week(number: int) -> int:
    """The place in a week, 0 for Monday 00:00 to 01:00 UTC, of an hour by its number (epoch seconds // 3600)."""
    return (number + MONDAY) % HOURS


class Week:
    """Sums over the hours that were seen, the recent ones counting more."""

    def __init__(self, half_life: float = HALF_LIFE) -> None:
        self._keeps = 0.5 ** (1 / half_life)
        self._amounts = [0.0] * HOURS
        self._seen = [0.0] * HOURS

    def add(self, place: int, amount: float) -> None:
        """See an hour, in order of time."""
        self._amounts[place] = self._amounts[place] * self._keeps + amount
        self._seen[place] = self._seen[place] * self._keeps + 1.0

    def weights(self) -> list[float]:
        """What is expected in each hour. All 0 where nothing was seen."""
        amounts, seen = self._amounts, self._seen
        daily = [
            _mean(sum(amounts[hour::24]), sum(seen[hour::24]), _mean(sum(amounts), sum(seen), 0.0))
            for hour in range(24)
        ]
        weights = [0.0] * HOURS
        kinds = (_WORKING, _WEEKEND)
        both = all(any(seen[place] for place in kind) for kind in kinds)
        for kind in kinds:
            of_kind = self._drawn(daily, kind, KINDS_ALIKE) if both else daily
            for day in range(kind.start, kind.stop, 24):
                places = range(day, day + 24)
                level = self._level(of_kind, places, DAYS_ALIKE)
                for place in places:
                    parent = of_kind[place % 24] * level
                    weights[place] = (amounts[place] + DAYS_ALIKE * parent) / (seen[place] + DAYS_ALIKE)
        return weights

    def _drawn(self, parent: Sequence[float], kind: range, alike: float) -> list[float]:
        """The hours of a kind of days, drawn towards the parent's shape on their own level."""
        level = self._level(parent, kind, 0.0)
        drawn = []
        for hour in range(24):
            places = range(kind.start + hour, kind.stop, 24)
            amount, seen = sum(self._amounts[each] for each in places), sum(self._seen[each] for each in places)
            drawn.append((amount + alike * parent[hour] * level) / (seen + alike))
        return drawn

    def _level(self, parent: Sequence[float], places: range, alike: float) -> float:
        """How much was seen in such places, in shares of what the parent expects there."""
        expected = sum(self._seen[place] * parent[place % 24] for place in places)
        usual = alike * sum(parent)
        return _mean(sum(self._amounts[place] for place in places) + usual, expected + usual, 1.0)


def _mean(amount: float, seen: float, otherwise: float) -> float:
    return amount / seen if seen > 0 else otherwise
