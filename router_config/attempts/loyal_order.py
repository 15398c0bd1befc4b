"""The order of candidates for a call that goes on with a tool loop: who answers the loop comes first."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf
from typing import Final

from router_config.deployments.deployment import Deployment

KEPT: Final = 10_000
"""Deployments that are known without their soft limits."""


class LoyalOrder:
    """Puts whoever answers a tool loop first."""

    def __init__(self) -> None:
        self._without_soft_limit: dict[int, tuple[Deployment, Deployment]] = {}

    def first(
        self, ordered: Sequence[Deployment], deployment_id: str, provider: str, model: str
    ) -> Sequence[Deployment]:
        """It first, then the same model with other keys; but of those that cost money behind all that are free.

        So a loop that went on at the last resort, since nobody free had room, goes back once somebody has.
        """
        same = [each for each in ordered if is_of(each, provider, model)]
        if not same:
            return ordered
        same.sort(key=lambda each: each.id != deployment_id)
        others = [each for each in ordered if not is_of(each, provider, model)]
        if same[0].tier == "free":
            return [*map(self._to_the_end, same), *others]
        free = next(place for place, each in enumerate(ordered) if each.tier == "paid")
        return [*ordered[:free], *same, *others[free:]]

    def _to_the_end(self, deployment: Deployment) -> Deployment:
        """The same without a soft limit, past which others would go first; always the same object."""
        made = self._without_soft_limit.get(id(deployment))
        if made is None:
            meters = tuple(
                replace(meter, limits=tuple(replace(limit, soft=inf) for limit in meter.limits))
                for meter in deployment.meters
            )
            if len(self._without_soft_limit) >= KEPT:
                self._without_soft_limit.clear()
            made = self._without_soft_limit[id(deployment)] = deployment, replace(deployment, meters=meters)
        return made[1]


def is_of(deployment: Deployment, provider: str, model: str) -> bool:
    """Whether it is this model of this provider, with whichever key."""
    return deployment.model == model and deployment.provider == provider
