"""What LiteLLM gets where it takes no `client=` of ours and looks for one of its own: Cohere's chats, for one.

LiteLLM keeps its clients in a cache. While such a request runs, the cache's lookup gives it ours, in the context of
that request alone. Whoever else uses LiteLLM gets its clients as always, and no client of ours is kept there.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Literal

import litellm
from litellm.types.llms.custom_http import httpxSpecialProvider

from router_config.forks import taken_for_forks
from router_config.transport import seams

Kind = Literal["handler", "sdk", "sync"]
"""LiteLLM's asynchronous client, that of the openai SDK, and LiteLLM's synchronous client."""

SEAM: Final = "clients of LiteLLM's own"
CACHE: Final = "in_memory_llm_clients_cache"

OF_THE_PROCESS: Final = "module_level"
"""In the key of the client that LiteLLM keeps for all requests of the process, besides its cache."""

_NOT_OF_PROVIDERS: Final = tuple(str(each.value) for each in httpxSpecialProvider)
"""How the keys of clients end that send no requests to a model, such as those of loggers."""

_LOCK: Final = taken_for_forks(threading.Lock())


class Serving:
    """One request. used: whether LiteLLM looked for a client and got ours."""

    def __init__(self, client: Callable[[Kind], Any]) -> None:
        self.client = client
        self.used = self.over = False


_SERVING: Final[ContextVar[Serving | None]] = ContextVar("router_config_serving", default=None)


class _Lookup:
    """Stands before the cache's own lookup. requests: how many that are served run."""

    def __init__(self, lookup: Callable[..., Any]) -> None:
        self.lookup, self.requests = lookup, 0

    def __call__(self, key: str, *args: Any, **kwargs: Any) -> Any:
        serving = _SERVING.get()
        kind = None if serving is None or serving.over else _kind(key)
        if serving is None or kind is None:
            return self.lookup(key, *args, **kwargs)
        serving.used = True
        return serving.client(kind)


@contextmanager
def serving(client: Callable[[Kind], Any]) -> Iterator[Serving]:
    """Give LiteLLM `client(kind)` where it looks for one of its own, in this context and until this ends."""
    here = Serving(client)
    cache = getattr(litellm, CACHE, None)
    known = hasattr(cache, "__dict__") and callable(getattr(cache, "get_cache", None))
    if not seams.note(SEAM, None if known else "LiteLLM keeps its clients elsewhere"):
        yield here
        return
    placed = _place(cache)
    token = _SERVING.set(here)
    try:
        yield here
    finally:
        here.over = True  # For what runs on in a copy of this context, such as a logger.
        _SERVING.reset(token)
        _remove(cache, placed)


def _place(cache: Any) -> _Lookup:
    with _LOCK:
        placed = vars(cache).get("get_cache")
        if not isinstance(placed, _Lookup):
            placed = vars(cache)["get_cache"] = _Lookup(cache.get_cache)
        placed.requests += 1
        return placed


def _remove(cache: Any, placed: _Lookup) -> None:
    with _LOCK:
        placed.requests -= 1
        if placed.requests == 0 and vars(cache).get("get_cache") is placed:
            del vars(cache)["get_cache"]


def _kind(key: str) -> Kind | None:
    if OF_THE_PROCESS in key:
        return None
    if key.startswith("async_httpx_client"):
        return None if key.endswith(_NOT_OF_PROVIDERS) else "handler"
    if key.startswith("httpx_client"):
        return "sync"
    return "sdk" if key.startswith("hashed_api_key=") and "is_async=True" in key else None
