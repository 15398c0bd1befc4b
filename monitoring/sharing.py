"""One reading for all who ask for it at nearly the same time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """What `read` gave last, for `lasts` seconds; who asks while it is being read waits for that reading.

    So a store is read at most once in that time, however many ask. Of one event loop.
    """

    def __init__(self, read: Callable[[], Awaitable[T]], lasts: float) -> None:
        self._read = read
        self._lasts = lasts
        self._reading: asyncio.Task[T] | None = None
        self._began = float("-inf")

    async def get(self) -> T:
        """The reading. Raises what `read` raised; the next who asks has it read again."""
        reading = self._reading
        if reading is None or (reading.done() and (time.monotonic() >= self._began + self._lasts or _failed(reading))):
            self._began = time.monotonic()
            reading = self._reading = asyncio.ensure_future(self._run())
            reading.add_done_callback(_failed)  # Where nobody waits any more, nobody is to hear of a failure.
        # Who leaves must not take the reading from the others.
        return await asyncio.shield(reading)

    async def _run(self) -> T:
        return await self._read()


def _failed(reading: "asyncio.Task[T]") -> bool:
    return reading.cancelled() or reading.exception() is not None
