"""What would happen to a request now, without sending it: the JSON of POST /api/llm-providers/explain."""

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from router_config.config.agent_classes import AgentClass
from router_config.config.models import Config
from router_config.deployments.abilities import Misfit
from router_config.deployments.calibrations import Correction
from router_config.deployments.deployment import EVERYWHERE, Deployment, by_preference, endpoint_of
from router_config.deployments.learned import Learned
from router_config.iso import iso
from router_config.ledger.interfaces import Ledger
from router_config.ledger.rules.gates import Cooldown, Examination, Gate, Need, Status
from router_config.status.numbers import number, whole

Absences = Mapping[str, tuple[str, str]]
"""Status and reason of providers that cannot be asked as they are configured, by name."""


NOT_ALLOWED: Final = "not_allowed"
"""The status of a provider that a class of agents may not ask."""


def absence(config: Config, name: str) -> tuple[str, str] | None:
    """Status and reason of a provider that cannot be asked as it is configured; None for any other."""
    provider = next(provider for provider in config.providers if provider.name == name)
    if not provider.enabled:
        return "disabled", "enabled: false in the configuration"
    if not provider.configured:
        variables = " or ".join((*provider.key_variables, *provider.missing))
        return "unconfigured", f"{variables} is not set; run: router-config env"
    return None


def absent_from(config: Config | None, group: str) -> Absences:
    """The providers of a group that cannot be asked as they are configured, and why."""
    if config is None:
        return {}
    theirs = [each for each in config.by_priority if any(group in model.groups for model in each.models)]
    absences = {each.name: absence(config, each.name) for each in theirs}
    return {name: absent for name, absent in absences.items() if absent is not None}


def barred_from(agent_class: AgentClass | None, deployments: Iterable[Deployment]) -> Absences:
    """The providers of these deployments that a class may not ask, and why."""
    if agent_class is None:
        return {}
    told = {each.provider: agent_class.barred_from(each.provider, each.tier) for each in deployments}
    return {name: (NOT_ALLOWED, reason) for name, reason in told.items() if reason is not None}


async def explanation(
    group: str,
    deployments: Sequence[Deployment],
    tokens: int,
    ledger: Ledger,
    now: float,
    *,
    absent: Absences,
    max_wait: float,
    needs: Sequence[str] = (),
    unfit: Mapping[str, Misfit] = MappingProxyType({}),
    agent: str | None = None,
    agent_class: AgentClass | None = None,
) -> dict[str, Any]:
    """The JSON: every candidate for a request, each of its limits with its numbers, and who would serve.

    tokens: of prompt and answer together. now: epoch seconds. absent: the group's providers that cannot be asked.
    max_wait: seconds that such a request may wait for room. needs: the abilities that it needs. unfit: by
    deployment, why it is not asked for it. agent, agent_class: who asks; the deployments are as that class sees them.
    """
    places = {each.id: place for place, tier in enumerate(by_preference(deployments), 1) for each in tier}
    ordered = sorted(deployments, key=lambda each: places[each.id])
    calibrations = Learned()
    await calibrations.exchange(ledger, now)
    correction = calibrations.corrections["prose"]
    need = Need(tokens, tokens // 2)  # Of so many tokens as was asked, whatever they are an estimate of.
    examined = {each.deployment: each for each in await ledger.explain(ordered, need, now)}
    cooldowns = (await ledger.snapshot((), {}, now)).cooldowns
    fit = [each for name, each in examined.items() if name not in unfit]
    chosen = first_choice(
        [each for each in ordered if each.id not in unfit], {name: each.status for name, each in examined.items()}
    )
    opens = [each.until for each in fit if each.until is not None] if chosen is None else []
    waits = chosen is None and max_wait > 0 and any(each.may_clear(now + max_wait) for each in fit)
    return {
        "group": group,
        "tokens": tokens,
        "needs": list(needs),
        **({} if agent_class is None else {"agent": agent, "class": agent_class.name}),
        "generated_at": iso(now),
        "next": None if chosen is None else chosen.provider,
        "chosen": None if chosen is None else chosen.id,
        "clears_at": iso(min(opens, default=None)),
        "waits_for_in_flight": chosen is None and any(each.waits_for_others for each in fit),
        "max_wait_seconds": number(max_wait),
        "waits": waits,
        "providers": [
            *(
                {"name": name, "absent": None, "candidates": theirs}
                for name, theirs in _by_provider(ordered, places, examined, cooldowns, need, correction, unfit).items()
            ),
            *(
                {"name": name, "absent": {"status": status, "reason": reason}, "candidates": []}
                for name, (status, reason) in absent.items()
            ),
        ],
    }


def first_choice(ordered: Iterable[Deployment], statuses: Mapping[str, Status]) -> Deployment | None:
    """The deployment that the next request would go to, by the same rules as the ledger chooses.

    ordered: in order of preference. statuses: by deployment, of those that are not simply available. Where several
    share the load, the first is named.
    """
    second_best: Deployment | None = None  # past its soft limit
    for deployment in ordered:
        if second_best is not None and second_best.tier == "free" and deployment.tier == "paid":
            return second_best
        status = statuses.get(deployment.id, "available")
        if status == "available":
            return deployment
        if status == "soft_limited":
            second_best = second_best or deployment
    return second_best


def _by_provider(
    ordered: Iterable[Deployment],
    places: Mapping[str, int],
    examined: Mapping[str, Examination],
    cooldowns: Mapping[str, Cooldown],
    need: Need,
    correction: Correction,
    unfit: Mapping[str, Misfit],
) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for each in ordered:
        candidate = _candidate(each, places[each.id], examined[each.id])
        candidate["endpoints"] = endpoint_states([each], cooldowns, examined[each.id].examined_at)
        if (misfit := unfit.get(each.id)) is not None:
            candidate |= {"status": misfit.status, "reason": misfit.reason, "clears_at": None}
        candidate["lacks"] = [] if misfit is None else [lacking.reason for lacking in misfit.lacking]
        candidate["estimate"] = _estimate(each, need, correction)
        found.setdefault(each.provider, []).append(candidate)
    return found


def _estimate(deployment: Deployment, need: Need, correction: Correction) -> dict[str, Any]:
    """Our estimate of a prompt, and what this model counts for it."""
    curve, (tokens, prompt) = correction.curve(deployment), need[:2]
    return {
        "prompt_tokens": prompt,
        "counted_tokens": correction.prompt_tokens(deployment, prompt, tokens - prompt),
        "answers": curve.answers,
        "mean_error": round(curve.error, 4),
    }


def _candidate(deployment: Deployment, place: int, examined: Examination) -> dict[str, Any]:
    return {
        "deployment": deployment.id,
        "model": deployment.model,
        "key": deployment.key,
        "place": place,
        "tier": deployment.tier,
        "status": examined.status,
        "reason": examined.reason,
        "clears_at": iso(examined.until) if examined.blocks else None,
        "rest": None if examined.cooldown is None else _cooldown(examined.cooldown),
        "probe_due": examined.probe_due,
        "gates": [_gate(gate) for gate in examined.gates],
    }


def endpoint_states(
    deployments: Iterable[Deployment], cooldowns: Mapping[str, Cooldown], now: float
) -> list[dict[str, Any]]:
    """What besides chats these deployments are not asked for, and until when. now: epoch seconds."""
    models = {scope: each.model for each in deployments for scope in each.scopes}
    return [
        {"endpoint": endpoint, "model": models[scope] if scope.startswith("model:") else None, **_cooldown(cooldown)}
        for name, cooldown in sorted(cooldowns.items())
        if (scope := endpoint_of(name)[0]) in models
        and (endpoint := endpoint_of(name)[1]) not in ("", EVERYWHERE)
        and cooldown.holds(now)
    ]


def _cooldown(cooldown: Cooldown) -> dict[str, Any]:
    return {
        "of": cooldown.scope.partition(":")[0],
        "status": cooldown.status,
        "reason": cooldown.reason,
        "since": iso(cooldown.since),
        "until": iso(cooldown.until),
        "then_probes": cooldown.probes > 0,
    }


def _gate(gate: Gate) -> dict[str, Any]:
    return {
        "name": gate.limit,
        "scope": gate.scope,
        "status": gate.status,
        "used": number(whole(gate.limit, gate.used)),
        "reserved": number(gate.reserved),
        "needed": number(gate.needed),
        "limit": number(gate.value),
        "soft_limit": None if math.isinf(gate.soft) else number(gate.soft),
        "paced": None if gate.paced is None else number(whole(gate.limit, gate.paced)),
        **_division(gate),
        "blocks": gate.blocks,
        "clears_at": iso(gate.clears_at),
    }


def _division(gate: Gate) -> dict[str, Any]:
    """Whose share the limit is, or what of it is kept for other classes; nothing where there are none."""
    if gate.of_class:
        return {"class": gate.of_class}
    return {"kept": number(whole(gate.limit, gate.kept)), "kept_for": list(gate.kept_for)} if gate.kept_for else {}
