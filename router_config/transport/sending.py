"""The moment at which a request's first byte leaves: one cancelled before it never reached the provider.

httpx tells of a request before it has a connection, and where two hundred ask at once many are cancelled in between.
aiohttp, on which LiteLLM's client runs, knows better. Where that cannot be watched, httpx's word stands.
"""

from collections.abc import Callable
from typing import Any

import httpx
from aiohttp import ClientRequest, ClientSession

from router_config.transport.exchange import CURRENT


class NotedRequest(ClientRequest):
    """An aiohttp request that notes in its exchange whether anything of it was written."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _note(sent=False)

    async def write_bytes(self, *args: Any, **kwargs: Any) -> None:
        # The headers are held back until here, to leave together with the body (aiohttp 3.14).
        _note(sent=True)
        await super().write_bytes(*args, **kwargs)


def _note(*, sent: bool) -> None:
    exchange = CURRENT.get()
    if exchange is not None:
        exchange.sent = sent


def note_sending(client: httpx.AsyncClient) -> bool:
    """Have the exchanges of this client note it. False where its transport cannot be watched."""
    transport: Any = getattr(client, "_transport", None)
    make_session: Callable[[], ClientSession] | None = getattr(transport, "_client_factory", None)
    if not callable(make_session) or not hasattr(ClientRequest, "write_bytes"):
        return False

    def noting() -> ClientSession:
        session = make_session()
        session._request_class = NotedRequest
        return session

    transport._client_factory = noting
    return True
