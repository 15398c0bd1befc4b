"""The journal of a store in memory."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from router_config.ledger.local.journal import LocalJournal
from router_config.ledger.rules.decisions import DECISIONS_KEPT, Decision
from router_config.ledger.rules.history import (
    EVENTS_KEPT,
    LATENCIES_KEPT,
    MINUTE_SECONDS,
    MINUTES_KEPT,
    SLOT_SECONDS,
    SLOTS_KEPT,
    Event,
    SlotSeconds,
    slot_of,
)
from router_config.ledger.rules.meters import Amount
from router_config.ledger.rules.totals import Counted, Ending, Sums, Totals, ending
from router_config.ledger.values import LastError, Outcome, Usage

_Sums = list[float]
"""Requests, tokens, dollars, errors; of a minute, also its number."""

NEVER: Final = -1


@dataclass(slots=True)
class _ProviderHistory:
    """A provider's history. The present slot and minute are kept at hand, since nearly everything is counted there."""

    minutes: list[_Sums] = field(default_factory=lambda: [[0, 0, 0.0, 0, NEVER] for _ in range(MINUTES_KEPT)])
    slots: dict[int, _Sums] = field(default_factory=dict)
    latencies: deque[int] = field(default_factory=lambda: deque(maxlen=LATENCIES_KEPT))
    slot: int = NEVER
    present: _Sums = field(default_factory=lambda: [0, 0, 0.0, 0])
    minute: _Sums = field(default_factory=lambda: [0, 0, 0.0, 0, NEVER])
    before: dict[int, _Sums] = field(default_factory=dict)
    """By first slot, the sums of all slots from there up to the present one, without it."""

    def turn_to(self, slot: int) -> None:
        for old in [each for each in self.slots if each <= slot - SLOTS_KEPT]:
            del self.slots[old]
        self.slot, self.present = slot, self.slots.setdefault(slot, [0, 0, 0.0, 0])
        self.before.clear()

    def turn_to_minute(self, minute: int) -> None:
        sums = self.minutes[minute % MINUTES_KEPT]
        if sums[4] < minute:
            sums[:] = 0, 0, 0.0, 0, minute
        # Where the ring has gone round to a later minute, what comes too late is not counted.
        self.minute = sums if sums[4] == minute else [0, 0, 0.0, 0, minute]

    def usage_since(self, moment: float) -> Usage:
        requests, tokens, usd, errors = self.sums_since(moment)
        return Usage(int(requests), int(tokens), usd, int(errors), tuple(self.latencies))

    def sums_since(self, moment: float) -> _Sums:
        first = slot_of(moment)
        before = self.before.get(first)
        if before is None:
            if len(self.before) > 1:  # One is for the day and one for the hour. Older ones are of no use.
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


class MemoryJournal(LocalJournal):
    def __init__(self) -> None:
        self._histories: dict[str, _ProviderHistory] = {}
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
        history = self._histories.get(outcome.provider)
        if history is None:
            history = self._histories[outcome.provider] = _ProviderHistory()
        slot, minute = int(now // SLOT_SECONDS), int(now // MINUTE_SECONDS)
        if slot != history.slot:
            history.turn_to(slot)
        if minute != history.minute[4]:
            history.turn_to_minute(minute)
        requests, tokens, usd = spent
        for sums in (history.present, history.minute):
            sums[0] += requests
            sums[1] += tokens
            sums[2] += usd
        if outcome.error is None:
            history.latencies.append(round(outcome.seconds * 1000))
            return
        history.present[3] += 1
        history.minute[3] += 1
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
            provider: history.usage_since(since[provider])
            for provider, history in self._histories.items()
            if provider in since
        }

    def tokens_since(self, provider: str, moment: float) -> int:
        history = self._histories.get(provider)
        return 0 if history is None else int(history.sums_since(moment)[1])

    def slots_since(self, slot_seconds: SlotSeconds, since: float) -> dict[str, dict[int, Usage]]:
        return {provider: dict(history.by_slot(slot_seconds, since)) for provider, history in self._histories.items()}

    def decisions(self, after: int, last: int) -> tuple[Decision, ...]:
        wanted = min(last, self._decided - after) if after <= self._decided else last
        newest_first = islice(reversed(self._decisions), wanted)
        return tuple(decision._replace(number=number) for number, decision in newest_first)

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
