"""A synchronous client over the connections of an event loop: LiteLLM makes images of some providers in a thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import httpx
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler, HTTPHandler

_DROPPED = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers of an answer that is read and decompressed."""


def synchronous(
    loop: asyncio.AbstractEventLoop, handler: Callable[[], AsyncHTTPHandler], timeout: float
) -> HTTPHandler:
    """LiteLLM's synchronous client, which asks on an event loop. timeout: seconds.

    handler: gives the asynchronous one of the loop on which it is called.
    """
    transport = OverLoop(loop, handler)
    return HTTPHandler(timeout=timeout, client=httpx.Client(transport=transport, timeout=timeout, trust_env=False))


class OverLoop(httpx.BaseTransport):
    """Sends a request on an event loop and waits for its whole answer."""

    def __init__(self, loop: asyncio.AbstractEventLoop, handler: Callable[[], AsyncHTTPHandler]) -> None:
        self._loop, self._handler = loop, handler

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        work = self._send(
            httpx.Request(
                request.method, request.url, headers=request.headers, content=request.read(),
                extensions=dict(request.extensions),
            )
        )  # fmt: skip
        if asyncio._get_running_loop() is self._loop:  # LiteLLM keeps it from running anyway.
            with ThreadPoolExecutor(1) as apart:
                response = apart.submit(copy_context().run, asyncio.run, work).result()
        else:
            response = asyncio.run_coroutine_threadsafe(work, self._loop).result()
        headers = [each for each in response.headers.multi_items() if each[0].lower() not in _DROPPED]
        return httpx.Response(response.status_code, headers=headers, content=response.content)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        return await self._handler().client.send(request)
