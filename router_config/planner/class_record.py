"""What became of a workload by class of agents, and what was in the way of those that nobody served."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from router_config.ledger.rules.choice import binding_limit, standing
from router_config.ledger.rules.gates import OPEN
from router_config.ledger.rules.meters import LimitName
from router_config.planner.assumptions.workload import Arrival
from router_config.planner.virtual.observer import Decided


class Obstacle(NamedTuple):
    """What keeps the requests of a class out: a limit of a provider, and the status that it gives."""

    provider: str
    limit: LimitName
    status: str


@dataclass(slots=True)
class ClassDay:
    """What a class asked for on a day. unserved_since: when its first request was not served, epoch seconds."""

    requests: int = 0
    tokens: int = 0
    unserved_requests: int = 0
    unserved_tokens: int = 0
    unserved_since: float | None = None
    obstacles: Counter[Obstacle] = field(default_factory=Counter)

    @property
    def most_in_the_way(self) -> Obstacle | None:
        """What was most often in the way of those that nobody served."""
        return self.obstacles.most_common(1)[0][0] if self.obstacles else None

    def add(self, other: "ClassDay") -> None:
        """What it asked for on another day, a later one."""
        self.requests += other.requests
        self.tokens += other.tokens
        self.unserved_requests += other.unserved_requests
        self.unserved_tokens += other.unserved_tokens
        self.unserved_since = other.unserved_since if self.unserved_since is None else self.unserved_since
        self.obstacles += other.obstacles


class ClassRecorder:
    """Adds up by class. names: the class of each load of the workload; empty where there are no classes."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._last: Decided | None = None

    def decided(self, found: Decided) -> None:
        """A request found who serves it, or that nobody does."""
        self._last = found

    def served(self, arrival: Arrival, tokens: int, day: dict[str, ClassDay]) -> None:
        """It was served, with so many tokens."""
        theirs = self._of(arrival, day)
        theirs.requests += 1
        theirs.tokens += tokens

    def unserved(self, arrival: Arrival, now: float, day: dict[str, ClassDay]) -> None:
        """Nobody served it. What was in the way is looked up once a day."""
        theirs, tokens = self._of(arrival, day), arrival.prompt + arrival.answer
        theirs.requests += 1
        theirs.tokens += tokens
        theirs.unserved_requests += 1
        theirs.unserved_tokens += tokens
        if theirs.unserved_since is None:
            theirs.unserved_since = now
            if self._last is not None:
                theirs.obstacles.update(_obstacles(self._last))

    def _of(self, arrival: Arrival, day: dict[str, ClassDay]) -> ClassDay:
        name = self._names[arrival.load]
        found = day.get(name)
        if found is None:
            found = day[name] = ClassDay()
        return found


def _obstacles(found: Decided) -> list[Obstacle]:
    """Of each candidate of the group, what keeps the request out there."""
    told = []
    for each in found.group.deployments:
        status = standing(each, found.need, found.book, found.now)
        limit = binding_limit(each, found.need, found.book, found.now)
        if status not in OPEN and limit is not None:
            told.append(Obstacle(each.provider, limit, status))
    return told
