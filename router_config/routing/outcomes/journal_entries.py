"""What the journal is told of an attempt that has ended."""

from router_config.ledger.rules.history import Event
from router_config.ledger.rules.totals import HEDGES, Counted
from router_config.ledger.values import Outcome
from router_config.routing.request import Flight
from router_config.signals import Verdict
from router_config.signals.usage import Reported


def outcome_of(
    flight: Flight, verdict: Verdict | None, told: Reported | None, now: float, *, cancelled: bool
) -> Outcome:
    """How it ended. told: the usage that its provider reported."""
    kind, message = (verdict.kind.value, verdict.message) if verdict else (None, "")
    deployment, usage = flight.deployment, None if told is None else told.usage
    prompt, cached = (0, 0) if usage is None else (usage.prompt, usage.cached)
    took = now - flight.started
    return Outcome(deployment.provider, deployment.model, took, kind, message, cancelled, prompt, cached)


def events_of(flight: Flight, told: Reported | None, now: float) -> tuple[Event, ...]:
    """A usage that cannot be."""
    if told is None or not told.implausible:
        return ()
    reason = f"{flight.deployment.model}: implausible usage ({told.implausible})"
    reason += "" if told.usage is not None else "; the reservation is counted"
    return (Event(now, "implausible_usage", flight.deployment.provider, reason, now),)


def counted_of(flight: Flight, told: Reported | None) -> tuple[tuple[Counted, int], ...]:
    """A 429, that the request came here because another provider failed it, tokens that were read from
    a cache, and how an attempt ended that was made beside another one.
    """
    counted: list[tuple[Counted, int]] = []
    if flight.exchange.status == 429:
        counted.append((Counted("http_429", flight.deployment.provider, flight.deployment.model), 1))
    if flight.after is not None and flight.after.provider != flight.deployment.provider:
        counted.append((Counted("failover", flight.after.provider, flight.after.model), 1))
    if flight.hedge is not None:
        counted.append((Counted(HEDGES[flight.hedge], flight.deployment.provider, flight.deployment.model), 1))
    if told is not None and told.usage is not None and told.usage.cached:
        counted.append(
            (Counted("cached_tokens", flight.deployment.provider, flight.deployment.model), told.usage.cached)
        )
    return tuple(counted)
