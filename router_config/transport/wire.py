"""What the provider really sent: HTTP clients for LiteLLM whose hooks note status, headers and error body of a flight.

LiteLLM loses or rewrites them: Groq's success headers never reach the caller, digits in a Gemini text become a status.
"""

import asyncio
import os
from functools import partial
from typing import Any, Final, Literal
from weakref import WeakKeyDictionary

import httpx
import litellm
import openai
from litellm.constants import openai_compatible_providers, openai_text_completion_compatible_providers
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

from router_config.clock import Clock
from router_config.routing.request import CURRENT, Flight
from router_config.signals import Reply, read
from router_config.transport.plain_client import PlainClient
from router_config.transport.sdk import OneRequestSDK
from router_config.transport.sending import note_sending
from router_config.transport.stream_errors import Overheard, may_hold_an_error

HTTP_HANDLER_PROVIDERS: Final = frozenset(
    {
        "groq", "gemini", "openrouter", "together_ai",
        "anthropic", "cometapi", "databricks", "deepseek", "edenai", "fireworks_ai", "hosted_vllm", "huggingface",
        "mistral", "ollama", "ollama_chat", "xai",
    }
)  # fmt: skip
"""LiteLLM sends their chats through its own `AsyncHTTPHandler`, which a `client=` argument replaces (1.106.2)."""

OPENAI_SDK_PROVIDERS: Final = (
    frozenset({"openai", "custom_openai", *openai_compatible_providers})
    - HTTP_HANDLER_PROVIDERS
    - {"anyscale", "azure_ai", "chatgpt", "clarifai", "github_copilot", "ragflow"}
)
"""LiteLLM sends their chats through the openai SDK, whose own retries must be off: one request an attempt (1.106.2)."""

TEXT_SDK_PROVIDERS: Final = frozenset({"openai", *openai_text_completion_compatible_providers})
"""Text completions that go through the openai SDK; other providers answer them with a chat."""

EMBEDDING_SDK_PROVIDERS: Final = frozenset(
    {
        "openai", "together_ai", "fireworks_ai", "litellm_proxy", "mistral", "nebius", "nvidia_nim", "wandb",
        "xinference",
    }
)  # fmt: skip
EMBEDDING_HANDLER_PROVIDERS: Final = frozenset(
    {
        "cometapi", "dashscope", "databricks", "edenai", "hosted_vllm", "llamafile", "lm_studio", "openrouter",
        "qwen_ai_platform", "qwencloud", "sambanova", "vercel_ai_gateway",
    }
)  # fmt: skip


class OneRequestHandler(AsyncHTTPHandler):
    """LiteLLM sends a request again when its connection breaks (1.106.2); a reservation is for one request."""

    def create_client(self, *args: Any, **kwargs: Any) -> httpx.AsyncClient:
        client = super().create_client(*args, **kwargs)
        client.__class__ = PlainClient
        return client

    async def single_connection_post_request(self, *_: Any, **__: Any) -> httpx.Response:
        raise  # LiteLLM calls this while it handles the broken connection's error.


class Wire:
    """The clients of one Router, by event loop, since a connection belongs to the loop that opened it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._handlers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[float, OneRequestHandler]]
        self._handlers = WeakKeyDictionary()
        self._sdks: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[Any, ...], openai.AsyncOpenAI]]
        self._sdks = WeakKeyDictionary()

    def client_for(self, flight: Flight, call: str, timeout: float) -> Any | None:
        """The client to pass to LiteLLM for this attempt; None where it takes none: then the wire is not watched."""
        way = way_of(flight.deployment.litellm_provider, call)
        if way == "sdk":
            return self._sdk(flight.entry["litellm_params"], timeout)
        return self._handler(timeout) if way == "handler" else None

    def _handler(self, timeout: float) -> OneRequestHandler:
        handlers = self._handlers.setdefault(asyncio.get_running_loop(), {})
        if timeout not in handlers:
            handlers[timeout] = OneRequestHandler(
                timeout=timeout, event_hooks={"request": [self._sending], "response": [self._arriving]}
            )
            note_sending(handlers[timeout])
        return handlers[timeout]

    def _sdk(self, params: dict[str, Any], timeout: float) -> openai.AsyncOpenAI:
        sdks = self._sdks.setdefault(asyncio.get_running_loop(), {})
        names = ("custom_llm_provider", "api_key", "api_base", "base_url", "organization")
        key = (str(params["model"]).partition("/")[0], *(params.get(name) for name in names), timeout)
        if key not in sdks:
            api_key, base_url = _access(params)
            sdks[key] = OneRequestSDK(
                api_key=api_key,
                base_url=base_url,
                organization=params.get("organization"),
                timeout=timeout,
                http_client=self._handler(timeout).client,
            )
        return sdks[key]

    async def _sending(self, request: httpx.Request) -> None:
        flight = CURRENT.get()
        if flight is not None:
            flight.sent = True

    async def _arriving(self, response: httpx.Response) -> None:
        flight = CURRENT.get()
        if flight is None:
            return
        flight.arrived_at = self._clock.now()
        flight.status = response.status_code
        flight.headers = {name.lower(): value for name, value in response.headers.items()}
        if response.status_code >= 400 or "event-stream" not in flight.headers.get("content-type", ""):
            body = await response.aread()
            if response.status_code >= 400 or may_hold_an_error(body):
                flight.body = body
        elif isinstance(response.stream, httpx.AsyncByteStream):
            response.stream = Overheard(response.stream, partial(self._overheard, flight))

    def _overheard(self, flight: Flight, event: bytes) -> None:
        reply = Reply(flight.status, {}, event)
        if read(flight.deployment.litellm_provider, reply, self._clock.now()).verdict is not None:
            flight.body = event

    async def aclose(self) -> None:
        """Close the connections of this loop."""
        loop = asyncio.get_running_loop()
        self._sdks.pop(loop, None)
        for handler in self._handlers.pop(loop, {}).values():
            await handler.close()  # type: ignore[no-untyped-call]


def way_of(provider: str, call: str) -> Literal["handler", "sdk"] | None:
    """The kind of client that LiteLLM takes for a call of this provider."""
    by_sdk, by_handler = OPENAI_SDK_PROVIDERS, HTTP_HANDLER_PROVIDERS
    if call == "_aembedding":
        by_sdk, by_handler = EMBEDDING_SDK_PROVIDERS, EMBEDDING_HANDLER_PROVIDERS
    elif call == "_atext_completion":
        by_sdk = by_sdk | TEXT_SDK_PROVIDERS
    elif call != "_acompletion":
        return None
    return "sdk" if provider in by_sdk else "handler" if provider in by_handler else None


def _access(params: dict[str, Any]) -> tuple[str, str | None]:
    """Key and address as LiteLLM finds them. OpenAI's own key goes to OpenAI alone, whatever the environment holds."""
    api_base = params.get("api_base") or params.get("base_url")
    _, provider, api_key, base_url = litellm.get_llm_provider(
        params["model"], params.get("custom_llm_provider"), api_base, params.get("api_key")
    )
    if provider == "openai" and api_base is None:
        api_key = api_key or os.environ.get("OPENAI_API_KEY")
        base_url = os.environ.get("OPENAI_BASE_URL") or os.environ.get("OPENAI_API_BASE")
    return params.get("api_key") or api_key or "none", api_base or base_url
