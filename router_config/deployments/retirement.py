"""A configuration in which other models stand in for those that are gone, where the file says so."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final

from router_config.config.models import Config, Limits, Model, Provider, Supports
from router_config.deployments.model_list import deployments_of, generate, prices_of, without_price
from router_config.ledger.rules.retired import Retired
from router_config.presets.lookup import preset_of

LONGEST: Final = 5
"""Successors of successors that are followed."""

Gone = Mapping[str, Retired]
"""By the scope of a model, whether it is gone."""

Entry = dict[str, Any]


def with_successors(config: Config, gone: Gone) -> Config:
    """The configuration with the successors of models that are gone, each behind the one that it stands in for.

    A model is gone when it is for each account of its provider. None is added that the file has already, nor one whose
    price nobody knows where dollars are limited.
    """
    heeding = [provider for provider in config.providers if provider.on_retired == "successor"]
    if not heeding or not any(each.gone for each in gone.values()):
        return config
    scopes: dict[tuple[str, str], set[str]] = {}
    for each in deployments_of(replace(config, providers=tuple(heeding))):
        scopes.setdefault((each.provider, each.model), set()).add(each.scopes.model)
    others = {provider.name: _with_successors(provider, gone, scopes) for provider in heeding}
    return replace(config, providers=tuple(others.get(each.name, each) for each in config.providers))


def stand_ins(config: Config) -> dict[tuple[str, str], str]:
    """By provider and model of the file, the model that answers in its place; of a configuration with successors."""
    return {
        (provider.name, old): model.name
        for provider in config.providers
        for model in provider.models
        for old in model.instead_of
    }


def successor_entries(config: Config, gone: Gone, entries: Sequence[Entry]) -> list[Entry]:
    """LiteLLM's entries of the models that stand in for others, for the model list of a configuration.

    entries: that list, as LiteLLM keeps it; each new one is treated as the one that it stands in for.
    """
    wanted = with_successors(config, gone)
    if wanted is config:
        return []
    new = {(provider.name, model.name): model for provider in wanted.providers for model in provider.models}
    kept: dict[tuple[str, str, int], Entry] = {}
    for entry in entries:
        info = entry["model_info"]
        kept.setdefault((info.get("provider", ""), info.get("model", ""), info.get("key", 1)), entry)
    found = []
    for entry in generate(wanted).model_list:
        info = entry["model_info"]
        model = new[info["provider"], info["model"]]
        old = kept.get((info["provider"], model.instead_of[0], info["key"])) if model.instead_of else None
        if old is not None:
            params = old["litellm_params"] | {"model": entry["litellm_params"]["model"]}
            found.append({**old, **entry, "litellm_params": params, "model_info": old["model_info"] | info})
    return found


def _with_successors(provider: Provider, gone: Gone, scopes: Mapping[tuple[str, str], set[str]]) -> Provider:
    models = list(provider.models)
    for model in provider.models:
        theirs = scopes.get((provider.name, model.name), set())
        name = _successor(model.name, theirs, gone)
        if name is None or any(each.name == name for each in provider.models):
            continue
        standing = next((each for each in models if each.name == name), None)
        new = _standing_in(provider, model, name) if standing is None else _joined(standing, model)
        place = models.index(model) + 1 if standing is None else models.index(standing)
        changed = [*models[:place], new, *models[place + (standing is not None) :]]
        wanted = replace(provider, models=tuple(changed))
        if not any(without_price([wanted], prices_of([wanted]))):
            models = changed
    return replace(provider, models=tuple(models))


def _successor(model: str, scopes: Iterable[str], gone: Gone) -> str | None:
    """The model that takes the place of one that is gone: of its successors the first that is not gone itself."""
    theirs, seen = set(scopes), {model}
    for _ in range(LONGEST):
        found = [gone.get(scope) for scope in sorted(theirs)]
        if not found or not all(each is not None and each.gone for each in found):
            return model if len(seen) > 1 else None
        named = next((each.successor for each in found if each is not None and each.successor), None)
        if named is None or named in seen:
            return None
        theirs = {renamed(scope, model, named) for scope in theirs}
        model = named
        seen.add(model)
    return None


def renamed(scope: str, old: str, new: str) -> str:
    """The scope that another model has of the same account."""
    head, _, quota = scope.rpartition("~")
    return f"{head.removesuffix(old)}{new}~{quota}"


def _standing_in(provider: Provider, old: Model, name: str) -> Model:
    """A model in the place of another. Of each limit of the old one and of the preset's of the new the lower holds."""
    preset = preset_of(provider.name, provider.litellm_provider)
    listed = () if preset is None else preset.models
    known: dict[str, Any] = next((dict(each.limits) for each in listed if each.name == name), {})
    return replace(
        old,
        name=name,
        limits=_lower(old.limits, Limits(**known)),
        price=None,
        supports=Supports(),
        context=None,
        max_output=None,
        instead_of=(old.name,),
    )


def _joined(standing: Model, old: Model) -> Model:
    groups = tuple(dict.fromkeys((*standing.groups, *old.groups)))
    instead_of = (*standing.instead_of, old.name)
    return replace(standing, groups=groups, limits=_lower(standing.limits, old.limits), instead_of=instead_of)


def _lower(one: Limits, other: Limits) -> Limits:
    lower: dict[str, Any] = {}
    for each in fields(Limits):
        values = [value for value in (getattr(one, each.name), getattr(other, each.name)) if value not in (None, ())]
        if values:
            lower[each.name] = values[0] if isinstance(values[0], tuple) else min(values)
    return Limits(**lower)
