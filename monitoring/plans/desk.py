"""The plans that a page asks for: one at a time, each in a process of its own; the last one is kept."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Final

from router_config.planner.own_process import PlanFailed, PlanProcess
from router_config.planner.question import Question

LONGEST: Final = 240.0
"""Seconds after which a plan is given up."""


class BusyError(Exception):
    """Another plan is being made."""


class Making:
    """A plan that is being made."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.started_at = time.time()
        """Epoch seconds."""
        self.progress = 0.0
        """How much of it is made, from 0 to 1; then what would help is looked for."""
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self._process = PlanProcess(question, self._told, self._over)

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    def cancel(self) -> None:
        """End its process."""
        self._process.kill()

    async def result(self) -> bytes:
        """Its JSON. Raises PlanFailed."""
        await self._ended.wait()
        return self._process.result()

    def _told(self, share: float) -> None:
        self.progress = share

    def _over(self) -> None:
        with contextlib.suppress(RuntimeError):  # The event loop may have ended before.
            self._loop.call_soon_threadsafe(self._ended.set)


class PlanDesk:
    """Where plans are asked for, whichever event loop asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.making: Making | None = None
        self.last: bytes | None = None
        """The JSON of the last plan."""

    @contextlib.contextmanager
    def make(self, question: Question) -> Iterator[Making]:
        """A plan in the making; its process ends with the block. Raises BusyError while there is another one."""
        with self._lock:
            if self.making is not None:
                raise BusyError
            try:
                made = self.making = Making(question)
            except OSError as error:
                raise PlanFailed("failed", f"no process can be started for the plan: {error.strerror}") from error
        try:
            yield made
        finally:
            made.cancel()
            self.making = None

    def cancel(self) -> None:
        """End the plan that is being made, if there is one."""
        making = self.making
        if making is not None:
            making.cancel()
