"""The end of an event loop, at which its connections close.

`asyncio.run` makes a loop for each call and ends it: whatever is kept for a loop must go with it, or each call leaves a
descriptor behind. A loop closes its asynchronous generators at its end, which is the one way to hear of it.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import Any


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
