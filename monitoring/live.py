"""What the endpoints read: shared among those who ask at once, one set of readings for each event loop."""

import asyncio
from functools import partial
from weakref import WeakKeyDictionary

from monitoring.answers import Answer
from monitoring.feed import Feed
from monitoring.sharing import Shared
from monitoring.source import StatusSource


class Live:
    """The readings of one event loop. Each lasts `lasts` seconds, that of a long history ten times as long."""

    def __init__(self, source: StatusSource, lasts: float) -> None:
        self._source = source
        self.status = Shared(self._status, lasts)
        self.feed = Feed(source, self.status)
        self._lasts = lasts
        self._histories: dict[int, Shared[Answer]] = {}

    async def history(self, hours: int) -> Answer:
        shared = self._histories.get(hours)
        if shared is None:
            shared = self._histories[hours] = Shared(partial(self._history, hours), 10 * self._lasts)
        return await shared.get()

    async def _status(self) -> Answer:
        return Answer.of(await self._source.astatus())

    async def _history(self, hours: int) -> Answer:
        return Answer.of(await self._source.ahistory(hours))


class Everywhere:
    """The `Live` of whichever event loop asks: what waits on one loop cannot be woken from another."""

    def __init__(self, source: StatusSource, lasts: float) -> None:
        self._source, self._lasts = source, lasts
        self._of: WeakKeyDictionary[asyncio.AbstractEventLoop, Live] = WeakKeyDictionary()

    @property
    def here(self) -> Live:
        loop = asyncio.get_running_loop()
        live = self._of.get(loop)
        if live is None:
            live = self._of[loop] = Live(self._source, self._lasts)
        return live
