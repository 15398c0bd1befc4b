"""Rows of the state file, and what they say."""

import json
from functools import lru_cache
from typing import Any, Final, cast

from router_config.ledger.local.pages import Page, Tally
from router_config.ledger.rules.gates import Cooldown
from router_config.ledger.rules.meters import Amount, Counts, LimitName, ObservedLimit, SplitAmount
from router_config.ledger.rules.schedule import with_end
from router_config.ledger.values import Lease

LATENCY_DIGITS: Final = 7
LONGEST_LATENCY: Final = 10**LATENCY_DIGITS - 1

LEASE_COLUMNS: Final = 11
_NOT_SPLIT: Final = (None, None)


def adding(table: str, keys: int, *sums: str) -> str:
    """The statement that inserts a row, or adds to the `sums` of the row that has the same keys."""
    marks = ",".join("?" * (keys + len(sums)))
    return f"INSERT INTO {table} VALUES ({marks}) ON CONFLICT DO UPDATE SET " + ", ".join(
        f"{each}={each}+excluded.{each}" for each in sums
    )


def page_row(scope: str, page: Page) -> tuple[Any, ...]:
    counts, minute, long = page.counts, page.minute, page.long
    return (
        scope,
        *counts.open,
        *counts.minute,
        minute.oldest_leaves,
        minute.newest,
        minute.leaves,
        *minute.older,
        *counts.long,
        long.oldest_leaves,
        long.newest,
        long.leaves,
        *long.older,
        _observed_text(tuple(counts.observed.items())) if counts.observed else None,
    )


def page_of_row(row: tuple[Any, ...]) -> Page:
    scope, observed = row[0], _observed(row[22])
    return Page(
        Counts(Amount(*row[1:4]), Amount(*row[4:7]), Amount(*row[13:16]), observed),
        Tally(scope, "minute", row[7], row[8], row[9], Amount(*row[10:13])),
        Tally(scope, "long", row[16], row[17], row[18], Amount(*row[19:22])),
    )


def lease_row(lease: Lease) -> tuple[Any, ...]:
    lease_id, deployment, scopes, amount, taken_at, expires_at, probes = lease
    parts = amount.numbers[3:] or _NOT_SPLIT
    return (lease_id, deployment, _text(scopes), *amount[:3], taken_at, expires_at, _text(probes), *parts)


def lease_of_row(row: tuple[Any, ...]) -> Lease:
    lease_id, deployment, scopes, requests, tokens, usd, taken_at, expires_at, probes, of_prompt, of_answer = row
    whole = requests, tokens, usd
    amount = Amount(*whole) if of_prompt is None else SplitAmount.of(*whole, of_prompt, of_answer)
    return Lease(lease_id, deployment, _scopes(scopes), amount, taken_at, expires_at, _scopes(probes))


def cooldown_of_row(row: tuple[Any, ...]) -> Cooldown:
    """The columns are the fields, in their order."""
    return with_end(Cooldown._make(row))


def latency_text(milliseconds: int) -> str:
    """Always as many digits, so that the oldest can be cut off a text of many."""
    return f"{min(milliseconds, LONGEST_LATENCY):0{LATENCY_DIGITS}}"


@lru_cache(maxsize=1024)  # Most texts are the same as at the last reading.
def latencies_of(text: str) -> tuple[int, ...]:
    return tuple(int(text[start : start + LATENCY_DIGITS]) for start in range(0, len(text), LATENCY_DIGITS))


@lru_cache(maxsize=4096)  # There are no more than deployments.
def _text(scopes: tuple[str, ...]) -> str:
    return json.dumps(scopes)


@lru_cache(maxsize=4096)
def _scopes(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


def _observed(text: str | None) -> dict[LimitName, ObservedLimit]:
    if not text:
        return {}
    return {cast(LimitName, name): ObservedLimit(*values) for name, values in json.loads(text).items()}


@lru_cache(maxsize=4096)  # Most steps do not change it, and making the text costs more than all else.
def _observed_text(observed: tuple[tuple[LimitName, ObservedLimit], ...]) -> str:
    return json.dumps(dict(observed))
