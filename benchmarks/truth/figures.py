"""What a plan says of a workload and what became of it over HTTP, side by side."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from benchmarks.truth.sending import Ended, Sent
from router_config.planner.plan import Plan

WITHIN: Final = 0.02
"""By how much the two may differ, as a share of the larger one."""

CHANCE: Final = 2
"""Requests by which they may always differ: one that just fits here may just not fit there."""


class Figure(NamedTuple):
    """chance: by so much they may always differ."""

    name: str
    planned: float
    sent: float
    chance: float

    @property
    def differs(self) -> float:
        """As a share of the larger one."""
        return abs(self.planned - self.sent) / (max(self.planned, self.sent) or 1.0)

    @property
    def true(self) -> bool:
        return self.differs <= WITHIN or abs(self.planned - self.sent) <= self.chance


@dataclass(frozen=True)
class Compared:
    """A case: its figures, and how many requests were sent."""

    title: str
    requests: int
    figures: tuple[Figure, ...]
    too_many: int
    failed: Counter[str]

    @property
    def true(self) -> bool:
        return not self.too_many and not self.failed and all(each.true for each in self.figures)


def compared(title: str, made: Plan, sent: Sent, begins: float, ends: float) -> Compared:
    """begins, ends: of the plan, epoch seconds."""
    tokens, requests = sum(each.tokens for each in sent.ended), len(sent.ended)
    chance = CHANCE / max(1, requests)
    served = [each for each in sent.ended if each.provider is not None]
    figures = [
        Figure("served", made.served, sum(each.tokens for each in served) / tokens, chance),
        Figure("dark seconds", made.dark_seconds, dark(sent.ended, ends), chance * (ends - begins)),
    ]
    by_provider = {each.provider: each for each in made.providers}
    for name in [*by_provider, *sorted({str(each.provider) for each in served} - by_provider.keys())]:
        theirs = [each for each in served if each.provider == name]
        planned = by_provider.get(name)
        figures.append(Figure(f"{name} requests", planned.requests if planned else 0, len(theirs), CHANCE))
        total = sum(each.tokens for each in theirs)
        figures.append(Figure(f"{name} tokens", planned.tokens if planned else 0, total, chance * tokens))
    return Compared(title, requests, tuple(figures), sent.too_many, sent.failed)


def dark(ended: Iterable[Ended], ends: float) -> float:
    """Seconds in which somebody waited for room, or nobody had been served since somebody was refused."""
    stretches: list[tuple[float, float]] = []
    ordered = sorted(ended, key=lambda each: each.asked_at)
    refused_at: float | None = None
    for each in ordered:
        if each.provider is None:
            refused_at = each.asked_at if refused_at is None else refused_at
        elif refused_at is not None:
            stretches.append((refused_at, each.asked_at))
            refused_at = None
        if each.asked_at > each.at:
            stretches.append((each.at, each.asked_at))
    if refused_at is not None:
        stretches.append((refused_at, ends))
    return _covered(stretches)


def _covered(stretches: Sequence[tuple[float, float]]) -> float:
    total, until = 0.0, float("-inf")
    for begins, ends in sorted(stretches):
        total += max(0.0, ends - max(begins, until))
        until = max(until, ends)
    return total
