"""The curves of the models that a Router asks, and their way to other processes through the store."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple, get_args

from router_config.deployments.deployment import Deployment
from router_config.ledger.interfaces import Ledger
from router_config.ledger.rules.calibration import Curve, TextKind, curve_of, curve_text

EXCHANGED_EVERY: Final = 1.0
"""Seconds between two exchanges with a shared store."""

FIRST_REQUESTS: Final = 5
"""So many requests at least fit the minute of a model of which nothing is known yet."""

KEPT: Final = 4096


class Known(NamedTuple):
    """Of one deployment: its model's name and curve, and the tokens that a request takes at most for caution."""

    deployment: Deployment
    name: str
    curve: Curve
    cautious: int


class Calibrations:
    """By model of a provider, whatever the key: the keys of a provider count alike."""

    def __init__(self) -> None:
        self._curves: defaultdict[str, Curve] = defaultdict(Curve)
        self._of_deployment: dict[int, Known] = {}
        self.corrections: Mapping[TextKind, Correction] = {kind: Correction(self, kind) for kind in get_args(TextKind)}
        """Of prompts, by what text they mostly are."""
        self._changed: set[str] = set()
        self._next_exchange = 0.0
        self._read: dict[str, str] = {}
        """The texts that the store gave last."""

    def known(self, deployment: Deployment) -> Known:
        known = self._of_deployment.get(id(deployment))
        if known is None or known[0] is not deployment:
            if len(self._of_deployment) >= KEPT:
                self._of_deployment.clear()
            name = f"{deployment.provider}/{deployment.model}"
            known = Known(deployment, name, self._curves[name], _first(deployment))
            self._of_deployment[id(deployment)] = known
        return known

    def learn(
        self, deployment: Deployment, kind: TextKind, estimate: int, counted: int, answer: int, now: float
    ) -> None:
        """Take over what an answer says. answer: tokens that were reserved for it."""
        _, name, curve, cautious = self.known(deployment)
        if not curve.answers:
            self._next_exchange = 0.0  # Other processes are told of the first answer at once.
        curve.learn(kind, estimate, counted, now, cautious - answer)
        self._changed.add(name)

    def heard_nothing(self, deployment: Deployment) -> None:
        """An answer came and reported no tokens."""
        _, name, curve, _ = self.known(deployment)
        if not curve.silent:
            self._changed.add(name)
        curve.silent += 1

    def exchange_is_due(self, now: float) -> bool:
        return now >= self._next_exchange or now < self._next_exchange - 2 * EXCHANGED_EVERY

    async def exchange(self, store: Ledger, now: float) -> None:
        """Tell the store what was learned here, and take over what others have learned."""
        self._next_exchange = now + EXCHANGED_EVERY
        told = self._to_tell()
        try:
            known = await store.learn(told)
        except BaseException:
            self._was_not_told(told)
            raise
        for name, text in known.items():
            if self._read.get(name) != text:
                self._read[name] = text
                self._take(name, text, now)

    def _to_tell(self) -> dict[str, str]:
        """What the store does not know yet, by name; from now on it passes for told."""
        changed, self._changed = self._changed, set()
        return {name: curve_text(self._curves[name]) for name in changed}

    def _was_not_told(self, names: Iterable[str]) -> None:
        self._changed.update(names)

    def _take(self, name: str, text: str, now: float) -> None:
        self._curves[name].merge(curve_of(text))


class Correction:
    """The tokens of prompts of one kind as each candidate will count them, on the high side."""

    __slots__ = ("_calibrations", "kind")

    def __init__(self, calibrations: Calibrations, kind: TextKind) -> None:
        self._calibrations, self.kind = calibrations, kind

    def curve(self, deployment: Deployment) -> Curve:
        return self._calibrations.known(deployment).curve

    def prompt_tokens(self, candidate: Deployment, estimate: int, answer: int) -> int:
        _, _, curve, cautious = self._calibrations.known(candidate)
        return curve.tokens(self.kind, estimate, cautious - answer)


@lru_cache(maxsize=2048)
def known_curve(text: str) -> Curve:
    """The curve of a store's text, not to be changed."""
    return curve_of(text)


def _first(deployment: Deployment) -> int:
    """Tokens that a request takes at most for caution: a part of the minute, so that some are served at once."""
    limits = (meter.value_of("tpm") for meter in deployment.meters)
    return int(min((limit for limit in limits if limit is not None), default=0) // FIRST_REQUESTS)
