"""What the simulators saw of a client: whether the reserve was kept, by the exact windows of the providers."""

import json
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.classes.load import AGENTS, Load, kept
from router_config.simulator import Call

LATE: Final = 1.6
"""Seconds by which a request may count longer at us than at its provider: until its answer is there, and slots."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a request. Moments in epoch seconds of the load's clock."""

    agent_class: str
    began: float
    ended: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """refused_in_reserve: requests of the trader that were refused though less than its reserve was used at some
    provider (or, for one who keeps no reserve by provider, of all together). used_by_others: requests of others that
    were admitted in room that was kept for the trader then.
    """

    client: str
    served: dict[str, int]
    asked: dict[str, int]
    refused_in_reserve: int
    used_by_others: int
    too_many: int
    admitted: int
    allowed: int
    errors: dict[str, int]

    @property
    def used(self) -> float:
        return self.admitted / self.allowed


def judged(
    client: str, load: Load, results: Sequence[Result], calls: Sequence[Call], allowed: int, *, together: bool
) -> Judged:
    """together: the reserve is one of all providers together, not of each."""
    admitted = sorted((call for call in calls if call.admitted), key=lambda call: call.at)
    places = [_Place(load, [*load.limits], admitted)] if together else []
    places = places or [_Place(load, [name], admitted) for name in load.limits]
    refused = [each for each in results if each.agent_class == "trader" and each.error is not None]
    return Judged(
        client,
        dict(Counter(each.agent_class for each in results if each.error is None)),
        dict(Counter(each.agent_class for each in results)),
        sum(any(place.had_reserve(each) for place in places) for each in refused),
        sum(place.taken_by_others() for place in places),
        sum(call.status == 429 for call in calls),
        len(admitted),
        allowed,
        dict(Counter(each.error for each in results if each.error is not None).most_common(4)),
    )


class _Place:
    """A provider, or all of them as one."""

    def __init__(self, load: Load, providers: Sequence[str], admitted: Sequence[Call]) -> None:
        self._limit, self._kept = sum(load.limits[name] for name in providers), sum(kept(load, p) for p in providers)
        self._seconds = load.seconds
        theirs = [call for call in admitted if call.provider in providers]
        self._all = [call.at for call in theirs]
        self._others = [call.at for call in theirs if class_of(call) != "trader"]
        self._trader = [call.at for call in theirs if class_of(call) == "trader"]

    def had_reserve(self, refused: Result) -> bool:
        used = _within(self._trader, refused.began - self._seconds - LATE, refused.ended + LATE)
        return used < self._kept

    def taken_by_others(self) -> int:
        found = 0
        for at in self._others:
            since = at - self._seconds
            left_for_trader = max(0, self._kept - _within(self._trader, since, at))
            found += _within(self._all, since, at) > self._limit - left_for_trader
        return found


def _within(moments: Sequence[float], after: float, until: float) -> int:
    return bisect_right(moments, until) - bisect_left(moments, after)


def class_of(call: Call) -> str:
    """Which class asked, by the text of the request."""
    text: Any = json.dumps(call.body)
    return next(name for name in AGENTS if f"[{name}]" in text)
