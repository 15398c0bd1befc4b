"""What the router decided: one record for each request, of which every store keeps the last ones."""

import json
from typing import Any, Final, NamedTuple

from router_config.ledger.rules.gates import Status

DECISIONS_KEPT: Final = 500
"""A store keeps the decisions of its last 500 requests."""

SKIPPED_KEPT: Final = 12
"""A decision names the first twelve candidates that were skipped: with 300 deployments the list would be too long."""


class Attempt(NamedTuple):
    """One try of a request at a provider. `outcome` is "ok" or the kind of failure; `seconds` is how long it took."""

    provider: str
    model: str
    outcome: str
    seconds: float


class SkippedModel(NamedTuple):
    """A candidate that was not asked, and its status then. reason: what it lacks for the request, if that is why."""

    provider: str
    model: str
    status: Status
    reason: str | None = None


class Decision(NamedTuple):
    """One request from its arrival to its end. Without a provider nobody answered it.

    `at`: when it ended, epoch seconds. `outcome`: "ok", the kind of the last failure, "refused" (nobody had room) or
    "cancelled". `error`: why nobody answered, without secrets. `estimated`: the tokens reserved at the one that
    answered. `number` is the store's, from 1 on; 0 before it has one.
    """

    at: float
    agent: str | None
    group: str
    provider: str | None
    model: str | None
    outcome: str
    attempts: tuple[Attempt, ...]
    skipped: tuple[SkippedModel, ...]
    tokens: int | None
    seconds: float
    error: str | None = None
    estimated: int | None = None
    number: int = 0


def decision_text(decision: Decision) -> str:
    """The decision without its number, for stores that hold text. The order of the fields is part of the format."""
    skipped = [each if each.reason else each[:3] for each in decision.skipped]  # Earlier versions read three.
    fields = decision._asdict() | {"skipped": skipped}
    return json.dumps([fields[name] for name in Decision._fields[:-1]], separators=(",", ":"))


def decision_of(text: str | bytes, number: int) -> Decision:
    *start, attempts, skipped, tokens, seconds, error, estimated = _with_estimated(json.loads(text))
    attempts, skipped = tuple(Attempt(*each) for each in attempts), tuple(SkippedModel(*each) for each in skipped)
    return Decision._make((*start, attempts, skipped, tokens, seconds, error, estimated, number))


def _with_estimated(fields: list[Any]) -> list[Any]:
    """Earlier versions wrote no estimate."""
    return fields if len(fields) == len(Decision._fields) - 1 else [*fields, None]
