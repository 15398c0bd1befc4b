"""A request's end as the record of it that a store keeps."""

from typing import Final

from router_config.ledger.rules.decisions import Decision
from router_config.ledger.rules.history import UNREACHABLE
from router_config.routing.errors import NoProviderAvailable
from router_config.routing.request import Flight, Request, Tried

CANCELLED: Final = "cancelled"
REFUSED: Final = "refused"


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
