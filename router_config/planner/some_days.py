"""What some days of a plan say of all of them: cheap enough to plan one idea after the other."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from router_config.config.loads import Load
from router_config.config.models import Config
from router_config.planner.assumptions.faults import Loss
from router_config.planner.assumptions.workload import DAY, MONTH, per_day
from router_config.planner.largest import by_month
from router_config.planner.plan import Plan, PlanDay, planned

FEWEST: Final = 3
"""Days, of one stretch that is planned."""

STRETCHES: Final = 3
"""Where the workload grows: from its beginning, its middle and its end."""

BUSY: Final = 0.5
"""A day with so much of what the mean day asks for is a busy one, unlike a weekend."""


class Outlook(NamedTuple):
    """What would become of all days. dearest: by provider, the dollars of the day on which it costs most.

    classes: by class of agents, the share of its tokens that is served on the days that are planned.
    """

    served: float
    usd_per_month: float
    dearest: Mapping[str, float]
    classes: Mapping[str, float] = MappingProxyType({})


class _Stretch(NamedTuple):
    """Days of a plan, from a place on. warm_up: days before them that are planned, so that room is used already."""

    begins: date
    place: int
    days: int
    warm_up: int
    loads: Sequence[Load]
    losses: Sequence[Loss]


class SomeDays:
    """Days of a plan that are planned again with other configurations.

    made: the plan. most: requests that they are made of, about. how: the other arguments of `plan`. Where that is not
    much less than the whole plan, it is made as a whole. Else the first day is, on which nothing is used yet, and a
    stretch from the middle (from each part, where somebody is lost). Each day of it shows how much is served of how
    much is asked for, and so much is served of the other days, which are known from the plan. A limit of a month shows
    in all days alone.
    """

    def __init__(
        self,
        config: Config,
        loads: Sequence[Load],
        made: Plan,
        most: float,
        *,
        begins: date,
        losses: Sequence[Loss] = (),
        **how: Any,
    ) -> None:
        self._asked, self._how = [float(day.tokens) for day in made.days], how
        number, many = len(made.days), STRETCHES if any(load.growth for load in loads) else 1
        cuts = sorted({1, number, *(each.day - 1 for each in losses if 1 < each.day <= number)})
        parts = max(1, len(cuts) - 1) * many
        each = max(FEWEST, int(most / max(1.0, sum(per_day(load)[0] for load in loads)) / parts))
        self.whole = by_month(config) or 2 * parts * (each + 1) >= number
        self._stretches = [_Stretch(begins, 0, number if self.whole else 1, 0, loads, losses)]
        self._parts: list[tuple[int, int, Sequence[_Stretch]]] = []
        """From which day until which one some stretches tell what is served."""
        for since, until in pairwise(cuts) if not self.whole else ():
            days = min(each, until - since)
            first, last = min(since + 1, until - days), until - days
            places = [first + (last - first) * place // (many + 1) for place in range(many + 2)]
            places = [places[0], places[2], places[-1]] if many > 1 else [places[1]]
            theirs = [self._stretch(begins, place, days, loads, losses) for place in places]
            self._parts.append((since, until, theirs))
            self._stretches += theirs
        self.days = sum(each.days + each.warm_up for each in self._stretches)
        """That are planned for one configuration."""

    def plan(self, config: Config) -> Outlook:
        """What a configuration makes of all days."""
        planned_days = [self._planned(config, stretch) for stretch in self._stretches]
        served = self._all(planned_days, lambda day: float(day.tokens - day.unserved_tokens))
        tokens, number = sum(self._asked), len(self._asked)
        share = (
            sum(min(each, asked) for each, asked in zip(served, self._asked, strict=True)) / tokens if tokens else 1.0
        )
        usd = self._all(planned_days, lambda day: sum(each.usd for each in day.providers))
        dearest = {
            each.name: max(self._all(planned_days, _usd_of(each.name)))
            for each in config.providers
            if each.tier == "paid"
        }
        return Outlook(share, sum(usd) / number * MONTH / DAY, dearest, _by_class(planned_days))

    def _stretch(self, begins: date, place: int, days: int, loads: Sequence[Load], losses: Sequence[Loss]) -> _Stretch:
        grown = [load.times((1 + load.growth) ** ((place - 1) * DAY / MONTH)) for load in loads]
        lost = [replace(each, day=each.day - place) for each in losses]
        return _Stretch(begins + timedelta(days=place), place, days, 1, grown, lost)

    def _planned(self, config: Config, stretch: _Stretch) -> Sequence[PlanDay]:
        begins, _, days, warm_up, loads, losses = stretch
        how = {**self._how, "losses": losses, "warm_up": warm_up}
        return planned(config, loads, days, begins=begins, **how).days

    def _all(self, planned_days: Sequence[Sequence[PlanDay]], value: Callable[[PlanDay], float]) -> list[float]:
        """A value of each day of the plan, by what is asked for on it."""
        first, *rest = planned_days
        known = [value(day) for day in first]
        if self.whole:
            return known
        fits = {
            stretch.place: _Fit([(float(day.tokens), value(day)) for day in days])
            for stretch, days in zip(self._stretches[1:], rest, strict=True)
        }
        for since, until, stretches in self._parts:
            for day in range(since, until):
                nearest = min(stretches, key=lambda each: abs(each.place + each.days / 2 - day))
                known.append(fits[nearest.place].at(self._asked[day]))
        return known


def _by_class(planned_days: Sequence[Sequence[PlanDay]]) -> dict[str, float]:
    asked, missed = Counter[str](), Counter[str]()
    for each in (each for days in planned_days for day in days for each in day.classes):
        asked[each.name] += each.tokens
        missed[each.name] += each.unserved_tokens
    return {name: 1 - missed[name] / tokens if tokens else 1.0 for name, tokens in asked.items()}


class _Fit:
    """A straight line through what busy days show, and a share for the others."""

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        asked = [x for x, _ in points if x > 0]
        self._busy = BUSY * sum(asked) / len(asked) if asked else 0.0
        busy, idle = (
            [each for each in points if each[0] >= self._busy > 0],
            [each for each in points if each[0] < self._busy],
        )
        self._share = _share(idle or busy)
        self._mean_x, self._mean_y = _mean(x for x, _ in busy), _mean(y for _, y in busy)
        spread = sum((x - self._mean_x) ** 2 for x, _ in busy)
        leans = sum((x - self._mean_x) * (y - self._mean_y) for x, y in busy)
        self._slope = leans / spread if spread > 0 else _share(busy)

    def at(self, x: float) -> float:
        if x < self._busy or not self._busy:
            return x * self._share
        return max(0.0, self._mean_y + self._slope * (x - self._mean_x))


def _share(points: Sequence[tuple[float, float]]) -> float:
    asked = sum(x for x, _ in points)
    return sum(y for _, y in points) / asked if asked else 0.0


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed) if listed else 0.0


def _usd_of(provider: str) -> Callable[[PlanDay], float]:
    return lambda day: sum(each.usd for each in day.providers if each.provider == provider)
