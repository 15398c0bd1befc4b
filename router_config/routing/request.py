"""A request and its attempts: what it asks, what was tried, the one in flight, and the route and record they leave."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from router_config.attempts.tried import Tried
from router_config.config.agent_classes import AgentClass
from router_config.config.group_rules import GroupRules
from router_config.deployments.abilities import NOTHING, Needs
from router_config.deployments.catalog import Group
from router_config.deployments.deployment import Deployment
from router_config.ledger.rules.decisions import Attempt, Decision
from router_config.ledger.rules.gates import Need
from router_config.ledger.rules.history import UNREACHABLE
from router_config.ledger.values import Lease
from router_config.routing.errors import NoProviderAvailable
from router_config.routing.loops.conversation import Conversation
from router_config.routing.terms import Terms
from router_config.signals import Verdict
from router_config.signals.redaction import shorten
from router_config.transport.exchange import Exchange

TOLD: Final = 300
"""Characters of an error that a decision holds."""

CANCELLED: Final = "cancelled"
HEDGED: Final = "hedged"
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
    configuration that it goes by. needs: what it needs of a model. agent_class: the agent's, by whose eyes `group` is
    seen; None: there are no classes. conversation: the one that it goes on with, where tools are used.
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
    needs: Needs = NOTHING
    agent_class: AgentClass | None = None
    conversation: Conversation | None = None

    @property
    def rules(self) -> GroupRules | None:
        """What its group is to do besides, if anything."""
        return self.terms.group_rules.get(self.group.name) if self.terms.group_rules else None

    @property
    def message(self) -> int:
        """What tells its content from that of another request."""
        return hash(repr(self.asked.get("messages") or self.asked.get("input") or self.asked))


@dataclass(slots=True)
class Flight:
    """The attempt in flight: what was reserved for it, and what came over the wire so far.

    started: epoch seconds. after: the attempt at this request that failed just before. loop_stood_still: whether this
    process' event loop did, for much of the attempt. revives: the scope that is asked in spite of its cooldown, since
    nobody else could be asked. asks_format: the JSON format that is asked of this model, though another would do, as a
    bit of abilities. stays: which call of a tool loop this is, where it stays with the loop's model.
    first_token_after: seconds, where it was measured. hedge: how an attempt ended that was made beside another one, as
    far as is known. verdict: on its failure.
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
    asks_format: int = 0
    stays: int | None = None
    first_token_after: float | None = None
    hedge: Literal["won", "lost", "failed"] | None = None
    verdict: Verdict | None = None


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
        agent_class=None if request.agent_class is None else request.agent_class.name,
        stays=None if by is None else by.stays,
    )


def decided_by(refusal: Exception, request: Request, tried: Tried, now: float) -> Decision:
    """The decision on a request that nobody took, or that every candidate found at fault."""
    if isinstance(refusal, NoProviderAvailable):
        after = refusal.retry_after
        when = "waiting will not change that" if after is None else f"try again in {after:.0f} s"
        why = UNREACHABLE if tried.reached_nobody else "no provider can serve it now"
        return decided(request, tried, REFUSED, now, error=f"{why}; {when}")
    if not tried.attempts:  # No model fits it.
        return decided(request, tried, REFUSED, now, error=shorten(str(refusal), TOLD))
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
