"""A tool loop is not begun where it could not be ended: on what is left of a day, a week or a month.

Minutes are left out: they fill again while a loop goes on, and a loop that meets a full one moves, or waits for it.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final

from router_config.deployments.deployment import Deployment
from router_config.ledger.interfaces import Ledger
from router_config.ledger.rules.gates import Examination, Gate, Need
from router_config.ledger.rules.loops import Expectation
from router_config.ledger.rules.meters import kind_of

LOOKED_AT: Final = 16
"""Candidates that are compared: those that would be asked first."""


async def with_room_for_all(
    ledger: Ledger, ordered: Sequence[Deployment], need: Need, expectation: Expectation, now: float
) -> Sequence[Deployment]:
    """The candidates, those first that have room for a whole loop; but what costs money never before what is free.

    Where nobody has it, the order stays as it is. need: of the loop's first call. now: epoch seconds.
    """
    looked_at = ordered[:LOOKED_AT]
    if expectation.calls < 2 or len(looked_at) < 2 or not any(map(_lasts, looked_at)):
        return ordered
    examined = await ledger.explain(looked_at, need, now)
    holds = {each.deployment: _holds(each, expectation) for each in examined}
    return [*in_order(looked_at, holds), *ordered[LOOKED_AT:]]


def in_order(candidates: Sequence[Deployment], holds: Mapping[str, bool]) -> list[Deployment]:
    """Those that hold a whole loop before the others, among candidates in a row that are all free, or all paid."""
    found: list[Deployment] = []
    for _, row in groupby(candidates, key=lambda each: each.tier):
        found += sorted(row, key=lambda each: not holds[each.id])
    return found


def _lasts(deployment: Deployment) -> bool:
    """Whether a limit of a day or longer is among its own."""
    return any(limit.exhausts for meter in deployment.meters for limit in meter.limits)


def _holds(examined: Examination, expectation: Expectation) -> bool:
    return examined.cooldown is None and all(_leaves_room(gate, expectation) for gate in examined.gates)


def _leaves_room(gate: Gate, expectation: Expectation) -> bool:
    kind = kind_of(gate.limit)
    if not kind.exhausts or kind.metric == "usd":
        return True
    needed: float = expectation.calls if kind.metric == "requests" else expectation.tokens
    if kind.part == "output":
        needed = gate.needed * expectation.calls
    return gate.value - gate.used - gate.reserved >= needed
