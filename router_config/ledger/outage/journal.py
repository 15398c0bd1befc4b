"""What was last read of a store's past, to be shown while it fails: with what this process has added since."""

from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from router_config.ledger.rules.decisions import DECISIONS_KEPT, Decision
from router_config.ledger.store import History, SlotSeconds, Snapshot, Usage


class Remembered:
    """The last readings of usage, decisions and history."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._decisions: deque[Decision] = deque(maxlen=DECISIONS_KEPT)
        self._histories: dict[SlotSeconds, History] = {}

    @property
    def newest(self) -> int:
        """The highest number of a decision that was read."""
        return self._decisions[-1].number if self._decisions else 0

    def read_snapshot(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def read_decisions(self, newest_first: tuple[Decision, ...]) -> None:
        if newest_first and newest_first[-1].number <= self.newest:
            self._decisions.clear()  # All of them were read again, or the store lost them and numbers anew.
        self._decisions.extend(reversed(newest_first))

    def read_history(self, slot_seconds: SlotSeconds, history: History) -> None:
        self._histories[slot_seconds] = history

    def with_usage(self, snapshot: Snapshot) -> Snapshot:
        if self._snapshot is None:
            return snapshot
        usage = dict(self._snapshot.usage)
        for provider, ours in snapshot.usage.items():
            usage[provider] = _sum(usage.get(provider), ours)
        burn = dict(self._snapshot.burn)
        for provider, tokens in snapshot.burn.items():
            burn[provider] = burn.get(provider, 0) + tokens
        errors = {**self._snapshot.last_errors, **snapshot.last_errors}
        return replace(snapshot, usage=usage, last_errors=errors, burn=burn)

    def with_decisions(self, ours: tuple[Decision, ...], after: int, last: int) -> tuple[Decision, ...]:
        """Ours are numbered on from the newest that was read."""
        told = [each._replace(number=each.number + self.newest) for each in ours]
        known = [*told, *reversed(self._decisions)]
        return tuple(each for each in known if each.number > after)[:last]

    def with_history(self, slot_seconds: SlotSeconds, ours: History, since: float) -> History:
        theirs = self._histories.get(slot_seconds)
        if theirs is None:
            return ours
        slots = {provider: dict(usages) for provider, usages in theirs.slots.items()}
        for provider, usages in ours.slots.items():
            known = slots.setdefault(provider, {})
            for slot, usage in usages.items():
                known[slot] = _sum(known.get(slot), usage)
        recent = _since(slots, slot_seconds, since)
        events = sorted({*theirs.events, *ours.events}, key=lambda event: event.at)
        return History(recent, tuple(event for event in events if event.at >= since))


def _since(
    slots: Mapping[str, Mapping[int, Usage]], slot_seconds: SlotSeconds, since: float
) -> dict[str, dict[int, Usage]]:
    return {
        provider: {slot: usage for slot, usage in usages.items() if (slot + 1) * slot_seconds > since}
        for provider, usages in slots.items()
    }


def _sum(one: Usage | None, other: Usage) -> Usage:
    if one is None:
        return other
    return Usage(
        one.requests + other.requests,
        one.tokens + other.tokens,
        one.usd + other.usd,
        one.errors + other.errors,
        (*one.latencies, *other.latencies),
    )
