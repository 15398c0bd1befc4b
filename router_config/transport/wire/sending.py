"""The moment at which a request's first byte leaves: one cancelled before it never reached the provider.

httpx tells of a request before it has a connection, and where two hundred ask at once many are cancelled in between.
aiohttp, on which LiteLLM's client runs, knows better. Where that cannot be watched, httpx's word stands.
"""

from collections.abc import Callable
from typing import Any, Final

import httpx
from aiohttp import ClientRequest, ClientSession

from router_config.transport.exchange import CURRENT

LONGEST_HEADER: Final = 65_536
"""Bytes of one header of an answer; aiohttp's own limit is 8190."""

_SERVED: Final = "_router_config_served"


class NotedRequest(ClientRequest):
    """An aiohttp request that notes in its exchange whether anything of it was written, and over what connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        exchange = CURRENT.get()
        if exchange is not None:
            exchange.sent = exchange.written
            exchange.kept_connection = False

    async def write_bytes(self, writer: Any, conn: Any, *args: Any, **kwargs: Any) -> None:
        # The headers are held back until here, to leave together with the body (aiohttp 3.14).
        protocol, exchange = getattr(conn, "protocol", None), CURRENT.get()
        if exchange is not None:
            exchange.sent = exchange.written = True
            exchange.kept_connection = getattr(protocol, _SERVED, False)
        if protocol is not None:
            setattr(protocol, _SERVED, True)
        await super().write_bytes(writer, conn, *args, **kwargs)


def note_sending(client: httpx.AsyncClient) -> bool:
    """Have the exchanges of this client note it. False where its transport cannot be watched.

    Headers of an answer are taken up to 64 kB.
    """
    transport: Any = getattr(client, "_transport", None)
    transport = getattr(transport, "inner", transport)
    make_session: Callable[[], ClientSession] | None = getattr(transport, "_client_factory", None)
    if not callable(make_session) or not hasattr(ClientRequest, "write_bytes"):
        return False

    def noting() -> ClientSession:
        session = make_session()
        session._request_class = NotedRequest
        for name in ("_max_line_size", "_max_field_size"):
            if hasattr(session, name):
                setattr(session, name, LONGEST_HEADER)
        return session

    transport._client_factory = noting
    return True
