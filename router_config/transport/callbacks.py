"""Whoever wants to hear of requests from LiteLLM, and those of them whom it would leave out.

Plain functions, and loggers without async methods, are called for synchronous requests alone. Ours run LiteLLM's
asynchronous code on a background loop, so it does not call them (1.106.2).
"""

import inspect
from collections.abc import Callable, Iterable
from functools import cache
from operator import attrgetter
from typing import Any, Final

import litellm
from litellm._logging import verbose_logger
from litellm.integrations.custom_logger import CustomLogger

from router_config.transport.background_loop import on_background_loop


class Relay(CustomLogger):
    """Passes on to them what it is told of requests on a background loop.

    One that LiteLLM called asynchronously, such as a logger with methods of both kinds, is not called again.
    """

    async def async_log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        if on_background_loop():
            for callback in litellm.success_callback:
                if isinstance(callback, CustomLogger):
                    if _calls_synchronous_loggers() and not kwargs.get("stream"):
                        continue
                    method = _left_out(callback, "log_success_event", litellm._async_success_callback)
                else:
                    method = callback if callable(callback) and not inspect.iscoroutinefunction(callback) else None
                _tell(method, kwargs, response_obj, start_time, end_time)

    async def async_log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        if on_background_loop():  # LiteLLM calls plain functions for failures of asynchronous requests, too.
            for callback in litellm.failure_callback:
                if isinstance(callback, CustomLogger):
                    method = _left_out(callback, "log_failure_event", litellm._async_failure_callback)
                    _tell(method, kwargs, response_obj, start_time, end_time)


RELAY: Final = Relay()

LISTS: Final = (
    "callbacks", "input_callback", "success_callback", "failure_callback", "service_callback",
    "_async_input_callback", "_async_success_callback", "_async_failure_callback",
)  # fmt: skip
"""Where the litellm module keeps callbacks. Gemini's code puts a "cache" there, idle without `litellm.cache`."""

_lists: Final = attrgetter(*LISTS)


def somebody_listens() -> bool:
    """Whether a callback is registered. Asked for each request: a user may set LiteLLM's lists at any time."""
    lists = _lists(litellm)
    return any(lists) and any(each != "cache" and each is not RELAY for callbacks in lists for each in callbacks)


def hear_synchronous_callbacks() -> None:
    """Idempotent."""
    if not somebody_listens():
        return
    for callbacks in (litellm._async_success_callback, litellm._async_failure_callback):
        if RELAY not in callbacks:
            callbacks.append(RELAY)


@cache
def _calls_synchronous_loggers() -> bool:
    """Whether this LiteLLM calls them for whole answers to asynchronous requests, too: since 1.109."""
    from litellm.litellm_core_utils import litellm_logging

    return "for_async_request and not self.stream" in inspect.getsource(litellm_logging)


def _left_out(logger: CustomLogger, name: str, called: Iterable[Any]) -> Callable[..., Any] | None:
    """The logger's synchronous method, unless LiteLLM has called an asynchronous one of its own."""
    own = getattr(type(logger), f"async_{name}") is not getattr(CustomLogger, f"async_{name}")
    return None if own and logger in called else getattr(logger, name)


def _tell(callback: Callable[..., Any] | None, *told: Any) -> None:
    if callback is None:
        return
    try:
        callback(*told)
    except Exception as error:  # As LiteLLM does: a logger's failure is never the request's.
        verbose_logger.debug("callback %r failed: %s", callback, error)
