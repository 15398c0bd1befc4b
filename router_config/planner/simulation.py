"""A workload against the ledger, on a virtual clock: who serves each request, by the router's own code."""

import heapq
from collections import deque
from collections.abc import Coroutine, Iterator, Sequence
from inspect import unwrap
from math import inf
from random import Random
from typing import Any, Final, NamedTuple, TypeVar, cast

from router_config.config.loads import Load
from router_config.config.models import Config
from router_config.deployments.candidate_order import CandidateOrder
from router_config.deployments.catalog import Catalog, Group
from router_config.deployments.deployment import Deployment
from router_config.deployments.model_list import generate
from router_config.ledger.local.memory import MemoryStore
from router_config.ledger.rules.choice import Skipped
from router_config.ledger.rules.gates import Book, Need
from router_config.ledger.rules.meters import Part, Spending
from router_config.ledger.values import Lease, Settlement
from router_config.planner.open_candidates import OpenCandidates
from router_config.planner.workload import Arrival

SOONEST: Final = 0.01
"""Seconds after which the first of those who wait may ask again."""

NEEDS_KEPT: Final = 4096
PARTS: Final[tuple[Part, ...]] = ("input", "output")

T = TypeVar("T")

_reserve: Final = unwrap(MemoryStore.reserve)  # One thread plans, and needs no lock for each step.
_settle: Final = unwrap(MemoryStore.settle)
_new: Final = tuple.__new__  # Half the time of calling the class.
_NO_MORE: Final = Settlement(None, 0.0, 0.0)[3:]


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

    def unserved(self, arrival: Arrival, group: Group, now: float) -> None:
        """Nobody had room, or not before the request had waited for as long as it may."""


class _Waiting(NamedTuple):
    arrival: Arrival
    need: Need
    deadline: float


class _Asked:
    """A model group that is asked: its candidates, and the line of those who wait for room, first come first served."""

    def __init__(self, group: Group, store: MemoryStore, least: Need) -> None:
        self.group = group
        self.ranks_all = group.ranks_all
        self.open = OpenCandidates(group, store, least)
        self.line: deque[_Waiting] = deque()
        self.wakes = inf
        """When the first of them asks again, epoch seconds."""


class Simulation:
    """The deployments of a configuration with nothing used yet, asked by a workload.

    latency: seconds that an answer takes. max_wait: seconds that a request may wait for room. observer: is told what
    becomes of each request. Raises ConfigError for a limit in dollars of a model whose price nobody knows.
    """

    def __init__(
        self,
        config: Config,
        loads: Sequence[Load],
        observer: Observer,
        *,
        latency: float = 2.0,
        max_wait: float | None = None,
        seed: int = 0,
    ) -> None:
        self._observer, self._latency = observer, latency
        self._max_wait = config.defaults.max_wait if max_wait is None else max_wait
        self.catalog = Catalog(generate(config).model_list, config.defaults.soft_limit)
        self._store = MemoryStore()
        self._store.register_meters(self.catalog.meters, self.catalog.formerly)
        self._order = CandidateOrder(self._store, Random(seed))
        groups: dict[str, _Asked] = {}
        names = [config.group_of(load.group) or load.group for load in loads]
        for name in names:
            theirs = [load for load, each in zip(loads, names, strict=True) if each == name]
            prompt = min(load.prompt.least for load in theirs)
            least = Need(prompt + min(load.answer.most for load in theirs), prompt)
            groups[name] = _Asked(self.catalog.group(name) or Group(name, (), {}), self._store, least)
        self._groups = [groups[name] for name in names]
        self._asked = tuple(groups.values())
        self._answers = [load.answer.most for load in loads]
        self._needs: list[dict[int, Need]] = [{} for _ in loads]
        self._flights: list[tuple[float, int, Lease, Settlement]] = []
        self._lines = self._asked if self._max_wait > 0 else ()
        self._number = 0

    def run(self, arrivals: Iterator[Arrival]) -> Iterator[float]:
        """Ask for each request in turn. Yields the moments (epoch seconds), so that whoever waits sees it go on."""
        for arrival in arrivals:
            self._go_on(arrival[0])
            self._ask(arrival, arrival[0])
            yield arrival[0]
        self._go_on(inf)

    def _go_on(self, until: float) -> None:
        """Everything that happens before a moment: requests end, and those who wait ask again."""
        flights, lines = self._flights, self._lines
        while True:
            ends = flights[0][0] if flights else inf
            wakes = min([each.wakes for each in lines]) if lines else inf
            if min(ends, wakes) > until or ends == wakes == inf:
                return
            if ends <= wakes:
                ended, _, lease, settlement = heapq.heappop(flights)
                self._end(lease, settlement, ended)
            for line in lines:
                if line.line:
                    self._call(line, min(ends, wakes))

    def _end(self, lease: Lease, settlement: Settlement, now: float) -> None:
        _settle(self._store, lease, settlement, now)
        gave_back = settlement.spent != lease.amount
        for each in self._asked:
            each.open.ended(lease, gave_back=gave_back)

    def _ask(self, arrival: Arrival, now: float) -> None:
        _, place, prompt, _ = arrival
        asked, needs = self._groups[place], self._needs[place]
        need = needs.get(prompt)
        if need is None:
            if len(needs) > NEEDS_KEPT:
                needs.clear()
            need = needs[prompt] = Need(prompt + self._answers[place], prompt)
        if self._lines:
            asked.line.append(_Waiting(arrival, need, now + self._max_wait))
            if len(asked.line) == 1:  # Who may wait does not overtake those who do.
                self._call(asked, now)
        elif not self._take(asked, arrival, need, now):
            self._observer.unserved(arrival, asked.group, now)

    def _call(self, asked: _Asked, now: float) -> None:
        """Let those who wait ask, one after the other, until one of them has to wait on."""
        asked.wakes = inf
        while asked.line:
            arrival, need, deadline = asked.line[0]
            if not self._take(asked, arrival, need, now):
                examined = done(self._store.explain(asked.group.deployments, need, now))
                if now < deadline and any(each.may_clear(deadline) for each in examined):
                    wakes = min((each.until for each in examined if each.until is not None), default=deadline)
                    asked.wakes = max(now + SOONEST, min(wakes, deadline))
                    return
                self._observer.unserved(arrival, asked.group, now)
            asked.line.popleft()

    def _take(self, asked: _Asked, arrival: Arrival, need: Need, now: float) -> bool:
        """Whether some deployment takes the request now."""
        group, opened = asked.group, asked.open
        ordered = None if asked.ranks_all else done(self._order.of(group, need, now))
        candidates = opened.at(now, ordered)
        while True:
            choice, lease = _reserve(self._store, candidates, need, now, inf)
            if opened.may_be_wrong(choice):
                if lease is not None:
                    self._end(lease, Settlement(None, now, now), now)
                choice, lease = _reserve(self._store, opened.with_soft(ordered), need, now, inf)
            if choice.skipped:
                opened.learn(choice.skipped, need, now)
            self._observer.decided(_new(Decided, (group, need, choice.skipped, opened, now, self._store)))
            if lease is None:
                return False
            chosen = cast(Deployment, choice.chosen)
            spent = chosen.need(arrival[2] + arrival[3], arrival[2])
            if _holds(lease[3], spent):
                break
            # No window of it holds so many tokens, so only a part could be reserved: it would refuse.
            self._end(lease, Settlement(None, now, now), now)
            candidates = [each for each in candidates if each.id != chosen.id]
        if ordered is not None:
            self._order.served(group, chosen.id)
        ends = now + self._latency
        self._number += 1
        heapq.heappush(self._flights, (ends, self._number, lease, _new(Settlement, (spent, ends, ends, *_NO_MORE))))
        self._observer.served(_new(Served, (arrival, chosen, now, ends, spent)))
        return True


def _holds(reserved: Spending, spent: Spending) -> bool:
    """Whether all tokens were reserved, those of prompt and answer apart too where they count apart."""
    if spent.tokens > reserved.tokens:
        return False
    return len(spent) == 3 or all(spent.counted(part).tokens <= reserved.counted(part).tokens for part in PARTS)


def done(step: Coroutine[Any, Any, T]) -> T:
    """What a step of a store of this process gives: it never waits for anything."""
    try:
        step.send(None)
    except StopIteration as end:
        return cast(T, end.value)
    raise AssertionError("a step of the memory store waited")
