"""What was last read of a store's journal. While the store fails it is shown, with what this process adds."""

from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from router_config.ledger.rules.decisions import DECISIONS_KEPT, Decision
from router_config.ledger.rules.history import SlotSeconds
from router_config.ledger.rules.meters import Amount
from router_config.ledger.rules.totals import Counted, Totals
from router_config.ledger.values import History, Snapshot, Usage

STORE_ERROR = Counted("store_error")


class JournalCache:
    """The last readings of usage, decisions, history and totals."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None
        self.totals = Totals()
        self.histories: dict[SlotSeconds, History] = {}
        self._decisions: deque[Decision] = deque(maxlen=DECISIONS_KEPT)

    def read_decisions(self, newest_first: tuple[Decision, ...]) -> None:
        if newest_first and newest_first[-1].number <= self._newest:
            self._decisions.clear()  # All of them were read again, or the store lost them and numbers anew.
        self._decisions.extend(reversed(newest_first))

    def with_usage(self, ours: Snapshot) -> Snapshot:
        """Our counts, with the usage of the store and of this process added up."""
        theirs = self.snapshot
        if theirs is None:
            return ours
        usage = {**theirs.usage, **{name: _sum(theirs.usage.get(name), each) for name, each in ours.usage.items()}}
        burn = {**theirs.burn, **{name: theirs.burn.get(name, 0) + each for name, each in ours.burn.items()}}
        return replace(ours, usage=usage, last_errors={**theirs.last_errors, **ours.last_errors}, burn=burn)

    def with_decisions(self, ours: tuple[Decision, ...], after: int, last: int) -> tuple[Decision, ...]:
        """Ours get the numbers after the newest that was read."""
        numbered = [each._replace(number=each.number + self._newest) for each in ours]
        return tuple(each for each in (*numbered, *reversed(self._decisions)) if each.number > after)[:last]

    def with_history(self, slot_seconds: SlotSeconds, ours: History, since: float) -> History:
        theirs = self.histories.get(slot_seconds, History({}))
        slots: dict[str, Mapping[int, Usage]] = {}
        for provider in {**theirs.slots, **ours.slots}:
            before, added = theirs.slots.get(provider, {}), ours.slots.get(provider, {})
            both = {**before, **{slot: _sum(before.get(slot), usage) for slot, usage in added.items()}}
            slots[provider] = {slot: usage for slot, usage in both.items() if (slot + 1) * slot_seconds > since}
        events = sorted({*theirs.events, *ours.events}, key=lambda event: event.at)
        return History(slots, tuple(event for event in events if event.at >= since))

    def with_errors(self, errors: int) -> Totals:
        """The totals last read, and so many more errors of the store. Without ours, no sum falls at the end."""
        counted = {**self.totals.counted, STORE_ERROR: self.totals.counted.get(STORE_ERROR, 0) + errors}
        return replace(self.totals, counted=counted)

    @property
    def _newest(self) -> int:
        return self._decisions[-1].number if self._decisions else 0


def _sum(one: Usage | None, other: Usage) -> Usage:
    if one is None:
        return other
    sums = Amount(*one[:3]).plus(Amount(*other[:3]))
    return Usage(
        *sums,
        one.errors + other.errors,
        one.latencies + other.latencies,
        one.prompt + other.prompt,
        one.cached + other.cached,
    )
