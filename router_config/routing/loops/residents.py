"""How much of each minute the tool loops need that live at a deployment already: who else begins there drives them out.

Each process knows its own loops. It is of no use for anything but the order of candidates.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from router_config.deployments.deployment import Deployment
from router_config.ledger.rules.meters import Meter

ACTIVE: Final = 60.0
"""Seconds for which a loop counts as under way after its last answer."""

LOOKED_AT: Final = 16
"""Candidates that are compared: those that would be asked first."""


class Pace(NamedTuple):
    """Requests and tokens in a minute."""

    requests: float
    tokens: float


class Resident(NamedTuple):
    """A loop and the scopes that it counts in. began, at: of its first call and its last answer, epoch seconds."""

    scopes: tuple[str, ...]
    calls: int
    tokens: int
    began: float
    at: float

    def pace(self) -> Pace | None:
        """How fast it asks; None after its first answer."""
        if self.calls < 2 or self.at <= self.began:
            return None
        minutes = (self.at - self.began) / 60
        return Pace((self.calls - 1) / minutes, self.tokens / self.calls * (self.calls - 1) / minutes)


class Crowd(NamedTuple):
    """What all loops under way need in a minute, by scope, and what one of them needs on average (None: unknown)."""

    by_scope: Mapping[str, Pace]
    one: Pace | None

    @classmethod
    def of(cls, residents: Iterable[Resident]) -> "Crowd":
        under_way = [(each, each.pace()) for each in residents]
        known = [pace for _, pace in under_way if pace is not None]
        if not known:
            return cls({}, None)
        one = Pace(sum(each[0] for each in known) / len(known), sum(each[1] for each in known) / len(known))
        by_scope: dict[str, Pace] = {}
        for resident, pace in under_way:
            requests, tokens = pace or one
            for scope in resident.scopes:
                before = by_scope.get(scope, Pace(0, 0))
                by_scope[scope] = Pace(before.requests + requests, before.tokens + tokens)
        return cls(by_scope, one)

    def has_room(self, deployment: Deployment) -> bool:
        """Whether the minute of a deployment holds one more loop beside those that live there."""
        return self.one is None or all(self._holds(meter, self.one) for meter in deployment.meters)

    def _holds(self, meter: Meter, one: Pace) -> bool:
        if not meter.limits_minutes:
            return True
        theirs = self.by_scope.get(meter.scope, Pace(0, 0))
        for limit in meter.limits:
            if limit.period == "minute" and limit.kind.part is None:
                needed = theirs.requests + one.requests if limit.metric == "requests" else theirs.tokens + one.tokens
                if needed > limit.value:
                    return False
        return True

    def in_order(self, candidates: Sequence[Deployment]) -> Sequence[Deployment]:
        """Those first that have room for one more loop; but what costs money never before what is free.

        Where nobody has it, or all have, the order stays as it is.
        """
        if self.one is None or len(candidates) < 2:
            return candidates
        found: list[Deployment] = []
        for _, row in groupby(candidates[:LOOKED_AT], key=lambda each: each.tier):
            found += sorted(row, key=lambda each: not self.has_room(each))
        return [*found, *candidates[LOOKED_AT:]]
