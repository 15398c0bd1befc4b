"""Callbacks that LiteLLM calls for synchronous requests alone: plain functions, and loggers without async methods.

Our synchronous calls run LiteLLM's asynchronous code on a background loop, so it does not call them (1.106.2).
"""

import inspect
from collections.abc import Callable, Iterable
from typing import Any, Final

import litellm
from litellm._logging import verbose_logger
from litellm.integrations.custom_logger import CustomLogger

from router_config.background import on_background_loop


class Relay(CustomLogger):
    """Passes on to them what it is told of requests on a background loop.

    One that LiteLLM called asynchronously, such as a logger with methods of both kinds, is not called again.
    """

    async def async_log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        if on_background_loop():
            for callback in litellm.success_callback:
                if isinstance(callback, CustomLogger):
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


def hear_synchronous_callbacks() -> None:
    """Idempotent, and asked for each request, since a user may set LiteLLM's lists at any time."""
    if not (litellm.callbacks or litellm.success_callback or litellm.failure_callback):
        return
    for callbacks in (litellm._async_success_callback, litellm._async_failure_callback):
        if RELAY not in callbacks:
            callbacks.append(RELAY)


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
