"""How long answers take in a plan: a number of seconds, or as long as each provider's last ones did."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from router_config.config.loads import Spread

LATENCY: Final = 2.0
"""Seconds that an answer takes, where nobody says otherwise."""

POINTS: Final = 40
"""By which the last answers of a provider are told."""


@dataclass(frozen=True, slots=True)
class Latencies:
    """How long answers take, as measured. measured: by provider, milliseconds. usual: seconds of the others."""

    measured: Mapping[str, Spread]
    usual: float = LATENCY


def latencies_of(answers: Mapping[str, Sequence[int]]) -> Latencies:
    """answers: by provider, how long its last ones took, milliseconds; those of whom there are none are left out."""
    return Latencies({name: _spread(sorted(each)) for name, each in answers.items() if each})


def seconds_of(latency: float | Latencies, seed: int) -> Callable[[str], float]:
    """How long the next answer of a provider takes, by chance."""
    if not isinstance(latency, Latencies):
        return lambda provider: latency
    measured, usual, chance = latency.measured, latency.usual, Random(f"{seed}/latency")

    def seconds(provider: str) -> float:
        spread = measured.get(provider)
        return usual if spread is None else spread.at(chance.random()) / 1000

    return seconds


def _spread(sizes: Sequence[int]) -> Spread:
    points = min(len(sizes), POINTS)
    places = [(number + 0.5) / points for number in range(points)]
    return Spread(tuple((place, float(sizes[int(place * len(sizes))])) for place in places))
