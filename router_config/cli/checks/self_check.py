"""The door to LiteLLM examined without a provider: which of its ways are open with the LiteLLM that is installed.

For each provider of the configuration a few chats go through the door on an in-process connection that plays a valid
answer: two the public way, from which the fast way learns, and then one the fast way.
"""

import asyncio
from importlib.metadata import version
from typing import Any, Final

import httpx
import litellm

from router_config.clock import SystemClock
from router_config.config.models import Config
from router_config.simulator.canned_answers import canned_answer
from router_config.simulator.quotas.limits import LimitsError
from router_config.transport import seams
from router_config.transport.clients import Clients, WatchedHandler
from router_config.transport.exchange import Exchange
from router_config.transport.transport import Transport
from router_config.transport.wire.notes import arriving, sending

MESSAGES: Final = [{"role": "system", "content": "Answer briefly."}, {"role": "user", "content": "Hello"}]


CHATS: Final = 5
"""Chats after which a provider that could go the fast way would do so: two are learned from."""


class _PlayingClients(Clients):
    """Clients that reach nobody: each request gets the same valid answer."""

    def __init__(self, prefix: str, model: str) -> None:
        super().__init__()
        try:
            self._answer = canned_answer(prefix, model)
        except LimitsError:  # Not one of the five: a server that is compatible with OpenAI's.
            self._answer = canned_answer("openai", model)
        self._player: WatchedHandler | None = None

    def handler(self, timeout: float, verify: Any = None) -> WatchedHandler:
        if self._player is None:
            status, headers, body = self._answer
            self._player = WatchedHandler(timeout=timeout)
            self._player.client = httpx.AsyncClient(
                transport=httpx.MockTransport(lambda _: httpx.Response(status, headers=headers, content=body)),
                event_hooks={"request": [sending], "response": [arriving]},
            )
        return self._player


def ways(config: Config) -> list[dict[str, Any]]:
    """By provider `{"name", "way": "fast" | "public", "why": None | "..."}`; by seam the same with `on` for `way`.

    Imports LiteLLM. Nothing is sent.
    """
    litellm.suppress_debug_info = True
    found = asyncio.run(_each(config))
    found += [{"name": seam.name, "on": seam.off is None, "why": seam.off} for seam in seams.all_probed()]
    return found


def versions() -> str:
    """`LiteLLM 1.110.2, openai 3.57.0`."""
    return f"LiteLLM {version('litellm')}, openai {version('openai')}"


async def _each(config: Config) -> list[dict[str, Any]]:
    found = []
    for provider in config.providers:
        if provider.models:
            why = await _why_public(provider.litellm_provider, provider.models[0].name)
            found.append({"name": provider.name, "way": "public" if why else "fast", "why": why})
    return found


async def _why_public(prefix: str, model: str) -> str | None:
    """Why a plain chat with this model would go the public way; None when it goes the fast way."""
    entry = {
        "model_name": "default",
        "litellm_params": {
            "model": f"{prefix}/{model}",
            "api_key": "no-key-of-anybody",
            "api_base": "http://played/v1",
        },
        "model_info": {"id": "played", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0},
    }
    transport = Transport(SystemClock(), clients=_PlayingClients(prefix, model))
    try:
        for _ in range(CHATS):
            if transport.fast_path:
                break
            exchange = Exchange(prefix, timeout=10.0)
            chat = {"model": "default", "messages": MESSAGES}
            await transport.ask("acompletion", chat, entry, "default", exchange, {})
    except Exception as error:
        return f"LiteLLM fails on a valid answer: {type(error).__name__}: {error}"[:300]
    if transport.fast_path:
        return None
    off = [seam.off for seam in seams.all_probed() if seam.off is not None and prefix in seam.name]
    if off:
        return off[0]
    return transport.why_public if exchange.sent else "LiteLLM takes no client of ours"
