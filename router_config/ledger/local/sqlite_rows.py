"""Rows of the state file, and what they say."""

import json
from functools import lru_cache
from typing import Any, Final, cast

from router_config.ledger.local.pages import Page, Tally
from router_config.ledger.rules.gates import Rest, Status
from router_config.ledger.rules.meters import Amount, Counts, LimitName, Seen
from router_config.ledger.store import Lease

LATENCY_DIGITS: Final = 7
LONGEST_LATENCY: Final = 10**LATENCY_DIGITS - 1


def page_row(scope: str, page: Page) -> tuple[Any, ...]:
    counts, minute, day = page.counts, page.minute, page.day
    return (
        scope,
        *counts.open,
        *counts.minute,
        minute.oldest_leaves,
        minute.newest,
        minute.leaves,
        *minute.older,
        *counts.day,
        day.oldest_leaves,
        day.newest,
        day.leaves,
        *day.older,
        _seen_text(tuple(counts.seen.items())) if counts.seen else None,
    )


def page_of_row(row: tuple[Any, ...]) -> Page:
    scope, seen = row[0], _seen(row[22])
    return Page(
        Counts(Amount(*row[1:4]), Amount(*row[4:7]), Amount(*row[13:16]), seen),
        Tally(scope, "minute", row[7], row[8], row[9], Amount(*row[10:13])),
        Tally(scope, "day", row[16], row[17], row[18], Amount(*row[19:22])),
    )


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


@lru_cache(maxsize=1024)  # Of most providers it is the same text as at the last reading.
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


@lru_cache(maxsize=4096)  # Most steps change nothing of it, and to make that text costs more than all the rest.
def _seen_text(seen: tuple[tuple[LimitName, Seen], ...]) -> str:
    return json.dumps(dict(seen))
