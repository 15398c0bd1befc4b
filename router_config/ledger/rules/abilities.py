"""What models were seen to refuse for want of an ability: pure logic, as texts that processes tell each other."""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

KEPT: Final = 400
"""Abilities of models that are remembered; those that were heard of last."""

ASKED_AGAIN: Final = 7 * 86_400.0
"""Seconds after the last refusal, from which on one request asks again."""

CLAIM_HOLDS: Final = 600.0
"""Seconds for which one request that asks again keeps the others away. Its process may have died."""

Place = tuple[str, str]
"""A model at an address, and an ability, `context` or `answer`."""


class Lack(NamedTuple):
    """A model refused a request for want of an ability; not `lacks`: it has answered such a request since.

    since: of its first refusal in a row. seen: of the last one. size: the most tokens that it takes or answers, where
    it said so. refused: tokens by our estimate that were too many. claimed: when a request began to ask again, by `by`.
    Epoch seconds.
    """

    since: float
    seen: float
    lacks: bool
    size: int | None = None
    refused: int = 0
    claimed: float = 0.0
    by: str = ""

    def due(self, now: float) -> bool:
        """Whether a request may find out if this still holds."""
        return now >= self.seen + ASKED_AGAIN and not self.claimed <= now < self.claimed + CLAIM_HOLDS


def both(one: Mapping[Place, Lack], other: Mapping[Place, Lack]) -> dict[Place, Lack]:
    """What a store knows, and what a process tells it: of one ability what was seen last.

    Of two claims to ask again the first holds, which is the store's: that is how one request alone asks.
    """
    found = dict(one)
    for place, lack in other.items():
        found[place] = _later(found[place], lack) if place in found else lack
    if len(found) <= KEPT:
        return found
    return dict(sorted(found.items(), key=lambda each: (each[1].seen, each[0]), reverse=True)[:KEPT])


def _later(known: Lack, told: Lack) -> Lack:
    if known.seen != told.seen:
        return max(known, told, key=lambda each: each.seen)
    if known.lacks != told.lacks:
        return known if known.lacks else told
    return told if told.claimed >= known.claimed + CLAIM_HOLDS else known


def abilities_text(lacks: Mapping[Place, Lack]) -> str:
    return json.dumps([[*place, *each] for place, each in sorted(lacks.items())], separators=(",", ":"))


def abilities_of(text: str) -> dict[Place, Lack]:
    """What a text says; of a text of another version what can be read."""
    try:
        rows: Any = json.loads(text)
    except ValueError:
        return {}
    found: dict[Place, Lack] = {}
    for row in rows if isinstance(rows, list) else []:
        match row:
            case [
                str(model),
                str(ability),
                int() | float() as since,
                int() | float() as seen,
                bool(lacks),
                int() | None as size,
                int(refused),
                int() | float() as claimed,
                str(by),
                *_,
            ]:
                found[model, ability] = Lack(since, seen, lacks, size, refused, claimed, by)
    return found
