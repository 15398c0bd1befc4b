"""Rows of the state file, and what they say."""

import json
from dataclasses import dataclass, field
from functools import lru_cache
from math import inf
from typing import Any, Final, Self, cast

from router_config.ledger.gates import Rest, Status
from router_config.ledger.meters import NOTHING, Amount, Counts, LimitName, Seen
from router_config.ledger.store import Lease
from router_config.ledger.windows import Period

LATENCY_DIGITS: Final = 7
LONGEST_LATENCY: Final = 10**LATENCY_DIGITS - 1


@dataclass(slots=True)
class Tally:
    """What a window holds by slot: the newest one, in which nearly everything is counted; others are rows of `slot`.

    `oldest_leaves` is when the first of all will have left the window.
    """

    oldest_leaves: float = inf
    newest: int | None = None
    leaves: float = inf
    amount: Amount = NOTHING

    def begin(self, slot: int, leaves: float, amount: Amount) -> None:
        self.newest, self.leaves, self.amount = slot, leaves, amount
        self.oldest_leaves = min(self.oldest_leaves, leaves)

    def end(self) -> None:
        self.newest, self.leaves, self.amount = None, inf, NOTHING

    def row(self) -> tuple[float | None, ...]:
        return (self.oldest_leaves, self.newest, self.leaves, *self.amount)

    @classmethod
    def of_row(cls, row: tuple[Any, ...]) -> Self:
        return cls(row[0], row[1], row[2], Amount(*row[3:6]))


@dataclass(slots=True)
class Page:
    """A row of `meter`."""

    counts: Counts
    minute: Tally = field(default_factory=Tally)
    day: Tally = field(default_factory=Tally)
    seen: dict[LimitName, Seen] = field(default_factory=dict)
    """As `seen_text` tells it: to make that text costs more than all the rest."""
    seen_text: str | None = None

    def tally(self, period: Period) -> Tally:
        return self.minute if period == "minute" else self.day

    def row(self, scope: str) -> tuple[Any, ...]:
        counts = self.counts
        if counts.seen != self.seen:
            self.seen, self.seen_text = dict(counts.seen), _seen_text(counts.seen)
        minute, day = self.minute.row(), self.day.row()
        return (scope, *counts.open, *counts.minute, *minute, *counts.day, *day, self.seen_text)

    @classmethod
    def of_row(cls, row: tuple[Any, ...]) -> Self:
        seen = _seen(row[22])
        counts = Counts(Amount(*row[1:4]), Amount(*row[4:7]), Amount(*row[13:16]), seen)
        return cls(counts, Tally.of_row(row[7:13]), Tally.of_row(row[16:22]), dict(seen), row[22])


def lease_row(lease: Lease) -> tuple[Any, ...]:
    lease_id, deployment, scopes, amount, taken_at, expires_at, probes = lease
    return (lease_id, deployment, _text(scopes), *amount, taken_at, expires_at, _text(probes))


def lease_of_row(row: tuple[Any, ...]) -> Lease:
    lease_id, deployment, scopes, requests, tokens, usd, taken_at, expires_at, probes = row
    amount = Amount(requests, tokens, usd)
    return Lease(lease_id, deployment, _scopes(scopes), amount, taken_at, expires_at, _scopes(probes))


def rest_row(rest: Rest) -> tuple[Any, ...]:
    return (
        rest.scope,
        rest.status,
        rest.reason,
        rest.since,
        rest.until,
        rest.probes,
        rest.probe,
        rest.probe_until,
    )


def rest_of_row(row: tuple[str, Status, str, float, float, int, str | None, float]) -> Rest:
    scope, status, reason, since, until, probes, probe, probe_until = row
    return Rest(scope, status, reason, since, until, bool(probes), probe, probe_until)


def latency_text(milliseconds: int) -> str:
    """Always as many digits, so that of a text of many the oldest can be cut off."""
    return f"{min(milliseconds, LONGEST_LATENCY):0{LATENCY_DIGITS}}"


def latencies_of(text: str) -> tuple[int, ...]:
    return tuple(int(text[start : start + LATENCY_DIGITS]) for start in range(0, len(text), LATENCY_DIGITS))


@lru_cache(maxsize=4096)  # There are no more than deployments.
def _text(scopes: tuple[str, ...]) -> str:
    return json.dumps(scopes)


@lru_cache(maxsize=4096)
def _scopes(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


def _seen(text: str | None) -> dict[LimitName, Seen]:
    if not text:
        return {}
    return {cast(LimitName, name): Seen(*values) for name, values in json.loads(text).items()}


def _seen_text(seen: dict[LimitName, Seen]) -> str | None:
    if not seen:
        return None
    return json.dumps({k: (v.limit, v.extra, v.asked_at, v.heard_at, v.until, v.refills) for k, v in seen.items()})
