"""The JSON of GET /api/llm-providers, from a configuration and a store, without LiteLLM."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from router_config.deployments.abilities import told
from router_config.deployments.calibrations import known_curve
from router_config.deployments.deployment import Deployment, endpoint_of
from router_config.deployments.learned import abilities_in, limits_in, retired_in
from router_config.deployments.limit_changes import changes_of
from router_config.iso import iso
from router_config.ledger.interfaces import Store
from router_config.ledger.rules.abilities import Lack, Place
from router_config.ledger.rules.choice import standing
from router_config.ledger.rules.gates import Cooldown, Examination, Need
from router_config.ledger.rules.meters import Counts, Limit, Meter
from router_config.ledger.rules.pacing import Expected
from router_config.ledger.rules.retired import Retired
from router_config.ledger.rules.windows import CalendarDay
from router_config.ledger.values import Snapshot
from router_config.status.capacity import capacity
from router_config.status.changed_limits import limit_change
from router_config.status.explanation import first_choice
from router_config.status.outlook import Outlooks
from router_config.status.provider_status import provider_status
from router_config.status.views import ProviderView, View

PROBE: Final = Need(tokens=1, prompt_tokens=1)
"""The smallest request: a provider is available when it would take this one."""


async def document(
    view: View, store: Store, now: float, outlooks: Outlooks | None = None, *, fast_path: bool | None = None
) -> dict[str, Any]:
    """The whole document at a moment (epoch seconds), from one snapshot of the store for each part of the view.

    outlooks: what remembers the forecast from one document to the next. fast_path: whether chats of this process go the
    fast way; None where it asks no provider.

    Between two parts the event loop gets its turn, and other processes get the store.
    """
    closed: dict[str, Examination] = {}
    known = await store.learn({})
    providers: list[dict[str, Any]] = []
    burn: dict[str, int] = {}
    counts: dict[str, Counts] = {}
    for part in view.parts:
        if providers:
            await asyncio.sleep(0)
        since = {provider.name: _day_began(provider, now) for provider in part.providers}
        snapshot = await store.snapshot((*part.meters, *part.class_meters), since, now)
        counts |= snapshot.counts if part.classes else {}
        recalled = [provider.memory.recall(snapshot) for provider in part.providers]
        others = [each for each, status in zip(part.providers, recalled, strict=True) if status is None]
        closed |= await _closed([each for provider in others for each in provider.deployments], snapshot, store, now)
        for provider, status in zip(part.providers, recalled, strict=True):
            if status is None:
                status = provider_status(provider, snapshot, closed, now)
                if not any(each.id in closed for each in provider.deployments):
                    provider.memory.keep(snapshot, status)
            models = [_model(provider, each, known) for each in status["models"]]
            changed = changes_of(provider.deployments, limits_in(known, provider.name))
            told = [limit_change(each, editable=view.path is not None) for each in changed]
            providers.append({**status, "models": models, "limits_changed": told})
        burn |= snapshot.burn
    classes = await view.shown_classes.documents(counts, store.expected, now) if view.classes else None
    left = await capacity(view.providers, providers, burn, store, outlooks or Outlooks(), now)
    return {
        "generated_at": iso(now),
        "simulated": view.simulated,
        "fast_path": fast_path,
        "next": {group: _next(ordered, closed) for group, ordered in view.groups.items()},
        "config": {"path": view.path, "loaded_at": iso(view.loaded_at), "error": view.error},
        "state": _state_of(store),
        "providers": providers,
        **({} if classes is None else {"classes": classes}),
        "capacity": left,
    }


def _model(provider: ProviderView, model: dict[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
    """A model with what was learned of it: how well its tokens are estimated, and whether it is gone."""
    name = model["name"]
    curve = known_curve(known.get(f"{provider.name}/{name}", ""))
    estimate = {"answers": curve.answers, "mean_error": round(curve.error, 4)} if curve.answers else None
    return {
        **model,
        "estimate": estimate,
        "lacks": _lacks(provider.of_model[name][0], abilities_in(known)),
        "retired": _retired(provider.of_model[name][0], retired_in(known)),
        "answers_as": provider.stand_ins.get(name),
        "instead_of": [old for old, new in provider.stand_ins.items() if new == name],
    }


def _lacks(deployments: Sequence[Deployment], lacks: Mapping[Place, Lack]) -> list[str]:
    """What a model was seen to refuse, at chats and at other endpoints."""
    models = {each.same_model for each in deployments} if lacks else ()
    found = []
    for (model, ability), lack in sorted(lacks.items()):
        name, endpoint = endpoint_of(model)
        if lack.lacks and (model in models or name in models):
            found.append(told(ability, lack) + (f" at {endpoint}" if endpoint and model not in models else ""))
    return found


def _retired(deployments: Sequence[Deployment], gone: Mapping[str, Retired]) -> dict[str, Any] | None:
    """Since when a model is gone for each of its accounts, and what may take its place."""
    found = [gone.get(each.scopes.model) for each in deployments] if gone else []
    known = [each for each in found if each is not None and each.gone]
    if not known or len(known) < len(found):
        return None
    successor = next((each.successor for each in known if each.successor is not None), None)
    return {"since": iso(max(each.at for each in known)), "successor": successor}


async def _closed(
    deployments: Sequence[Deployment], snapshot: Snapshot, store: Store, now: float
) -> dict[str, Examination]:
    """What the smallest request would meet at the deployments that would not simply take it."""
    book = _Book(snapshot, store.expected)
    closed = [each for each in deployments if standing(each, PROBE, book, now) != "available"]
    return {each.deployment: each for each in await store.explain(closed, PROBE, now)} if closed else {}


@dataclass(frozen=True, slots=True)
class _Book:
    """A snapshot of a store, in the form in which the choice of a deployment reads it."""

    snapshot: Snapshot
    expected: Expected

    def counts(self, meter: Meter) -> Counts | None:
        return self.snapshot.counts.get(meter.scope)

    @property
    def any_cooldown(self) -> bool:
        return bool(self.snapshot.cooldowns)

    def cooldown_of(self, scope: str) -> Cooldown | None:
        return self.snapshot.cooldowns.get(scope)

    def clears_at(self, meter: Meter, limit: Limit, room: float, without: Sequence[str] = ()) -> float:
        raise NotImplementedError("the store knows when its windows clear")


def _state_of(store: Store) -> dict[str, Any]:
    """Which store counts; `degraded`, while it cannot be used and each process counts for itself."""
    state: dict[str, Any] = {"store": store.name, "shared": store.shared}
    if store.degraded is not None:
        state["degraded"] = {"reason": store.degraded.reason, "since": iso(store.degraded.since)}
    return state


def _next(ordered: Iterable[Deployment], closed: Mapping[str, Examination]) -> str | None:
    """The provider that the next request would go to."""
    chosen = first_choice(ordered, {name: each.status for name, each in closed.items()})
    return None if chosen is None else chosen.provider


def _day_began(provider: ProviderView, now: float) -> float:
    """When the provider's day began; a rolling day began 24 hours ago."""
    day = provider.deployments[0].meters[0].long if provider.deployments else None
    return day.began(now) if isinstance(day, CalendarDay) else now - 86400.0
