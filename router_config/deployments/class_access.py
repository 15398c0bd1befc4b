"""Which deployments a class of agents may ask, in which order, and what of their room is its own."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import floor
from typing import Final

from router_config.config.agent_classes import AgentClass
from router_config.deployments.deployment import FREE, Deployment
from router_config.ledger.rules.classes.keeps import OF_CLASS, Keep
from router_config.ledger.rules.meters import Limit, Meter
from router_config.ledger.rules.windows import CalendarDay

LAST: Final = 1e9
"""Added to the priority of what costs money where that is asked last: higher than any priority in a file."""


IN_ALL: Final = "class "
"""So begins the name of the meter of what a class uses at all providers."""


def seen_by(deployment: Deployment, agent_class: AgentClass, classes: Sequence[AgentClass]) -> Deployment:
    """The deployment as a class sees it: what is kept there for others, and a meter of its own beside each."""
    meters = [
        replace(each, keeps=keeps_of(each, deployment, agent_class, classes), leftover=_leftover(each, agent_class))
        if each.limits and each.pace != "beside"
        else each
        for each in deployment.meters
    ]
    return replace(deployment, meters=(*meters, *class_meters(deployment, agent_class)))


def keeps_of(
    meter: Meter, deployment: Deployment, agent_class: AgentClass | None, classes: Sequence[AgentClass]
) -> tuple[Keep, ...]:
    """For whom of the other classes a share of a meter of a deployment is kept."""
    return tuple(
        Keep(scope_of(meter, each.name), each.name, each.reserve_at(deployment.provider), each.release)
        for each in classes
        if each != agent_class and each.reserve_at(deployment.provider) > 0
    )


def class_meters(deployment: Deployment, agent_class: AgentClass) -> list[Meter]:
    """Those that count what a class uses of each limit of a deployment, and what it uses in all."""
    share, name = agent_class.share, agent_class.name
    found = [
        Meter(
            scope_of(each, name),
            tuple(Limit(one.name, share_of(one, share)) for one in each.limits) if share < 1 else (),
            each.long,
            each.part,
            of_class=name,
        )
        for each in deployment.meters
        if each.limits and each.pace != "beside"
    ]
    found.append(day_meter(agent_class, costs=deployment.price != FREE))
    return found


def day_meter(agent_class: AgentClass, *, costs: bool = False) -> Meter:
    """What a class uses in a UTC day, at all providers together. costs: its dollars are limited there."""
    most = agent_class.usd_per_day
    limits = (Limit("usd_per_day", most),) if costs and most is not None else ()
    return Meter(f"{IN_ALL}{agent_class.name}", limits, CalendarDay("UTC"), of_class=agent_class.name)


def refused_meter(agent_class: AgentClass) -> Meter:
    """How many requests of a class were refused in a UTC day."""
    return Meter(f"{IN_ALL}{agent_class.name} refused", (), CalendarDay("UTC"), of_class=agent_class.name)


def scope_of(meter: Meter, name: str) -> str:
    """The scope of the meter that counts what a class uses where another meter counts all."""
    return f"{meter.scope}{OF_CLASS}{name}"


def _leftover(meter: Meter, agent_class: AgentClass) -> str:
    return scope_of(meter, agent_class.name) if agent_class.use == "leftover" else ""


def open_to(agent_class: AgentClass, deployments: Iterable[Deployment]) -> list[Deployment]:
    """Those of the deployments that a class may ask. With `paid: last` those that cost money come after all others."""
    allowed = [each for each in deployments if agent_class.barred_from(each.provider, each.tier) is None]
    if agent_class.paid != "last":
        return allowed
    return [replace(each, priority=each.priority + LAST) if each.tier == "paid" else each for each in allowed]


def within_reserve(deployment: Deployment, agent_class: AgentClass) -> Deployment | None:
    """The deployment of a class' view with no more room than is kept there for the class. None: nothing is."""
    reserve, name = agent_class.reserve_at(deployment.provider), agent_class.name
    if not reserve:
        return None
    own = {
        scope_of(meter, name): tuple(Limit(each.name, _reserved(each, reserve)) for each in meter.limits)
        for meter in deployment.meters
    }
    meters = [replace(each, limits=own.get(each.scope, each.limits)) for each in deployment.meters]
    return replace(deployment, meters=tuple(meters))


def share_of(limit: Limit, share: float) -> float:
    """The most of a limit that a class may use; of requests whole ones, and one at least where there is one at all."""
    value = round(limit.value * share, 9)
    return max(floor(value), min(1.0, limit.value)) if limit.metric == "requests" else value


def _reserved(limit: Limit, reserve: float) -> float:
    value = round(limit.value * reserve, 9)
    return floor(value) if limit.metric == "requests" else value
