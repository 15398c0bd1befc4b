"""The end of an event loop, at which its connections close.

`asyncio.run` makes a loop for each call and ends it: whatever is kept for a loop must go with it, or each call leaves a
descriptor behind. A loop closes its asynchronous generators at its end, which is the one way to hear of it.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import Any

from litellm.litellm_core_utils import logging_worker

from router_config.transport import seams


def at_end(close: Callable[[], Awaitable[None]]) -> AsyncGenerator[None, None]:
    """Await `close` on the running loop when that ends, or when what is returned is dropped before."""
    waiting = _until_closed(close)
    with suppress(StopIteration):
        waiting.asend(None).send(None)  # From here on the loop knows of it.
    return waiting


async def _until_closed(close: Callable[[], Awaitable[None]]) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await close()


async def tell_loggers() -> None:
    """Have LiteLLM tell loggers now what it has queued for them on the running loop.

    A loop that ends at once leaves it in the queue, with the request's client, and each new loop carries it on.
    """
    worker = getattr(logging_worker, "GLOBAL_LOGGING_WORKER", None)
    clear = getattr(worker, "clear_queue", None)
    known = callable(clear) and hasattr(worker, "_bound_loop")
    if not seams.note("loggers at the end of a loop", None if known else "LiteLLM queues elsewhere what it tells them"):
        return
    if clear is not None and worker._bound_loop is asyncio.get_running_loop():  # type: ignore[union-attr]
        with suppress(Exception):
            await clear()


def drop_connections(client: Any) -> None:
    """Close what a client of LiteLLM's holds open for a loop that is closed already, where nothing can be awaited."""
    transport: Any = getattr(client, "_transport", None)
    session = getattr(getattr(transport, "inner", transport), "client", None)
    kept = getattr(getattr(session, "connector", None), "_conns", None) or {}
    for protocol, *_ in [each for several in kept.values() for each in several]:
        opened = getattr(getattr(protocol, "transport", None), "_sock", None)
        if opened is not None:
            opened.close()
    if isinstance(kept, dict):
        kept.clear()
