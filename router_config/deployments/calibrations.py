"""The curves of the models that a Router asks, and their way to other processes through the store."""

from collections import defaultdict
from functools import lru_cache
from typing import Final

from router_config.deployments.deployment import Deployment
from router_config.ledger.interfaces import Ledger
from router_config.ledger.rules.calibration import Curve, Sample, TextKind, curve_of, curve_text

EXCHANGED_EVERY: Final = 1.0
"""Seconds between two exchanges with a shared store."""

FIRST_REQUESTS: Final = 5
"""So many requests at least fit the minute of a model of which nothing is known yet."""

KEPT: Final = 4096


class Calibrations:
    """By model of a provider, whatever the key: the keys of a provider count alike."""

    def __init__(self) -> None:
        self._curves: defaultdict[str, Curve] = defaultdict(Curve)
        self._of_deployment: dict[int, tuple[Deployment, Curve, int]] = {}
        self._changed: set[str] = set()
        self._next_exchange = 0.0
        self._read: dict[str, str] = {}
        """The texts that the store gave last."""

    def prompt_tokens(self, deployment: Deployment, kind: TextKind, estimate: int, answer: int) -> int:
        """Tokens that a deployment will count for a prompt, on the high side. answer: tokens reserved for that."""
        known = self._of_deployment.get(id(deployment))
        if known is None or known[0] is not deployment:
            if len(self._of_deployment) >= KEPT:
                self._of_deployment.clear()
            known = self._of_deployment[id(deployment)] = deployment, self.curve(deployment), _first(deployment)
        return known[1].tokens(kind, estimate, known[2] - answer)

    def curve(self, deployment: Deployment) -> Curve:
        return self._curves[name_of(deployment)]

    def learn(self, deployment: Deployment, sample: Sample, now: float) -> None:
        curve = self.curve(deployment)
        if not curve.answers:
            self._next_exchange = 0.0  # Other processes are told of the first answer at once.
        curve.learn(sample, now)
        self._changed.add(name_of(deployment))

    def heard_nothing(self, deployment: Deployment) -> None:
        """An answer came and reported no tokens."""
        curve = self.curve(deployment)
        if not curve.silent:
            self._changed.add(name_of(deployment))
        curve.silent += 1

    def exchange_is_due(self, now: float) -> bool:
        return now >= self._next_exchange or now < self._next_exchange - 2 * EXCHANGED_EVERY

    async def exchange(self, store: Ledger, now: float) -> None:
        """Tell the store what was learned here, and take over what others have learned."""
        self._next_exchange = now + EXCHANGED_EVERY
        changed, self._changed = self._changed, set()
        try:
            known = await store.learn({name: curve_text(self._curves[name]) for name in changed})
        except BaseException:
            self._changed |= changed
            raise
        for name, text in known.items():
            if self._read.get(name) != text:
                self._read[name] = text
                self._curves[name].merge(curve_of(text))


class Correction:
    """Of one request: the tokens of its prompt as each candidate will count them. answer: tokens reserved for that."""

    __slots__ = ("_answer", "_calibrations", "kind")

    def __init__(self, calibrations: Calibrations, kind: TextKind, answer: int) -> None:
        self._calibrations, self.kind, self._answer = calibrations, kind, answer

    def curve(self, deployment: Deployment) -> Curve:
        return self._calibrations.curve(deployment)

    def prompt_tokens(self, candidate: Deployment, estimate: int) -> int:
        return self._calibrations.prompt_tokens(candidate, self.kind, estimate, self._answer)


@lru_cache(maxsize=2048)
def known_curve(text: str) -> Curve:
    """The curve of a store's text, not to be changed."""
    return curve_of(text)


def name_of(deployment: Deployment) -> str:
    return f"{deployment.provider}/{deployment.model}"


def _first(deployment: Deployment) -> int:
    """Tokens that a request takes at most for caution: a part of the minute, so that some are served at once."""
    limits = (meter.value_of("tpm") for meter in deployment.meters)
    return int(min((limit for limit in limits if limit is not None), default=0) // FIRST_REQUESTS)
