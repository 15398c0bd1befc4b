"""Configurations as they might be: with keys and providers that are not there yet."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

from router_config.config.models import Config, ConfigError, Day, Key, Limits, Model, Provider, Secret
from router_config.presets.lookup import preset_to_add
from router_config.presets.preset import Preset

NO_KEYS: Final = "No provider has a key yet: planned as if all had theirs."


def not_planned(config: Config) -> Iterator[str]:
    """What rules of groups may change, and a plan does not know, in sentences."""
    for name, rules in config.group_rules.items():
        if rules.hedge is not None:
            at_most = rules.hedge.at_most
            divided = f"what lasts is to be divided by {1 + at_most:g} or, in tokens, a little more"
            more = f"up to {at_most * 100:g} % more requests than planned"
            yield f"Hedging in the group {name} may ask {more}: {divided}."
        if rules.prefer == "fastest":
            yield f"The group {name} prefers the fastest, and nobody knows who that will be: planned by the room left."


def usable(config: Config) -> Config:
    """As it is; where no provider has a key yet, as if all had theirs."""
    return with_every_key(config) if len(left_out(config)) == len(config.providers) else config


def with_every_key(config: Config) -> Config:
    """As if every provider that is switched on had its keys."""
    return replace(config, providers=tuple(_with_keys(each) if each.enabled else each for each in config.providers))


def with_key(config: Config, name: str) -> Config:
    """With one key more for a provider, of an account of its own. Raises ConfigError where there is none."""
    found = next((each for each in config.providers if each.name == name), None)
    if found is None:
        names = ", ".join(each.name for each in config.providers)
        raise ConfigError(f'no provider is called "{name[:60]}", so it gets no key\n  There are: {names}.')
    number = len(found.keys) + 1
    key = Key(secret=Secret(f"planned {name} {number}"), account=f"planned-{number}")
    more = replace(found, keys=(*found.keys, key))
    return replace(config, providers=tuple(more if each is found else each for each in config.providers))


def with_provider(config: Config, name: str, today: date) -> Config:
    """With a provider more, as `router-config add` has it. Raises UnknownPreset for one of which nothing is known.

    A free one comes after the free ones that are there, a paid one after all.
    """
    preset = preset_to_add(name, today)
    before = [each.priority for each in config.providers if preset.tier == "paid" or each.tier == "free"]
    priority = max(before, default=0) + 1
    later = [each for each in config.providers if each.priority >= priority]
    others = [replace(each, priority=each.priority + 1) if each in later else each for each in config.providers]
    return replace(config, providers=(*others, _provider(preset, priority)))


def _provider(preset: Preset, priority: int) -> Provider:
    return Provider(
        name=preset.name,
        priority=priority,
        tier=preset.tier,
        litellm_provider=preset.litellm_provider,
        keys=(Key(secret=Secret(f"planned {preset.name}")),),
        limits=_limits(preset.limits),
        day=Day(window=preset.day, timezone=preset.timezone),
        models=tuple(Model(name=each.name, limits=_limits(each.limits)) for each in preset.models),
    )


def _limits(named: Mapping[str, Any]) -> Limits:
    return Limits(**named)


def left_out(config: Config) -> dict[str, str]:
    """The providers that are never asked, each with the reason."""
    reasons = {}
    for each in config.by_priority:
        if not each.enabled:
            reasons[each.name] = "enabled: false"
        elif not each.configured:
            reasons[each.name] = f"{' or '.join((*each.key_variables, *each.missing))} is not set"
    return reasons


def _with_keys(provider: Provider) -> Provider:
    if not provider.needs_key:
        return replace(provider, missing=())
    keys = [
        key if key.secret is not None else replace(key, secret=Secret(f"planned {provider.name} {number}"))
        for number, key in enumerate(provider.keys)
    ]
    return replace(provider, keys=tuple(keys), missing=())
