"""How much more or less than expected was used in the past, by how much was expected: the band of a forecast."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from math import log
from typing import Final, NamedTuple

Sighting = tuple[float, float]
"""What was expected, in usual days, and what came of it as a share of that."""


class Band(NamedTuple):
    """Three of ten, five of ten, nine of ten: p10 is fallen short of in a tenth of all cases, p90 exceeded in one."""

    p10: float
    p50: float
    p90: float


SURE: Final = Band(1.0, 1.0, 1.0)

_EDGES: Final = (0.02, 0.05, 0.1, 0.2, 0.4, 0.75, 1.5, 3.0, 6.0, 12.0)
"""Usual days between which forecasts are alike."""

FEWEST: Final = 8
"""With fewer sightings the band is that of less time ahead."""

WIDENED: Final = 1.0
"""With n stretches of the past that do not overlap, a band is wider by this over n than they were."""

USUAL: Final = 10.0
"""The middle is drawn towards what was expected, as if that had come so often."""


class Ratios:
    """The bands of ratios of used to expected, from what was seen in so many days."""

    def __init__(self, sightings: Iterable[Sighting], days: float) -> None:
        groups: list[list[Sighting]] = [[] for _ in range(len(_EDGES) + 1)]
        for sighting in sightings:
            groups[bisect_left(_EDGES, sighting[0])].append(sighting)
        self._at: list[float] = []
        self._bands: list[Band] = []
        for group in groups:
            if len(group) < FEWEST:
                continue
            middle = sorted(expected for expected, _ in group)[len(group) // 2]
            apart = max(1.0, min(len(group), days / middle - 1))
            self._at.append(log(middle))
            self._bands.append(_band(sorted(ratio for _, ratio in group), apart))

    def at(self, days: float) -> Band:
        """The band where so many usual days' worth is expected; beyond what was seen, as at the end of it."""
        if not self._at:
            return SURE
        place = log(days) if days > 0 else self._at[0]
        right = bisect_left(self._at, place)
        if right == 0:
            return self._bands[0]
        if right == len(self._at):
            return self._bands[-1]
        share = (place - self._at[right - 1]) / (self._at[right] - self._at[right - 1])
        pairs = zip(self._bands[right - 1], self._bands[right], strict=True)
        return Band(*(left + share * (other - left) for left, other in pairs))


def _band(ratios: Sequence[float], apart: float) -> Band:
    low, middle, high = (quantile(ratios, share) for share in (0.1, 0.5, 0.9))
    wider = 1 + WIDENED / apart
    drawn = 1 + (middle - 1) * apart / (apart + USUAL)
    low, high = drawn + (low - middle) * wider, drawn + (high - middle) * wider
    return Band(max(0.0, min(low, drawn)), drawn, max(drawn, high))


def quantile(ordered: Sequence[float], share: float) -> float:
    """Of numbers in order, between neighbours where it falls between them."""
    place = share * (len(ordered) - 1)
    left = int(place)
    right = min(left + 1, len(ordered) - 1)
    return ordered[left] + (place - left) * (ordered[right] - ordered[left])
