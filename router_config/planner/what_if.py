"""Configurations as they might be: with keys that are not there yet."""

from dataclasses import replace

from router_config.config.models import Config, Provider, Secret


def with_every_key(config: Config) -> Config:
    """As if every provider that is switched on had its keys."""
    return replace(config, providers=tuple(_with_keys(each) if each.enabled else each for each in config.providers))


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
