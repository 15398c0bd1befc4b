"""From the configuration to deployments: as LiteLLM's model list has them, and as the ledger counts by them.

Everything of ours travels in `model_info`, which stays in the process; `litellm_params` go to the provider, and LiteLLM
sends keys there that it does not know (seen: `rpd`, `priority`). LiteLLM itself is not imported here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, NamedTuple

from router_config.config import prices as price_list
from router_config.config.models import Config, ConfigError, Model, Provider, reveal
from router_config.config.provider_section import SIGN_IN_OTHERWISE
from router_config.deployments.deployment import Deployment, account_of, deployment_of_entry, model_scope, scopes_of
from router_config.slices import pause

NO_KEY: Final = "no-key-needed"
"""Sent to a server that needs no key."""

Prices = Mapping[tuple[str, str], Mapping[str, float]]
"""By provider and model: dollars per token under LiteLLM's names, nothing where nobody knows them."""


@dataclass(frozen=True)
class Generated:
    """Arguments for `litellm.Router`, and which of the model list's entries are whose.

    of_providers: by name, a provider with its entries; a later `generate` takes over those of one that is the same.
    """

    model_list: list[dict[str, Any]]
    settings: dict[str, Any]
    of_providers: Mapping[str, tuple[Provider, list[dict[str, Any]]]]


class _Place(NamedTuple):
    """A model of a provider with one of its keys. `rank` counts from 0, `key` from 1. windows: the provider's.

    One that stands in for another has a rank just behind that.
    """

    provider: Provider
    model: Model
    rank: float
    key: int
    secret: str | None
    windows: Mapping[str, Any]


def generate(config: Config, before: Generated | None = None) -> Generated:
    """One entry for each group x provider x key x model that is enabled and has its key.

    before: of an older configuration; the entries of providers that are still the same are its.

    Raises ConfigError when dollars limit a model whose price nobody knows.
    """
    known = {} if before is None else before.of_providers
    providers = _ready(config)
    changed = [each for each in providers if (old := known.get(each.name)) is None or old[0] != each]
    prices = prices_of(changed)
    for provider, model in without_price(changed, prices):
        limit = (provider.limits.dollars + model.limits.dollars)[0]
        raise ConfigError(
            f"provider {provider.name}: {limit} needs a price, and LiteLLM's list has none for {model.name}.\n"
            "Give the model one, in dollars per million tokens: price: {input: 0.15, output: 0.60}"
        )
    settings = {
        "timeout": config.defaults.timeout,
        "model_group_alias": {name: group for name, group in config.aliases.items() if name != "*"},
        **reveal(config.router_settings),
    }
    new = {provider.name: (provider, list(_entries(provider, prices))) for provider in changed}
    of_providers = {each.name: new.get(each.name) or known[each.name] for each in providers}
    return Generated([entry for _, theirs in of_providers.values() for entry in theirs], settings, of_providers)


def _entries(provider: Provider, prices: Prices) -> Iterator[dict[str, Any]]:
    for place in _places([provider]):
        for group in place.model.groups:
            pause()
            yield _entry(place, group, prices)


def deployments_of(config: Config, *, configured_only: bool = True, correction: float = 0.0) -> tuple[Deployment, ...]:
    """Every deployment of the configuration, once, in order of priority, then of listing.

    configured_only: leave out providers that are disabled or lack their key. correction: seconds by which the time of
    calendar days is ahead of the router's clock.
    """
    providers = _ready(config) if configured_only else config.providers
    prices = prices_of(providers)
    found = []
    for place in _places(providers, configured_only=configured_only):
        pause()
        groups = place.model.groups
        entry = _entry(place, groups[0], prices)
        deployment = deployment_of_entry(entry, config.defaults.soft_limit, correction)
        found.append(replace(deployment, groups=groups))
    return tuple(sorted(found, key=lambda each: (each.priority, each.rank)))


def prices_of(providers: Iterable[Provider]) -> Prices:
    """The prices of all models. LiteLLM's list is read only where a paid model has none in the file.

    A price in model_info, zero included, also spares LiteLLM a search of its whole price list at each request, and one
    for cached tokens spares a warning for each model outside that list (1.106.2).
    """
    models = [(provider, model) for provider in providers for model in provider.models]
    unknown = [(each.litellm_provider, model.name) for each, model in models if each.tier == "paid" and not model.price]
    listed = price_list.listed(unknown)
    prices: dict[tuple[str, str], Mapping[str, float]] = {}
    for provider, model in models:
        if provider.tier == "free":
            price = _per_token(0.0, 0.0)
        elif model.price is not None:
            price = _per_token(model.price.input / 1e6, model.price.output / 1e6)
        else:
            entry = price_list.priced(listed[provider.litellm_provider, model.name])
            price = {} if entry is None else _listed_price(entry)
        prices[provider.name, model.name] = price
    return prices


def without_price(providers: Iterable[Provider], prices: Prices) -> Iterator[tuple[Provider, Model]]:
    """The models whose dollars are limited, and whose price nobody knows."""
    for provider in providers:
        for model in provider.models:
            if (provider.limits.dollars or model.limits.dollars) and not prices[provider.name, model.name]:
                yield provider, model


def _ready(config: Config) -> list[Provider]:
    return [provider for provider in config.providers if provider.enabled and provider.configured]


def _places(providers: Iterable[Provider], *, configured_only: bool = True) -> Iterator[_Place]:
    for provider in providers:
        windows = {"day": provider.day.given(), "week": asdict(provider.week), "month": asdict(provider.month)}
        rank: float = -1
        for model in provider.models:
            rank = rank + 0.5 if model.instead_of else int(rank) + 1
            for number, key in enumerate(provider.keys, start=1):
                secret = None if key.secret is None else key.secret.get_secret_value()
                if secret is not None or not (configured_only and provider.needs_key):
                    yield _Place(provider, model, rank, number, secret, windows)


def _entry(place: _Place, group: str, prices: Prices) -> dict[str, Any]:
    provider, model, secret = place.provider, place.model, place.secret
    account = account_of(provider, place.key)
    # LiteLLM takes no ":" in ids, and models on OpenRouter end in ":free".
    name = f"{provider.name}/{model.name}#{place.key}".replace(":", "~")
    return {
        "model_name": group,
        "litellm_params": {
            **reveal(model.litellm_params),
            "model": f"{provider.litellm_provider}/{model.name}",
            **({} if (key := _sent_key(provider, secret)) is None else {"api_key": key}),
            **({"api_base": provider.api_base} if provider.api_base else {}),
        },
        "model_info": {
            "id": name if group == model.groups[0] else f"{name}@{group}",
            "provider": provider.name,
            "model": model.name,
            "key": place.key,
            "priority": provider.priority,
            "rank": place.rank,
            "tier": provider.tier,
            "account": account.scope,
            "formerly": account.formerly,
            "rests_with": list(
                scopes_of(
                    provider.name,
                    account.scope,
                    model_scope(account.scope, model.name),
                    provider.api_base or "",
                    secret or "",
                    account.keys,
                )
            ),
            "limits": model.limits.given(),
            "account_limits": provider.limits.given(),
            "trust": provider.trust,
            "on_retired": provider.on_retired,
            "pace": provider.pace,
            **abilities_told(model),
            **_instead_of(provider, model),
            **place.windows,
            **prices[provider.name, model.name],
        },
    }


def abilities_told(model: Model) -> dict[str, Any]:
    """What the file says of what a model can do, as `model_info` has it."""
    given = {"supports": model.supports.given(), "context": model.context, "max_output": model.max_output}
    return {name: value for name, value in given.items() if value}


def _instead_of(provider: Provider, model: Model) -> dict[str, Any]:
    """LiteLLM's names of the models in whose place another answers."""
    names = [f"{provider.litellm_provider}/{old}" for old in model.instead_of]
    return {"instead_of": names} if names else {}


def _sent_key(provider: Provider, secret: str | None) -> str | None:
    """The key for LiteLLM, which takes one of the environment where there is none: not for an address of its own."""
    other = provider.api_base is not None and provider.litellm_provider not in SIGN_IN_OTHERWISE
    return NO_KEY if secret is None and other and not provider.needs_key else secret


def _listed_price(entry: Mapping[str, Any]) -> dict[str, float]:
    return _per_token(
        entry["input_cost_per_token"],
        entry.get("output_cost_per_token") or 0.0,
        entry.get("cache_read_input_token_cost"),
        entry.get("cache_creation_input_token_cost"),
    )


def _per_token(
    input_price: float, output_price: float, cache_read: float | None = None, cache_creation: float | None = None
) -> dict[str, float]:
    """Tokens from and to a cache cost as much as others where nothing else is known."""
    return {
        "input_cost_per_token": input_price,
        "output_cost_per_token": output_price,
        "cache_read_input_token_cost": input_price if cache_read is None else cache_read,
        "cache_creation_input_token_cost": input_price if cache_creation is None else cache_creation,
    }
