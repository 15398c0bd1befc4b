"""HTTP clients for LiteLLM's `client=`: they note what a provider really sent, and ask once an attempt.

LiteLLM loses or rewrites it: Groq's success headers never reach the caller, digits in a Gemini text become a status
(1.106.2). Which kind of client it wants, its own handler or the openai SDK, differs by provider, endpoint and version.
A first guess is tried. One of the wrong kind fails before anything is sent, or LiteLLM looks for a client of its own
(`client_lookup`); then the next kind is taken.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import finalize

import httpx
import litellm
import openai
from litellm.constants import openai_compatible_providers, openai_text_completion_compatible_providers
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler, HTTPHandler

from router_config.transport import seams
from router_config.transport.client_lookup import Kind
from router_config.transport.errors.error_chain import causes
from router_config.transport.wire.connection import wired
from router_config.transport.wire.loop_end import at_end, drop_connections, tell_loggers
from router_config.transport.wire.notes import arriving, sending
from router_config.transport.wire.sending import note_sending
from router_config.transport.wire.synchronous import synchronous

KEPT: Final = 64
"""Clients of each kind that a loop keeps, for as many timeouts and keys; they share their connections."""

LEAVING: Final = "the moment a request leaves"

TEXT: Final = frozenset({"acompletion", "atext_completion", "aembedding"})
"""Endpoints at which LiteLLM leaves the retries of the openai SDK to the client."""

OF_THE_SDK: Final = frozenset({"aimage_generation", "amoderation", "aspeech", "atranscription"})
"""Other endpoints that LiteLLM asks through the SDK, if the provider speaks OpenAI's wire format."""

CHATS_BY_HANDLER: Final = frozenset(
    {
        "groq", "gemini", "openrouter", "together_ai",
        "anthropic", "cometapi", "databricks", "deepseek", "edenai", "fireworks_ai", "hosted_vllm", "huggingface",
        "mistral", "ollama", "ollama_chat", "xai",
    }
)  # fmt: skip
"""LiteLLM sends their chats through its own `AsyncHTTPHandler` (1.106.2). Only the first guess: see `Clients.kinds`."""

EMBEDDINGS_BY_SDK: Final = frozenset(
    {
        "openai", "together_ai", "fireworks_ai", "litellm_proxy", "mistral", "nebius", "nvidia_nim", "wandb",
        "xinference",
    }
)  # fmt: skip
EMBEDDINGS_BY_HANDLER: Final = frozenset(
    {
        "cometapi", "dashscope", "databricks", "edenai", "hosted_vllm", "llamafile", "lm_studio", "openrouter",
        "qwen_ai_platform", "qwencloud", "sambanova", "vercel_ai_gateway",
    }
)  # fmt: skip


class NoCookies(httpx.Cookies):
    """What a provider sets for one key must not go out with another. httpx also takes 0.1 ms to look for them."""

    def extract_cookies(self, response: httpx.Response) -> None: ...


class WatchedHandler(AsyncHTTPHandler):
    """LiteLLM's own client over our wire, without its second request after a broken connection.

    The httpx client is shared, so one handler's end does not close it.
    """

    def create_client(self, *args: Any, **kwargs: Any) -> httpx.AsyncClient:
        client = wired(super().create_client(*args, **kwargs))
        client._cookies = NoCookies()
        return client

    def sharing(self, timeout: float) -> "WatchedHandler":
        """A handler with another timeout over the same connections. timeout: seconds."""
        handler = copy(self)
        handler.client, handler.timeout = self.client, timeout
        return handler

    async def single_connection_request(self, *_: Any, **__: Any) -> httpx.Response:
        raise  # LiteLLM calls this while it handles the broken connection's error.

    single_connection_post_request = single_connection_request  # Its name up to 1.106.

    def __del__(self) -> None: ...


class WatchedSDK(openai.AsyncOpenAI):
    """LiteLLM sets retries of its own on the client of providers that name none (1.106.2)."""

    @property
    def max_retries(self) -> int:
        return 0

    @max_retries.setter
    def max_retries(self, number: int) -> None: ...


class Clients:
    """The clients of one Router, by event loop, since a connection belongs to the loop that opened it."""

    def __init__(self) -> None:
        self._loops: dict[asyncio.AbstractEventLoop, _OfALoop] = {}
        finalize(self, _end_all, self._loops).atexit = False
        self._kinds: dict[tuple[str, str], list[Kind]] = {}
        self.proven: set[tuple[str, str]] = set()
        """Providers and endpoints for which LiteLLM was seen to use the client that it was given."""

    def kinds(self, provider: str, endpoint: str) -> list[Kind]:
        """The kinds of client that may suit LiteLLM for this provider's endpoint, the likeliest first."""
        found = self._kinds.get((provider, endpoint))
        if found is None:
            found = self._kinds[provider, endpoint] = _guess(provider, endpoint)
        return found

    def misfit(self, provider: str, endpoint: str, kind: Kind) -> None:
        """LiteLLM wants another kind than this, or uses none that it is given."""
        self.proven.discard((provider, endpoint))
        self._kinds[provider, endpoint] = [each for each in self.kinds(provider, endpoint) if each != kind]

    def for_request(self, params: Mapping[str, Any], timeout: float) -> Callable[[Kind], Any]:
        """The clients for one request to a deployment with these `litellm_params`, by kind. timeout: seconds.

        They may be asked for in a thread that LiteLLM starts for the request.
        """
        verify, loop, here = params.get("ssl_verify"), asyncio.get_running_loop(), self._here()
        handler = self.handler(timeout, verify)

        def client(kind: Kind) -> Any:
            if kind == "sdk":
                return _sdk(here, params, timeout, verify, handler.client)
            return handler if kind == "handler" else synchronous(loop, lambda: self.handler(timeout, verify), timeout)

        return client

    def handler(self, timeout: float, verify: Any = None) -> WatchedHandler:
        """LiteLLM's client for the running loop. timeout: seconds. verify: LiteLLM's `ssl_verify`."""
        here = self._here()
        handler = here.handlers.get((timeout, verify))
        if handler is None:
            shared = here.shared.get(verify)
            if shared is None:
                shared = here.shared[verify] = self._make(verify)
            if len(here.handlers) >= KEPT:
                here.handlers.clear()
            handler = here.handlers[timeout, verify] = shared.sharing(timeout)
        return handler

    async def send(
        self, timeout: float, method: str, url: httpx.URL, headers: httpx.Headers, content: bytes
    ) -> httpx.Response:
        """Send a request that is complete, straight to the connection pool. timeout: seconds. Raises httpx.HTTPError.

        httpx would merge in the client's own headers, parameters and cookies, which takes half of a request's time.
        """
        client = self.handler(timeout).client
        limits = httpx.Timeout(timeout).as_dict()
        request = httpx.Request(method, url, headers=headers, content=content, extensions={"timeout": limits})
        pool = getattr(client, "_transport_for_url", None)
        if pool is None:
            seams.note("requests straight to the connection pool", "httpx has another name for it")
            return await client.send(request)
        await sending(request)
        try:
            response: httpx.Response = await pool(url).handle_async_request(request)
            response.request = request
            await arriving(response)
            await response.aread()
        except httpx.RequestError as error:
            error.request = request
            raise
        return response

    def _make(self, verify: Any) -> WatchedHandler:
        told = {} if verify is None else {"ssl_verify": verify}
        # Not methods: what is kept for a loop must not hold these clients.
        hooks: dict[str, list[Callable[..., object]]] = {"request": [sending], "response": [arriving]}
        handler = WatchedHandler(event_hooks=hooks, **told)
        watched = note_sending(handler.client)
        seams.note(LEAVING, None if watched else "LiteLLM's client runs on another transport")
        return handler

    def _here(self) -> "_OfALoop":
        """What is kept for the running loop, until that ends."""
        loop = asyncio.get_running_loop()
        here = self._loops.get(loop)
        if here is None:
            for over in [each for each in list(self._loops) if each.is_closed()]:
                self._loops.pop(over, _OfALoop()).drop()
            here = self._loops[loop] = _OfALoop()
            here.end = at_end(here.aclose)
        return here

    async def aclose(self) -> None:
        """Close the connections of this loop."""
        here = self._loops.pop(asyncio.get_running_loop(), None)
        if here is not None and here.end is not None:
            await here.end.aclose()


def _end_all(loops: dict[asyncio.AbstractEventLoop, "_OfALoop"]) -> None:
    """Close what is kept for each loop, on that loop: its Router was dropped."""
    while loops:
        loop, here = loops.popitem()
        try:
            loop.call_soon_threadsafe(lambda loop=loop, here=here: loop.create_task(here.aclose()))  # type: ignore[misc]
        except RuntimeError:  # It is closed.
            here.drop()


@dataclass(slots=True)
class _OfALoop:
    """The clients of one event loop. shared: by `ssl_verify`, the one whose connections its handlers use.

    end: closes them when the loop ends.
    """

    shared: dict[Any, WatchedHandler] = field(default_factory=dict)
    handlers: dict[tuple[float, Any], WatchedHandler] = field(default_factory=dict)
    sdks: dict[tuple[Any, ...], openai.AsyncOpenAI] = field(default_factory=dict)
    end: AsyncGenerator[None, None] | None = None

    async def aclose(self) -> None:
        await tell_loggers()
        for handler in self.forget():
            await handler.client.aclose()

    def drop(self) -> None:
        """The same where the loop is closed already."""
        for handler in self.forget():
            drop_connections(handler.client)

    def forget(self) -> list[WatchedHandler]:
        handlers = list(self.shared.values())
        for each in (self.shared, self.handlers, self.sdks):
            each.clear()
        return handlers


def _sdk(here: _OfALoop, params: Mapping[str, Any], timeout: float, verify: Any, client: Any) -> openai.AsyncOpenAI:
    """client: the httpx client whose connections it uses; the SDK takes one of either httpx."""
    names = ("custom_llm_provider", "api_key", "api_base", "base_url", "organization")
    key = (str(params["model"]).partition("/")[0], *(params.get(name) for name in names), timeout, verify)
    if key not in here.sdks:
        api_key, base_url = _access(params)
        if len(here.sdks) >= KEPT:
            here.sdks.clear()
        here.sdks[key] = WatchedSDK(
            api_key=api_key,
            base_url=base_url,
            organization=params.get("organization"),
            timeout=timeout,
            http_client=client,
        )
    return here.sdks[key]


def is_misfit(error: BaseException) -> bool:
    """Whether LiteLLM failed on the client that it was given, because it wants one of another kind."""
    names = tuple(each.__name__ for each in (AsyncHTTPHandler, HTTPHandler, WatchedHandler, WatchedSDK))
    told = [str(each) for each in causes(error) if isinstance(each, AttributeError | TypeError)]
    return any(name in each for each in told for name in names)


def _guess(provider: str, endpoint: str) -> list[Kind]:
    """The kinds of client in the order in which they are tried."""
    by_sdk = provider in ("openai", "custom_openai") or provider in openai_compatible_providers
    if endpoint in OF_THE_SDK:
        other: Kind = "sync" if endpoint == "aimage_generation" else "handler"
        return ["sdk", other] if by_sdk else [other, "sdk"]
    if endpoint not in TEXT:
        return ["handler", "sdk"]
    if endpoint == "aembedding":
        by_handler = provider in EMBEDDINGS_BY_HANDLER
        by_sdk = provider in EMBEDDINGS_BY_SDK
    else:
        by_handler = provider in CHATS_BY_HANDLER
        if provider == "together_ai" and not hasattr(litellm, "TogetherAIChatConfig"):
            by_handler = False  # LiteLLM 1.84 to 1.100 asks it through the SDK.
        elif endpoint == "atext_completion" and provider in openai_text_completion_compatible_providers:
            by_handler = False
    if by_handler:
        return ["handler", "sdk"]
    return ["sdk", "handler"] if by_sdk else []


def _access(params: Mapping[str, Any]) -> tuple[str, str | None]:
    """Key and address as LiteLLM finds them. OpenAI's own key goes to OpenAI alone, whatever the environment holds."""
    api_base = params.get("api_base") or params.get("base_url")
    _, provider, api_key, base_url = litellm.get_llm_provider(
        params["model"], params.get("custom_llm_provider"), api_base, params.get("api_key")
    )
    if provider == "openai" and api_base is None:
        api_key = api_key or os.environ.get("OPENAI_API_KEY")
        base_url = os.environ.get("OPENAI_BASE_URL") or os.environ.get("OPENAI_API_BASE")
    return params.get("api_key") or api_key or "none", api_base or base_url
