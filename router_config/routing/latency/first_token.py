"""`first_token_timeout`: a stream that shows nothing for too long is given up, if somebody else could answer."""

from collections.abc import Coroutine
from typing import Any, Final

from router_config.attempts.late_first_tokens import FirstTokenLate
from router_config.clock import Clock
from router_config.ledger.interfaces import Ledger
from router_config.routing.fit import Fit
from router_config.routing.latency.attempts import Attempt
from router_config.routing.outcomes.event_loop_lag import Pulse
from router_config.routing.request import Flight
from router_config.transport.endpoints import streams

LOOK_AGAIN: Final = 1.0
"""Seconds after which it is looked again whether somebody else has room, while the stream goes on being silent."""


class FirstTokens:
    """Waits for the first token of a stream for no longer than its group allows, while others could be asked."""

    def __init__(self, store: Ledger, clock: Clock, fit: Fit, pulse: Pulse) -> None:
        self._store, self._clock, self._fit, self._pulse = store, clock, fit, pulse

    async def in_time(self, flight: Flight, answering: Coroutine[Any, Any, Any]) -> Any:
        """What `answering` returns or raises. Raises FirstTokenLate where nothing of a stream was there in time."""
        request = flight.request
        rules = request.rules
        patience = None if rules is None else rules.first_token_timeout
        if patience is None or not streams(request.endpoint, request.asked):
            return await answering
        stood_still = self._pulse.watch(patience)
        attempt, waits = Attempt(flight, answering), patience
        try:
            while not await attempt.ends_within(waits):
                if not stood_still() and await self._others_have_room(flight):
                    raise FirstTokenLate(patience)
                stood_still, waits = self._pulse.watch(LOOK_AGAIN), min(LOOK_AGAIN, patience)
            return attempt.task.result()
        except BaseException:
            if attempt.failure is None:
                await attempt.end()
            raise

    async def _others_have_room(self, flight: Flight) -> bool:
        """Whether the request could go on. It may fail all the same, if that room is taken meanwhile."""
        request, now = flight.request, self._clock.now()
        unfit = self._fit.unfit(request, now)
        left = [each for each in flight.tried.left(request.group.deployments) if each.id not in unfit]
        return bool(left) and any(room >= 1 for room in await self._store.rooms(left, request.need, now))
