"""The event stream as an ASGI response that ends when its client or its server does."""

import asyncio
from typing import Final

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from .feed import Feed

ENDING: Final = "router_config.ending"
"""The key of the ASGI scope under which our own server puts the asyncio.Event that ends it."""

FAREWELL: Final = 0.1
"""Seconds that the client gets to read the end of the stream."""


class EventStream(Response):
    """The events of a feed, as server-sent events."""

    media_type = "text/event-stream"

    def __init__(self, feed: Feed) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._feed = feed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        listener = self._feed.join()

        async def send_events() -> None:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for each in listener.events():
                await send(_part(each))

        sending = asyncio.create_task(send_events())
        waits = {sending, asyncio.create_task(_disconnected(receive))}
        ending = scope.get(ENDING)
        if ending is not None:
            waits.add(asyncio.create_task(ending.wait()))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._feed.leave(listener)
            for each in waits:  # A client that does not read would hold up the end of the server.
                each.cancel()
            await asyncio.wait(waits)
        if not sending.cancelled() and (error := sending.exception()) is not None:
            raise error
        try:
            async with asyncio.timeout(FAREWELL):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (TimeoutError, OSError):
            pass


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _part(data: bytes) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": True}
