"""The requests of a plan while they are under way, and the model groups that they ask for."""

from collections import deque
from collections.abc import Sequence
from math import inf
from typing import Final

from router_config.attempts.tried import Tried
from router_config.deployments.catalog import Group
from router_config.deployments.deployment import Deployment
from router_config.ledger.local.memory import MemoryStore
from router_config.ledger.rules.gates import Need
from router_config.planner.assumptions.workload import Arrival
from router_config.planner.virtual.open_candidates import OpenCandidates


class AskedGroup:
    """A model group that is asked: its candidates, and the line of those who wait for room, first come first served.

    least: the smallest request that it gets.
    """

    def __init__(self, group: Group, store: MemoryStore, least: Need) -> None:
        self.group = group
        self.ranks_all = group.ranks_all
        self.open = OpenCandidates(group, store, least)
        self.line: deque[PlannedRequest] = deque()
        self.wakes = inf
        """When the first of them asks again, epoch seconds."""

    def join(self, request: "PlannedRequest") -> None:
        """Stand in line behind those who came before."""
        place = len(self.line)
        while place and self.line[place - 1].number > request.number:
            place -= 1
        self.line.insert(place, request)


class PlannedRequest:
    """What it asks for, until when it may wait for room (epoch seconds), and what it has tried, once something failed.

    number: of when it came. gives_up: until when it waits for the outcome of a probe.
    """

    __slots__ = ("arrival", "asked", "deadline", "gives_up", "need", "number", "tried")

    endpoint: Final = "acompletion"

    def __init__(self, arrival: Arrival, asked: AskedGroup, need: Need, deadline: float, number: int) -> None:
        self.arrival, self.asked, self.need = arrival, asked, need
        self.deadline, self.number = deadline, number
        self.tried: Tried | None = None
        self.gives_up: float | None = None

    @property
    def group(self) -> Group:
        return self.asked.group

    def left(self, deployments: Sequence[Deployment]) -> Sequence[Deployment]:
        """Those of them that it may still ask."""
        return deployments if self.tried is None else self.tried.left(deployments)

    @property
    def arrived(self) -> float:
        return self.arrival[0]

    @property
    def message(self) -> int:
        """No two of them say the same."""
        return self.number
