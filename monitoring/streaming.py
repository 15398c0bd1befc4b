"""The event stream as an ASGI response that ends when its client or its server does."""

import asyncio
from typing import Final

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from monitoring.feed import Feed

ENDING: Final = "router_config.ending"
"""Where a server of ours puts the asyncio.Event that it ends by into the ASGI scope."""

FAREWELL: Final = 0.1
"""Seconds that the client gets to take the end of the stream."""


class EventStream(Response):
    """Everything that a feed tells, as server-sent events."""

    media_type = "text/event-stream"

    def __init__(self, feed: Feed) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._feed = feed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        listener = self._feed.join()

        async def tell() -> None:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for each in listener.events():
                await send(_part(each))

        telling = asyncio.create_task(tell())
        waits = {telling, asyncio.create_task(_left(receive))}
        ending = scope.get(ENDING)
        if ending is not None:
            waits.add(asyncio.create_task(ending.wait()))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._feed.leave(listener)
            for each in waits:  # One who does not read what it is sent would hold up the end of the server.
                each.cancel()
            await asyncio.wait(waits)
        if not telling.cancelled() and (error := telling.exception()) is not None:
            raise error
        try:
            async with asyncio.timeout(FAREWELL):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (TimeoutError, OSError):
            pass


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _part(data: bytes) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": True}
