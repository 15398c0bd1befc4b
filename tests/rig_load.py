"""Time that passes by itself under a load, slower where the machine is slow, so that no test depends on its speed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from router_config.clock import VirtualClock

TICK: Final = 0.005
"""Real seconds; whatever is ready on the loop runs between two ticks."""


@asynccontextmanager
async def passing(clock: VirtualClock, speed: float) -> AsyncIterator[None]:
    """Let the clock run `speed` times as fast as real time at most: each tick adds the same, however late it is."""

    async def run() -> None:
        while True:
            await asyncio.sleep(TICK)
            clock.advance(TICK * speed)

    ticking = asyncio.create_task(run())
    try:
        yield
    finally:
        ticking.cancel()
