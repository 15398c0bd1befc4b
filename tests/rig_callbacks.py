"""Callbacks of LiteLLM that remember what they were told, and all of LiteLLM's lists of them, to be put back."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import litellm
from litellm.integrations.custom_logger import CustomLogger

LISTS = (
    "callbacks",
    "input_callback",
    "success_callback",
    "failure_callback",
    "_async_success_callback",
    "_async_failure_callback",
)

Told = tuple[str, dict[str, Any], Any]


class _Heard(CustomLogger):
    """What it was told: the event, its keyword arguments, the answer."""

    def __init__(self) -> None:
        super().__init__()
        self._told: list[Told] = []
        self._heard = threading.Condition()
        self._began = datetime.now()

    def hear(self, event: str, kwargs: Any, response: Any) -> None:
        if kwargs["start_time"] < self._began:
            return  # LiteLLM tells late of requests of other tests.
        with self._heard:
            self._told.append((event, kwargs, response))
            self._heard.notify_all()

    def wait(self, number: int = 1) -> list[Told]:
        """What happened, once so many events have, or after ten seconds: LiteLLM tells of them after the answer."""
        with self._heard:
            self._heard.wait_for(lambda: len(self._told) >= number, timeout=10)
            return list(self._told)


class SynchronousListener(_Heard):
    """A logger without asynchronous methods."""

    def log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        self.hear("sync success", kwargs, response_obj)

    def log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        self.hear("sync failure", kwargs, response_obj)


class Listener(SynchronousListener):
    """A logger with methods of both kinds."""

    async def async_log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        self.hear("success", kwargs, response_obj)

    async def async_log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        self.hear("failure", kwargs, response_obj)


@contextmanager
def callbacks_put_back() -> Iterator[None]:
    before = {name: list(getattr(litellm, name)) for name in LISTS}
    cache = litellm.cache
    try:
        yield
    finally:
        for name, value in before.items():
            getattr(litellm, name)[:] = value
        litellm.cache = cache
