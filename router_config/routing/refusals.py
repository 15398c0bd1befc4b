"""What a caller is told when nothing can serve a request."""

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Final

from router_config.config.agent_classes import AgentClass
from router_config.deployments.abilities import Misfit
from router_config.deployments.deployment import Deployment
from router_config.iso import iso
from router_config.ledger.rules.decisions import Attempt
from router_config.ledger.rules.gates import Examination
from router_config.routing.errors import NoProviderAvailable, ProviderVerdict

OF_THE_REQUEST: Final = frozenset({"too_large", "context_window", "content_policy", "bad_request", "empty_answer"})
"""Outcomes that lie in the request: another time will not change them."""

OF_THE_PROVIDER: Final = frozenset({"server_error", "overloaded", "timeout", "connection"})
AGAIN: Final = 1.0
"""Seconds after which a request may succeed that failed at providers without a cooldown, or met too many in flight."""


def refusal(
    model: str,
    deployments: Sequence[Deployment],
    examined: Iterable[Examination],
    attempts: Sequence[Attempt],
    absent: Mapping[str, tuple[str, str]],
    unfit: Mapping[str, Misfit],
    now: float,
    agent_class: AgentClass | None = None,
) -> NoProviderAvailable:
    """The error for a request that no deployment can take.

    absent: providers left out, with status and reason. unfit: deployments that the request does not fit, and why.
    examined: of the others. agent_class: that of whoever asks.
    """
    by_id = {each.deployment: each for each in examined}
    failed = {(attempt.provider, attempt.model): attempt.outcome for attempt in attempts}
    verdicts: dict[str, ProviderVerdict] = {}
    soonest: float | None = None
    for provider in dict.fromkeys(deployment.provider for deployment in deployments):
        theirs = [each for each in deployments if each.provider == provider and each.id not in unfit]
        if not theirs:
            misfit = next(unfit[each.id] for each in deployments if each.provider == provider)
            verdicts[provider] = ProviderVerdict(misfit.status, misfit.reason, None)
            continue
        best = min((by_id[each.id] for each in theirs), key=_clears)
        outcome = next((failed[key] for each in theirs if (key := (each.provider, each.model)) in failed), None)
        if best.blocks:
            verdicts[provider] = ProviderVerdict(best.status, best.reason or "", iso(best.until))
        else:
            verdicts[provider] = ProviderVerdict("failed", f"this request failed there: {outcome}", None)
            if outcome in OF_THE_PROVIDER:
                soonest = now + AGAIN
        clears = _clears(best)
        if best.blocks and clears < inf:
            soonest = clears if soonest is None else min(soonest, clears)
    for provider, (status, reason) in absent.items():
        verdicts.setdefault(provider, ProviderVerdict(status, reason, None))
    retry_after = None if soonest is None else max(0.0, soonest - now)
    return NoProviderAvailable(
        model, retry_after, verdicts, attempts, None if agent_class is None else agent_class.name
    )


def lies_in_the_request(attempts: Sequence[Attempt], examined: Iterable[Examination]) -> bool:
    """True when every candidate that could be asked was, and each said that the request itself is at fault."""
    waiting = any(each.blocks and each.status not in ("too_large", "disabled") for each in examined)
    return bool(attempts) and not waiting and all(attempt.outcome in OF_THE_REQUEST for attempt in attempts)


def _clears(examined: Examination) -> float:
    """Epoch seconds; `inf` where it does not block, or no time helps."""
    if examined.waits_for_others:  # Nobody knows when they end.
        return examined.examined_at + AGAIN
    return examined.until if examined.blocks and examined.until is not None else inf
