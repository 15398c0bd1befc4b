"""What every store adds up for good: sums that only ever rise, survive a restart and cover all processes.

However much traffic there is, the rows are few: one for each way in which attempts at a model end, and one for each
bucket of how long its answers took.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

BUCKETS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0)
"""Upper bounds, in seconds, of how long answers took; what took longer is in one more."""

_new: Final = tuple.__new__  # Half the time of calling the class.

OK: Final = "ok"
CANCELLED: Final = "cancelled"

CountedKind = Literal[
    "cooldown", "failover", "http_429", "store_error", "cached_tokens", "hedge_won", "hedge_lost", "hedge_failed"
]

HEDGES: Final[Mapping[str, CountedKind]] = {"won": "hedge_won", "lost": "hedge_lost", "failed": "hedge_failed"}
"""What is counted of an attempt that was made beside another one, by how it ended."""


class Ending(NamedTuple):
    """A way in which attempts end. `bucket` is the place in BUCKETS of an answer, 0 for everything else."""

    provider: str
    model: str
    outcome: str
    bucket: int


class Sums(NamedTuple):
    """Of all attempts that ended in one way. A request that never reached its provider spent nothing."""

    attempts: int
    tokens: int
    usd: float
    seconds: float


class Counted(NamedTuple):
    """Something that is only counted. A `store_error` is nobody's, and so of no provider and no model."""

    kind: CountedKind
    provider: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Totals:
    attempts: Mapping[Ending, Sums] = field(default_factory=dict)
    counted: Mapping[Counted, int] = field(default_factory=dict)


def ending(provider: str, model: str, outcome: str, seconds: float) -> Ending:
    return _new(Ending, (provider, model, outcome, bisect_left(BUCKETS, seconds) if outcome == OK else 0))
