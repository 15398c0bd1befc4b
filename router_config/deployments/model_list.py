"""Config -> LiteLLM: the model list and the Router's settings.

Everything of ours travels in `model_info`, which stays in the process; `litellm_params` go to the provider, and LiteLLM
sends keys there that it does not know (seen: `rpd`, `priority`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import litellm

from router_config.config.models import Config, ConfigError, Limits, Model, Provider, reveal
from router_config.deployments.deployment import account_of, deployment_id, rests_of


@dataclass(frozen=True)
class Generated:
    """Arguments for `litellm.Router`, with ours beside them."""

    model_list: list[dict[str, Any]]
    settings: dict[str, Any]


def generate(config: Config) -> Generated:
    """One entry for each group x provider x key x model that is enabled and has its key.

    Raises ConfigError when `usd_per_day` limits a model whose price nobody knows.
    """
    entries = [
        entry
        for provider in config.providers
        if provider.enabled and provider.configured
        for entry in _entries(provider)
    ]
    settings = {
        "timeout": config.defaults.timeout,
        "model_group_alias": {name: group for name, group in config.aliases.items() if name != "*"},
        **reveal(config.router_settings),
    }
    return Generated(entries, settings)


def _entries(provider: Provider) -> Iterator[dict[str, Any]]:
    for rank, model in enumerate(provider.models):
        price = _price(provider, model)
        for number, key in enumerate(provider.keys, start=1):
            secret = key.secret.get_secret_value() if key.secret is not None else None
            if secret is None and provider.needs_key:
                continue
            account = account_of(provider.name, number, shared=provider.pool == "shared")
            rests = rests_of(provider, account, model.name, secret)
            for group in model.groups:
                name = deployment_id(provider.name, model.name, number)
                yield {
                    "model_name": group,
                    "litellm_params": {
                        **reveal(model.litellm_params),
                        "model": f"{provider.litellm_provider}/{model.name}",
                        **({"api_key": secret} if secret is not None else {}),
                        **({"api_base": provider.api_base} if provider.api_base else {}),
                    },
                    "model_info": {
                        "id": name if group == model.groups[0] else f"{name}@{group}",
                        "provider": provider.name,
                        "model": model.name,
                        "key": number,
                        "priority": provider.priority,
                        "rank": rank,
                        "tier": provider.tier,
                        "account": account,
                        "rests_with": list(rests),
                        "limits": _limits(model.limits),
                        "account_limits": _limits(provider.limits),
                        "day": provider.day.given(),
                        **price,
                    },
                }


def _limits(limits: Limits) -> dict[str, float]:
    return limits.given()


def _price(provider: Provider, model: Model) -> dict[str, float]:
    """Dollars per token, under LiteLLM's names.

    A price in model_info, zero included, also spares LiteLLM a search of its whole price list at each request, and
    one for cached tokens spares a warning for each model outside that list (1.106.2).
    """
    if provider.tier == "free":
        return _prices(0.0, 0.0)
    if model.price is not None:
        return _prices(model.price.input / 1e6, model.price.output / 1e6)
    listed = _listed_price(f"{provider.litellm_provider}/{model.name}") or _listed_price(model.name)
    if listed is None and (provider.limits.usd_per_day or model.limits.usd_per_day):
        raise ConfigError(
            f"provider {provider.name}: usd_per_day needs a price, and LiteLLM's list has none for {model.name}.\n"
            "Give the model one, in dollars per million tokens: price: {input: 0.15, output: 0.60}"
        )
    return listed or {}


def _prices(
    input_price: float, output_price: float, cache_read: float | None = None, cache_creation: float | None = None
) -> dict[str, float]:
    """Of tokens from and to a cache as much as of others, where nothing else is known."""
    return {
        "input_cost_per_token": input_price,
        "output_cost_per_token": output_price,
        "cache_read_input_token_cost": input_price if cache_read is None else cache_read,
        "cache_creation_input_token_cost": input_price if cache_creation is None else cache_creation,
    }


def _listed_price(model: str) -> dict[str, float] | None:
    listed: Mapping[str, Any] | None = litellm.model_cost.get(model)
    if listed is None or listed.get("input_cost_per_token") is None:
        return None
    return _prices(
        listed["input_cost_per_token"],
        listed.get("output_cost_per_token") or 0.0,
        listed.get("cache_read_input_token_cost"),
        listed.get("cache_creation_input_token_cost"),
    )
