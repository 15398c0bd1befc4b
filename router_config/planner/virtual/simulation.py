"""A workload against the ledger, on a virtual clock: who serves each request, by the router's own code."""

import heapq
from collections.abc import Iterator, Sequence
from inspect import unwrap
from math import inf
from random import Random
from typing import Final, NamedTuple, cast

from router_config.config.loads import Load
from router_config.config.models import Config
from router_config.deployments.candidate_order import CandidateOrder
from router_config.deployments.catalog import Catalog
from router_config.deployments.deployment import Deployment
from router_config.deployments.model_list import generate
from router_config.forecast.expected_hours import goes_by_hours
from router_config.forecast.workload_hours import weights_of
from router_config.ledger.local.memory import MemoryStore
from router_config.ledger.rules.gates import Need
from router_config.ledger.rules.meters import Part, Spending
from router_config.ledger.rules.pacing import Expected
from router_config.ledger.values import Lease, Settlement
from router_config.planner.assumptions.faults import Failure, Faults
from router_config.planner.assumptions.latencies import LATENCY, Latencies, seconds_of
from router_config.planner.assumptions.workload import Arrival
from router_config.planner.virtual.estimates import Estimates, matter
from router_config.planner.virtual.failing_calls import FailingCalls, closed
from router_config.planner.virtual.loops import Loops, PlannedLoop
from router_config.planner.virtual.observer import Decided, Observer, Served
from router_config.planner.virtual.requests import AskedGroup, PlannedRequest, asked_groups
from router_config.planner.virtual.steps import done

SOONEST: Final = 0.01
"""Seconds after which the first of those who wait may ask again."""

STREAMED: Final = 50.0
"""Tokens of a streamed answer that come in a second, once it has begun."""

WEEK: Final = 7 * 86400.0
"""Seconds after which pacing looks at the workload again: clocks change."""

NEEDS_KEPT: Final = 4096
PARTS: Final[tuple[Part, ...]] = ("input", "output")

_reserve: Final = unwrap(MemoryStore.reserve)  # One thread plans, and needs no lock for each step.
_settle: Final = unwrap(MemoryStore.settle)
_new: Final = tuple.__new__  # Half the time of calling the class.
_NO_MORE: Final = Settlement(None, 0.0, 0.0)[3:]


class _Followed(NamedTuple):
    """A call whose end says something. revives: the scope in spite of whose cooldown it was sent."""

    request: PlannedRequest
    deployment: Deployment
    failure: Failure | None
    revives: str | None


class Simulation:
    """The deployments of a configuration with nothing used yet, asked by a workload.

    latency: how long answers take, seconds. max_wait: seconds that a request may wait for room. faults: who fails, and
    when; nobody where it is left out. observer: is told what becomes of each request. Raises ConfigError for a limit in
    dollars of a model whose price nobody knows.
    """

    def __init__(
        self,
        config: Config,
        loads: Sequence[Load],
        observer: Observer,
        *,
        latency: float | Latencies = LATENCY,
        max_wait: float | None = None,
        seed: int = 0,
        faults: Faults | None = None,
    ) -> None:
        self._observer, self._answers_after = observer, seconds_of(latency, seed)
        self.catalog = Catalog(generate(config).model_list, config.defaults.soft_limit, classes=config.classes)
        self._store = MemoryStore()
        self._store.register_meters(self.catalog.meters, self.catalog.formerly)
        self._order = CandidateOrder(self._store, Random(seed))
        self._failing = FailingCalls(self._store, faults, config.defaults.cooldown) if faults else None
        self._estimates = Estimates() if matter(self.catalog.deployments.values()) else None
        self._groups = asked_groups(config, self.catalog, loads, self._store, self._need)
        self._asked = tuple(dict.fromkeys(self._groups))
        self._max_wait = [_max_wait(each, config, max_wait) for each in self._groups]
        self._streams = frozenset(place for place, load in enumerate(loads) if load.stream)
        """Places of the loads whose answers are streamed."""
        self._answers = [load.answer.most for load in loads]
        self._needs: list[dict[int, Need]] = [{} for _ in loads]
        self._flights: list[
            tuple[float, int, Lease | PlannedRequest | PlannedLoop, Settlement | None, _Followed | None]
        ] = []
        """By when they end; without a settlement: requests that ask again then, and loops that go on."""
        self._loops = Loops(config, loads) if any(load.calls_per_loop for load in loads) else None
        self._lines = self._asked if any(self._max_wait) else ()
        self._number = 0
        self._loads, self._expects_until = loads, -inf if goes_by_hours(config) else inf

    def run(self, arrivals: Iterator[Arrival]) -> Iterator[float]:
        """Ask for each request in turn. Yields the moments (epoch seconds), so that whoever waits sees it go on."""
        for arrival in arrivals:
            self._go_on(arrival[0])
            if arrival[0] >= self._expects_until:
                self._store.expect(Expected(weights_of(self._loads, arrival[0])))
                self._expects_until = arrival[0] + WEEK
            if self._loops is None or (loop := self._loops.joined(arrival)) is None:
                self._arrive(arrival)
            else:
                self._arrive_in(loop, arrival)
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
                ended, _, lease, settlement, followed = heapq.heappop(flights)
                if followed is None and settlement is not None:
                    self._end(cast(Lease, lease), settlement, ended)
                elif followed is not None:
                    self._follow(cast(Lease, lease), settlement, followed, ended)
                elif isinstance(lease, PlannedLoop):
                    self._go_on_with(lease, ended)
                else:
                    self._ask(cast(PlannedRequest, lease), ended)
            for line in sorted([each for each in lines if each.line], key=_order):
                if line.line:
                    self._call(line, min(ends, wakes))

    def _end(self, lease: Lease, settlement: Settlement, now: float) -> None:
        _settle(self._store, lease, settlement, now)
        self._ended(lease, settlement.spent)

    def _ended(self, lease: Lease, spent: Spending | None) -> None:
        gave_back = spent != lease.amount
        for each in self._asked:
            each.open.ended(lease, gave_back=gave_back)

    def _follow(self, lease: Lease, settlement: Settlement | None, followed: _Followed, now: float) -> None:
        """A call has ended: what that means, and on with the request if it was in vain."""
        request, deployment, failure, revives = followed
        if failure is None:
            settled = cast(Settlement, settlement)
            if self._estimates is not None:
                self._estimates.learn(deployment, request.need, request.arrival[2], now)
                for each in self._asked:
                    each.open.learned(deployment.same_model)
            if self._failing is None:
                self._end(lease, settled, now)
            else:
                self._failing.answered(request, lease, settled, revives, now)
                self._ended(lease, settled.spent)
        else:
            failing = cast(FailingCalls, self._failing)
            self._observer.failed(deployment, now)
            self._ended(lease, failing.failed(request, deployment, lease, failure, now))
            self._ask(request, now)

    def _need(self, prompt: int, answer: int) -> Need:
        return Need(prompt + answer, prompt) if self._estimates is None else self._estimates.need(prompt, answer)

    def _arrive_in(self, loop: PlannedLoop, arrival: Arrival) -> None:
        """The next call of a loop comes. It is asked at once, or when the one before has ended."""
        if loop.calls == 1:
            self._observer.loop_begun(arrival[0])
        if loop.under_way:
            loop.later.append(arrival)
        else:
            self._arrive(arrival, loop)

    def _go_on_with(self, loop: PlannedLoop, now: float) -> None:
        """A call of a loop has ended."""
        loop.under_way = False
        if loop.later:
            self._arrive(loop.later.popleft()._replace(at=now), loop)

    def _call_ends(self, loop: PlannedLoop, at: float) -> None:
        self._number += 1
        heapq.heappush(self._flights, (at, self._number, loop, None, None))

    def _arrive(self, arrival: Arrival, loop: PlannedLoop | None = None) -> None:
        now, place, prompt, _ = arrival
        needs = self._needs[place]
        need = needs.get(prompt)
        if need is None:
            if len(needs) > NEEDS_KEPT:
                needs.clear()
            need = needs[prompt] = self._need(prompt, self._answers[place])
        self._number += 1
        if loop is not None:
            loop.under_way = True
        deadline = now + self._max_wait[place]
        self._ask(PlannedRequest(arrival, self._groups[place], need, deadline, self._number, loop), now)

    def _ask(self, request: PlannedRequest, now: float) -> None:
        asked, may_wait = request.asked, now < request.deadline
        if not (may_wait and (asked.line or self._failing is None)):  # Who may wait does not overtake those who do.
            if self._take(request, now, at_once=True):
                return
            if not may_wait:
                self._unserved(request, now)
                return
        asked.join(request)
        if asked.line[0] is request:
            self._call(asked, now)

    def _call(self, asked: AskedGroup, now: float) -> None:
        """Let those who wait ask, one after the other, until one of them has to wait on."""
        asked.wakes = inf
        while asked.line:
            request = asked.line[0]
            if not self._take(request, now):
                left, deadline = request.left(asked.group.deployments), request.deadline
                examined = done(self._store.explain(left, request.need, now))
                if now < deadline and any(each.may_clear(deadline) for each in examined):
                    wakes = min((each.until for each in examined if each.until is not None), default=deadline)
                    asked.wakes = max(now + SOONEST, min(wakes, deadline))
                    return
                self._unserved(request, now)
            asked.line.popleft()

    def _take(self, request: PlannedRequest, now: float, *, at_once: bool = False) -> bool:
        """Whether some deployment takes the request now. at_once: it does not stand in line, and may ask in spite."""
        asked, need, failing = request.asked, request.need, self._failing
        group, opened, retries = asked.group, asked.open, request.tried is not None
        drawn, left, loop, loyal = None, request.left if retries else None, request.loop, None
        if retries or not asked.ranks_all:
            drawn = done(self._order.drawn(group, need, now, left))
        if drawn is not None and retries:
            candidates: Sequence[Deployment] = [each for tier in drawn for each in tier.in_order]
        else:
            candidates = opened.at(now, drawn)
        if loop is not None and self._loops is not None and (loyal := loop.stays_with(now)) is not None:
            candidates = self._loops.in_order(candidates if retries else opened.with_soft(drawn), loyal)
        revives, again, too_small = None, 0.0, set[str]()
        while True:
            choice, lease = _reserve(self._store, candidates, need, now, inf)
            if opened.may_be_wrong(choice) and not retries and loyal is None:
                if lease is not None:
                    self._end(lease, Settlement(None, now, now), now)
                every = [each for each in opened.with_soft(drawn) if each.id not in too_small]
                choice, lease = _reserve(self._store, every, need, now, inf)
            skipped = choice.skipped
            if skipped:
                opened.learn(skipped, need, now)
            if lease is None and at_once and failing is not None:
                lease, revives, again = failing.in_spite(request, candidates, skipped, now)
            if lease is None:
                break
            chosen = group.by_id[lease[1]]
            spent = chosen.need(request.arrival[2] + request.arrival[3], request.arrival[2])
            if _holds(lease[3], spent):
                break
            # No window of it holds so many tokens, so only a part could be reserved: it would refuse.
            self._end(lease, Settlement(None, now, now), now)
            too_small.add(chosen.id)
            candidates = [each for each in candidates if each.id != chosen.id]
        if again:
            self._number += 1
            heapq.heappush(self._flights, (again, self._number, request, None, None))
            return True
        failure = failing.failure(chosen, now) if failing is not None and lease is not None else None
        if failure is None:
            if retries or revives:
                serves = None if lease is None else chosen.id
                skipped = tuple(each for each in (*closed(request), *skipped) if each.deployment != serves)
            self._observer.decided(_new(Decided, (group, need, skipped, opened, now, self._store)))
        if lease is None:
            return False
        if drawn is not None:
            self._order.served(group, chosen.id)
        self._number += 1
        ends = now + (self._answers_after(chosen.provider) if failure is None else failure.seconds)
        if self._streams and failure is None and request.arrival[1] in self._streams:
            ends += request.arrival[3] / STREAMED
        settlement = _new(Settlement, (spent, ends, ends, *_NO_MORE))
        followed = None
        if failing is not None or self._estimates is not None:
            followed = _Followed(request, chosen, failure, revives)
        heapq.heappush(self._flights, (ends, self._number, lease, settlement, followed))
        if failure is None:
            self._observer.served(_new(Served, (request.arrival, chosen, now, ends, spent)))
            if loop is not None:
                if loop.answered(chosen, ends):
                    self._observer.loop_moved(now)
                self._call_ends(loop, ends)
        return True

    def _unserved(self, request: PlannedRequest, now: float) -> None:
        failing = self._failing
        needlessly = failing is not None and failing.could_serve(request, now)
        if failing is not None:
            failing.unanswered(request, now)
        self._observer.unserved(request.arrival, request.group, now, needlessly=needlessly)
        if request.loop is not None:
            self._call_ends(request.loop, now)


def _max_wait(asked: AskedGroup, config: Config, given: float | None) -> float:
    """Seconds that its requests may wait for room."""
    own = None if asked.agent_class is None else asked.agent_class.max_wait
    return given if given is not None else own if own is not None else config.defaults.max_wait


def _order(asked: AskedGroup) -> float:
    return asked.order


def _holds(reserved: Spending, spent: Spending) -> bool:
    """Whether all tokens were reserved, those of prompt and answer apart too where they count apart."""
    if spent.tokens > reserved.tokens:
        return False
    return len(spent) == 3 or all(spent.counted(part).tokens <= reserved.counted(part).tokens for part in PARTS)
