"""What a router reserves for prompts before their answers say how many tokens they had, by the router's own code."""

from collections.abc import Iterable
from typing import Final

from router_config.deployments.calibrations import Calibrations
from router_config.deployments.deployment import Deployment
from router_config.ledger.rules.calibration import Curve
from router_config.ledger.rules.gates import Need

ESTIMATED: Final = 8 / 7
"""Tokens that the router estimates for each of a prompt of sentences: four letters make one, and it takes 3.5."""


class Estimates:
    """Needs of prompts as a router estimates them, higher at first, and what it learns from each answer."""

    def __init__(self) -> None:
        self._calibrations = Calibrations()

    def need(self, prompt: int, answer: int) -> Need:
        """Of a prompt of so many tokens, which are known in truth, and an answer of so many at most."""
        estimate = int(prompt * ESTIMATED) + 1
        return Need(estimate + answer, estimate, correction=_AtLeast(self._calibrations, prompt))

    def learn(self, deployment: Deployment, need: Need, prompt: int, now: float) -> None:
        """An answer said how many tokens its prompt had."""
        self._calibrations.learn(deployment, "prose", need[1], prompt, need[0] - need[1], now)


class _AtLeast:
    """What is known of each candidate, and never less than the truth: no plan counts on luck."""

    __slots__ = ("_calibrations", "_prompt")

    def __init__(self, calibrations: Calibrations, prompt: int) -> None:
        self._calibrations, self._prompt = calibrations, prompt

    def curve(self, deployment: Deployment) -> Curve:
        return self._calibrations.known(deployment).curve

    def prompt_tokens(self, candidate: Deployment, estimate: int, answer: int) -> int:
        _, _, curve, cautious = self._calibrations.known(candidate)
        return max(self._prompt, curve.tokens("prose", estimate, cautious - answer))


def matter(deployments: Iterable[Deployment]) -> bool:
    """Whether it matters how exact estimates are: only minutes are so short that what is open now is much of them."""
    return any(
        limit.metric == "tokens" and limit.period == "minute"
        for each in deployments
        for meter in each.meters
        for limit in meter.limits
    )
