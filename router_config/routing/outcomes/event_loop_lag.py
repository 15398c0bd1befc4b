"""Whether this process itself stood still: a request that ran out of time meanwhile says nothing of its provider.

An agent that computes for half a minute on the event loop lets everything in flight time out; each provider would
then be in cooldown for five minutes, all of them healthy.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final
from weakref import WeakKeyDictionary

BEAT: Final = 0.25
"""Seconds between two beats of a loop that is watched."""

SHARE: Final = 0.5
"""Of a request's time, so much must be lost for its end to be this process' own doing."""


class _Beats:
    """How long one loop has stood still in all, while it was watched. It must not hold the loop, which holds it."""

    def __init__(self) -> None:
        self._lost, self._due, self._until, self._beating = 0.0, 0.0, 0.0, False

    def watch(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        now = time.monotonic()
        self._until = max(self._until, now + seconds)
        if not self._beating:
            self._beating = True
            self._next(loop, now)

    def lost(self) -> float:
        """Seconds, an overdue beat included."""
        return self._lost + (max(0.0, time.monotonic() - self._due) if self._beating else 0.0)

    def _next(self, loop: asyncio.AbstractEventLoop, now: float) -> None:
        self._due = now + BEAT
        loop.call_later(BEAT, self._beat, loop)

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        now = time.monotonic()
        self._lost += max(0.0, now - self._due)
        self._beating = now < self._until
        if self._beating:
            self._next(loop, now)


class Pulse:
    """The beats of every loop that has requests in flight."""

    def __init__(self) -> None:
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Beats] = WeakKeyDictionary()

    def watch(self, seconds: float) -> Callable[[], bool]:
        """From now on, for at least so many seconds. The answer tells whether the running loop lost half of them."""
        loop = asyncio.get_running_loop()
        beats = self._loops.get(loop)
        if beats is None:
            beats = self._loops[loop] = _Beats()
        beats.watch(loop, seconds)
        before = beats.lost()
        return lambda: beats.lost() - before >= SHARE * seconds
