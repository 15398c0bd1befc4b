"""The clients that LiteLLM makes itself, where it takes none of ours: images, speech, moderation, reranking and others.

LiteLLM keeps them in a cache of its own. Ours stands in its place, and puts our wire and our notes on each client that
is kept. For requests that are none of a Router's, nothing changes.
"""

from collections.abc import Callable
from typing import Any, Final

import httpx
import litellm

from router_config.transport import seams
from router_config.transport.exchange import CURRENT
from router_config.transport.wire import redirects

SEAM: Final = "clients of LiteLLM's own"
CACHE: Final = "in_memory_llm_clients_cache"

Watch = Callable[[httpx.AsyncClient], object]
"""What is done to an asynchronous client of LiteLLM's once."""


class HiddenRetry(httpx.TransportError):
    """A second request that nobody reserved room for."""


def watch_litellms_own(watch: Watch) -> None:
    """Have `watch` called with each client that LiteLLM keeps from now on. Idempotent."""
    cache = getattr(litellm, CACHE, None)
    if getattr(cache, "watches", False):
        return
    known = isinstance(getattr(cache, "cache_dict", None), dict) and callable(getattr(cache, "set_cache", None))
    if not seams.note(SEAM, None if known else "LiteLLM keeps its clients elsewhere"):
        return
    kind: Any = type(cache)

    class Watching(kind):  # type: ignore[misc]
        watches = True

        def set_cache(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
            _watch(value, watch)
            return super().set_cache(key, value, *args, **kwargs)

    watching = Watching()
    watching.__dict__.update(cache.__dict__)
    for each in list(watching.cache_dict.values()):
        _watch(each, watch)
    setattr(litellm, CACHE, watching)


def _watch(kept: Any, watch: Watch) -> None:
    """kept: LiteLLM's handler, or a client of the openai SDK's; both hold an httpx client, of either httpx."""
    for name in ("client", "_client"):
        client = getattr(kept, name, None)
        hooks = getattr(client, "event_hooks", None)
        if client is None or not isinstance(hooks, dict) or any(each in hooks["request"] for each in (_ask, _aask)):
            continue
        is_async = hasattr(client, "aclose")
        if is_async:
            watch(client)
        ask, hear = (_aask, _ahear) if is_async else (_ask, _hear)
        hooks = client.event_hooks
        client.event_hooks = {"request": [ask, *hooks["request"]], "response": [hear, *hooks["response"]]}
        return


def _ask(request: Any) -> None:
    exchange = CURRENT.get()
    if exchange is None:
        return
    if request.headers.get("x-stainless-retry-count", "0") != "0":
        raise HiddenRetry("the openai SDK would ask once more, which the router decides", request=request)
    exchange.sent = True
    exchange.requests += 1


def _hear(response: Any) -> None:
    if CURRENT.get() is None:
        return
    if response.status_code >= 400:
        response.headers["x-should-retry"] = "false"  # The openai SDK asks no more then.
    elif response.status_code >= 300 and redirects.leads_elsewhere(response.request, response):
        response.headers.pop("location", None)  # So that no client follows it.


async def _aask(request: Any) -> None:
    _ask(request)


async def _ahear(response: Any) -> None:
    _hear(response)
