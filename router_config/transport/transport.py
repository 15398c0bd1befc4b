"""The door to LiteLLM: one attempt at one deployment, asked the fast way where that is proven, else the public way."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import litellm

from router_config.clock import Clock
from router_config.transport import endpoints, public_way
from router_config.transport.clients import Clients
from router_config.transport.exchange import CURRENT, Exchange, Recording
from router_config.transport.fast.fast_way import FastWay
from router_config.transport.messages import history
from router_config.transport.streams import Opened

GRACE: Final = 1.0
"""Seconds past its timeout after which an attempt is cut off, where LiteLLM does not heed the timeout."""

LONGEST: Final = 6000.0
"""Seconds: LiteLLM's own timeout where nobody names one."""

REPORT_USAGE: Final = frozenset({"acompletion", "atext_completion"})
"""Endpoints whose streams report the tokens only where they are asked to."""


class Transport:
    """Asks providers through LiteLLM, with connections of its own for each event loop.

    fast_path: False sends everything the public way.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        fast_path: bool = True,
        clients: Clients | None = None,
    ) -> None:
        self._clock, self._clients = clock, clients or Clients()
        self._fast = FastWay(self._clients) if fast_path else None

    @property
    def fast_path(self) -> bool:
        """Whether chats go the fast way."""
        return self._fast is not None and self._fast.in_use

    @property
    def why_public(self) -> str | None:
        """What was not proven, where chats do not go the fast way."""
        return None if self._fast is None or self._fast.in_use else self._fast.why

    async def ask(
        self,
        endpoint: str,
        given: Mapping[str, Any],
        entry: Mapping[str, Any],
        group: str,
        exchange: Exchange,
        settings: Mapping[str, Any],
    ) -> Any:
        """One request to the deployment of a model list's entry. A stream comes back `Opened`, its first content here.

        given: the caller's arguments. settings: those of litellm.Router. Notes in `exchange` what comes over the
        wire. Raises LiteLLM's errors.
        """
        asked = public_way.arguments(endpoint, given, entry, group, settings)
        if endpoint == "acompletion":
            asked["messages"] = history.for_provider(asked.get("messages"), exchange.provider)
        timeout = asked["timeout"] = exchange.timeout
        options = asked.get("stream_options") or {}
        if asked.get("stream") is True and endpoint in REPORT_USAGE:
            asked["stream_options"] = {**options, "include_usage": True}
        plain = endpoint == "acompletion" and asked.get("ssl_verify") is None
        fast = self._fast if plain else None
        kind = None if fast is None else fast.takes(asked)
        proven = None if fast is None or kind is None else fast.find(kind, asked["messages"])
        exchange.now = self._clock.now
        token = CURRENT.set(exchange)
        try:
            async with asyncio.timeout(timeout + GRACE):
                if fast is not None and proven is not None:
                    return await fast.ask(*proven, asked, exchange)
                listening = asked
                if fast is not None and kind is not None:
                    exchange.recording, listening = Recording(), fast.listening(kind, asked)
                reply = await public_way.ask(endpoint, listening, exchange, self._clients)
                if fast is not None and kind is not None and exchange.recording is not None:
                    fast.learn(kind, asked, exchange.provider, exchange.recording, reply)
                if not (endpoints.streams(endpoint, asked) and hasattr(reply, "__aiter__")):
                    return reply
                chat, wanted = endpoint == "acompletion", options.get("include_usage") is True
                return await Opened(reply, exchange, chat=chat, wants_usage=wanted).open()
        finally:
            CURRENT.reset(token)

    @staticmethod
    def timeout(
        endpoint: str, given: Mapping[str, Any], params: Mapping[str, Any], settings: Mapping[str, Any]
    ) -> float:
        """Seconds: the caller's, else the deployment's, else the Router's; for streams those of streams go first."""
        names = ("stream_timeout", "timeout") if endpoints.streams(endpoint, given) else ("timeout",)
        for name in names:
            for place in (given, params, settings, settings.get("default_litellm_params") or {}):
                value = place.get(name)
                if value is None and name == "timeout":
                    value = place.get("request_timeout")
                if isinstance(value, int | float):
                    return float(value)
        return float(getattr(litellm, "request_timeout", LONGEST))

    async def aclose(self) -> None:
        """Close the connections of this event loop."""
        await self._clients.aclose()
