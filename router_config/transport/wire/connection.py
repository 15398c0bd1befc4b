"""The wire under every client of ours: what is asked twice, where to, and how much is read.

It wraps the transport that LiteLLM gives its client, so that it holds for both kinds of clients and both ways.

Redirects are followed within the host, scheme and port that the user named, never elsewhere: a key and a prompt are for
the host in the configuration. Whoever may answer in its place, a captive portal or a gateway that was taken over, must
not be able to send them on.
"""

import time
from collections.abc import MutableMapping
from typing import Final

import aiohttp
import httpx

from router_config.transport import seams
from router_config.transport.errors.error_chain import causes
from router_config.transport.exchange import CURRENT, Exchange
from router_config.transport.wire import bodies

AT_ONCE: Final = 5.0
"""Seconds within which a connection that was closed already shows it. Whoever closes it later had the request."""

MOST_REDIRECTS: Final = 2
"""Redirects that one request follows."""

_FOLLOWED: Final = frozenset({301, 302, 307, 308})
_PORTS: Final = {"http": 80, "https": 443}


class Wire(httpx.AsyncBaseTransport):
    """Sends requests over another transport."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        exchange = CURRENT.get() or Exchange("")
        await _whole(request)
        followed = 0
        while True:
            response = await self._answer(request, exchange)
            if not 300 <= response.status_code < 400:
                break
            onward = _onward(request, response) if followed < MOST_REDIRECTS else None
            if onward is None:
                response.headers.pop("location", None)  # So that no client follows it.
                break
            await response.aclose()
            request, followed = onward, followed + 1
            exchange.requests += 1
        bodies.bound(response, exchange)
        return response

    async def _answer(self, request: httpx.Request, exchange: Exchange) -> httpx.Response:
        """Ask; once more where the server had closed a kept connection before it saw the request."""
        began = time.monotonic()
        try:
            return await self.inner.handle_async_request(request)
        except httpx.TransportError as error:
            if not exchange.kept_connection or not _was_closed(error):
                raise
            if time.monotonic() - began > AT_ONCE:
                raise
        self._drop_idle(request.url)
        exchange.requests += 1
        return await self.inner.handle_async_request(request)

    def _drop_idle(self, url: httpx.URL) -> None:
        """Close the connections that are kept for this host: where one was dead, the others are, too."""
        connector = getattr(getattr(self.inner, "client", None), "connector", None)
        kept = getattr(connector, "_conns", None)
        if not isinstance(kept, MutableMapping):
            return
        for key in [key for key in kept if getattr(key, "host", None) == url.host]:
            for protocol, *_ in kept.pop(key):
                protocol.close()

    async def aclose(self) -> None:
        await self.inner.aclose()


def wired(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """The client with our wire under it."""
    inner = getattr(client, "_transport", None)
    known = isinstance(inner, httpx.AsyncBaseTransport)
    if seams.note("redirects and large answers", None if known else "httpx has no transport where it used to be"):
        client._transport = Wire(client._transport)
        mounts = getattr(client, "_mounts", {})
        mounts.update((each, Wire(mount)) for each, mount in mounts.items() if mount is not None)
    else:
        client.follow_redirects = False
    client.headers["accept-encoding"] = bodies.ENCODINGS
    return client


def _was_closed(error: BaseException) -> bool:
    """Whether the server closed the connection before any byte of its answer."""
    for each in causes(error):
        if isinstance(each, aiohttp.ClientConnectorError):
            return False
        if isinstance(each, aiohttp.ServerDisconnectedError):
            return isinstance(each.message, str)  # Else it holds the head of an answer that had begun.
        if isinstance(each, aiohttp.ClientOSError | aiohttp.ClientConnectionResetError):
            return True
    return False


async def _whole(request: httpx.Request) -> None:
    """Have the request's body at hand, files included, to be sent again."""
    if isinstance(request.stream, httpx.ByteStream):
        return
    content = await request.aread()
    request.headers.pop("transfer-encoding", None)
    request.headers["content-length"] = str(len(content))


def _leads_elsewhere(request: httpx.Request, response: httpx.Response) -> bool:
    """Whether an answer sends the request to another host, port or scheme, or to no address at all."""
    target = _target(request, response)
    return target is None or _origin(target) != _origin(request.url)


def _onward(request: httpx.Request, response: httpx.Response) -> httpx.Request | None:
    """The same request to where an answer sends it, on the same host; None where it is not followed.

    Method and body stay, also for 301 and 302: a browser would ask with GET, which answers no prompt.
    """
    target = _target(request, response)
    if response.status_code not in _FOLLOWED or target is None or _leads_elsewhere(request, response):
        return None
    return httpx.Request(
        request.method, target, headers=request.headers, content=request.content, extensions=dict(request.extensions)
    )


def _target(request: httpx.Request, response: httpx.Response) -> httpx.URL | None:
    try:
        target = httpx.URL(str(request.url)).join(response.headers["location"])
    except (KeyError, ValueError, httpx.InvalidURL):
        return None
    return target.copy_with(fragment=None) if target.host else None


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme)
