"""The limits that a provider reports again and again, and since when: pure logic, the time is an argument.

An answer may be odd once, so one alone changes nothing here. What is steady outlasts the process, in a text of each
provider that the processes of a store tell each other.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, cast, get_args

from router_config.ledger.rules.meters import LIMITS, LimitName

Source = Literal["headers", "429"]
"""Where a limit was reported: with answers, or by a refusal."""

Place = tuple[str, LimitName]
"""The scope that a limit is of (an account, or a model of one), and its name."""

ANSWERS: Final = 3
"""So many answers must report the same limit, and no other in between."""

STEADY_AFTER: Final = 80.0
"""Seconds from the first of them to the last, at least. At its end a day's window passes for a minute's, no longer."""

SEEN_EVERY: Final = 3600.0
"""Seconds after which it is noted again that a limit is still reported."""

KEPT_FOR: Final = 30 * 86400.0
"""Seconds for which a limit is remembered that is reported no more."""

FRESH_FOR: Final = 86400.0
"""Seconds without a report after which a limit is not used in place of a lower one of the file."""

KEPT: Final = 400
"""Limits of one provider that are remembered."""


class SteadyLimit(NamedTuple):
    """A limit as it was reported from `since` on, and last at `seen` (epoch seconds)."""

    value: float
    since: float
    seen: float
    source: Source = "headers"

    def is_fresh(self, now: float) -> bool:
        return now < self.seen + FRESH_FOR


def later(one: SteadyLimit, other: SteadyLimit) -> SteadyLimit:
    """Of what two processes know of one limit, what holds. The order does not matter."""
    if one.value == other.value:
        first = min(one, other, key=lambda each: (each.since, each.source))
        return first._replace(seen=max(one.seen, other.seen))
    return max(one, other, key=lambda each: (each.since, -each.value))


def limits_text(limits: Mapping[Place, SteadyLimit]) -> str:
    return json.dumps([[*place, *limit] for place, limit in sorted(limits.items())], separators=(",", ":"))


def limits_of(text: str) -> dict[Place, SteadyLimit]:
    """The limits of a text; of a text of another version those that can be read."""
    try:
        rows = json.loads(text)
    except ValueError:
        return {}
    return dict(_read(rows if isinstance(rows, list) else []))


def _read(rows: list[Any]) -> Iterator[tuple[Place, SteadyLimit]]:
    for row in rows:
        match row:
            case [
                str(scope),
                str(name),
                int() | float() as value,
                int() | float() as since,
                int() | float() as seen,
                source,
            ]:
                if name in LIMITS and source in get_args(Source):
                    yield (scope, name), SteadyLimit(value, since, seen, cast(Source, source))


def both(one: Mapping[Place, SteadyLimit], other: Mapping[Place, SteadyLimit]) -> dict[Place, SteadyLimit]:
    """What two processes know, as one; what was last reported long ago is left out."""
    found = dict(one)
    for place, limit in other.items():
        found[place] = later(found[place], limit) if place in found else limit
    newest = max((limit.seen for limit in found.values()), default=0.0)
    kept = {place: limit for place, limit in found.items() if limit.seen > newest - KEPT_FOR}
    if len(kept) <= KEPT:
        return kept
    return dict(sorted(kept.items(), key=lambda each: (each[1].seen, each[0]), reverse=True)[:KEPT])


@dataclass(slots=True)
class _Streak:
    """Answers in a row that report the same limit, another than is known."""

    value: float
    since: float
    source: Source
    answers: int = 1
    seen: float = 0.0

    @property
    def limit(self) -> SteadyLimit:
        return SteadyLimit(self.value, self.since, self.seen, self.source)


@dataclass(slots=True)
class ReportedLimits:
    """The limits of one provider: those that are steady, and what may be. untold: not told to other processes."""

    steady: dict[Place, SteadyLimit] = field(default_factory=dict)
    untold: bool = False
    _streaks: dict[Place, _Streak] = field(default_factory=dict)

    def hear(self, place: Place, value: float, source: Source, now: float) -> bool:
        """An answer reports a limit. True: it is steady now, and another than before."""
        known, streak = self.steady.get(place), self._streaks.get(place)
        if known is not None and known.value == value:
            if streak is not None:
                del self._streaks[place]
            if now >= known.seen + SEEN_EVERY:
                self.steady[place] = known._replace(seen=now)
                self.untold = True
            return False
        if streak is None or streak.value != value:
            if streak is not None or len(self._streaks) < KEPT:
                self._streaks[place] = _Streak(value, now, source, seen=now)
            return False
        streak.answers, streak.seen = streak.answers + 1, max(streak.seen, now)
        if streak.answers < ANSWERS or now < streak.since + STEADY_AFTER:
            return False
        del self._streaks[place]
        self.steady = both({**self.steady, place: streak.limit}, {})
        self.untold = True
        return True

    def take(self, told: Mapping[Place, SteadyLimit]) -> bool:
        """What other processes know, besides. True: a limit is another than before."""
        before, self.steady = self.steady, both(self.steady, told)
        self.untold = self.steady != told  # The store knows less than this process, as after a failure.
        return {place: limit.value for place, limit in before.items()} != {
            place: limit.value for place, limit in self.steady.items()
        }

    @property
    def latest(self) -> dict[Place, SteadyLimit]:
        """What was reported last of each, steady or not."""
        return {**self.steady, **{place: streak.limit for place, streak in self._streaks.items()}}
