"""The JSON of one provider: its status, limits, usage and models."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from router_config.deployments.deployment import Deployment
from router_config.iso import iso
from router_config.ledger.rules.gates import OPEN, Examination, limits_in_force
from router_config.ledger.rules.meters import Counts, Limit, LimitName, Meter
from router_config.ledger.values import Snapshot, Usage
from router_config.status.explanation import endpoint_states
from router_config.status.numbers import number, whole
from router_config.status.views import ProviderView

BEST_FIRST: Final = {
    status: place
    for place, status in enumerate(
        (*OPEN, "probing", "rate_limited", "paced", "cooldown", "exhausted", "too_large", "unfit", "disabled"),
    )
}


def provider_status(
    provider: ProviderView, snapshot: Snapshot, closed: Mapping[str, Examination], now: float
) -> dict[str, Any]:
    """The provider as GET /api/llm-providers shows it.

    closed: by deployment, what the smallest request would meet where it would not simply be taken. now: epoch seconds.
    """
    if provider.absent is not None:
        state: dict[str, Any] = {"status": provider.absent[0], "reason": provider.absent[1], "available_at": None}
        state["refused_since"] = None
    else:
        state = _state(provider.deployments, closed)
    usage = snapshot.usage.get(provider.name, Usage())
    error = snapshot.last_errors.get(provider.name)
    return {
        "name": provider.name,
        "priority": number(provider.priority),
        "tier": provider.tier,
        **state,
        "endpoints": endpoint_states(provider.deployments, snapshot.cooldowns, now),
        "limits": _limits(provider.accounts, snapshot, now),
        "usage_today": {
            "requests": usage.requests,
            "tokens": usage.tokens,
            "cost_usd": round(usage.usd, 9),
            "errors": usage.errors,
            "prompt_tokens": usage.prompt,
            "cached_tokens": usage.cached,
        },
        "latency_ms": _latency(usage),
        "last_error": None if error is None else {"at": iso(error.at), "kind": error.kind, "message": error.message},
        "models": [_model(provider, model, state, snapshot, closed, now) for model in provider.models],
    }


def _model(
    provider: ProviderView,
    model: str,
    state: dict[str, Any],
    snapshot: Snapshot,
    closed: Mapping[str, Examination],
    now: float,
) -> dict[str, Any]:
    theirs, meters = provider.of_model[model]
    shown = _state(theirs, closed) if theirs else state
    return {"name": model, **shown, "limits": _limits(meters, snapshot, now)}


def _state(deployments: Iterable[Deployment], closed: Mapping[str, Examination]) -> dict[str, Any]:
    """Status, reason and `available_at` of the deployment that is available first."""
    examined = [closed.get(each.id) for each in deployments] if closed else [None]
    best = None if None in examined else min(filter(None, examined), key=_rank)
    if best is None or best.status == "available":
        return {"status": "available", "reason": None, "available_at": None, "refused_since": None}
    since = best.cooldown.since if best.cooldown is not None and best.status == "disabled" else None
    return {
        "status": best.status,
        "reason": best.reason,
        "available_at": iso(best.until) if best.blocks else None,
        "refused_since": iso(since),
    }


def _rank(examined: Examination) -> tuple[int, float]:
    status = examined.status
    return BEST_FIRST[status], math.inf if status in OPEN else examined.until or math.inf


def _limits(meters: Iterable[Meter], snapshot: Snapshot, now: float) -> dict[str, dict[str, Any]]:
    """Each limit with its numbers, summed over the accounts of a pool of keys."""
    sums: dict[LimitName, _LimitSum] = {}
    for meter in meters:
        counts = snapshot.counts.get(meter.scope)
        if counts is None:
            continue
        for limit, used in limits_in_force(meter, counts, now):
            total = sums.get(limit.name)
            if total is None:
                total = sums[limit.name] = _LimitSum()
            total.resets_at = max(total.resets_at, snapshot.resets_at.get((meter.scope, limit.name), 0.0))
            if counts.observed:
                _apply_observed_limit(total, meter, limit, used, counts, now)
            total.from_upstream |= limit.file is not None
            total.add(limit.value, whole(limit.name, used), counts.open.of(limit.metric))
    return {name: sums[name].shown() for name in sorted(sums)}


def _apply_observed_limit(
    total: "_LimitSum", meter: Meter, limit: Limit, used: float, counts: Counts, now: float
) -> None:
    """Note when usage that only the provider reported is gone, and whether its report is what limits us."""
    observed = counts.observed.get(limit.name)
    if observed is None:
        return
    if observed.extra_at(now) > 0:
        total.resets_at = max(total.resets_at, observed.until)
    configured = next((each.value for each in meter.limits if each.name == limit.name), None)
    total.from_upstream |= limit.value != configured or used > counts.used(limit)


@dataclass(slots=True)
class _LimitSum:
    """One limit, summed over all accounts of a pool of keys. from_upstream: the provider reported less than we knew."""

    limit: float = 0
    used: float = 0
    reserved: float = 0
    remaining: float = 0
    resets_at: float = 0.0
    from_upstream: bool = False

    def add(self, limit: float, used: float, reserved: float) -> None:
        self.limit += limit
        self.used += used
        self.reserved += reserved
        left = limit - used - reserved
        if left > 0:
            self.remaining += left

    def shown(self) -> dict[str, Any]:
        return {
            "limit": number(self.limit),
            "used": number(self.used),
            "reserved": number(self.reserved),
            "remaining": number(self.remaining),
            "resets_at": iso(self.resets_at or None),
            "source": "upstream" if self.from_upstream else "config",
        }


def _latency(usage: Usage) -> dict[str, int | None]:
    latencies = sorted(usage.latencies)
    if not latencies:
        return {"p50": None, "p95": None}
    return {f"p{share}": latencies[min(len(latencies) - 1, len(latencies) * share // 100)] for share in (50, 95)}
