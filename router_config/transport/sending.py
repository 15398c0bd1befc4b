"""The moment at which a request's first byte leaves: one cancelled before it never reached the provider.

httpx tells of a request before it has a connection, and where two hundred ask at once many are cancelled in between.
"""

from collections.abc import Callable
from typing import Any

from aiohttp import ClientRequest, ClientSession
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

from router_config.routing.request import CURRENT


class NotedRequest(ClientRequest):
    """An aiohttp request that notes in its flight whether anything of it was written."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._note(sent=False)

    async def write_bytes(self, *args: Any, **kwargs: Any) -> None:
        # The headers are held back until here, to leave together with the body (aiohttp 3.14).
        self._note(sent=True)
        await super().write_bytes(*args, **kwargs)

    def _note(self, *, sent: bool) -> None:
        flight = CURRENT.get()
        if flight is not None:
            flight.sent = sent


def note_sending(handler: AsyncHTTPHandler) -> None:
    """Have the flights of this handler note it. Where LiteLLM's transport is another one, httpx's word stands."""
    transport = getattr(handler.client, "_transport", None)
    make_session: Callable[[], ClientSession] | None = getattr(transport, "_client_factory", None)
    if make_session is None:
        return

    def noting() -> ClientSession:
        session = make_session()
        session._request_class = NotedRequest
        return session

    transport._client_factory = noting  # type: ignore[union-attr]
