"""Which share of the tokens that reach a provider it takes, while it has room."""

from collections.abc import Mapping, Sequence

from router_config.ledger.values import Usage


def shares(slots: Mapping[str, Mapping[int, Usage]], order: Sequence[str], since: int) -> dict[str, float]:
    """By provider, in the order in which they are asked. 1 where it was never asked.

    Not all of a load may be for it: other groups of models, a minute that was full, cooldowns. An hour counts by what
    the provider took in it, so that those in which it had no room say nothing.

    slots: usage by provider and hour. since: the number of the first hour that counts.
    """
    passed: dict[int, int] = {}
    for provider in order:
        for number, usage in slots.get(provider, {}).items():
            passed[number] = passed.get(number, 0) + usage.tokens
    found: dict[str, float] = {}
    for provider in order:
        taken = weighted = 0.0
        for number, usage in slots.get(provider, {}).items():
            if number >= since and usage.tokens:
                taken += usage.tokens
                weighted += usage.tokens * usage.tokens / passed[number]
            passed[number] -= usage.tokens
        found[provider] = weighted / taken if taken else 1.0
    return found
