"""What is expected to be used, and when room ends, from the hourly history of a store. It is kept for a minute."""

import asyncio
import pickle
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from router_config.forecast.exhaustion import Exhaustion, Taker, exhaustion
from router_config.forecast.profile import Profile, profile_of, steady
from router_config.forecast.running_out import KINDS, Watched, holding
from router_config.forecast.series import HOUR, HOURS_KEPT, amount_of, total_of
from router_config.forecast.shares import shares
from router_config.ledger.interfaces import Journal
from router_config.ledger.rules.history import Event
from router_config.ledger.rules.meters import Metric
from router_config.ledger.rules.windows import Unit
from router_config.ledger.values import Usage
from router_config.slices import in_slices
from router_config.status.forecast_document import METRICS, forecast_document
from router_config.status.room_left import Left

FRESH: Final = 60.0
"""Seconds for which a forecast is kept."""

NEAR: Final = 0.05
"""It is made anew sooner once a room has changed by this share of what it was, or of a tenth of the whole."""

_LATELY: Final = 7 * 24
"""Hours by which it is known what a request of a provider takes, and which share a provider takes."""

_QUICK: Final = 24
"""Hours of history up to which nothing takes long."""

T = TypeVar("T")

Slots = Mapping[str, Mapping[int, Usage]]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What all providers together are expected to use, by metric.

    slots: the usage of each provider by hour. present: what the hour that runs has used so far, by metric. lately: what
    each provider was used for in the last week.
    """

    profiles: Mapping[Metric, Profile]
    slots: Slots
    present: Mapping[Metric, float]
    lately: Mapping[str, Usage]

    @property
    def tokens_a_request(self) -> float | None:
        """On average of the last week. None: nobody asked."""
        requests = sum(each.requests for each in self.lately.values())
        tokens = sum(each.tokens for each in self.lately.values())
        return tokens / requests if requests and tokens else None


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be forecast.

    lefts: by provider in use, in their order, what is left of each kind of window. until: by kind of window, the moment
    (epoch seconds) up to which it is asked what is used. together: those of which it can be said when all have nothing
    left. ends_at: by kind of window, when the last calendar's ends, where there is one. burn: tokens of the last hour.
    """

    lefts: Mapping[str, Mapping[Unit, Left]]
    until: Mapping[Unit, float]
    together: frozenset[Unit]
    ends_at: Mapping[Unit, float]
    burn: float

    def is_near(self, other: "Question") -> bool:
        """Whether the answer to the other one will do for it."""
        if (self.until.keys(), self.together) != (other.until.keys(), other.together):
            return False
        if self.lefts.keys() != other.lefts.keys() or (self.burn > 0) != (other.burn > 0):
            return False
        return all(
            theirs.keys() == others.keys() and all(_near(each, others[unit]) for unit, each in theirs.items())
            for theirs, others in zip(self.lefts.values(), other.lefts.values(), strict=True)
        )


def _near(left: Left, before: Left) -> bool:
    if (left.limit, left.ends_at, left.back_at) != (before.limit, before.ends_at, before.back_at):
        return False
    return abs(left.left - before.left) <= NEAR * max(before.left, before.whole / 10)


class Outlooks:
    """The outlook of a store, made anew every hour and looked at anew every minute, and the last forecast."""

    def __init__(self) -> None:
        self._hour = -1
        self._read_at = 0.0
        self._profiles: Mapping[Metric, Profile] = {}
        self._past: dict[str, dict[int, Usage]] = {}
        self._outlook: Outlook | None = None
        self._answered: tuple[Question, float, Exhaustion, bytes] | None = None
        self._events: list[Event] = []

    async def current(self, journal: Journal, now: float) -> Outlook:
        """The outlook at a moment, epoch seconds."""
        hour = int(now // HOUR)
        known = self._outlook
        if known is not None and hour == self._hour and 0 <= now - self._read_at < FRESH:
            return known
        if hour != self._hour:
            history = await journal.history(HOUR, (hour - HOURS_KEPT) * HOUR, now)
            past = {name: dict(theirs) for name, theirs in history.slots.items()}
            profiles = await _profiles(past, now)
            self._hour, self._past, self._profiles = hour, past, profiles
        else:
            history = await journal.history(HOUR, hour * HOUR, now)
            for name, theirs in history.slots.items():
                self._past.setdefault(name, {}).update(theirs)
            if any(each.basis == "last_hour" for each in self._profiles.values()):
                self._profiles = await _profiles(self._past, now)
        self.heard(history.events)
        present = _added(theirs[hour] for theirs in self._past.values() if hour in theirs)
        lately = {
            name: _added(theirs[each] for each in range(hour - _LATELY, hour + 1) if each in theirs)
            for name, theirs in self._past.items()
        }
        self._read_at = now
        self._outlook = Outlook(
            self._profiles, self._past, {metric: amount_of(present, metric) for metric in METRICS}, lately
        )
        return self._outlook

    async def forecast(self, outlook: Outlook, question: Question, now: float) -> dict[str, Any]:
        """The answer to a question, or to one that was nearly the same within a minute, as JSON (forecast_document).

        now: epoch seconds. The caller may change what it is given.
        """
        answered = self._answered
        if answered is None or not 0 <= now - answered[1] < FRESH or not question.is_near(answered[0]):
            long = outlook.profiles["tokens"].basis == "profile" or not question.until.keys() <= {"day"}
            found, document = await _aside(lambda: _forecast(outlook, question, now), long)
            answered = self._answered = question, now, found, pickle.dumps(document)
        answer: dict[str, Any] = pickle.loads(answered[3])
        return answer

    @property
    def is_a_guess(self) -> bool:
        """Whether there is no forecast yet, or one by the last hour alone."""
        return self._answered is None or self._profiles["tokens"].basis == "last_hour"

    @property
    def last(self) -> tuple[Question, Exhaustion]:
        """The last question and its answer. Raises ValueError where there was none."""
        if self._answered is None:
            raise ValueError("nothing was forecast yet")
        return self._answered[0], self._answered[2]

    def running_out(self, now: float) -> set[Watched]:
        """The rooms of which a warning holds that they end too early, as of a minute ago at most."""
        return holding(self._events, now)

    def heard(self, events: Iterable[Event]) -> None:
        """Note warnings that the store was told, or told us."""
        self._events += [each for each in events if each.kind in KINDS and each not in self._events]


def _forecast(outlook: Outlook, question: Question, now: float) -> tuple[Exhaustion, dict[str, Any]]:
    profiles = dict(outlook.profiles)
    if profiles["tokens"].basis == "last_hour":
        profiles["tokens"] = steady(question.burn, profiles["tokens"].history_days)
    takes = shares(outlook.slots, list(question.lefts), int(now // HOUR) - _LATELY)
    takers = [
        Taker(name, tuple(each.room(outlook.slots.get(name, {}), now) for each in lefts.values()), takes[name])
        for name, lefts in question.lefts.items()
    ]
    curve = profiles["tokens"].curve(now, max(question.until.values(), default=now), outlook.present["tokens"])
    found = exhaustion(takers, curve, {unit: question.until[unit] for unit in question.together})
    expected = {
        unit: {metric: profiles[metric].expected(now, until, outlook.present[metric]) for metric in METRICS}
        for unit, until in question.until.items()
    }
    return found, forecast_document(found, expected, outlook.lately)


async def _profiles(slots: Slots, now: float) -> dict[Metric, Profile]:
    total = total_of(slots)
    return await _aside(lambda: {metric: profile_of(total, now, metric) for metric in METRICS}, len(total) > _QUICK)


async def _aside(work: Callable[[], T], long: bool) -> T:
    """In a thread and in slices, where it takes long: no request should wait for it."""

    def sliced() -> T:
        with in_slices():
            return work()

    return await asyncio.to_thread(sliced) if long else work()


def _added(usages: Iterable[Usage]) -> Usage:
    requests = tokens = errors = 0
    usd = 0.0
    for each in usages:
        requests, tokens, usd = requests + each.requests, tokens + each.tokens, usd + each.usd
        errors += each.errors
    return Usage(requests, tokens, usd, errors)
