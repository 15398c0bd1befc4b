"""The simulator's HTTP server: one event loop, a common port, and a port for each provider."""

import asyncio
import contextlib
import socket
from collections.abc import Iterable
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import ServerState

HOST = "127.0.0.1"
_BACKLOG = 2048
_KEEP_ALIVE = 75.0


def bind(port: int, *, listen: bool = True) -> socket.socket:
    """A socket on the port (0: a free one) of the loopback address, which listens unless told otherwise.

    Raises OSError when the port is in use.
    """
    # With the protocol unnamed, asyncio leaves Nagle's algorithm on, and every answer takes 40 ms.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((HOST, port))
        if listen:
            bound.listen(_BACKLOG)  # only listening tells a busy port for sure
        bound.setblocking(False)
    except OSError:
        bound.close()
        raise
    return bound


class Server:
    """Serves an ASGI application on several ports, each of which can be closed and opened again."""

    def __init__(self, app: ASGIApp) -> None:
        self._config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            timeout_keep_alive=int(_KEEP_ALIVE),
        )
        self._config.load()
        self._state = ServerState()
        self._protocol = _breakable(self._config.http_protocol_class)
        self._servers: dict[int, asyncio.Server] = {}
        self._placeholders: dict[int, socket.socket] = {}

    async def listen(self, sockets: Iterable[socket.socket]) -> None:
        """Accept connections on sockets that `bind` made."""
        for each in sockets:
            port = each.getsockname()[1]
            self._servers[port] = await self._listener(each)

    async def close_port(self, port: int) -> None:
        """Refuse connections to this port, and reset those that are open."""
        server = self._servers.pop(port, None)
        if server is None:
            return
        server.close()
        # Bound but not listening, the port refuses connections and nobody else can take it.
        self._placeholders[port] = bind(port, listen=False)
        for connection in list(self._state.connections):
            transport = connection.transport
            if transport.get_extra_info("sockname")[1] == port:
                transport.abort()

    async def open_port(self, port: int) -> None:
        """Accept connections to a port that was closed."""
        placeholder = self._placeholders.pop(port, None)
        if placeholder is not None:
            self._servers[port] = await self._listener(placeholder)

    async def stop(self) -> None:
        """Close all ports, break off what is still being answered, and wait until all tasks have ended."""
        for server in self._servers.values():
            server.close()
        for placeholder in self._placeholders.values():
            placeholder.close()
        for connection in list(self._state.connections):
            connection.transport.abort()
        tasks = list(self._state.tasks)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=0.3)
            for task in late:
                task.cancel()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.gather(*late, return_exceptions=True), 0.3)

    async def _listener(self, listening: socket.socket) -> asyncio.Server:
        loop = asyncio.get_running_loop()

        def connection() -> asyncio.Protocol:
            made: asyncio.Protocol = self._protocol(
                config=self._config, server_state=self._state, app_state={}, _loop=loop
            )
            return made

        return await loop.create_server(connection, sock=listening, backlog=_BACKLOG)


def _breakable(protocol: Any) -> Any:
    """uvicorn's protocol; its transport, which an app can break off, is in `scope["state"]` with what it carried."""

    class Breakable(protocol):  # type: ignore[misc]
        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self.app_state = {"transport": transport, "carried": []}

    return Breakable
