"""Tool loops in a plan: which requests of a load are the calls of one loop, and the model that it stays with."""

from collections import deque
from collections.abc import Sequence

from router_config.attempts.loyal_order import LoyalOrder, is_of
from router_config.config.group_rules import sticky_in
from router_config.config.loads import Load
from router_config.config.models import Config
from router_config.deployments.deployment import Deployment
from router_config.planner.assumptions.workload import Arrival


class PlannedLoop:
    """A tool loop: calls one after the other.

    sticky: seconds for which it stays with its model after each answer. calls: so many have come. under_way: whether
    one is asked and has not ended. later: those whose moment came before that.
    """

    __slots__ = ("_answered_by", "_stays_until", "_sticky", "calls", "later", "under_way")

    def __init__(self, sticky: float) -> None:
        self._sticky, self.calls, self.under_way = sticky, 0, False
        self.later: deque[Arrival] = deque()
        self._answered_by: Deployment | None = None
        self._stays_until = 0.0

    def stays_with(self, now: float) -> Deployment | None:
        """Who is asked first, having answered the call before; None: the next call goes by priority."""
        return self._answered_by if now < self._stays_until else None

    def answered(self, deployment: Deployment, ends: float) -> bool:
        """Whether a call changed the model: a deployment answers it, until a moment (epoch seconds)."""
        before, self._answered_by = self._answered_by, deployment
        self._stays_until = ends + self._sticky
        return before is not None and not is_of(deployment, before.provider, before.model)


class Loops:
    """Those of a workload. Requests of a load that come in a row are the calls of one loop; its last may be short."""

    def __init__(self, config: Config, loads: Sequence[Load]) -> None:
        self._sizes = [load.calls_per_loop for load in loads]
        groups = [config.group_of(load.group) or load.group for load in loads]
        self._sticky = [sticky_in(config.group_rules, group, config.defaults.sticky) for group in groups]
        self._newest: list[PlannedLoop | None] = [None] * len(loads)
        self._order = LoyalOrder()

    def joined(self, arrival: Arrival) -> PlannedLoop | None:
        """The loop that a request is the next call of; None: it is a request by itself."""
        place = arrival.load
        size, loop = self._sizes[place], self._newest[place]
        if size is None:
            return None
        if loop is None or loop.calls == size:
            loop = self._newest[place] = PlannedLoop(self._sticky[place])
        loop.calls += 1
        return loop

    def in_order(self, ordered: Sequence[Deployment], first: Deployment) -> Sequence[Deployment]:
        """The candidates of a call, with those first that have the model of the call before."""
        return self._order.first(ordered, first.id, first.provider, first.model)
