"""The load in virtual time: the router's own rules and its ledger in memory against the judge, a row in half a second.

Nothing is sent, so a row depends on its seed alone.
"""

import heapq
import random
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any, Final, TypeVar

from benchmarks.unseen_tokens.client import MAX_TOKENS, Arrival, entries
from benchmarks.unseen_tokens.judge import LATENCY, Judge, charge
from router_config.attempts.tried import Tried
from router_config.deployments.calibrations import Calibrations
from router_config.deployments.catalog import Catalog
from router_config.ledger.local.memory import MemoryStore
from router_config.ledger.rules.gates import Cooldown
from router_config.ledger.rules.meters import Amount, Spending
from router_config.ledger.values import Settlement
from router_config.routing.estimate import need_of
from router_config.routing.outcomes.settlement import MAY_STILL_ARRIVE
from router_config.routing.outcomes.spending import UnknownSpending, in_full, learn_from, spent_on
from router_config.routing.request import Flight, Request
from router_config.routing.reservation import LEASE
from router_config.routing.terms import Terms
from router_config.signals.usage import NOTHING_SAID, Reported, Usage
from router_config.transport.exchange import Exchange

BEGAN: Final = 1_795_435_200.0
ON_THE_WAY: Final = (0.001, 0.03)
"""Seconds from a reservation until the judge sees the request, at least and at most."""

COOLDOWN: Final = 60.0
"""Seconds for which a model is not asked after a 429."""

T = TypeVar("T")


class Process:
    """What a process of the router knows."""

    def __init__(self) -> None:
        self.calibrations, self.unknown = Calibrations(), UnknownSpending()


class Twin:
    """One run: a process for each load, all on one ledger."""

    def __init__(self, added: int, factor: float, loads: list[list[Arrival]], seed: int) -> None:
        self.judge = Judge(added, factor, 1.0, BEGAN)
        self._chance = random.Random(seed)
        self._catalog = Catalog(entries("http://localhost"), 0.95)
        self._terms = Terms(
            config=None,
            settings={},
            cooldown=300.0,
            soft_limit=0.95,
            max_wait=0.0,
            output_tokens=500,
            max_response=64_000_000,
            loaded_at=BEGAN,
            catalog=self._catalog,
        )
        self._store = MemoryStore()
        self._store.register_meters(self._catalog.meters)
        self._due: list[tuple[float, int, Callable[[float], None]]] = []
        self._numbers = count()
        for load in loads:
            process = Process()
            for arrival in load:
                self._at(BEGAN + arrival.at, self._asker(process, arrival))

    def run(self) -> None:
        while self._due:
            now, _, step = heapq.heappop(self._due)
            step(now)

    def report(self) -> dict[str, tuple[int, list[tuple[float, int]]]]:
        """What each provider admitted, and each 429: when, and after how many answers."""
        return {name: (each.admitted, each.refused) for name, each in self.judge.windows.items()}

    def _at(self, moment: float, step: Callable[[float], None]) -> None:
        heapq.heappush(self._due, (moment, next(self._numbers), step))

    def _asker(self, process: Process, arrival: Arrival) -> Callable[[float], None]:
        return lambda now: self._ask(process, arrival, now)

    def _ask(self, process: Process, arrival: Arrival, now: float) -> None:
        if process.calibrations.exchange_is_due(now):
            _now(process.calibrations.exchange(self._store, now))
        asked = {"messages": [{"role": "user", "content": arrival.prompt}], "max_tokens": MAX_TOKENS}
        need = need_of(asked, MAX_TOKENS, process.calibrations.corrections)
        group = self._catalog.group("default")
        assert group is not None
        request = Request("acompletion", "default", group, need, now, now, next(self._numbers), self._terms)
        _, lease = _now(self._store.reserve(group.deployments, request.need, now, LEASE))
        if lease is None:
            return
        deployment = group.by_id[lease.deployment]
        flight = Flight(deployment, group.entries[deployment.id], lease, now, request, Tried(), Exchange("openai"))
        arrives = now + self._chance.uniform(*ON_THE_WAY)
        answered = arrives + self._chance.uniform(*LATENCY)
        gives_up = now + 0.1 if arrival.cancelled else answered + 1.0
        self._at(arrives, lambda at: self._arrive(process, arrival, flight, min(answered, gives_up), answered, at))

    def _arrive(
        self, process: Process, arrival: Arrival, flight: Flight, ends: float, answered: float, now: float
    ) -> None:
        name = flight.deployment.id
        prompt = charge(arrival.prompt, self.judge.added, self.judge.factor)
        if not self.judge.windows[name].admits(prompt + MAX_TOKENS, now):
            scope = flight.deployment.scopes.model
            cooldown = Cooldown(scope, "rate_limited", "429", now, now + COOLDOWN)
            return self._settle(process, flight, Amount(1), now, now, cooldown)
        if ends < answered:
            self._at(
                ends, lambda at: self._settle(process, flight, in_full(flight), at + MAY_STILL_ARRIVE, at, unknown=True)
            )
        elif arrival.broken_off:
            self._at(answered, lambda at: self._settle(process, flight, in_full(flight), at, at, unknown=True))
        else:
            told = Reported(Usage(prompt + MAX_TOKENS, prompt)) if prompt else NOTHING_SAID
            ended = answered + (0.75 if arrival.stream else 0.0)
            self._at(ended, lambda at: self._answer(process, flight, told, answered, at))

    def _answer(self, process: Process, flight: Flight, told: Reported, arrived: float, now: float) -> None:
        self.judge.windows[flight.deployment.id].answered += 1
        spent = spent_on(flight, told)
        learn_from(flight, told, process.calibrations, now)
        self._settle(process, flight, spent, arrived, now)

    def _settle(
        self,
        process: Process,
        flight: Flight,
        spent: Spending,
        arrived: float,
        now: float,
        cooldown: Cooldown | None = None,
        unknown: bool = False,
    ) -> None:
        ended = Settlement(spent, arrived, now, alive=True, cooldowns=() if cooldown is None else (cooldown,))
        if not (unknown and process.unknown.keeps(flight, ended)):
            _now(self._store.settle(flight.lease, ended, now))
        for lease, settlement in process.unknown.due(now):
            _now(self._store.settle(lease, settlement, now))


def _now(step: Coroutine[Any, Any, T]) -> T:
    """What a step returns that waits for nothing."""
    try:
        step.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    raise AssertionError("a step in memory had to wait")
