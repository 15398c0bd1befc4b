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
    answered. `number` is the store's, from 1 on; 0 before it has one. `agent_class`: the class that the agent was of;
    None where there are no classes. `stays`: which call of a tool loop it was, where it stayed with the loop's model.
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
    agent_class: str | None = None
    stays: int | None = None


_FIRST_LINE: Final = Decision._fields[: Decision._fields.index("number")]


def decision_text(decision: Decision) -> str:
    """The decision without its number, for stores that hold text.

    The first line is a list whose fields and their order are part of the format. What came later stands in a second
    line, an object, where there is any: stores keep it apart, for earlier versions read the first line alone.
    """
    skipped = [each if each.reason else each[:3] for each in decision.skipped]  # Earlier versions read three.
    fields = decision._asdict() | {"skipped": skipped}
    line = json.dumps([fields[name] for name in _FIRST_LINE], separators=(",", ":"))
    later = {"class": decision.agent_class, "stays": decision.stays}
    told = {name: value for name, value in later.items() if value is not None}
    return f"{line}\n{json.dumps(told)}" if told else line


def decision_of(text: str | bytes, number: int) -> Decision:
    first, _, second = (text if isinstance(text, str) else text.decode("utf-8", "replace")).partition("\n")
    *start, attempts, skipped, tokens, seconds, error, estimated = _with_estimated(json.loads(first))
    attempts, skipped = tuple(Attempt(*each) for each in attempts), tuple(SkippedModel(*each) for each in skipped)
    later = json.loads(second) if second else {}
    fields = (
        *start,
        attempts,
        skipped,
        tokens,
        seconds,
        error,
        estimated,
        number,
        later.get("class"),
        later.get("stays"),
    )
    return Decision._make(fields)


def _with_estimated(fields: list[Any]) -> list[Any]:
    """Earlier versions wrote no estimate."""
    return fields if len(fields) == len(_FIRST_LINE) else [*fields, None]
