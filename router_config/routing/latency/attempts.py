"""Attempts as tasks: one that is of no more use is cancelled, and leaves no connection, task or error behind."""

import asyncio
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from typing import Any, Final

from router_config.routing.request import Flight
from router_config.transport.streams import Opened

ENDS_WITHIN: Final = 1.0
"""Seconds for which the end of a cancelled attempt is waited for."""


class Attempt:
    """An attempt under way."""

    def __init__(self, flight: Flight, answering: Coroutine[Any, Any, Any]) -> None:
        self.flight, self.task = flight, asyncio.ensure_future(answering)

    @property
    def has_answered(self) -> bool:
        return self.task.done() and not self.task.cancelled() and self.task.exception() is None

    @property
    def failure(self) -> Exception | None:
        """What it failed with, if it did."""
        error = self.task.exception() if self.task.done() and not self.task.cancelled() else None
        return error if isinstance(error, Exception) else None

    async def ends_within(self, seconds: float) -> bool:
        """Wait for its end for so long. Whether it came."""
        return bool((await asyncio.wait((self.task,), timeout=seconds))[0])

    async def end(self) -> Any:
        """Cancel it, and close what it opened. What it answered all the same, if that is whole."""
        if not self.task.done():
            self.task.cancel()
            self.task.add_done_callback(_heard)
            await self.ends_within(ENDS_WITHIN)
        reply = self.task.result() if self.has_answered else None
        if isinstance(reply, Opened):
            await _quietly(reply.aclose())
            return None
        close, self.flight.exchange.close = self.flight.exchange.close, None
        if close is not None:
            await _quietly(close())
        return reply


async def _quietly(closing: Awaitable[None]) -> None:
    with suppress(Exception):  # A connection that is closed already, or whose loop is gone.
        await closing


def _heard(task: "asyncio.Future[Any]") -> None:
    if not task.cancelled():
        task.exception()
