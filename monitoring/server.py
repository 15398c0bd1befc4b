"""The HTTP server of the commands. It ends without a traceback."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from .console import warn
from .live.event_stream import ENDING

PATIENCE: Final = 1
"""Seconds that requests under way get at the end."""

WHOLE_REQUEST: Final = 10.0
"""Seconds in which the next request of a connection must have come, body and all."""

CONNECTIONS: Final = 500
"""Served at once; less where the process may open few files. Others are refused with 503."""

NO_DESCRIPTORS: Final = (errno.EMFILE, errno.ENFILE)
SAID_AGAIN: Final = 60.0
"""Seconds after which it is said again that no connection can be opened."""


async def serve(app: ASGIApp, bound: socket.socket, ending: asyncio.Event) -> None:
    """Serve an app on a listening socket until `ending` is set. Event streams end then, too."""

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        scope[ENDING] = ending
        await app(scope, receive, send)

    server = _Server(
        uvicorn.Config(
            told,
            http=_Impatient,
            limit_concurrency=_connections(),
            lifespan="off",
            ws="none",
            access_log=False,
            log_config=None,
            log_level="critical",
            server_header=False,
            timeout_graceful_shutdown=PATIENCE,
        )
    )

    async def end() -> None:
        await ending.wait()
        server.should_exit = True

    waiting = asyncio.create_task(end())
    asyncio.get_running_loop().set_exception_handler(_Complaints())
    try:
        await server.serve(sockets=[bound])
    finally:
        waiting.cancel()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing: uvicorn raises a signal anew when it has ended, and the process would not end with 0."""
        yield


def _connections() -> int:
    try:
        import resource
    except ImportError:  # On Windows.
        return CONNECTIONS
    return min(CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)


class _Impatient(H11Protocol):
    """Closes a connection whose next request does not come: uvicorn waits for the rest of one for ever."""

    _ending: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.more_body:
            self._stop()

    def on_response_complete(self) -> None:
        self._wait()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._stop()
        self._ending = self.loop.call_later(WHOLE_REQUEST, self.transport.close)

    def _stop(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None


class _Complaints:
    """What asyncio complains of, as ever; but that no descriptor is left for a connection, once a minute."""

    def __init__(self) -> None:
        self._last = -SAID_AGAIN

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in NO_DESCRIPTORS:
            loop.default_exception_handler(context)
        elif loop.time() - self._last >= SAID_AGAIN:
            self._last = loop.time()
            warn("The status page can open no more connections: this process has no file descriptor left.")
