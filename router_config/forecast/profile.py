"""What is expected in each hour of a week, from the usage of up to 60 days."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from router_config.forecast.series import HOUR, series_of
from router_config.forecast.week import HOURS, Week, hour_of_week
from router_config.ledger.values import Usage

Basis = Literal["profile", "last_hour"]

LEAST: Final = 24 * HOUR
"""Seconds of history below which an hour of the day was not seen yet, and the last hour is all there is."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What the hours to come are expected to use.

    weights: tokens expected in each hour of a week, place 0 for Monday 00:00 to 01:00 UTC. basis: `last_hour` under a
    day of history, where all hours are expected to be as the last one was: a guess. history_days: how long the history
    is.
    """

    weights: tuple[float, ...]
    basis: Basis
    history_days: float


def profile_of(slots: Mapping[int, Usage], now: float) -> Profile:
    """The profile of usage by hour (its number is epoch seconds // 3600), of a provider or of all together.

    now: epoch seconds; what is newer is left out. Hours without usage count as 0, from the first with any on.

        history = await journal.history(3600, now - 60 * 86400, now)
        profile_of(total_of(history.slots), now).weights
    """
    series = series_of({number: usage.tokens for number, usage in slots.items()}, now)
    days = (now - series.began) / (24 * HOUR)
    if now - series.began < LEAST:
        return Profile((_last_hour(series.values, series.present, now),) * HOURS, "last_hour", days)
    week = Week()
    for number, amount in enumerate(series.values, series.first):
        week.add(hour_of_week(number), amount)
    weights = week.weights()
    recent = series.values[-HOURS:]
    expected = sum(weights[hour_of_week(number)] for number in range(series.end - len(recent), series.end))
    level = (sum(recent) + expected) / (2 * expected) if expected else 1.0
    return Profile(tuple(each * level for each in weights), "profile", days)


def _last_hour(values: tuple[float, ...], present: float, now: float) -> float:
    """The rate of the last 3600 seconds, as tokens an hour."""
    before = values[-1] if values else 0.0
    return present + before * (1 - now % HOUR / HOUR)
