"""What is expected to be used, from the hourly history of a store."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from router_config.forecast.profile import Profile, profile_of
from router_config.forecast.series import HOUR, HOURS_KEPT, amount_of, total_of
from router_config.ledger.interfaces import Journal
from router_config.ledger.rules.meters import Metric
from router_config.ledger.values import Usage
from router_config.slices import in_slices

METRICS: Final[tuple[Metric, ...]] = ("tokens", "requests", "usd")

FRESH: Final = 60.0
"""Seconds for which what the present hour has used so far is not read again."""

Slots = Mapping[str, Mapping[int, Usage]]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What all providers together are expected to use, by metric.

    slots: the usage of each provider by hour. present: what the hour that runs has used so far, by metric.
    """

    profiles: Mapping[Metric, Profile]
    slots: Slots
    present: Mapping[Metric, float]


class Outlooks:
    """The outlook of a store, made anew every hour, and looked at anew every minute."""

    def __init__(self) -> None:
        self._hour = -1
        self._read_at = 0.0
        self._profiles: Mapping[Metric, Profile] = {}
        self._past: dict[str, dict[int, Usage]] = {}
        self._outlook: Outlook | None = None

    async def current(self, journal: Journal, now: float) -> Outlook:
        """The outlook at a moment, epoch seconds."""
        hour = int(now // HOUR)
        known = self._outlook
        if known is not None and hour == self._hour and 0 <= now - self._read_at < FRESH:
            return known
        if hour != self._hour:
            history = await _hourly(journal, (hour - HOURS_KEPT) * HOUR, now)
            past = {name: dict(theirs) for name, theirs in history.items()}
            profiles = await _profiles(past, now)
            self._hour, self._past, self._profiles = hour, past, profiles
        else:
            history = await _hourly(journal, now, now)
            for name, theirs in history.items():
                self._past.setdefault(name, {}).update(theirs)
            if any(each.basis == "last_hour" for each in self._profiles.values()):
                self._profiles = await _profiles(self._past, now)
        present = _sum_of(self._past, hour)
        self._read_at = now
        self._outlook = Outlook(self._profiles, self._past, {metric: amount_of(present, metric) for metric in METRICS})
        return self._outlook


async def _hourly(journal: Journal, since: float, now: float) -> Slots:
    """Of the slots of five minutes, as long as no store keeps hours."""
    hours: dict[str, dict[int, Usage]] = {}
    for name, theirs in (await journal.history(300, since // HOUR * HOUR, now)).slots.items():
        for number, usage in theirs.items():
            hour, of_provider = number // 12, hours.setdefault(name, {})
            before = of_provider.get(hour, Usage())
            of_provider[hour] = Usage(
                before.requests + usage.requests,
                before.tokens + usage.tokens,
                before.usd + usage.usd,
                before.errors + usage.errors,
            )
    return hours


def _sum_of(slots: Slots, hour: int) -> Usage | None:
    return total_of({name: {hour: theirs[hour]} for name, theirs in slots.items() if hour in theirs}).get(hour)


async def _profiles(slots: Slots, now: float) -> dict[Metric, Profile]:
    total = total_of(slots)

    def made() -> dict[Metric, Profile]:
        with in_slices():
            return {metric: profile_of(total, now, metric) for metric in METRICS}

    # In a thread, in slices: it takes a tenth of a second, for which no request should wait.
    return made() if len(total) < 24 else await asyncio.to_thread(made)
