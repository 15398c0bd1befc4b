"""When a provider was rightly not asked: after a failure that its fault caused, for as long as the router says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.turmoil.faults import Episode

PROBE: Final = 0.5
"""Seconds that the one request takes which finds out whether a provider works again. The simulator answers in 0.2."""

BLAMELESS: Final = ("ok", "cancelled", "bad_request", "too_large", "context_window", "content_policy")
"""How attempts end that say nothing against the provider."""


@dataclass(frozen=True, slots=True)
class Cooldown:
    """From `began` to `ended`, in epoch seconds, nobody can expect this provider to be asked."""

    provider: str
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Pauses:
    """How long a provider is not asked: `cooldown` seconds; after refusals what the fault says, so many times less."""

    cooldown: float
    divided_by: float

    def after(self, episode: Episode, in_a_row: int) -> float:
        pauses = episode.fault.pauses
        return pauses[min(in_a_row, len(pauses)) - 1] / self.divided_by if pauses else self.cooldown


def cooldowns(attempts: Sequence[Mapping[str, Any]], episodes: Sequence[Episode], pauses: Pauses) -> list[Cooldown]:
    """The cooldowns of all providers.

    A failure counts only if a fault was on at its provider, that concerned every request. So the router has no excuse
    where it blames a provider for one poisoned message, or for nothing. A refusal that comes when the pause after the
    last one is over is one more in a row; an answer ends the row.
    """
    found: list[Cooldown] = []
    for provider in sorted({each["provider"] for each in attempts}):
        theirs = sorted((each for each in attempts if each["provider"] == provider), key=lambda each: each["ended"])
        in_a_row, until = 0, 0.0
        for each in theirs:
            if each["outcome"] == "ok":
                in_a_row = 0
            if each["outcome"] in BLAMELESS or (episode := _cause(each, episodes)) is None:
                continue
            if not episode.fault.pauses:
                found.append(Cooldown(provider, each["ended"], each["ended"] + pauses.cooldown + PROBE))
            elif each["ended"] >= until or not in_a_row:
                in_a_row += 1
                until = each["ended"] + pauses.after(episode, in_a_row)
                found.append(Cooldown(provider, each["ended"], until + PROBE))
    return found


def _cause(attempt: Mapping[str, Any], episodes: Sequence[Episode]) -> Episode | None:
    """The last fault that was on at its provider meanwhile, and concerned every request."""
    fitting = [
        one
        for one in episodes
        if one.provider in (attempt["provider"], "*")
        and one.fault.effect == "fails"
        and one.fault.text is None
        and one.began <= attempt["ended"]
        and one.ended >= attempt["began"]
    ]
    return fitting[-1] if fitting else None
