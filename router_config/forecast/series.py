"""Usage by the hour without gaps, from the slots of a journal."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from router_config.ledger.rules.meters import Metric
from router_config.ledger.values import Usage

HOUR: Final = 3600
HOURS_KEPT: Final = 60 * 24
"""Hours of history that are looked at."""


@dataclass(frozen=True, slots=True)
class Series:
    """What was used in each hour that is over: tokens, requests or dollars.

    first: the number of the hour that `values` begins with. Hours with nothing are 0.
    """

    first: int
    values: tuple[float, ...]

    @property
    def end(self) -> int:
        """The number of the hour after the last."""
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


def series_of(slots: Mapping[int, Usage], now: float, metric: Metric = "tokens") -> Series:
    """The hours before the one of a moment (epoch seconds), from the first with a request on."""
    present = int(now // HOUR)
    oldest = present - HOURS_KEPT
    first = min((number for number, each in slots.items() if each.requests and number >= oldest), default=present)
    first = min(first, present)
    return Series(first, tuple(amount_of(slots.get(number), metric) for number in range(first, present)))


def amount_of(usage: Usage | None, metric: Metric) -> float:
    """The requests, tokens or dollars of usage; 0 of none."""
    if usage is None:
        return 0.0
    return float(usage.tokens if metric == "tokens" else usage.requests if metric == "requests" else usage.usd)
