"""The server's time, by which the clocks of all machines go: two that are apart would each fill every window."""

import asyncio
from contextlib import suppress
from typing import Any, Final

from router_config.ledger.interfaces import MovableClock, StoreError
from router_config.ledger.redis.connection import Line, Lines
from router_config.ledger.redis.forms import THREE, TWO
from router_config.ledger.redis.scripts import script

ASKED_EVERY: Final = 1.0
"""Seconds after which the server is asked for its time again."""


class ServerTime:
    """Moves a clock, if there is one, to the server's time: at once, and then beside the steps."""

    def __init__(self) -> None:
        self._clock: MovableClock | None = None
        self._asked = self._next = self._ahead = 0.0
        self._fresh = True

    def lead(self, clock: MovableClock, lines: Lines) -> None:
        self._clock = clock
        with suppress(StoreError):
            self._told(clock, lines.first_call(script("time"), lambda: self._ask(clock)), self._asked)

    def ask_if_due(self, line: Line) -> None:
        """Ask for the time on this line. It goes out with the step that is asked for next, in one packet."""
        clock = self._clock
        if clock is None or clock.now() < self._next:
            return
        reply, asked = line.call(script("time"), self._ask(clock)), self._asked

        def told(reply: asyncio.Future[Any]) -> None:
            if not reply.cancelled() and reply.exception() is None:
                self._told(clock, reply.result(), asked)

        reply.add_done_callback(told)

    def _ask(self, clock: MovableClock) -> bytes:
        self._asked = clock.now()
        self._next = self._asked + ASKED_EVERY
        return THREE.pack(self._asked, self._fresh, self._ahead)

    def _told(self, clock: MovableClock, raw: bytes, asked: float) -> None:
        """Move it no further than is sure: the server has read its time at some moment since it was asked."""
        (earliest, self._ahead), now = TWO.unpack(raw), clock.now()
        latest = earliest + max(0.0, now - asked)
        clock.move(min(max(now, earliest), latest) - now)
        self._next, self._fresh = clock.now() + ASKED_EVERY, False
