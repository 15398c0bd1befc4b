"""The JSON of GET /api/llm-providers (DESIGN.md, section 6) from a configuration and a store, without LiteLLM."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from router_config.config import Config
from router_config.deployments import Deployment, by_preference, deployments_of
from router_config.explaining import absence, first_choice
from router_config.iso import iso
from router_config.ledger.gates import Examination, Need, limits_in_force
from router_config.ledger.meters import LimitName, Meter
from router_config.ledger.store import Snapshot, Store, Usage
from router_config.ledger.windows import CalendarDay
from router_config.numbers import number, whole

PROBE: Final = Need(tokens=1, prompt_tokens=1)
"""The smallest request: a provider is available when it would take this one."""

BEST_FIRST: Final = (
    "available",
    "soft_limited",
    "probing",
    "rate_limited",
    "cooldown",
    "exhausted",
    "too_large",
    "disabled",
)


@dataclass(frozen=True, slots=True)
class ProviderView:
    """What the status shows of a provider whether or not it can be asked."""

    name: str
    priority: float
    tier: str
    models: tuple[str, ...]
    deployments: tuple[Deployment, ...]
    absent: tuple[str, str] | None = None
    """Status and reason of a provider that takes no part: unconfigured or disabled."""


@dataclass(frozen=True, slots=True)
class View:
    """The providers of a configuration, and what is said of it."""

    providers: tuple[ProviderView, ...]
    path: str | None = None
    loaded_at: float | None = None
    error: str | None = None
    simulated: bool = False

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        return tuple(each for provider in self.providers for each in provider.deployments)


def view_of(config: Config, *, loaded_at: float | None = None, simulated: bool = False) -> View:
    deployments = deployments_of(config)
    providers = [
        ProviderView(
            provider.name,
            provider.priority,
            provider.tier,
            tuple(model.name for model in provider.models),
            tuple(each for each in deployments if each.provider == provider.name),
            absence(config, provider.name),
        )
        for provider in sorted(config.providers, key=lambda provider: provider.priority)
    ]
    path = None if config.path is None else str(config.path)
    return View(tuple(providers), path, loaded_at, None, simulated)


def view_of_deployments(
    deployments: Sequence[Deployment], *, loaded_at: float | None = None, simulated: bool = False
) -> View:
    """The view of a Router that was made from a model list."""
    providers: list[ProviderView] = []
    for name in dict.fromkeys(each.provider for each in sorted(deployments, key=lambda each: each.priority)):
        theirs = tuple(each for each in deployments if each.provider == name)
        models = tuple(dict.fromkeys(each.model for each in theirs))
        providers.append(ProviderView(name, min(each.priority for each in theirs), theirs[0].tier, models, theirs))
    return View(tuple(providers), None, loaded_at, None, simulated)


async def document(view: View, store: Store, now: float) -> dict[str, Any]:
    """The whole document, from one reading of the store."""
    deployments = view.deployments
    since = {provider.name: _day_began(provider, now) for provider in view.providers}
    meters = {meter.scope: meter for each in deployments for meter in each.meters}
    snapshot = await store.snapshot(tuple(meters.values()), since, now)
    examined = {each.deployment: each for each in await store.explain(deployments, PROBE, now)}
    providers = [_provider(provider, snapshot, examined, now) for provider in view.providers]
    return {
        "generated_at": iso(now),
        "simulated": view.simulated,
        "next": {
            group: _next([each for each in deployments if group in each.groups], examined)
            for group in sorted({group for each in deployments for group in each.groups})
        },
        "config": {"path": view.path, "loaded_at": iso(view.loaded_at), "error": view.error},
        "state": _state_of(store),
        "providers": providers,
        "capacity": _capacity(providers, snapshot, now),
    }


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
        "limits": _limits({each.meters[0] for each in provider.deployments}, snapshot, now),
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
    theirs = [each for each in provider.deployments if each.model == model]
    shown = _state([examined[each.id] for each in theirs]) if theirs else state
    limits = _limits({meter for each in theirs for meter in each.meters[1:]}, snapshot, now)
    return {"name": model, **shown, "limits": limits}


def _state(examined: Sequence[Examination]) -> dict[str, Any]:
    """The best of what several deployments have to offer."""
    best = min(examined, key=lambda each: (BEST_FIRST.index(each.status), each.until or math.inf))
    blocked = best.blocks
    return {
        "status": best.status,
        "reason": best.reason,
        "available_at": iso(best.until) if blocked else None,
    }


def _next(deployments: Iterable[Deployment], examined: Mapping[str, Examination]) -> str | None:
    """The provider that the next request would go to."""
    ordered = [deployment for tier in by_preference(deployments) for deployment in tier]
    chosen = first_choice(ordered, examined)
    return None if chosen is None else chosen.provider


def _limits(meters: Iterable[Meter], snapshot: Snapshot, now: float) -> dict[str, dict[str, Any]]:
    """Each limit with its numbers, summed over the accounts of a pool of keys."""
    shown: dict[LimitName, dict[str, Any]] = {}
    for meter in meters:
        counts = snapshot.counts.get(meter.scope)
        if counts is None:
            continue
        configured = {limit.name: limit.value for limit in meter.limits}
        for limit, used in limits_in_force(meter, counts, now):
            reserved = counts.open.of(limit.metric)
            resets = snapshot.resets_at.get((meter.scope, limit.name))
            seen = counts.seen.get(limit.name)
            if seen is not None and seen.extra_at(now) > 0:
                resets = max(seen.until, resets or 0.0)
            told = seen is not None and (limit.value != configured.get(limit.name) or used > counts.used(limit))
            used = whole(limit.name, used)
            row = shown.setdefault(
                limit.name,
                {"limit": 0, "used": 0, "reserved": 0, "remaining": 0, "resets_at": None, "source": "config"},
            )
            row["limit"] += number(limit.value)
            row["used"] += number(used)
            row["reserved"] += number(reserved)
            row["remaining"] += number(max(0.0, limit.value - used - reserved))
            row["resets_at"] = max(filter(None, (row["resets_at"], iso(resets))), default=None)
            row["source"] = "upstream" if told else row["source"]
    return {name: shown[name] for name in sorted(shown)}


def _latency(usage: Usage) -> dict[str, int | None]:
    latencies = sorted(usage.latencies)
    if not latencies:
        return {"p50": None, "p95": None}
    return {f"p{share}": latencies[min(len(latencies) - 1, len(latencies) * share // 100)] for share in (50, 95)}


def _capacity(providers: Sequence[dict[str, Any]], snapshot: Snapshot, now: float) -> dict[str, Any]:
    """Tokens left today where a daily limit says so, and when they run out at the rate of the last hour."""
    open_providers = [each for each in providers if each["status"] not in ("disabled", "unconfigured")]
    remaining = {each["name"]: each["limits"]["tpd"]["remaining"] for each in open_providers if "tpd" in each["limits"]}
    burn = sum(snapshot.burn.values())
    left = sum(remaining.values())
    hours = left / burn if burn and remaining else math.inf
    unlimited = any("tpd" not in each["limits"] for each in open_providers)
    runs_out = hours < 24 and not unlimited
    return {
        "tokens_remaining_today": left if remaining else None,
        "burn_tokens_per_hour": burn,
        "exhausted_at": iso(now + hours * 3600) if runs_out else None,
        "binding": "tpd" if runs_out else None,
    }


def _day_began(provider: ProviderView, now: float) -> float:
    """When the provider's day began; a rolling day began 24 hours ago."""
    day = provider.deployments[0].meters[0].day if provider.deployments else None
    return day.began(now) if isinstance(day, CalendarDay) else now - 86400.0


async def status_of(config: Config, store: Store, now: float) -> dict[str, Any]:
    """The status as `router-config status` shows it: from the store, with no Router."""
    view = view_of(config)
    store.know([meter for each in view.deployments for meter in each.meters])
    return await document(replace(view, loaded_at=now), store, now)
