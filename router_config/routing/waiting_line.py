"""Requests that wait for room, first come first served."""

import asyncio
import threading
from bisect import insort
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from operator import attrgetter

from router_config.clock import Clock
from router_config.forks import in_forked_child, taken_for_forks


class Place:
    """One waiting request, by the number it drew when it came. It may live on any event loop."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._loop = asyncio.get_running_loop()
        self._called = asyncio.Event()

    def call(self) -> None:
        """Wake this request; from any thread."""
        with suppress(RuntimeError):  # Its loop is closed.
            self._loop.call_soon_threadsafe(self._called.set)

    async def wait(self, seconds: float, clock: Clock) -> None:
        """Until called, or for so many seconds."""
        called = asyncio.ensure_future(self._called.wait())
        slept = asyncio.ensure_future(clock.sleep(seconds))
        try:
            await asyncio.wait((called, slept), return_when=asyncio.FIRST_COMPLETED)
        finally:
            called.cancel()
            slept.cancel()
            self._called.clear()


class Line:
    """The requests of a group that wait, in order of arrival. Only the first of them asks for room.

    Whoever needs little waits behind one who needs much: else a large request would never have its turn.
    """

    def __init__(self) -> None:
        self._places: list[Place] = []
        self._lock = taken_for_forks(threading.Lock())
        in_forked_child(self._leave_to_the_parent)

    def __bool__(self) -> bool:
        return bool(self._places)

    @contextmanager
    def place(self, number: int) -> Iterator[Place]:
        """Stand in line behind lower numbers; leaving it calls the next."""
        place = Place(number)
        with self._lock:
            insort(self._places, place, key=attrgetter("number"))
        try:
            yield place
        finally:
            with self._lock:
                self._places.remove(place)
            self.call_first()

    def _leave_to_the_parent(self) -> None:
        self._places = []

    def is_first(self, place: Place) -> bool:
        return self._places[:1] == [place]

    def call_first(self) -> None:
        """Room may have come free: let the first one ask again."""
        for place in self._places[:1]:
            place.call()
