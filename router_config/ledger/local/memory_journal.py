"""The journal of a store in memory."""

from collections import deque
from collections.abc import Mapping
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
)
from router_config.ledger.rules.meters import Amount
from router_config.ledger.rules.totals import Counted, Ending, Sums, Totals, ending
from router_config.ledger.values import LastError, Outcome, Usage

_Sums = list[float]
"""Requests, tokens, dollars, errors."""

NEVER: Final = -1


class _Slots:
    """A provider's usage by slot. The present slot is kept at hand, since nearly everything is counted there."""

    def __init__(self, seconds: SlotSeconds, kept: int) -> None:
        self.seconds, self._kept = seconds, kept
        self.number, self.present = NEVER, _nothing()
        self._sums: dict[int, _Sums] = {}
        self._closed: dict[int, _Sums] = {}
        """By first slot, the sums of all slots from there on without the present one."""

    def turn_to(self, number: int) -> None:
        """Make a slot the present one. One that is older than those kept is kept nowhere."""
        self.number, self.present = number, self._sums.setdefault(number, _nothing())
        oldest = max(self._sums) - self._kept
        for old in [each for each in self._sums if each <= oldest]:
            del self._sums[old]
        self._closed.clear()

    def since(self, moment: float) -> _Sums:
        first = int(moment // self.seconds)
        closed = self._closed.get(first)
        if closed is None:
            if len(self._closed) > 1:  # One is for the day and one for the hour. Older ones are of no use.
                self._closed.clear()
            others = [sums for number, sums in self._sums.items() if first <= number != self.number]
            closed = self._closed[first] = [sum(sums[place] for sums in others) for place in range(4)]
        return closed if self.number < first else [one + other for one, other in zip(closed, self.present, strict=True)]

    def usages(self, since: float) -> dict[int, Usage]:
        ends_after = since / self.seconds - 1
        return {number: _usage(sums) for number, sums in self._sums.items() if number > ends_after}


class _ProviderHistory:
    def __init__(self) -> None:
        self.slots, self.minutes = _Slots(SLOT_SECONDS, SLOTS_KEPT), _Slots(MINUTE_SECONDS, MINUTES_KEPT)
        self.both = (self.slots, self.minutes)
        self.latencies: deque[int] = deque(maxlen=LATENCIES_KEPT)


def _nothing() -> _Sums:
    return [0, 0, 0.0, 0]


def _usage(sums: _Sums, latencies: tuple[int, ...] = ()) -> Usage:
    return Usage(int(sums[0]), int(sums[1]), sums[2], int(sums[3]), latencies)


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
        requests, tokens, usd = spent
        failed = outcome.error is not None
        for slots in history.both:
            number = int(now // slots.seconds)
            if number != slots.number:
                slots.turn_to(number)
            sums = slots.present
            sums[0] += requests
            sums[1] += tokens
            sums[2] += usd
            sums[3] += failed
        if outcome.error is None:
            history.latencies.append(round(outcome.seconds * 1000))
        else:
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
            provider: _usage(history.slots.since(since[provider]), tuple(history.latencies))
            for provider, history in self._histories.items()
            if provider in since
        }

    def tokens_since(self, provider: str, moment: float) -> int:
        history = self._histories.get(provider)
        return 0 if history is None else int(history.slots.since(moment)[1])

    def slots_since(self, slot_seconds: SlotSeconds, since: float) -> dict[str, dict[int, Usage]]:
        place = 0 if slot_seconds == SLOT_SECONDS else 1
        return {provider: history.both[place].usages(since) for provider, history in self._histories.items()}

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
