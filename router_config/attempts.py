"""A request's attempts: the one that is in flight, and the route they leave behind."""

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from router_config.deployments import Deployment
from router_config.ledger.store import Lease


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a request. `outcome` is "ok" or the kind of failure; a try that was passed over cost no request."""

    provider: str
    model: str
    outcome: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Route:
    """Who answered, and every attempt on the way, the successful one last."""

    provider: str
    model: str
    attempts: tuple[Attempt, ...]


@dataclass(slots=True)
class Flight:
    """The attempt in flight: what was reserved for it, and what came over the wire so far.

    `sent` is None when the wire of this provider is not watched. Times are in epoch seconds. `after`: the attempt at
    this request that failed just before.
    """

    deployment: Deployment
    entry: dict[str, Any]
    lease: Lease
    started: float
    sent: bool | None = None
    arrived_at: float | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    settled: bool = False
    after: Attempt | None = None


class Tried:
    """What a request has tried. A provider that found the request itself unfit comes last, with other models."""

    def __init__(self) -> None:
        self._deployments: set[str] = set()
        self._unfit: set[tuple[str, str]] = set()
        self._last: set[str] = set()

    def add(self, deployment: Deployment) -> None:
        self._deployments.add(deployment.id)

    def add_unfit(self, deployment: Deployment) -> None:
        self._unfit.add((deployment.provider, deployment.model))
        self._last.add(deployment.provider)

    def left(self, deployments: Sequence[Deployment]) -> Sequence[Deployment]:
        if not self._deployments:
            return deployments
        return [
            each
            for each in deployments
            if each.id not in self._deployments and (each.provider, each.model) not in self._unfit
        ]

    def in_order(self, deployments: list[Deployment]) -> list[Deployment]:
        return sorted(deployments, key=lambda each: each.provider in self._last) if self._last else deployments


CURRENT: Final[ContextVar[Flight | None]] = ContextVar("router_config_flight", default=None)
"""The flight that this task's LiteLLM call belongs to."""

ROUTE_KEY: Final = "route"
"""Where a reply's `_hidden_params` hold its Route."""


def route_of(reply: object) -> Route:
    """The route of a reply or stream of our Router.

    Raises ValueError for a reply that came from elsewhere.
    """
    hidden = getattr(reply, "_hidden_params", None)
    route = hidden.get(ROUTE_KEY) if isinstance(hidden, dict) else None
    if not isinstance(route, Route):
        raise ValueError("this reply did not come from router_config.Router, so it has no route")
    return route
