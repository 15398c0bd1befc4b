"""The models that are gone, and what takes the place of each: pure logic, as texts that processes tell each other."""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

KEPT: Final = 400
"""Models that are remembered; those that were heard of last."""


class Retired(NamedTuple):
    """A model is gone since `at` (epoch seconds); not `gone`: it is back since then.

    successor: the model of the same provider that may take its place, if one is known.
    """

    at: float
    gone: bool
    successor: str | None = None


def both(one: Mapping[str, Retired], other: Mapping[str, Retired]) -> dict[str, Retired]:
    """By scope, what two processes know, as one: of one model what happened last. The order does not matter."""
    found = dict(one)
    for scope, retired in other.items():
        found[scope] = max(found[scope], retired, key=_order) if scope in found else retired
    if len(found) <= KEPT:
        return found
    return dict(sorted(found.items(), key=lambda each: (each[1].at, each[0]), reverse=True)[:KEPT])


def retired_text(retired: Mapping[str, Retired]) -> str:
    return json.dumps([[scope, *each] for scope, each in sorted(retired.items())], separators=(",", ":"))


def retired_of(text: str) -> dict[str, Retired]:
    """By scope, what a text says; of a text of another version what can be read."""
    try:
        rows: Any = json.loads(text)
    except ValueError:
        return {}
    found: dict[str, Retired] = {}
    for row in rows if isinstance(rows, list) else []:
        match row:
            case [str(scope), int() | float() as at, bool(gone), str() | None as successor]:
                found[scope] = Retired(at, gone, successor)
    return found


def _order(retired: Retired) -> tuple[float, bool, str]:
    return retired.at, retired.gone, retired.successor or ""
