"""What a store in memory remembers of what happened."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from router_config.ledger.local.journal import Past
from router_config.ledger.rules.decisions import DECISIONS_KEPT, Decision, numbered
from router_config.ledger.rules.events import EVENTS_KEPT, Event
from router_config.ledger.rules.history import LATENCIES_KEPT, MINUTE_SECONDS, MINUTES_KEPT, SLOT_SECONDS, SLOTS_KEPT
from router_config.ledger.rules.meters import Amount
from router_config.ledger.rules.totals import Counted, Ending, Sums, Totals, ending
from router_config.ledger.store import LastError, Outcome, SlotSeconds, Usage

_Sums = list[float]
"""Requests, tokens, dollars, errors; of a minute, also its number."""

NEVER: Final = -1


@dataclass(slots=True)
class _Course:
    """A provider's past. The present slot is kept at hand, since nearly everything is counted there."""

    minutes: list[_Sums] = field(default_factory=lambda: [[0, 0, 0.0, 0, NEVER] for _ in range(MINUTES_KEPT)])
    slots: dict[int, _Sums] = field(default_factory=dict)
    latencies: deque[int] = field(default_factory=lambda: deque(maxlen=LATENCIES_KEPT))
    slot: int = NEVER
    present: _Sums = field(default_factory=lambda: [0, 0, 0.0, 0])
    minute: _Sums = field(default_factory=lambda: [0, 0, 0.0, 0, NEVER])
    before: dict[int, _Sums] = field(default_factory=dict)
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
        requests, tokens, usd, errors = self.sums_since(moment)
        return Usage(int(requests), int(tokens), usd, int(errors), tuple(self.latencies))

    def sums_since(self, moment: float) -> _Sums:
        first = int(moment // SLOT_SECONDS)
        before = self.before.get(first)
        if before is None:
            if len(self.before) > 1:  # One for the day and one for the hour, until they move on.
                self.before.clear()
            closed = [sums for slot, sums in self.slots.items() if first <= slot != self.slot]
            before = self.before[first] = [sum(sums[place] for sums in closed) for place in range(4)]
        if self.slot < first:
            return before
        return [one + other for one, other in zip(before, self.present, strict=True)]

    def by_slot(self, slot_seconds: SlotSeconds, since: float) -> Iterator[tuple[int, Usage]]:
        by_number = (
            self.slots.items() if slot_seconds == SLOT_SECONDS else ((int(each[4]), each) for each in self.minutes)
        )
        for slot, sums in by_number:
            if slot != NEVER and (slot + 1) * slot_seconds > since:
                yield slot, _usage(sums)


class MemoryPast(Past):
    def __init__(self) -> None:
        self._courses: dict[str, _Course] = {}
        self._errors: dict[str, LastError] = {}
        self._decisions: deque[tuple[int, Decision]] = deque(maxlen=DECISIONS_KEPT)
        self._events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self._decided = 0
        self._attempts: dict[Ending, list[float]] = {}
        self._counted: dict[Counted, int] = {}

    def record(self, outcome: Outcome, spent: Amount, now: float) -> None:
        self._record_usage(outcome, spent, now)
        self._add_up(outcome, spent)

    def _record_usage(self, outcome: Outcome, spent: Amount, now: float) -> None:
        course = self._courses.get(outcome.provider)
        if course is None:
            course = self._courses[outcome.provider] = _Course()
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

    def _add_up(self, outcome: Outcome, spent: Amount) -> None:
        how = ending(outcome.provider, outcome.model, outcome.ended, outcome.seconds)
        sums = self._attempts.get(how)
        if sums is None:
            sums = self._attempts[how] = [0, 0, 0.0, 0.0]
        sums[0] += 1
        sums[1] += spent[1]
        sums[2] += spent[2]
        sums[3] += outcome.seconds

    def count_on(self, counted: Counted, times: int) -> None:
        self._counted[counted] = self._counted.get(counted, 0) + times

    def put_decision(self, decision: Decision) -> None:
        self._decided += 1
        self._decisions.append((self._decided, decision))

    def put_event(self, event: Event) -> None:
        self._events.append(event)

    def usage(self, since: Mapping[str, float]) -> dict[str, Usage]:
        return {
            provider: course.usage_since(since[provider])
            for provider, course in self._courses.items()
            if provider in since
        }

    def tokens_since(self, provider: str, moment: float) -> int:
        course = self._courses.get(provider)
        return 0 if course is None else int(course.sums_since(moment)[1])

    def slots_since(self, slot_seconds: SlotSeconds, since: float) -> dict[str, dict[int, Usage]]:
        return {provider: dict(course.by_slot(slot_seconds, since)) for provider, course in self._courses.items()}

    def decisions(self, after: int, last: int) -> tuple[Decision, ...]:
        wanted = min(last, self._decided - after) if after <= self._decided else last
        return numbered(list(islice(reversed(self._decisions), wanted)))

    def events(self) -> tuple[Event, ...]:
        return tuple(self._events)

    def last_errors(self) -> dict[str, LastError]:
        return dict(self._errors)

    def totals(self) -> Totals:
        attempts = {
            how: Sums(int(attempts), int(tokens), usd, seconds)
            for how, (attempts, tokens, usd, seconds) in self._attempts.items()
        }
        return Totals(attempts, dict(self._counted))


def _usage(sums: _Sums) -> Usage:
    return Usage(int(sums[0]), int(sums[1]), sums[2], int(sums[3]))
