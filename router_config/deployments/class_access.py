"""Which deployments a class of agents may ask, in which order, and what of their room is its own."""

from collections.abc import Iterable
from dataclasses import replace
from math import floor
from typing import Final

from router_config.config.agent_classes import AgentClass
from router_config.deployments.deployment import Deployment
from router_config.ledger.rules.meters import Limit

LAST: Final = 1e9
"""Added to the priority of what costs money where that is asked last: higher than any priority in a file."""

OF_CLASS: Final = " of class "
"""Stands in the name of a meter before the class whose requests it counts."""


def open_to(agent_class: AgentClass, deployments: Iterable[Deployment]) -> list[Deployment]:
    """Those of the deployments that a class may ask. With `paid: last` those that cost money come after all others."""
    allowed = [each for each in deployments if agent_class.barred_from(each.provider, each.tier) is None]
    if agent_class.paid != "last":
        return allowed
    return [replace(each, priority=each.priority + LAST) if each.tier == "paid" else each for each in allowed]


def within_reserve(deployment: Deployment, agent_class: AgentClass) -> Deployment | None:
    """The deployment of a class' view with no more room than is kept there for the class. None: nothing is."""
    reserve, of = agent_class.reserve_at(deployment.provider), f"{OF_CLASS}{agent_class.name}"
    if not reserve:
        return None
    whole = {meter.scope: meter.limits for meter in deployment.meters}
    meters = [
        replace(each, limits=_shares(whole.get(each.scope.removesuffix(of), ()), reserve))
        if each.scope.endswith(of)
        else each
        for each in deployment.meters
    ]
    return replace(deployment, meters=tuple(meters))


def _shares(limits: Iterable[Limit], share: float) -> tuple[Limit, ...]:
    """So much of each limit; of requests whole ones."""
    kept = [(each, round(each.value * share, 9)) for each in limits]
    return tuple(Limit(each.name, floor(value) if each.metric == "requests" else value) for each, value in kept)
