"""The connection of one request: reading, writing, noticing that the client has left, breaking off."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate

from starlette.types import Receive, Scope, Send

from router_config.simulator.messages import Response

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Connection:
    """The client's end of one request. now: epoch seconds, as each answer tells them."""

    __slots__ = ("_now", "_receive", "_scope", "_send", "gone", "reused", "started")

    def __init__(self, scope: Scope, receive: Receive, send: Send, now: Callable[[], float]) -> None:
        self._scope = scope
        self._now = now
        self._receive = receive
        self._send = send
        self.gone = False
        """whether the client has left"""
        self.started = False
        """whether a status has been sent"""
        carried = self._scope.get("state", {}).get("carried", [])
        self.reused = bool(carried)
        """whether this connection has carried another request before"""
        carried[:] = [True]

    async def read(self) -> bytes:
        """The request's body; what has arrived of it when the client leaves before its end."""
        parts: list[bytes] = []
        while not self.gone:
            message = await self._receive()
            self.gone = message["type"] == "http.disconnect"
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                break
        return b"".join(parts)

    async def stay(self, seconds: float) -> bool:
        """Wait; False as soon as the client has left."""
        if seconds > 0 and not self.gone:
            try:
                async with asyncio.timeout(seconds):
                    await self._departure()
            except TimeoutError:
                pass
        return not self.gone

    async def stay_for(self, sleeping: Awaitable[None]) -> bool:
        """Wait for something to end; False as soon as the client has left."""
        waiting = {asyncio.ensure_future(self._departure()), asyncio.ensure_future(sleeping)}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        return not self.gone

    async def hang(self, release: asyncio.Event) -> None:
        """Wait until the client leaves or `release` is set."""
        waiting = {asyncio.ensure_future(self._departure()), asyncio.ensure_future(release.wait())}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        self.started = True
        headers = {"date": formatdate(self._now(), usegmt=True), **headers}
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def write(self, body: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def send(self, reply: Response) -> None:
        """A whole response."""
        content = reply.content()
        usual = {"content-type": "application/json", "content-length": str(len(content))}
        await self.start(reply.status, usual | dict(reply.headers))
        await self.write(content, more=False)

    async def drop(self, *, reset: bool = True) -> None:
        """Break the connection off: with a reset, if that is wanted and no answer has begun, else by closing it."""
        transport = self._scope.get("state", {}).get("transport")
        if not isinstance(transport, asyncio.Transport):
            raise ConnectionResetError("this server cannot break a connection off")
        if self.started or not reset:
            transport.close()  # what was written still goes out
        else:
            connected = transport.get_extra_info("socket")
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            transport.abort()
        await self._departure()

    async def _departure(self) -> None:
        while not self.gone:
            message = await self._receive()
            self.gone = message["type"] == "http.disconnect"
