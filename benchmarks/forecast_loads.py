"""Loads of weeks by the minute, made as recorded ones are: of four kinds, with good and bad days, and chance.

No two seeds have the same rate, growth or length of a turn. What a load really expected of each minute is kept, so that
a forecaster who knows it all but chance can be asked, too.
"""

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from random import Random
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

Kind = Literal["trading", "steady", "bursts", "growth"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
ABOUT: Final[dict[Kind, str]] = {
    "trading": "Mon-Fri 09:30-16:00 New York, more at both ends, a few requests before and at night, some holidays",
    "steady": "as many at all hours",
    "bursts": "an agent's turns of 50 to 150 calls, by day and seldom by night and at weekends",
    "growth": "a day with a peak, quieter weekends, 5 to 15 % more each week",
}

BEGINS: Final = int(datetime(2026, 9, 7, tzinfo=UTC).timestamp()) // 3600
"""The number of the first hour: a Monday. The loads go through an end of daylight saving time."""

DAY, WEEK = 1440, 10_080
"""Minutes."""

_NEW_YORK: Final = ZoneInfo("America/New_York")


@dataclass(frozen=True)
class RecordedLoad:
    """Tokens used until each minute since the load began, and tokens that were to be expected until then."""

    used: list[float]
    to_expect: list[float]

    @property
    def minutes(self) -> int:
        return len(self.used) - 1

    def between(self, since: int, until: int) -> float:
        return self.used[until] - self.used[since]

    def hours(self, until: int) -> tuple[float, ...]:
        """Tokens of each whole hour before a minute."""
        return tuple(self.between(hour * 60, hour * 60 + 60) for hour in range(until // 60))

    def reaches(self, tokens: float) -> int:
        """The minute by which so much has been used since the load began."""
        return bisect_left(self.used, tokens)


def recorded_load(kind: Kind, seed: int, weeks: int) -> RecordedLoad:
    random = Random(f"{kind} {seed}")
    tokens, rates = _bursts(random, weeks) if kind == "bursts" else _requests(random, kind, weeks)
    return RecordedLoad([0.0, *accumulate(tokens)], [0.0, *accumulate(rates)])


def _requests(random: Random, kind: Kind, weeks: int) -> tuple[list[float], list[float]]:
    """Requests that come at random moments, of 1500 tokens or so."""
    spread = {"trading": 0.2, "steady": 0.05, "growth": 0.12}[kind]
    days = _days(random, weeks * 7, spread)
    if kind == "trading":
        rate_at = _trading(random, weeks)
    elif kind == "steady":
        rate = random.choice([20.0, 40.0, 120.0])
        rate_at = lambda _: rate  # noqa: E731
    else:
        rate_at = _growing(random)
    tokens, rates = [0.0] * (weeks * WEEK), [0.0] * (weeks * WEEK)
    hour = 1.0
    for minute in range(weeks * WEEK):
        if minute % 60 == 0:
            hour = _chance(random, 0.15)
        expected = rate_at(minute) * days[minute // DAY] * hour / 60
        rates[minute] = expected * 1500
        tokens[minute] = sum(1500 * _chance(random, 0.6) for _ in range(_arrivals(random, expected)))
    return tokens, rates


def _trading(random: Random, weeks: int) -> Callable[[int], float]:
    rate = random.choice([30.0, 60.0, 120.0])
    holidays = {day for day in range(weeks * 7) if random.random() < 0.03}

    def at(minute: int) -> float:
        moment = datetime.fromtimestamp(BEGINS * 3600 + minute * 60, _NEW_YORK)
        hour = moment.hour + moment.minute / 60
        if moment.weekday() < 5 and minute // DAY not in holidays and 9.5 <= hour < 16:
            return rate * (0.8 + 0.8 * ((hour - 12.75) / 3.25) ** 2)
        return rate * (0.15 if moment.weekday() < 5 and 8 <= hour < 9.5 else 0.01)

    return at


def _growing(random: Random) -> Callable[[int], float]:
    rate, growth = random.choice([20.0, 60.0]), random.choice([0.05, 0.1, 0.15])

    def at(minute: int) -> float:
        hour, weekend = minute / 60 % 24, minute // DAY % 7 >= 5
        daily = 1 + 0.7 * math.sin((hour - 9) / 24 * 2 * math.pi)
        return rate * daily * (0.6 if weekend else 1.0) * math.exp(math.log1p(growth) * minute / WEEK)

    return at


def _bursts(random: Random, weeks: int) -> tuple[list[float], list[float]]:
    """Turns begin at random moments; each has 50 to 150 calls, fifteen a minute, of about as many tokens."""
    days, rate = _days(random, weeks * 7, 0.15), random.choice([2.0, 3.0, 4.0, 6.0])
    tokens, rates = [0.0] * (weeks * WEEK), [0.0] * (weeks * WEEK)
    for minute in range(weeks * WEEK):
        busy = minute // DAY % 7 < 5 and 7 <= minute // 60 % 24 < 19
        turns = (rate if busy else rate / 4) * days[minute // DAY] / 60
        rates[minute] = turns * 100 * 2000
        if random.random() < turns:
            size = 2000 * _chance(random, 0.2)
            for call in range(random.randint(50, 150)):
                at = minute + call // 15
                if at < len(tokens):
                    tokens[at] += size * _chance(random, 0.5)
    return tokens, rates


def _days(random: Random, days: int, spread: float) -> list[float]:
    """How good each day is: a day is a little like the one before."""
    found, state = [], 0.0
    for _ in range(days):
        state = 0.4 * state + math.sqrt(1 - 0.4**2) * random.gauss(0, 1)
        found.append(math.exp(spread * state - spread**2 / 2))
    return found


def _chance(random: Random, spread: float) -> float:
    """A factor around 1."""
    return random.lognormvariate(-(spread**2) / 2, spread)


def _arrivals(random: Random, expected: float) -> int:
    """How many come where so many are expected."""
    number, left = 0, math.exp(-expected)
    chance = random.random()
    while chance > left:
        chance *= random.random()
        number += 1
    return number
