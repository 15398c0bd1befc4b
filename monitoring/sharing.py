"""One reading for all who ask for it at nearly the same time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

LONGEST: Final = 0.4
"""Seconds for which a reading that took long lasts at most, unless it is to last longer: who is told of changes is so
within a second."""


class Shared(Generic[T]):
    """What `read` gave last, for `lasts` seconds; who asks while it is being read waits for that reading.

    One that took long lasts longer, twenty times what it took, but no longer than LONGEST: however many ask, reading
    takes a twentieth of the time. With `lasts` of 0 nothing is shared but a reading under way. Of one event loop.
    """

    def __init__(self, read: Callable[[], Awaitable[T]], lasts: float) -> None:
        self._read = read
        self._lasts = lasts
        self._reading: asyncio.Task[T] | None = None
        self._until = float("-inf")

    async def get(self) -> T:
        """The reading. Raises what `read` raised; the next who asks has it read again."""
        reading = self._reading
        if reading is None or (reading.done() and (time.monotonic() >= self._until or _failed(reading))):
            reading = self._reading = asyncio.ensure_future(self._run())
            reading.add_done_callback(_failed)  # Where nobody waits any more, nobody is to hear of a failure.
        # Who leaves must not take the reading from the others.
        return await asyncio.shield(reading)

    async def _run(self) -> T:
        began = time.monotonic()
        found = await self._read()
        if self._lasts:
            self._until = began + max(self._lasts, min(LONGEST, 20 * (time.monotonic() - began)))
        return found


def _failed(reading: "asyncio.Task[T]") -> bool:
    return reading.cancelled() or reading.exception() is not None
