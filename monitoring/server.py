"""One HTTP server that ends quietly: on Ctrl-C, on SIGTERM, or when it is told to."""

import asyncio
import contextlib
import socket
from collections.abc import Iterable, Iterator
from typing import Final

import uvicorn
from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from monitoring.address import is_loopback
from monitoring.guard import Guard
from monitoring.streaming import ENDING

PATIENCE: Final = 1
"""Seconds that requests in flight get to end."""


def app_for(routers: Iterable[APIRouter], *, host: str, token: str | None, insecure: bool) -> ASGIApp:
    """These routes in an app of their own, guarded as the host demands."""
    # FastAPI's own documentation pages would load scripts from another host.
    app = FastAPI(title="LLM providers", docs_url=None, redoc_url=None)
    for router in routers:
        app.include_router(router)
    return Guard(app, token=token, local_only=is_loopback(host) and not insecure)


async def serve(app: ASGIApp, bound: socket.socket, ending: asyncio.Event) -> None:
    """Serve until `ending` is set; event streams end then, too."""

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
