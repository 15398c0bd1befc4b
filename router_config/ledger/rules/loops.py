"""How long the tool loops of agents were: pure logic, as texts that processes tell each other."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

LOOPS_KEPT: Final = 20
"""Of each agent, those that ended last."""

AGENTS_KEPT: Final = 64

FEWEST: Final = 3
"""Loops of an agent from which on something is expected of its next one."""

SHARE: Final = 0.8
"""Of the last loops, so many were no longer than what is expected."""

Agent = tuple[str, str]
"""The name of an agent, empty where it has none, and the group that it asks."""


class Loop(NamedTuple):
    """A tool loop that has ended: its name, when it was answered last (epoch seconds), its calls and tokens."""

    name: str
    ended: float
    calls: int
    tokens: int


class Expectation(NamedTuple):
    """What a loop that begins now may take in all."""

    calls: int
    tokens: int


Loops = Mapping[Agent, tuple[Loop, ...]]


def expected(loops: Iterable[Loop]) -> Expectation | None:
    """What most of the last loops did not exceed; None where too few are known."""
    known = tuple(loops)
    if len(known) < FEWEST:
        return None
    place = min(len(known) - 1, int(len(known) * SHARE))
    return Expectation(sorted(each.calls for each in known)[place], sorted(each.tokens for each in known)[place])


def both(one: Loops, other: Loops) -> dict[Agent, tuple[Loop, ...]]:
    """What two processes know as one: of one loop the later account, of each agent the last ones. In any order."""
    found = {agent: _last((*one.get(agent, ()), *other.get(agent, ()))) for agent in {**one, **other}}
    if len(found) <= AGENTS_KEPT:
        return found
    newest = sorted(found, key=lambda agent: (_order(found[agent][-1]), agent), reverse=True)
    return {agent: found[agent] for agent in newest[:AGENTS_KEPT]}


def _last(loops: Iterable[Loop]) -> tuple[Loop, ...]:
    by_name: dict[str, Loop] = {}
    for loop in loops:
        known = by_name.get(loop.name)
        by_name[loop.name] = loop if known is None else max(known, loop, key=_order)
    return tuple(sorted(by_name.values(), key=_order)[-LOOPS_KEPT:])


def _order(loop: Loop) -> tuple[float, int, int, str]:
    return loop.ended, loop.calls, loop.tokens, loop.name


def loops_text(loops: Loops) -> str:
    rows = [[*agent, [list(each) for each in theirs]] for agent, theirs in sorted(loops.items())]
    return json.dumps({"loops": rows}, separators=(",", ":"))


def loops_of(text: str) -> dict[Agent, tuple[Loop, ...]]:
    """What a text says; of a text of another version what can be read."""
    try:
        document: Any = json.loads(text)
    except ValueError:
        return {}
    rows = document.get("loops") if isinstance(document, dict) else None
    found: dict[Agent, tuple[Loop, ...]] = {}
    for row in rows if isinstance(rows, list) else []:
        match row:
            case [str(agent), str(group), list(given), *_]:
                found[agent, group] = _last(_read(given))
    return {agent: theirs for agent, theirs in found.items() if theirs}


def _read(rows: Iterable[Any]) -> Iterable[Loop]:
    for row in rows:
        match row:
            case [str(name), int() | float() as ended, int(calls), int(tokens), *_]:
                yield Loop(name, ended, calls, tokens)
