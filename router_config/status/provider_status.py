"""What the status says of one provider: its limits, its usage, its models."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from router_config.deployments.deployment import Deployment
from router_config.iso import iso
from router_config.ledger.rules.gates import OPEN, Examination, limits_in_force
from router_config.ledger.rules.meters import Counts, Limit, LimitName, Meter
from router_config.ledger.values import Snapshot, Usage
from router_config.status.numbers import number, whole
from router_config.status.views import ProviderView

BEST_FIRST: Final = {
    status: place
    for place, status in enumerate(
        (*OPEN, "probing", "rate_limited", "cooldown", "exhausted", "too_large", "disabled"),
    )
}


def provider_status(
    provider: ProviderView, snapshot: Snapshot, closed: Mapping[str, Examination], now: float
) -> dict[str, Any]:
    """`closed`: what the smallest request would meet at those deployments that would not simply take it."""
    if provider.absent is not None:
        state: dict[str, Any] = {"status": provider.absent[0], "reason": provider.absent[1], "available_at": None}
    else:
        state = _state(provider.deployments, closed)
    usage = snapshot.usage.get(provider.name, Usage())
    error = snapshot.last_errors.get(provider.name)
    return {
        "name": provider.name,
        "priority": number(provider.priority),
        "tier": provider.tier,
        **state,
        "limits": _limits(provider.accounts, snapshot, now),
        "usage_today": {
            "requests": usage.requests,
            "tokens": usage.tokens,
            "cost_usd": round(usage.usd, 9),
            "errors": usage.errors,
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
    """The best of what several deployments have to offer."""
    examined = [closed.get(each.id) for each in deployments] if closed else [None]
    best = None if None in examined else min(filter(None, examined), key=_rank)
    if best is None or best.status == "available":
        return {"status": "available", "reason": None, "available_at": None}
    return {"status": best.status, "reason": best.reason, "available_at": iso(best.until) if best.blocks else None}


def _rank(examined: Examination) -> tuple[int, float]:
    status = examined.status
    return BEST_FIRST[status], math.inf if status in OPEN else examined.until or math.inf


def _limits(meters: Iterable[Meter], snapshot: Snapshot, now: float) -> dict[str, dict[str, Any]]:
    """Each limit with its numbers, summed over the accounts of a pool of keys."""
    sums: dict[LimitName, _Sum] = {}
    for meter in meters:
        counts = snapshot.counts.get(meter.scope)
        if counts is None:
            continue
        for limit, used in limits_in_force(meter, counts, now):
            so_far = sums.get(limit.name)
            if so_far is None:
                so_far = sums[limit.name] = _Sum()
            so_far.resets_at = max(so_far.resets_at, snapshot.resets_at.get((meter.scope, limit.name), 0.0))
            if counts.observed:
                _hear(so_far, meter, limit, used, counts, now)
            so_far.add(limit.value, whole(limit.name, used), counts.open.of(limit.metric))
    return {name: sums[name].shown() for name in sorted(sums)}


def _hear(so_far: "_Sum", meter: Meter, limit: Limit, used: float, counts: Counts, now: float) -> None:
    """Note when others' usage is gone, and whether it is the provider's word that counts."""
    observed = counts.observed.get(limit.name)
    if observed is None:
        return
    if observed.extra_at(now) > 0:
        so_far.resets_at = max(so_far.resets_at, observed.until)
    configured = next((each.value for each in meter.limits if each.name == limit.name), None)
    so_far.told |= limit.value != configured or used > counts.used(limit)


@dataclass(slots=True)
class _Sum:
    """A limit of all accounts of a pool of keys."""

    limit: float = 0
    used: float = 0
    reserved: float = 0
    remaining: float = 0
    resets_at: float = 0.0
    told: bool = False

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
            "source": "upstream" if self.told else "config",
        }


def _latency(usage: Usage) -> dict[str, int | None]:
    latencies = sorted(usage.latencies)
    if not latencies:
        return {"p50": None, "p95": None}
    return {f"p{share}": latencies[min(len(latencies) - 1, len(latencies) * share // 100)] for share in (50, 95)}
