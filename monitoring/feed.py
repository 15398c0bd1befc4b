"""The event stream: one reader of the source tells all who listen what has changed."""

import asyncio
import json
import logging
import signal
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Final

from monitoring.answers import Answer
from monitoring.sharing import Shared
from monitoring.source import StatusSource

LOOK: Final = 0.5
"""Seconds between two readings, while anybody listens."""

ALIVE: Final = 14.0
"""Seconds after which the status is told even if nothing has changed: within 15 a page knows that it is alive."""

FIRST: Final = 50
"""So many decisions are told at the beginning."""

KEPT: Final = 500
"""Decisions kept for those who listen slowly; one who lags further behind misses the oldest."""

_log = logging.getLogger("router_config")


class Feed:
    """What there is to tell, of one event loop. Nobody holds up another: each takes the newest when it is ready for it.

    What is kept does not grow with the number of those who listen, nor with how slowly they do.
    """

    def __init__(self, source: StatusSource, status: Shared[Answer]) -> None:
        self._source = source
        self._status = status
        self._listeners: set[Listener] = set()
        self._reader: asyncio.Task[None] | None = None
        self._cursor = 0
        self._told_at = float("-inf")
        self._tag = ""
        self.news = 0
        """Goes up when there is a status to tell."""
        self.status = b""
        self.added = 0
        """How many decisions have been read; the last KEPT of them are kept."""
        self._decisions: deque[str] = deque(maxlen=KEPT)
        self._part: tuple[int, int, bytes] = (-1, 0, b"")

    def join(self) -> "Listener":
        """One more who listens, until `leave`; the first starts the reader."""
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
        """The decisions read after the first `seen`, newest first, as an event; made once for all at the same place."""
        if self._part[:2] != (seen, self.added):
            wanted = min(self.added - seen, len(self._decisions)) if seen else min(FIRST, len(self._decisions))
            newest_first = [self._decisions[-place] for place in range(1, wanted + 1)]
            text = '{"decisions":[' + ",".join(newest_first) + "]}"
            self._part = (seen, self.added, event("decisions", text.encode()))
        return self._part[2]

    async def _read_on(self) -> None:
        while self._listeners:
            if _server_is_ending():
                for listener in tuple(self._listeners):
                    listener.close()
                return
            try:
                await self._look()
            except Exception as failure:  # Whatever the source raises: the page sees that nothing comes any more.
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
        changed = answer.tag != self._tag or time.monotonic() >= self._told_at + ALIVE
        if changed:
            self._tag, self._told_at = answer.tag, time.monotonic()
            self.news, self.status = self.news + 1, event("status", answer.body)
        if changed or fresh:
            for listener in self._listeners:
                listener.wake()


class Listener:
    """One who listens: where it is, and whether it is to go on."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._woken = asyncio.Event()
        self._closed = False
        self._news, self._added = 0, 0

    def wake(self) -> None:
        self._woken.set()

    def close(self) -> None:
        self._closed = True
        self._woken.set()

    async def events(self) -> AsyncIterator[bytes]:
        """What there is to tell now, and then whatever changes, until it is closed."""
        feed = self._feed
        yield b"retry: 1000\n\n"
        if feed.news == 0:
            await self._woken.wait()
        told_decisions = False
        while not self._closed:
            self._woken.clear()
            if feed.news != self._news:
                self._news = feed.news
                yield feed.status
            if feed.added != self._added or not told_decisions:
                told_decisions = True
                part, self._added = feed.decisions_since(self._added), feed.added
                yield part
            if feed.news == self._news and feed.added == self._added:
                await self._woken.wait()


def event(name: str, data: bytes) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


def _server_is_ending() -> bool:
    """Whether a uvicorn server that runs this app has been told to end: it waits for open streams, and tells nobody."""
    server: Any = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return getattr(server, "should_exit", False) is True
