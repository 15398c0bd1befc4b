"""Requests that nobody took are counted by class of agents, in the same step that keeps the decision on them."""

from dataclasses import dataclass
from typing import Final, Literal

from router_config.config.agent_classes import AgentClass
from router_config.deployments.class_access import refused_meter
from router_config.ledger.interfaces import Store
from router_config.ledger.rules.decisions import Decision
from router_config.ledger.rules.gates import Need
from router_config.ledger.rules.meters import Amount, Meter
from router_config.ledger.values import Settlement
from router_config.routing.request import REFUSED

LASTS: Final = 60.0
"""Seconds of a reservation that is settled at once."""

ONE: Final = Amount(requests=1)


@dataclass(frozen=True, slots=True)
class _Refused:
    """Stands for a deployment that always has room, and counts what a class was refused."""

    meters: tuple[Meter, ...]
    id: str = "refused"
    tier: Literal["free", "paid"] = "free"
    scopes: tuple[str, ...] = ()

    def need(self, tokens: int, prompt_tokens: int) -> Amount:
        return ONE


async def record_refusal(store: Store, decision: Decision, agent_class: AgentClass | None, now: float) -> None:
    """Keep the decision on a request that nobody served, and count it for its class, if it has one and was refused."""
    if agent_class is None or decision.outcome != REFUSED:
        await store.record(decision, now)
        return
    refused = _Refused((refused_meter(agent_class),))
    _, lease = await store.reserve((refused,), Need(1, 1), now, LASTS)
    if lease is None:
        await store.record(decision, now)
    else:
        await store.settle(lease, Settlement(ONE, now, now, decision=decision), now)
