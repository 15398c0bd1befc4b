"""One reading of the store for everybody who asks at nearly the same time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

LONGEST: Final = 0.4
"""Seconds for which a slow reading is shared at most, unless it is to last longer: changes show within a second."""


class SharedReading(Generic[T]):
    """The last result of `read`, kept for `lasts` seconds. Who asks while it is being read waits for that reading.

    A slow reading is kept for twenty times as long as it took, up to LONGEST, so that reading takes at most a twentieth
    of the time however many ask. With `lasts` of 0 only a reading under way is shared. It belongs to one event loop.
    """

    def __init__(self, read: Callable[[], Awaitable[T]], lasts: float) -> None:
        self._read = read
        self._lasts = lasts
        self._reading: asyncio.Task[T] | None = None
        self._until = float("-inf")

    async def get(self) -> T:
        """The reading. Raises what `read` raised; the next caller has it read again."""
        reading = self._reading
        if reading is None or (reading.done() and (time.monotonic() >= self._until or _failed(reading))):
            reading = self._reading = asyncio.ensure_future(self._run())
            reading.add_done_callback(_failed)  # Marks the failure as seen where nobody waits any more.
        # A caller who is cancelled must not cancel the reading of the others.
        return await asyncio.shield(reading)

    async def _run(self) -> T:
        began = time.monotonic()
        found = await self._read()
        if self._lasts:
            self._until = began + max(self._lasts, min(LONGEST, 20 * (time.monotonic() - began)))
        return found


def _failed(reading: "asyncio.Task[T]") -> bool:
    return reading.cancelled() or reading.exception() is not None
