"""The requests of a plan while they are under way, and the model groups that they ask for."""

from collections import deque
from collections.abc import Callable, Sequence
from math import inf
from typing import Final

from router_config.attempts.tried import Tried
from router_config.config.agent_classes import PRIORITY_STEP, AgentClass, class_of
from router_config.config.loads import Load
from router_config.config.models import Config
from router_config.deployments.catalog import Catalog, Group
from router_config.deployments.deployment import Deployment
from router_config.ledger.local.memory import MemoryStore
from router_config.ledger.rules.gates import Need
from router_config.planner.assumptions.workload import Arrival
from router_config.planner.virtual.able import with_tools
from router_config.planner.virtual.loops import PlannedLoop
from router_config.planner.virtual.open_candidates import OpenCandidates


class AskedGroup:
    """A model group that is asked: its candidates, and the line of those who wait for room, first come first served.

    least: the smallest request that it gets. agent_class: whose requests they are, by whose eyes the group is seen.
    """

    def __init__(self, group: Group, store: MemoryStore, least: Need, agent_class: AgentClass | None = None) -> None:
        self.group, self.agent_class = group, agent_class
        self._ahead = 0.0 if agent_class is None else PRIORITY_STEP * agent_class.priority
        self.ranks_all = group.ranks_all
        self.open = OpenCandidates(group, store, least)
        self.line: deque[PlannedRequest] = deque()
        self.wakes = inf
        """When the first of them asks again, epoch seconds."""

    @property
    def order(self) -> float:
        """Of several lines, the one with the lowest goes first; of somebody who stands in it."""
        return self.line[0].arrival[0] + self._ahead

    def join(self, request: "PlannedRequest") -> None:
        """Stand in line behind those who came before."""
        place = len(self.line)
        while place and self.line[place - 1].number > request.number:
            place -= 1
        self.line.insert(place, request)


class PlannedRequest:
    """What it asks for, until when it may wait for room (epoch seconds), and what it has tried, once something failed.

    number: of when it came. gives_up: until when it waits for the outcome of a probe. loop: that it is a call of.
    """

    __slots__ = ("arrival", "asked", "deadline", "gives_up", "loop", "need", "number", "tried")

    endpoint: Final = "acompletion"

    def __init__(
        self, arrival: Arrival, asked: AskedGroup, need: Need, deadline: float, number: int, loop: PlannedLoop | None
    ) -> None:
        self.arrival, self.asked, self.need = arrival, asked, need
        self.deadline, self.number, self.loop = deadline, number, loop
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


def asked_groups(
    config: Config, catalog: Catalog, loads: Sequence[Load], store: MemoryStore, need: Callable[[int, int], Need]
) -> list[AskedGroup]:
    """What each load asks, as its class sees it; loads that ask the same share it. need: of a prompt and an answer."""
    made: dict[tuple[str, bool, str | None], AskedGroup] = {}
    whose = [class_of_load(load, config.classes) for load in loads]
    keys = [
        (config.group_of(load.group) or load.group, load.tools, None if each is None else each.name)
        for load, each in zip(loads, whose, strict=True)
    ]
    for key, agent_class in zip(keys, whose, strict=True):
        if key in made:
            continue
        theirs = [load for load, each in zip(loads, keys, strict=True) if each == key]
        least = need(min(load.prompt.least for load in theirs), min(load.answer.most for load in theirs))
        name, tools, _ = key
        group = catalog.group(name) or Group(name, (), {})
        group = with_tools(group, config) if tools else group
        group = group if agent_class is None else group.for_class(agent_class, config.classes)
        made[key] = AskedGroup(group, store, least, agent_class)
    return [made[key] for key in keys]


def class_of_load(load: Load, classes: tuple[AgentClass, ...]) -> AgentClass | None:
    """The class that a load is of: the one that it names, else that of its agent. None: there are no classes."""
    named = next((each for each in classes if each.name == load.agent_class), None)
    return named or class_of(load.agent, classes)
