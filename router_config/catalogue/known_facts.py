"""What LiteLLM's price list knows of models whose own list says less: some providers list names alone."""

from collections.abc import Iterable, Mapping
from typing import Any

from router_config.catalogue import fields
from router_config.catalogue.listing import ListedModel
from router_config.config import prices as price_list
from router_config.config.models import Price, Provider

FACTS = ("context", "tools", "vision", "price")


def known_facts(provider: Provider, models: Iterable[ListedModel]) -> dict[str, dict[str, Any]]:
    """By model, the facts that its own list does not tell and LiteLLM's list does, by their names in ListedModel.

    LiteLLM's prices are for those who pay: they are none of a provider whose tier is free.
    """
    wanted = FACTS if provider.tier == "paid" else FACTS[:-1]
    lacking = [model for model in models if any(getattr(model, fact) is None for fact in wanted)]
    listed = price_list.listed((provider.litellm_provider, model.name) for model in lacking)
    found = {}
    for model in lacking:
        known = [_facts(entry) for entry in listed[provider.litellm_provider, model.name]]
        facts = {
            fact: next((each[fact] for each in known if each[fact] is not None), None)
            for fact in wanted
            if getattr(model, fact) is None
        }
        found[model.name] = {fact: value for fact, value in facts.items() if value is not None}
    return {name: facts for name, facts in found.items() if facts}


def _facts(entry: Mapping[str, Any]) -> dict[str, Any]:
    price: Price | None = fields.price(entry.get("input_cost_per_token"), entry.get("output_cost_per_token"), 1e6)
    return {
        "context": fields.count(entry.get("max_input_tokens")),
        "tools": fields.flag(entry.get("supports_function_calling")),
        "vision": fields.flag(entry.get("supports_vision")),
        "price": price,
    }
