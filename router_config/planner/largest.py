"""The largest workload that is served: found by halving the stretch between one that is and one that is not."""

from collections.abc import Mapping, Sequence
from math import log, log2
from typing import Any, Final, NamedTuple

from router_config.config.loads import Load
from router_config.config.models import Config
from router_config.planner.assumptions.workload import tokens_of
from router_config.planner.plan import ENOUGH, Plan, Progress, planned

PRECISION: Final = 1.01
"""By so much the largest load may be larger than the one found."""

SEARCHED: Final = 7
"""Days that are looked at where no day differs from those a week before: no growth, no limit of a month, no loss."""

DOUBLINGS: Final = 24
USUAL: Final = 8.0
"""Plans that are still to be made, where nothing is known yet."""


class Largest(NamedTuple):
    """times: the given workload, that the providers serve. plan: what becomes of that in so many days."""

    times: float
    plan: Plan


def largest(
    config: Config, loads: Sequence[Load], days: int, *, progress: Progress = lambda share: None, **how: Any
) -> Largest | None:
    """The largest multiple of a workload that is served to 99.9 %; None: not even a tiny part of it is.

    progress: is told about how far it is, from 0 to 1. how: the other arguments of `plan`.
    """
    how["progress"] = tries = _Tries(progress)
    changes = (
        any(load.growth or (load.recorded and load.recorded.days > SEARCHED) for load in loads)
        or by_month(config)
        or how.get("losses")
    )
    if days > SEARCHED and not changes:
        days = SEARCHED
    best = _try(config, loads, days, 1.0, how)
    low, high = (1.0, 2.0) if best else (0.5, 1.0)
    for _ in range(DOUBLINGS):
        made = _try(config, loads, days, high if best else low, how)
        if best and not made:
            break
        if best and made:
            best, low, high = made, high, high * 2
        elif made:
            best = made
            break
        else:
            low, high = low / 2, low
    if best is None:
        return None
    while high / low > PRECISION:
        tries.left = log2(log(high / low) / log(PRECISION))
        middle = (low + high) / 2
        made = _try(config, loads, days, middle, how)
        if made:
            best, low = made, middle
        else:
            high = middle
    return Largest(low, best)


class _Tries:
    """How far the search is, by the plans that were made and those that are left, about."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._made, self._told = progress, 0, 0.0
        self.left = USUAL

    def __call__(self, share: float) -> None:
        """A plan is so far."""
        if share < self._told:
            self._made += 1
        self._told = share
        self._progress((self._made + share) / (self._made + max(1.0, self.left)))


def _try(config: Config, loads: Sequence[Load], days: int, times: float, how: Mapping[str, Any]) -> Plan | None:
    """The plan of so many times the workload; None where that is not served, which is mostly known early."""
    scaled = [load.times(times) for load in loads]
    made = planned(config, scaled, days, unserved=1.2 * (1 - ENOUGH) * tokens_of(scaled, days), **how)
    return made if made and made.requests else None


def by_month(config: Config) -> bool:
    """Whether some limit is one of a month."""
    limits = [limits for each in config.providers for limits in (each.limits, *(model.limits for model in each.models))]
    return any({"rpmo", "tpmo", "usd_per_month"} & each.given().keys() for each in limits)
