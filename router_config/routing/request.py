"""A request and its attempts: what it asks, what was tried, the one in flight, and the route and record they leave."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from router_config.deployments.catalog import Group
from router_config.deployments.deployment import Deployment
from router_config.ledger.rules.choice import Skipped
from router_config.ledger.rules.decisions import SKIPPED_KEPT, Attempt, Decision, SkippedModel
from router_config.ledger.rules.gates import Cooldown, Need, Status
from router_config.ledger.rules.history import UNREACHABLE
from router_config.ledger.values import Lease
from router_config.routing.errors import NoProviderAvailable
from router_config.routing.terms import Terms
from router_config.transport.exchange import Exchange

NAME_KEPT: Final = 100
"""Characters of an agent's name that a decision holds."""

CANCELLED: Final = "cancelled"
REFUSED: Final = "refused"


@dataclass(frozen=True, slots=True)
class Route:
    """Who answered, and every attempt on the way, the successful one last."""

    provider: str
    model: str
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """What a caller asks of the router, and which agent it is. Times in epoch seconds; `number` tells who came first.

    endpoint: the name of LiteLLM's function. ignore_cooldowns: deployments in cooldown or disabled are asked all the
    same, to see whether they work again. own_key: the caller brings a key of its own. asked: the arguments. terms: the
    configuration that it goes by.
    """

    endpoint: str
    model: str
    group: Group
    need: Need
    arrived: float
    deadline: float
    number: int
    terms: Terms
    ignore_cooldowns: bool = False
    agent: str | None = None
    own_key: bool = False
    asked: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


class Suspect(NamedTuple):
    """A provider that failed a request, and the cooldown that it gets unless the request itself turns out at fault.

    probed: it failed another request before, and this one was to show whether it serves again.
    """

    deployment: Deployment
    cooldown: Cooldown
    probed: bool


class Tried:
    """What a request has tried so far, and which deployments were skipped, and why.

    A provider that found the request itself unfit comes last, with other models.
    """

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.told = ""
        """What the last failure was about."""
        self.refusal: tuple[Exception, str] | None = None
        """The error of the first provider that found the request itself unfit, and what it was about."""
        self.suspected: list[Suspect] = []
        self.in_spite = False
        """Whether it is sent in spite of cooldowns, since nobody else could be asked."""
        self.unreached = 0
        """Attempts to which no connection came about."""
        self.deployments: set[str] = set()
        """The ids of those that were asked."""
        self._skipped: dict[str, Status] = {}
        self._unfit: set[tuple[str, str]] = set()
        self._last: set[str] = set()

    @property
    def reached_nobody(self) -> bool:
        """Whether several providers were tried, and no connection came about to any: it is this machine's network."""
        return self.unreached == len(self.attempts) and len({each.provider for each in self.attempts}) > 1

    def add_unfit(self, deployment: Deployment, error: Exception, told: str) -> None:
        self.refusal = self.refusal or (error, told)
        self._unfit.add((deployment.provider, deployment.model))
        self._last.add(deployment.provider)

    def suspect(self, deployment: Deployment, cooldown: Cooldown, group: Group, *, probed: bool) -> None:
        """A provider failed this request, which asks it no more, with no other model either."""
        self.suspected.append(Suspect(deployment, cooldown, probed))
        for each in group.deployments:
            if each.scopes.provider == cooldown.scope:
                self._skipped.setdefault(each.id, cooldown.status)

    def all_empty(self, number: int) -> bool:
        """Whether the last attempts, so many of them, were answered with nothing."""
        last = [each.outcome for each in self.attempts[-number:]]
        return last == ["empty_answer"] * number

    def add_skipped(self, skipped: Sequence[Skipped]) -> None:
        for each in skipped[:SKIPPED_KEPT]:
            self._skipped[each.deployment] = each.status

    def skipped_in(self, group: Group) -> tuple[SkippedModel, ...]:
        """Those that were skipped and never asked."""
        if not self._skipped:
            return ()
        never = [(group.by_id[each], status) for each, status in self._skipped.items() if each not in self.deployments]
        return tuple(SkippedModel(each.provider, each.model, status) for each, status in never[:SKIPPED_KEPT])

    def forget_skipped(self) -> None:
        """They are of a configuration that no longer holds."""
        self._skipped.clear()

    def left(self, deployments: Sequence[Deployment]) -> Sequence[Deployment]:
        if not self.deployments:
            return deployments
        failing = {each.cooldown.scope for each in self.suspected}
        return [
            each
            for each in deployments
            if each.id not in self.deployments
            and (each.provider, each.model) not in self._unfit
            and each.scopes.provider not in failing
        ]

    def in_order(self, deployments: Sequence[Deployment]) -> Sequence[Deployment]:
        return sorted(deployments, key=lambda each: each.provider in self._last) if self._last else deployments


@dataclass(slots=True)
class Flight:
    """The attempt in flight: what was reserved for it, and what came over the wire so far.

    started: epoch seconds. after: the attempt at this request that failed just before. loop_stood_still: whether this
    process' event loop did, for much of the attempt. revives: the scope that is asked in spite of its cooldown, since
    nobody else could be asked.
    """

    deployment: Deployment
    entry: dict[str, Any]
    lease: Lease
    started: float
    request: Request
    tried: Tried
    exchange: Exchange
    settled: bool = False
    after: Attempt | None = None
    loop_stood_still: Callable[[], bool] = lambda: False
    revives: str | None = None


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


def decided(
    request: Request,
    tried: Tried,
    outcome: str,
    now: float,
    *,
    by: Flight | None = None,
    tokens: int | None = None,
    error: str | None = None,
) -> Decision:
    """The decision on a request that ends now. `by`: the flight that answered it."""
    deployment = by.deployment if by is not None else None
    return Decision(
        at=now,
        agent=request.agent,
        group=request.group.name,
        provider=None if deployment is None else deployment.provider,
        model=None if deployment is None else deployment.model,
        outcome=outcome,
        attempts=tuple(tried.attempts),
        skipped=tried.skipped_in(request.group),
        tokens=tokens,
        seconds=now - request.arrived,
        error=error,
        estimated=None if by is None else by.lease.amount.tokens,
    )


def decided_by(refusal: Exception, request: Request, tried: Tried, now: float) -> Decision:
    """The decision on a request that nobody took, or that every candidate found at fault."""
    if isinstance(refusal, NoProviderAvailable):
        after = refusal.retry_after
        when = "waiting will not change that" if after is None else f"try again in {after:.0f} s"
        why = UNREACHABLE if tried.reached_nobody else "no provider can serve it now"
        return decided(request, tried, REFUSED, now, error=f"{why}; {when}")
    told = tried.told if tried.refusal is None else tried.refusal[1]
    return decided(request, tried, tried.attempts[0].outcome, now, error=told)


def label(hidden: Any, group: str, fallbacks: int = 0) -> None:
    """Add the headers of LiteLLM's Router to an answer's `_hidden_params`. fallbacks: groups that failed before."""
    if isinstance(hidden, dict):
        hidden["additional_headers"] = {
            **(hidden.get("additional_headers") or {}),
            "x-litellm-model-group": group,
            "x-litellm-attempted-retries": 0,
            "x-litellm-attempted-fallbacks": fallbacks,
        }


def agent_of(kwargs: Mapping[str, Any]) -> str | None:
    """Who asks, from a request's `metadata={"agent": ...}`."""
    agent = _said_of_the_caller(kwargs, "agent")
    return None if agent is None else agent[:NAME_KEPT]


def team_of(kwargs: Mapping[str, Any]) -> str | None:
    """The team that asks, as LiteLLM's proxy names it."""
    return _said_of_the_caller(kwargs, "user_api_key_team_id")


def _said_of_the_caller(kwargs: Mapping[str, Any], what: str) -> str | None:
    for name in ("metadata", "litellm_metadata"):  # For some endpoints LiteLLM keeps it in the second (1.106.2).
        metadata = kwargs.get(name)
        said = metadata.get(what) if isinstance(metadata, Mapping) else None
        if isinstance(said, str) and said:
            return said
    return None
