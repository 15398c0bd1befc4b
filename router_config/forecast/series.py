"""Usage by the hour without gaps, from the slots of a journal."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from router_config.ledger.values import Usage

HOUR: Final = 3600
HOURS_KEPT: Final = 60 * 24
"""Hours of history that are looked at."""


@dataclass(frozen=True, slots=True)
class Series:
    """Tokens of each whole hour, and of the one that runs.

    first: the number of the hour that `values` begins with. values: the hours that are over; those with nothing are 0.
    present: of the hour that runs, so far. began: epoch seconds at which the history begins.
    """

    first: int
    values: tuple[float, ...]
    present: float
    began: float

    @property
    def end(self) -> int:
        """The number of the hour that runs."""
        return self.first + len(self.values)


def total_of(slots: Mapping[str, Mapping[int, Usage]]) -> dict[int, Usage]:
    """The usage of all providers together, by hour. slots: as `History.slots` has it."""
    total: dict[int, Usage] = {}
    for theirs in slots.values():
        for number, usage in theirs.items():
            before = total.get(number)
            if before is not None:
                usage = Usage(
                    before.requests + usage.requests,
                    before.tokens + usage.tokens,
                    before.usd + usage.usd,
                    before.errors + usage.errors,
                )
            total[number] = usage
    return total


def series_of(amounts: Mapping[int, float], now: float) -> Series:
    """The series of amounts by hour, at a moment (epoch seconds). What is newer than `now` is left out."""
    present = int(now // HOUR)
    known = _within(amounts, present)
    first = min(known, default=present)
    values = tuple(float(amounts.get(number, 0.0)) for number in range(first, present))
    return Series(first, values, float(amounts.get(present, 0.0)), float(first * HOUR))


def _within(amounts: Mapping[int, float], present: int) -> Iterable[int]:
    return [number for number, amount in amounts.items() if present - HOURS_KEPT <= number <= present and amount > 0]
