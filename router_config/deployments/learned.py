"""What a Router learns from answers besides how its models count, and tells the other processes of its store."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import inf
from typing import Final

from router_config.deployments.calibrations import Calibrations
from router_config.deployments.learned_abilities import LearnedAbilities
from router_config.deployments.learned_loops import LearnedLoops
from router_config.ledger.rules.abilities import Lack, abilities_of, abilities_text
from router_config.ledger.rules.abilities import Place as Ability
from router_config.ledger.rules.learned import ABILITIES, LIMITS_OF, LOOPS, RETIRED
from router_config.ledger.rules.loops import loops_of, loops_text
from router_config.ledger.rules.retired import Retired, both, retired_of, retired_text
from router_config.ledger.rules.steady_limits import (
    FRESH_FOR,
    Place,
    ReportedLimits,
    Source,
    SteadyLimit,
    limits_of,
    limits_text,
)

NOTHING: Final[Mapping[Place, SteadyLimit]] = {}


class Learned(Calibrations):
    """How models count (`Calibrations`), the limits that providers report, and the models that are gone.

    changes: how often limits or models have become others. gone: by the scope of a model. abilities: what models were
    seen to refuse. loops: how long the tool loops of agents were.
    """

    def __init__(self) -> None:
        super().__init__()
        self._reported: defaultdict[str, ReportedLimits] = defaultdict(ReportedLimits)
        self._stale_at = inf
        self.changes = 0
        self.gone: Mapping[str, Retired] = {}
        self._gone_untold = False
        self.abilities, self.loops = LearnedAbilities(), LearnedLoops()

    def hear(self, provider: str, reported: Iterable[tuple[Place, float]], source: Source, now: float) -> bool:
        """An answer of a provider reports limits. True: one of them is another than was known, and steadily so."""
        theirs = self._reported[provider]
        changed = [theirs.hear(place, value, source, now) for place, value in reported]
        if any(changed):
            self._has_changed(now)
            return True
        return False

    def limits(self, provider: str) -> Mapping[Place, SteadyLimit]:
        """What a provider reports steadily; not to be changed."""
        return self._reported[provider].steady if provider in self._reported else NOTHING

    def latest_limits(self, provider: str) -> Mapping[Place, SteadyLimit]:
        """What it reported last, be it once."""
        return self._reported[provider].latest if provider in self._reported else NOTHING

    def retire(self, scope: str, successor: str | None, now: float) -> None:
        """A model is gone. successor: what may take its place."""
        known = self.gone.get(scope)
        if known is None or not known.gone or (successor is not None and known.successor != successor):
            self._note(scope, Retired(now, True, successor), now)

    def revive(self, scope: str, now: float) -> None:
        """A model answers. That it was gone is over."""
        known = self.gone.get(scope)
        if known is not None and known.gone:
            self._note(scope, Retired(now, False, known.successor), now)

    def _note(self, scope: str, retired: Retired, now: float) -> None:
        self.gone = both(self.gone, {scope: retired})
        self._gone_untold = True
        self._next_exchange = 0.0  # Other processes are told at once.
        self._has_changed(now)

    def grow_older(self, now: float) -> None:
        """What was not reported for a day counts no more in place of the file's limit."""
        if now >= self._stale_at:
            self._has_changed(now)

    def _has_changed(self, now: float) -> None:
        self.changes += 1
        ends = (limit.seen + FRESH_FOR for each in self._reported.values() for limit in each.steady.values())
        self._stale_at = min((end for end in ends if end > now), default=inf)

    def _to_tell(self) -> dict[str, str]:
        told = super()._to_tell()
        for provider, theirs in self._reported.items():
            if theirs.untold:
                theirs.untold = False
                told[f"{LIMITS_OF}{provider}"] = limits_text(theirs.steady)
        if self._gone_untold:
            self._gone_untold, told[RETIRED] = False, retired_text(self.gone)
        if self.abilities.untold:
            self.abilities.untold, told[ABILITIES] = False, abilities_text(self.abilities.known)
        if self.loops.untold:
            self.loops.untold, told[LOOPS] = False, loops_text(self.loops.known)
        return told

    def _was_not_told(self, names: Iterable[str]) -> None:
        for name in names:
            if name == RETIRED:
                self._gone_untold = True
            elif name == ABILITIES:
                self.abilities.untold = True
            elif name == LOOPS:
                self.loops.untold = True
            elif name.startswith(LIMITS_OF):
                self._reported[name.removeprefix(LIMITS_OF)].untold = True
            else:
                super()._was_not_told([name])

    def _take(self, name: str, text: str, now: float) -> None:
        if name == RETIRED:
            told, before = known_retired(text), self.gone
            self.gone = both(before, told)
            self._gone_untold = self.gone != told
            if self.gone != before:
                self._has_changed(now)
        elif name == ABILITIES:
            self.abilities.take(abilities_of(text))
        elif name == LOOPS:
            self.loops.take(loops_of(text))
        elif not name.startswith(LIMITS_OF):
            super()._take(name, text, now)
        elif self._reported[name.removeprefix(LIMITS_OF)].take(known_limits(text)):
            self._has_changed(now)


@lru_cache(maxsize=256)
def known_limits(text: str) -> Mapping[Place, SteadyLimit]:
    """The limits of a store's text, not to be changed."""
    return limits_of(text)


def limits_in(known: Mapping[str, str], provider: str) -> Mapping[Place, SteadyLimit]:
    """What a provider reports, in what a store knows by name."""
    text = known.get(f"{LIMITS_OF}{provider}")
    return NOTHING if text is None else known_limits(text)


@lru_cache(maxsize=16)
def known_retired(text: str) -> Mapping[str, Retired]:
    """The models that are gone, by a store's text; not to be changed."""
    return retired_of(text)


def retired_in(known: Mapping[str, str]) -> Mapping[str, Retired]:
    """The same, in what a store knows by name."""
    return known_retired(known.get(RETIRED, ""))


@lru_cache(maxsize=16)
def known_abilities(text: str) -> Mapping[Ability, Lack]:
    """What models were seen to refuse, by a store's text; not to be changed."""
    return abilities_of(text)


def abilities_in(known: Mapping[str, str]) -> Mapping[Ability, Lack]:
    """The same, in what a store knows by name."""
    return known_abilities(known.get(ABILITIES, ""))
