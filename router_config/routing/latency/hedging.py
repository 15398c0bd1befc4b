"""`hedge`: where the first provider is late, a second is asked beside it, and whoever answers first has won."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine
from typing import Any, Final

from router_config.clock import Clock
from router_config.config.group_rules import Hedge
from router_config.deployments.speed import Speeds
from router_config.routing.latency.attempts import Attempt
from router_config.routing.latency.budget import Budget
from router_config.routing.outcomes.settlement import Settlements
from router_config.routing.request import Flight
from router_config.routing.reservation import Reservations
from router_config.transport.endpoints import streams

Asks = Callable[[Flight], Coroutine[Any, Any, Any]]
"""Asks the reserved deployment: its answer whole, or a stream whose first token is there."""

SOONEST: Final = 0.05
"""Seconds before which nobody is late, however fast it was so far."""


class Hedging:
    """Asks the deployment of a flight, and where it is late another provider beside it."""

    def __init__(self, reservations: Reservations, settlements: Settlements, speeds: Speeds, clock: Clock) -> None:
        self._reservations, self._settlements = reservations, settlements
        self._speeds, self._clock = speeds, clock
        self._budgets: defaultdict[str, Budget] = defaultdict(Budget)

    async def first(self, flight: Flight, asks: Asks) -> tuple[Flight, Any]:
        """The flight that answered first, and its answer. The other one is settled by then.

        Raises what the flight itself failed with.
        """
        request, rules = flight.request, flight.request.rules
        hedge = None if rules is None else rules.hedge
        if hedge is None or flight.tried.attempts or request.own_key or request.ignore_cooldowns:
            return flight, await asks(flight)
        budget = self._budgets[request.group.name]
        budget.request(hedge.at_most)
        late_after = self._late_after(flight, hedge)
        if late_after is None:
            return flight, await asks(flight)
        first = Attempt(flight, asks(flight))
        try:
            if not await first.ends_within(max(SOONEST, late_after)):
                beside = await self._beside(flight, hedge, budget)
                if beside is not None:
                    return await self._race(first, Attempt(beside, asks(beside)))
            return flight, await first.task
        except BaseException:
            if not first.task.done() or first.has_answered:
                await first.end()
            raise

    def _late_after(self, flight: Flight, hedge: Hedge) -> float | None:
        """Seconds; None where too little is known of the model."""
        if hedge.after.quantile is None:
            return hedge.after.seconds
        speed, streamed = self._speeds.of(flight.deployment), streams(flight.request.endpoint, flight.request.asked)
        return speed.late_after(hedge.after.quantile, streamed=streamed)

    async def _beside(self, flight: Flight, hedge: Hedge, budget: Budget) -> Flight | None:
        """A second reservation, where the budget and the room of others allow it."""
        if not budget.take():
            return None
        beside = await self._reservations.beside(flight, self._clock.now(), paid=hedge.paid)
        if beside is None:
            budget.give_back()
        return beside

    async def _race(self, first: Attempt, second: Attempt) -> tuple[Flight, Any]:
        waiting = {first.task, second.task}
        try:
            while waiting:
                _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for each, other in ((first, second), (second, first)):
                    if each.has_answered:
                        second.flight.hedge = "won" if each is second else second.flight.hedge or "lost"
                        await self._settle_loser(other)
                        return each.flight, each.task.result()
                    if each.failure is not None and not each.flight.settled:
                        second.flight.hedge = "failed" if each is second else second.flight.hedge
                        await self._settlements.failed(each.flight, each.failure, beside=True)
            raise first.failure or asyncio.CancelledError  # The request goes on by the verdict on the first.
        except BaseException:
            second.flight.hedge = second.flight.hedge or "lost"
            await asyncio.shield(self._settle_loser(second))
            raise

    async def _settle_loser(self, loser: Attempt) -> None:
        """Cancelled, it counts as reserved: nobody knows what its provider had done by then."""
        if loser.flight.settled:
            return
        failure = loser.failure  # What it fails with once it is cancelled says nothing of its provider.
        reply = await loser.end()
        if failure is not None:
            await self._settlements.failed(loser.flight, failure, beside=True)
        else:
            await self._settlements.beaten(loser.flight, reply)
