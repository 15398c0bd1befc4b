"""The events of the stream: one reader of the source tells all listeners what has changed."""

import asyncio
import json
import logging
import signal
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Final

from router_config.status.source import StatusSource

from ..http.answer import Answer
from .shared_reading import SharedReading

LOOK: Final = 0.5
"""Seconds between two readings, while there is a listener."""

ALIVE: Final = 14.0
"""Seconds after which the status is sent even if nothing has changed: a page waits 15 before it takes us for lost."""

FIRST: Final = 50
"""Decisions that a listener gets at the beginning."""

KEPT: Final = 500
"""Decisions kept for slow listeners; one that lags further behind misses the oldest."""

_log = logging.getLogger("router_config")


class Feed:
    """The events for all listeners of one event loop. Each takes the newest when it is ready, and holds up no other.

    Memory grows neither with the number of listeners nor with how slow they are.
    """

    def __init__(self, source: StatusSource, status: SharedReading[Answer]) -> None:
        self._source = source
        self._status = status
        self._listeners: set[Listener] = set()
        self._reader: asyncio.Task[None] | None = None
        self._cursor = 0
        self._sent_at = float("-inf")
        self._tag = ""
        self.version = 0
        """Goes up with each new status."""
        self.status = b""
        self.added = 0
        """How many decisions have been read; the last KEPT of them are kept."""
        self._decisions: deque[str] = deque(maxlen=KEPT)
        self._part: tuple[int, int, bytes] = (-1, 0, b"")

    def join(self) -> "Listener":
        """A new listener, until `leave`; the first starts the reader."""
        listener = Listener(self)
        self._listeners.add(listener)
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read_on())
        return listener

    def leave(self, listener: "Listener") -> None:
        listener.close()
        self._listeners.discard(listener)
        if not self._listeners and self._reader is not None:
            self._reader.cancel()
            self._reader = None

    def decisions_since(self, seen: int) -> bytes:
        """The decisions read after the first `seen`, newest first, as an event; all who have seen as many share it."""
        if self._part[:2] != (seen, self.added):
            wanted = min(self.added - seen, len(self._decisions)) if seen else min(FIRST, len(self._decisions))
            newest_first = [self._decisions[-place] for place in range(1, wanted + 1)]
            text = '{"decisions":[' + ",".join(newest_first) + "]}"
            self._part = (seen, self.added, event("decisions", text.encode()))
        return self._part[2]

    async def _read_on(self) -> None:
        while self._listeners:
            if server_is_ending():
                for listener in tuple(self._listeners):
                    listener.close()
                return
            try:
                await self._look()
            except Exception as failure:  # Whatever it is: the page sees that no event comes any more.
                _log.warning("the status cannot be read: %s", failure)
            await asyncio.sleep(LOOK)

    async def _look(self) -> None:
        answer = await self._status.get()
        read = await self._source.adecision_log(after=self._cursor, last=KEPT if self._cursor else FIRST)
        fresh = read["decisions"]
        if fresh:
            self._cursor = fresh[0]["number"]
            self._decisions.extend(json.dumps(each, separators=(",", ":")) for each in reversed(fresh))
            self.added += len(fresh)
        changed = answer.tag != self._tag or time.monotonic() >= self._sent_at + ALIVE
        if changed:
            self._tag, self._sent_at = answer.tag, time.monotonic()
            self.version, self.status = self.version + 1, event("status", answer.body)
        if changed or fresh:
            for listener in self._listeners:
                listener.notify()


class Listener:
    """One client of the stream: how far it has read, and whether it goes on."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._notified = asyncio.Event()
        self._closed = False
        self._version, self._added = 0, 0

    def notify(self) -> None:
        self._notified.set()

    def close(self) -> None:
        self._closed = True
        self._notified.set()

    async def events(self) -> AsyncIterator[bytes]:
        """The state now, and then whatever changes, until it is closed."""
        feed = self._feed
        yield b"retry: 1000\n\n"
        if feed.version == 0:
            await self._notified.wait()
        sent_decisions = False
        while not self._closed:
            self._notified.clear()
            if feed.version != self._version:
                self._version = feed.version
                yield feed.status
            if feed.added != self._added or not sent_decisions:
                sent_decisions = True
                part, self._added = feed.decisions_since(self._added), feed.added
                yield part
            if feed.version == self._version and feed.added == self._added:
                await self._notified.wait()


def event(name: str, data: bytes) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


def server_is_ending() -> bool:
    """Whether the uvicorn server that runs this app is ending: it waits for open streams without telling them."""
    server: Any = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return getattr(server, "should_exit", False) is True
