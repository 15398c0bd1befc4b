"""What a simulation tells while it runs."""

from typing import NamedTuple

from router_config.deployments.catalog import Group
from router_config.deployments.deployment import Deployment
from router_config.ledger.rules.choice import Skipped
from router_config.ledger.rules.gates import Book, Need
from router_config.ledger.rules.meters import Spending
from router_config.planner.assumptions.workload import Arrival
from router_config.planner.virtual.open_candidates import OpenCandidates


class Served(NamedTuple):
    """A request that a deployment took: when, how long it had waited, and what it spends (moments in epoch seconds)."""

    arrival: Arrival
    deployment: Deployment
    asked_at: float
    ends_at: float
    spent: Spending


class Decided(NamedTuple):
    """What a request found: who was skipped, and who was left out since it is known to have no room."""

    group: Group
    need: Need
    skipped: tuple[Skipped, ...]
    open: OpenCandidates
    now: float
    book: Book
    """The counts, as the rules read them."""


class Observer:
    """What is told of a simulation while it runs."""

    def decided(self, found: Decided) -> None:
        """A request found who serves it, or that nobody does."""

    def served(self, request: Served) -> None: ...

    def failed(self, deployment: Deployment, now: float) -> None:
        """A deployment was asked in vain."""

    def unserved(self, arrival: Arrival, group: Group, now: float, *, needlessly: bool) -> None:
        """Nobody had room, or not before the request had waited for as long as it may.

        needlessly: somebody did who would have answered, whom a cooldown kept away.
        """

    def loop_begun(self, now: float) -> None:
        """The first call of a tool loop comes."""

    def loop_moved(self, now: float) -> None:
        """A call of a tool loop is served by another model than the one before."""
