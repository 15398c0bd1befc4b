"""The order in which the deployments of a group are asked: by tier, and within one by the room that is left."""

import random
from collections.abc import Callable, Sequence
from math import inf
from typing import Final, NamedTuple, Protocol, TypeVar

from router_config.deployments.catalog import Group
from router_config.deployments.deployment import Deployment
from router_config.deployments.speed import Speeds
from router_config.ledger.interfaces import Ledger
from router_config.ledger.rules.gates import Need

SAMPLED: Final = 2
"""Of many equal deployments, so many are compared by the room left."""

T = TypeVar("T")


class Chance(Protocol):
    """Where chance comes from: the module `random`, or a `Random` with a seed."""

    def random(self) -> float: ...

    def sample(self, population: Sequence[T], k: int, /) -> list[T]: ...


class Drawn(NamedTuple):
    """A tier: those who were drawn to be asked first, and all of it."""

    first: Sequence[Deployment]
    tier: Sequence[Deployment]

    @property
    def in_order(self) -> Sequence[Deployment]:
        """All of it, as it is asked."""
        if not self.first:
            return self.tier
        ahead = {deployment.id for deployment in self.first}
        return [*self.first, *(deployment for deployment in self.tier if deployment.id not in ahead)]


class CandidateOrder:
    """Orders candidates by what a ledger has left. Room is compared within the tiers in use: others seldom count."""

    def __init__(self, ledger: Ledger, chance: Chance = random) -> None:
        self._ledger, self._chance = ledger, chance
        self._reached: dict[tuple[str, str], int] = {}
        """By group and the class that sees it, the tier that served last, where that is not the first."""

    async def of(
        self,
        group: Group,
        need: Need,
        now: float,
        left: Callable[[Sequence[Deployment]], Sequence[Deployment]] | None = None,
        speeds: Speeds | None = None,
    ) -> Sequence[Deployment]:
        """The group's deployments. left: which of a tier may still be asked. now: epoch seconds.

        speeds: given where of equal ones the fastest comes first, and room decides among those that are as fast.
        """
        if left is None and group.ranks_all:
            return group.deployments
        drawn = await (
            self.drawn(group, need, now, left) if speeds is None else self._by_speed(group, need, now, left, speeds)
        )
        return [each for tier in drawn for each in tier.in_order]

    async def drawn(
        self,
        group: Group,
        need: Need,
        now: float,
        left: Callable[[Sequence[Deployment]], Sequence[Deployment]] | None = None,
    ) -> Sequence[Drawn]:
        """The same by tier, as what was drawn, without a list of them all."""
        reached, found = self._reached.get((group.name, group.seen_by), 0), list[Drawn]()
        for place, tier in enumerate(group.tiers):
            theirs = tier if left is None else left(tier)
            compares = len(theirs) > 1 and place <= reached
            found.append(Drawn(await self._first(theirs, need, now) if compares else (), theirs))
        return found

    async def _by_speed(
        self,
        group: Group,
        need: Need,
        now: float,
        left: Callable[[Sequence[Deployment]], Sequence[Deployment]] | None,
        speeds: Speeds,
    ) -> Sequence[Drawn]:
        found = list[Drawn]()
        for tier in group.tiers:
            theirs = tier if left is None else left(tier)
            if len(theirs) > 1:
                fast, others = speeds.order(theirs, need.tokens - need.prompt_tokens, now)
                ahead = Drawn(await self._first(fast, need, now) if len(fast) > 1 else (), fast)
                theirs = [*ahead.in_order, *others]
            found.append(Drawn((), theirs))
        return found

    def served(self, group: Group, deployment: str) -> None:
        """A deployment of this id got the request."""
        reached, seen = group.tier_of[deployment], (group.name, group.seen_by)
        if reached or seen in self._reached:
            self._reached[seen] = reached

    def forget(self) -> None:
        """The groups are others from now on."""
        self._reached.clear()

    async def _first(self, equals: Sequence[Deployment], need: Need, now: float) -> Sequence[Deployment]:
        """Some of equal deployments in a random order, each the likelier to be first the more room it has left."""
        sampled = self._chance.sample(equals, min(SAMPLED, len(equals)))
        rooms = await self._ledger.rooms(sampled, need, now)
        least = min((room for room in rooms if room > 0), default=1.0)
        shares = [1.0 if room == inf else room / least for room in rooms]
        drawn = sorted(zip(shares, sampled, strict=True), key=lambda each: -self._draw(each[0]))
        return [deployment for _, deployment in drawn]

    def _draw(self, share: float) -> float:
        return self._chance.random() ** (1.0 / share) if share > 0 else -1.0
