"""What the endpoints read of a source: the status, the histories and the event stream, shared by all who ask."""

import asyncio
from functools import partial
from weakref import WeakKeyDictionary

from router_config.status.source import StatusSource

from ..http.answer import Answer
from .feed import Feed
from .shared_reading import SharedReading


class Readings:
    """The readings of one event loop. Each is shared for `lasts` seconds, a history for ten times as long."""

    def __init__(self, source: StatusSource, lasts: float) -> None:
        self._source = source
        self.status = SharedReading(self._status, lasts)
        self.feed = Feed(source, self.status)
        self._lasts = lasts
        self._histories: dict[int, SharedReading[Answer]] = {}

    async def history(self, hours: int) -> Answer:
        """The answer to GET /api/llm-providers/history."""
        shared = self._histories.get(hours)
        if shared is None:
            shared = self._histories[hours] = SharedReading(partial(self._history, hours), 10 * self._lasts)
        return await shared.get()

    async def _status(self) -> Answer:
        return Answer.of(await self._source.astatus())

    async def _history(self, hours: int) -> Answer:
        return Answer.of(await self._source.ahistory(hours))


class ReadingsByLoop:
    """The readings of whichever event loop asks: tasks of one loop cannot be awaited on another."""

    def __init__(self, source: StatusSource, lasts: float) -> None:
        self._source, self._lasts = source, lasts
        self._by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Readings] = WeakKeyDictionary()

    @property
    def here(self) -> Readings:
        loop = asyncio.get_running_loop()
        readings = self._by_loop.get(loop)
        if readings is None:
            readings = self._by_loop[loop] = Readings(self._source, self._lasts)
        return readings
