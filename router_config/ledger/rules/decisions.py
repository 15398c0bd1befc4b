"""What the router decided: one record for each request, as every store keeps the last of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, cast

from router_config.ledger.rules.gates import Status

DECISIONS_KEPT: Final = 500
"""A store keeps the decisions of its last 500 requests."""

PASSED_KEPT: Final = 12
"""Of the candidates passed over, a decision names the first twelve: with 300 deployments the list would drown it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a request. `outcome` is "ok" or the kind of failure; a try that was passed over cost no request."""

    provider: str
    model: str
    outcome: str
    seconds: float


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A candidate that was not asked, and its status then."""

    provider: str
    model: str
    status: Status


class Decision(NamedTuple):
    """One request from its arrival to its end. Without a provider nobody answered it.

    `at`: when it ended, epoch seconds. `outcome`: "ok", the kind of the last failure, "refused" (nobody had room) or
    "cancelled". `error`: why nobody answered, without secrets. `number` is the store's, from 1 on; 0 before it has one.
    """

    at: float
    agent: str | None
    group: str
    provider: str | None
    model: str | None
    outcome: str
    attempts: tuple[Attempt, ...]
    passed: tuple[PassedOver, ...]
    tokens: int | None
    seconds: float
    error: str | None = None
    number: int = 0


def numbered(kept: Sequence[tuple[int, Decision]]) -> tuple[Decision, ...]:
    return tuple(decision._replace(number=number) for number, decision in kept)


def decision_text(decision: Decision) -> str:
    """For stores that hold text; the number is theirs."""
    return json.dumps(
        [
            decision.at,
            decision.agent,
            decision.group,
            decision.provider,
            decision.model,
            decision.outcome,
            [[each.provider, each.model, each.outcome, each.seconds] for each in decision.attempts],
            [[each.provider, each.model, each.status] for each in decision.passed],
            decision.tokens,
            decision.seconds,
            decision.error,
        ],
        separators=(",", ":"),
    )


def decision_of(text: str | bytes, number: int) -> Decision:
    at, agent, group, provider, model, outcome, attempts, passed, tokens, seconds, error = json.loads(text)
    return Decision(
        at,
        agent,
        group,
        provider,
        model,
        outcome,
        tuple(Attempt(*each) for each in attempts),
        tuple(PassedOver(provider, model, cast(Status, status)) for provider, model, status in passed),
        tokens,
        seconds,
        error,
        number,
    )
