"""What a store in memory remembers of its past: usage by slot, latencies, errors, decisions and events."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from router_config.ledger.decisions import DECISIONS_KEPT, Decision, numbered
from router_config.ledger.events import EVENTS_KEPT, Event
from router_config.ledger.history import LATENCIES_KEPT, MINUTE_SECONDS, MINUTES_KEPT, SLOT_SECONDS, SLOTS_KEPT
from router_config.ledger.meters import Amount
from router_config.ledger.store import LastError, Outcome, SlotSeconds, Usage

Sums = list[float]
"""Requests, tokens, dollars, errors; of a minute, also its number."""

NO_USAGE: Final = Usage()
NEVER: Final = -1


@dataclass(slots=True)
class _Course:
    """A model's past. The present slot is kept at hand, since nearly everything is counted there."""

    minutes: list[Sums]
    """The ring of its provider."""
    slots: dict[int, Sums] = field(default_factory=dict)
    latencies: deque[int] = field(default_factory=lambda: deque(maxlen=LATENCIES_KEPT))
    slot: int = NEVER
    present: Sums = field(default_factory=lambda: [0, 0, 0.0, 0])
    minute: Sums = field(default_factory=lambda: [0, 0, 0.0, 0, NEVER])
    before: dict[int, Sums] = field(default_factory=dict)
    """By first slot, what all slots from there up to the present one came to."""

    def turn_to(self, slot: int) -> None:
        for old in [each for each in self.slots if each <= slot - SLOTS_KEPT]:
            del self.slots[old]
        self.slot, self.present = slot, self.slots.setdefault(slot, [0, 0, 0.0, 0])
        self.before.clear()

    def turn_to_minute(self, minute: int) -> None:
        sums = self.minutes[minute % MINUTES_KEPT]
        if sums[4] < minute:
            sums[:] = 0, 0, 0.0, 0, minute
        # What is told so late that the next round has begun is not counted.
        self.minute = sums if sums[4] == minute else [0, 0, 0.0, 0, minute]

    def usage_since(self, moment: float) -> Usage:
        first = int(moment // SLOT_SECONDS)
        before = self.before.get(first)
        if before is None:
            if len(self.before) > 1:  # One for the day and one for the hour, until they move on.
                self.before.clear()
            closed = [sums for slot, sums in self.slots.items() if first <= slot != self.slot]
            before = self.before[first] = [sum(sums[place] for sums in closed) for place in range(4)]
        present = self.present if self.slot >= first else [0, 0, 0.0, 0]
        requests, tokens, usd, errors = (one + other for one, other in zip(before, present, strict=True))
        return Usage(int(requests), int(tokens), usd, int(errors), tuple(self.latencies))


class Recorded:
    """Bounded by the shape of history.py, decisions.py and events.py."""

    def __init__(self) -> None:
        self._courses: dict[tuple[str, str], _Course] = {}
        self._minutes: dict[str, list[Sums]] = {}
        self._errors: dict[str, LastError] = {}
        self._decisions: deque[tuple[int, Decision]] = deque(maxlen=DECISIONS_KEPT)
        self._events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self._decided = 0

    def record(self, outcome: Outcome, spent: Amount, now: float) -> None:
        course = self._courses.get((outcome.provider, outcome.model)) or self._new_course(outcome)
        slot, minute = int(now // SLOT_SECONDS), int(now // MINUTE_SECONDS)
        if slot != course.slot:
            course.turn_to(slot)
        if minute != course.minute[4]:
            course.turn_to_minute(minute)
        requests, tokens, usd = spent
        for sums in (course.present, course.minute):
            sums[0] += requests
            sums[1] += tokens
            sums[2] += usd
        if outcome.error is None:
            course.latencies.append(round(outcome.seconds * 1000))
            return
        course.present[3] += 1
        course.minute[3] += 1
        self._errors[outcome.provider] = LastError(now, outcome.error, outcome.message)

    def _new_course(self, outcome: Outcome) -> _Course:
        ring = self._minutes.get(outcome.provider)
        if ring is None:
            ring = self._minutes[outcome.provider] = [[0, 0, 0.0, 0, NEVER] for _ in range(MINUTES_KEPT)]
        course = self._courses[outcome.provider, outcome.model] = _Course(ring)
        return course

    def put_decision(self, decision: Decision) -> None:
        self._decided += 1
        self._decisions.append((self._decided, decision))

    def put_event(self, event: Event) -> None:
        self._events.append(event)

    def usage(self, since: Mapping[str, float]) -> dict[tuple[str, str], Usage]:
        return {
            (provider, model): course.usage_since(since[provider])
            for (provider, model), course in self._courses.items()
            if provider in since
        }

    def slots(self, slot_seconds: SlotSeconds, since: float) -> dict[str, dict[int, Usage]]:
        found: dict[str, dict[int, Usage]] = {}
        if slot_seconds == SLOT_SECONDS:
            for (provider, _), course in self._courses.items():
                theirs = found.setdefault(provider, {})
                for slot in [slot for slot in course.slots if (slot + 1) * SLOT_SECONDS > since]:
                    theirs[slot] = _usage(course.slots[slot], theirs.get(slot, NO_USAGE))
            return found
        for provider, ring in self._minutes.items():
            recent = [sums for sums in ring if (sums[4] + 1) * slot_seconds > since]
            found[provider] = {int(sums[4]): _usage(sums) for sums in recent if sums[4] != NEVER}
        return found

    def decisions(self, after: int, last: int) -> tuple[Decision, ...]:
        wanted = min(last, self._decided - after) if after <= self._decided else last
        return numbered(list(islice(reversed(self._decisions), wanted)))

    def events(self) -> tuple[Event, ...]:
        return tuple(self._events)

    def last_errors(self) -> dict[str, LastError]:
        return dict(self._errors)


def _usage(sums: Sums, besides: Usage = NO_USAGE) -> Usage:
    return Usage(
        int(sums[0]) + besides.requests,
        int(sums[1]) + besides.tokens,
        sums[2] + besides.usd,
        int(sums[3]) + besides.errors,
    )
