"""The cooldown that a failed attempt begins: of which scope, for how long, and whether at once."""

from router_config.attempts.failing_providers import DOUBTED
from router_config.attempts.tried import Tried
from router_config.deployments.catalog import Group
from router_config.deployments.deployment import Deployment
from router_config.ledger.rules.gates import Cooldown, Status
from router_config.ledger.rules.schedule import PROVEN, pause
from router_config.ledger.values import Lease
from router_config.signals import Hold, Kind, Scope, Verdict


def cooldown_after(
    deployment: Deployment, verdict: Verdict | None, now: float, *, cooldown: float, correction: float = 0.0
) -> Cooldown | None:
    """Which scope is in cooldown after this verdict, and until when; None: none is.

    It holds for the endpoint that was asked. A proof about a key or account, and a window of theirs with a known
    end, hold at every endpoint. now: epoch seconds. cooldown: seconds for which a failing provider is not asked.
    correction: seconds by which the moments that providers name are ahead of `now`.
    """
    if verdict is None or verdict.hold == Hold.none:
        return None
    shared = verdict.scope in (Scope.account, Scope.key) and (verdict.proven or verdict.hold == Hold.until)
    scope = getattr(deployment.scopes, f"shared_{verdict.scope}" if shared else verdict.scope)
    until = now if verdict.until is None else verdict.until - correction
    if verdict.hold == Hold.cooldown:
        longest = cooldown if verdict.longest is None else min(cooldown, verdict.longest)
        until = max(until, now + longest)
    status, probes = _status_after(verdict), int(verdict.hold != Hold.until)
    if verdict.hold in (Hold.refused, Hold.disabled):
        probes = PROVEN if verdict.proven else 1
        until = max(until, now + pause(status, probes))
    return Cooldown(scope, status, verdict.message, now, until, probes)


def held_at_once(
    cooldown: Cooldown, deployment: Deployment, lease: Lease, tried: Tried, group: Group, now: float
) -> Cooldown | None:
    """What begins with the settlement: all of a cooldown, unless it is the whole provider's.

    That one is a suspect of this request until it has ended (`FailingProviders`); one that was probed is not asked
    until then.
    """
    if cooldown.scope != deployment.scopes.provider:
        return cooldown
    probed = bool(lease.probes)
    tried.suspect(deployment, cooldown, group, probed=probed)
    return cooldown._replace(until=min(cooldown.until, now + DOUBTED)) if probed else None


def _status_after(verdict: Verdict) -> Status:
    if verdict.hold == Hold.disabled:
        return "disabled"
    if verdict.kind in (Kind.daily_limit, Kind.quota_gone):
        return "exhausted"
    return "cooldown" if verdict.hold == Hold.cooldown else "rate_limited"
