"""The JSON of GET /api/llm-providers (DESIGN.md, section 6) from a configuration and a store, without LiteLLM."""

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from router_config.budgets import capacity
from router_config.config import Config
from router_config.deployments import Deployment
from router_config.explaining import first_choice
from router_config.iso import iso
from router_config.ledger.choice import standing
from router_config.ledger.gates import OPEN, Examination, Need, Rest, limits_in_force
from router_config.ledger.meters import Counts, Limit, LimitName, Meter
from router_config.ledger.store import Snapshot, Store, Usage
from router_config.ledger.windows import CalendarDay
from router_config.numbers import number, whole
from router_config.views import ProviderView, View, view_of

PROBE: Final = Need(tokens=1, prompt_tokens=1)
"""The smallest request: a provider is available when it would take this one."""

BEST_FIRST: Final = {
    status: place
    for place, status in enumerate(
        (*OPEN, "probing", "rate_limited", "cooldown", "exhausted", "too_large", "disabled"),
    )
}


async def document(view: View, store: Store, now: float) -> dict[str, Any]:
    """The whole document, from one reading of the store for each part of the view.

    Between parts the event loop goes on, and so do other processes of the store.
    """
    examined: dict[str, Examination] = {}
    providers: list[dict[str, Any]] = []
    burn = 0
    for part in view.parts:
        if providers:
            await asyncio.sleep(0)
        since = {provider.name: _day_began(provider, now) for provider in part.providers}
        snapshot = await store.snapshot(part.meters, since, now)
        examined |= await _examined(part.deployments, snapshot, store, now)
        providers += [_provider(provider, snapshot, examined, now) for provider in part.providers]
        burn += sum(snapshot.burn.values())
    return {
        "generated_at": iso(now),
        "simulated": view.simulated,
        "next": {group: _next(ordered, examined) for group, ordered in view.groups.items()},
        "config": {"path": view.path, "loaded_at": iso(view.loaded_at), "error": view.error},
        "state": _state_of(store),
        "providers": providers,
        "capacity": capacity(view.providers, providers, burn, now),
    }


async def _examined(
    deployments: Sequence[Deployment], snapshot: Snapshot, store: Store, now: float
) -> dict[str, Examination]:
    """What the smallest request would meet. Of those that would take it there is nothing more to say, nor to ask."""
    book = _Book(snapshot)
    closed = [each for each in deployments if standing(each, PROBE, book, now) != "available"]
    examined = {each.id: Examination(each.id, None, (), False, now) for each in deployments}
    if closed:
        examined |= {each.deployment: each for each in await store.explain(closed, PROBE, now)}
    return examined


@dataclass(frozen=True, slots=True)
class _Book:
    """A reading of a store, as the choice of a deployment asks for it."""

    snapshot: Snapshot

    def counts(self, meter: Meter) -> Counts | None:
        return self.snapshot.counts.get(meter.scope)

    def rest_of(self, scope: str) -> Rest | None:
        return self.snapshot.rests.get(scope)

    def clears_at(self, meter: Meter, limit: Limit, room: float) -> float:
        raise NotImplementedError("the store knows when its windows clear")


def _state_of(store: Store) -> dict[str, Any]:
    """Which store counts; `degraded`, while it cannot be used and each process counts for itself."""
    state: dict[str, Any] = {"store": store.name, "shared": store.shared}
    if store.degraded is not None:
        state["degraded"] = {"reason": store.degraded.reason, "since": iso(store.degraded.since)}
    return state


def _provider(
    provider: ProviderView, snapshot: Snapshot, examined: Mapping[str, Examination], now: float
) -> dict[str, Any]:
    if provider.absent is not None:
        state: dict[str, Any] = {
            "status": provider.absent[0],
            "reason": provider.absent[1],
            "available_at": None,
        }
    else:
        state = _state([examined[each.id] for each in provider.deployments])
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
        "models": [_model(provider, model, state, snapshot, examined, now) for model in provider.models],
    }


def _model(
    provider: ProviderView,
    model: str,
    state: dict[str, Any],
    snapshot: Snapshot,
    examined: Mapping[str, Examination],
    now: float,
) -> dict[str, Any]:
    theirs, meters = provider.of_model[model]
    shown = _state([examined[each.id] for each in theirs]) if theirs else state
    return {"name": model, **shown, "limits": _limits(meters, snapshot, now)}


def _state(examined: Sequence[Examination]) -> dict[str, Any]:
    """The best of what several deployments have to offer."""
    best = examined[0] if len(examined) == 1 else min(examined, key=_rank)
    status = best.status
    if status == "available":
        return {"status": status, "reason": None, "available_at": None}
    return {"status": status, "reason": best.reason, "available_at": iso(best.until) if best.blocks else None}


def _rank(examined: Examination) -> tuple[int, float]:
    status = examined.status
    return BEST_FIRST[status], math.inf if status in OPEN else examined.until or math.inf


def _next(ordered: Iterable[Deployment], examined: Mapping[str, Examination]) -> str | None:
    """The provider that the next request would go to."""
    chosen = first_choice(ordered, examined)
    return None if chosen is None else chosen.provider


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
            if counts.seen:
                _hear(so_far, meter, limit, used, counts, now)
            so_far.add(limit.value, whole(limit.name, used), counts.open.of(limit.metric))
    return {name: sums[name].shown() for name in sorted(sums)}


def _hear(so_far: "_Sum", meter: Meter, limit: Limit, used: float, counts: Counts, now: float) -> None:
    """Note when others' usage is gone, and whether it is the provider's word that counts."""
    seen = counts.seen.get(limit.name)
    if seen is None:
        return
    if seen.extra_at(now) > 0:
        so_far.resets_at = max(so_far.resets_at, seen.until)
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


def _day_began(provider: ProviderView, now: float) -> float:
    """When the provider's day began; a rolling day began 24 hours ago."""
    day = provider.deployments[0].meters[0].day if provider.deployments else None
    return day.began(now) if isinstance(day, CalendarDay) else now - 86400.0


async def status_of(config: Config, store: Store, now: float) -> dict[str, Any]:
    """The status as `router-config status` shows it: from the store, with no Router."""
    view = view_of(config)
    store.know(view.meters)
    return await document(replace(view, loaded_at=now), store, now)
