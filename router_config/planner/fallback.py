"""What a paid provider would cost for what nobody serves."""

from datetime import date
from typing import NamedTuple

from router_config.config.models import Config, ConfigError
from router_config.deployments.model_list import prices_of
from router_config.planner.assumptions.what_if import with_provider
from router_config.planner.assumptions.workload import DAY, MONTH

USUAL = "openai"
"""The provider that is told of where the configuration has no paid one."""


class Fallback(NamedTuple):
    """A paid provider, and the dollars that it would ask in a month."""

    provider: str
    usd_per_month: float


def fallback(config: Config, prompt_tokens: int, answer_tokens: int, days: int, today: date) -> Fallback | None:
    """The cheapest paid provider for so many tokens in so many days; None where no price is known.

    Of those that the configuration has keys for, else one that it could have.
    """
    paid = [each for each in config.providers if each.tier == "paid" and each.enabled and each.configured]
    if not paid:
        try:
            paid = [with_provider(config, USUAL, today).providers[-1]]
        except ConfigError:
            return None
    found = []
    for (provider, _), price in prices_of(paid).items():
        if price:
            usd = prompt_tokens * price["input_cost_per_token"] + answer_tokens * price["output_cost_per_token"]
            found.append(Fallback(provider, usd / days * MONTH / DAY))
    return min(found, key=lambda each: each.usd_per_month, default=None)
