"""The HTTP server of the commands. It ends without a traceback."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Final

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from monitoring.live.event_stream import ENDING

PATIENCE: Final = 1
"""Seconds that requests under way get at the end."""


async def serve(app: ASGIApp, bound: socket.socket, ending: asyncio.Event) -> None:
    """Serve an app on a listening socket until `ending` is set. Event streams end then, too."""

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        scope[ENDING] = ending
        await app(scope, receive, send)

    server = _Server(
        uvicorn.Config(
            told,
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
    try:
        await server.serve(sockets=[bound])
    finally:
        waiting.cancel()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing: uvicorn raises a signal anew when it has ended, and the process would not end with 0."""
        yield
