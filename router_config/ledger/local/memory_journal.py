"""The journal of a store in memory."""

from collections import deque
from collections.abc import Mapping
from itertools import islice
from typing import Final

from router_config.ledger.local.journal import LocalJournal
from router_config.ledger.rules.decisions import DECISIONS_KEPT, Decision
from router_config.ledger.rules.history import (
    EVENTS_KEPT,
    HOUR_SECONDS,
    HOUR_SLOTS,
    HOURS_KEPT,
    LATENCIES_KEPT,
    MINUTE_SECONDS,
    MINUTES_KEPT,
    SLOT_MINUTES,
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
"""Requests, tokens, dollars, errors, tokens of prompts, and of those what was cached."""

NEVER: Final = -1


class _ProviderHistory:
    """Usage is counted in the present minute. Once that is over it is added to its minute and its slot."""

    def __init__(self) -> None:
        self.minute, self.present = NEVER, _nothing()
        self.latencies: deque[int] = deque(maxlen=LATENCIES_KEPT)
        self._minutes: dict[int, _Sums] = {}
        self._slots: dict[int, _Sums] = {}
        self._hours: dict[int, _Sums] = {}
        """Of the slots that are no longer kept."""
        self._since: dict[int, _Sums] = {}
        """By first slot, the sums of all slots from there on without the present minute."""

    def turn_to(self, minute: int) -> None:
        """Make a later minute the present one."""
        before, sums = self.minute, self.present
        self.minute, self.present = minute, _nothing()
        self.close(before, sums)

    def close(self, minute: int, sums: _Sums) -> None:
        """Add to a minute that is over and to the slot that it is in, and drop what is too old."""
        for closed, minutes, kept in ((self._minutes, 1, MINUTES_KEPT), (self._slots, SLOT_MINUTES, SLOTS_KEPT)):
            _add(closed.setdefault(minute // minutes, _nothing()), sums)
            for old in [number for number in closed if number <= self.minute // minutes - kept]:
                gone = closed.pop(old)
                if closed is self._slots:
                    self._add_to_hour(old // HOUR_SLOTS, gone)
        self._since.clear()

    def _add_to_hour(self, hour: int, sums: _Sums) -> None:
        _add(self._hours.setdefault(hour, _nothing()), sums)
        present = self.minute * MINUTE_SECONDS // HOUR_SECONDS
        for old in [number for number in self._hours if number <= present - HOURS_KEPT]:
            del self._hours[old]

    def since(self, moment: float) -> _Sums:
        first = slot_of(moment)
        closed = self._since.get(first)
        if closed is None:
            if len(self._since) > 1:  # One is for the day and one for the hour. Older ones are of no use.
                self._since.clear()
            closed = self._since[first] = _nothing()
            for slot, sums in self._slots.items():
                if slot >= first:
                    _add(closed, sums)
        return closed if self.minute // SLOT_MINUTES < first else _add(list(closed), self.present)

    def usages(self, slot_seconds: SlotSeconds, since: float) -> dict[int, Usage]:
        if slot_seconds == MINUTE_SECONDS:
            closed = self._minutes
        elif slot_seconds == SLOT_SECONDS:
            closed = self._slots
        else:
            closed = self._by_the_hour(since)
        present = self.minute * MINUTE_SECONDS // slot_seconds
        both = {**closed, present: _add(list(closed.get(present, _nothing())), self.present)}
        return {
            number: _usage([*sums[:4], 0, 0]) for number, sums in both.items() if (number + 1) * slot_seconds > since
        }

    def _by_the_hour(self, since: float) -> dict[int, _Sums]:
        """The hours that end after a moment, of slots that are over."""
        hours = {number: list(sums) for number, sums in self._hours.items()}
        for slot, sums in self._slots.items():
            if (slot + HOUR_SLOTS) * SLOT_SECONDS > since:
                _add(hours.setdefault(slot // HOUR_SLOTS, _nothing()), sums)
        return hours


def _add(sums: _Sums, others: _Sums) -> _Sums:
    sums[:] = [one + other for one, other in zip(sums, others, strict=True)]
    return sums


def _nothing() -> _Sums:
    return [0, 0, 0.0, 0, 0, 0]


def _usage(sums: _Sums, latencies: tuple[int, ...] = ()) -> Usage:
    return Usage(int(sums[0]), int(sums[1]), sums[2], int(sums[3]), latencies, int(sums[4]), int(sums[5]))


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
        history = self._histories.get(outcome.provider)
        if history is None:
            history = self._histories[outcome.provider] = _ProviderHistory()
        minute = int(now // MINUTE_SECONDS)
        if minute > history.minute:
            history.turn_to(minute)
        sums = history.present if minute == history.minute else _nothing()
        sums[0] += spent[0]
        sums[1] += spent[1]
        sums[2] += spent[2]
        sums[4] += outcome.prompt
        sums[5] += outcome.cached
        if outcome.error is None:
            history.latencies.append(round(outcome.seconds * 1000))
        else:
            sums[3] += 1
            self._errors[outcome.provider] = LastError(now, outcome.error, outcome.message)
        if minute < history.minute:
            history.close(minute, sums)
        how = ending(outcome.provider, outcome.model, outcome.ended, outcome.seconds)
        totals = self._attempts.get(how)
        if totals is None:
            totals = self._attempts[how] = [0, 0, 0.0, 0.0]
        totals[0] += 1
        totals[1] += spent[1]
        totals[2] += spent[2]
        totals[3] += outcome.seconds

    def count_on(self, counted: Counted, times: int) -> None:
        self._counted[counted] = self._counted.get(counted, 0) + times

    def put_decision(self, decision: Decision) -> None:
        self._decided += 1
        self._decisions.append((self._decided, decision))

    def put_event(self, event: Event) -> None:
        self._events.append(event)

    def usage(self, since: Mapping[str, float]) -> dict[str, Usage]:
        return {
            provider: _usage(history.since(since[provider]), tuple(history.latencies))
            for provider, history in self._histories.items()
            if provider in since
        }

    def tokens_since(self, provider: str, moment: float) -> int:
        history = self._histories.get(provider)
        return 0 if history is None else int(history.since(moment)[1])

    def slots_since(self, slot_seconds: SlotSeconds, since: float) -> dict[str, dict[int, Usage]]:
        return {provider: history.usages(slot_seconds, since) for provider, history in self._histories.items()}

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
