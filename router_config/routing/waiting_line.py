"""Requests that wait for room, first come first served; those of different classes pass each other where they may."""

import asyncio
import threading
from bisect import insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from operator import attrgetter
from typing import Literal

from router_config.clock import Clock
from router_config.config.agent_classes import AgentClass
from router_config.deployments.class_access import within_reserve
from router_config.deployments.deployment import Deployment
from router_config.forks import in_forked_child, taken_for_forks
from router_config.ledger.rules.gates import Examination

Lacks = Literal["room", "reserve", "share"]
"""What one who waits lacks at a deployment: room for anybody; room that is not kept for others; a share left."""


class Place:
    """One waiting request, by the number it drew when it came. It may live on any event loop.

    before: its place in the order, lower first. of: the class of its agent. lacks: what it lacked when it looked last,
    by deployment, of those where it may get room in time; None: it has not looked yet.
    """

    def __init__(self, number: int, before: float = 0.0, of: str | None = None) -> None:
        self.number, self.of = number, of
        self.order = before, number
        self.lacks: Mapping[str, Lacks] | None = None
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

    Whoever needs little waits behind one who needs much: else a large request would never have its turn. With classes
    the first of each class may ask, but only for room that nobody before it could take.
    """

    def __init__(self) -> None:
        self._places: list[Place] = []
        self._lock = taken_for_forks(threading.Lock())
        in_forked_child(self._leave_to_the_parent)

    def __bool__(self) -> bool:
        return bool(self._places)

    @contextmanager
    def place(self, number: int, before: float = 0.0, of: str | None = None) -> Iterator[Place]:
        """Stand in line behind lower `before` and lower numbers; leaving it calls the next."""
        place = Place(number, before, of)
        with self._lock:
            insort(self._places, place, key=attrgetter("order"))
        try:
            yield place
        finally:
            with self._lock:
                self._places.remove(place)
            self.call_first()

    def _leave_to_the_parent(self) -> None:
        self._places = []

    def ahead_of(self, place: Place) -> Sequence[Place] | None:
        """The first of each class before this one. None: it may not ask now, for one of its class comes first.

        The same where somebody before it has not looked yet.
        """
        if self._places[:1] == [place]:
            return ()
        ahead: list[Place] = []
        for each in self._first_of_each():
            if each is place:
                return ahead
            if each.lacks is None:
                return None
            ahead.append(each)
        return None

    def looked(self, place: Place, lacks: Mapping[str, Lacks]) -> None:
        """Note what a request lacks. Where that is something else than before, those behind it may get room."""
        if place.of is not None and place.lacks != lacks:
            place.lacks = lacks
            for each in self._first_of_each():
                if each.order > place.order:
                    each.call()

    def call_first(self) -> None:
        """Room may have come free: let those who may ask do so again."""
        for place in self._first_of_each():
            place.call()

    def _first_of_each(self) -> list[Place]:
        """Of each class; without classes the first of all."""
        first = self._places[:1]
        if not first or first[0].of is None:
            return first
        by_class: dict[str | None, Place] = {}
        for place in self._places[:]:
            by_class.setdefault(place.of, place)
        return list(by_class.values())


def lacks_of(examined: Iterable[Examination], deadline: float) -> dict[str, Lacks]:
    """What a request lacks at each deployment at which it may get room until `deadline`, epoch seconds."""
    found: dict[str, Lacks] = {}
    for each in examined:
        if not each.blocks:  # The room is there, for somebody before it.
            found[each.deployment] = "reserve"
        elif each.may_clear(deadline):
            stops = {gate.status for gate in each.gates if gate.blocks}
            if "share_used" in stops:
                found[each.deployment] = "share"
            else:
                found[each.deployment] = "reserve" if stops == {"kept"} and each.cooldown is None else "room"
    return found


def left_by(
    ahead: Sequence[Place], candidates: Sequence[Deployment], agent_class: AgentClass | None
) -> list[Deployment]:
    """Of the candidates of a class, what nobody ahead waits for: all of their room, or what is kept for the class.

    Who has used its share could not take it anyway, and room that is kept for one class helps no other.
    """
    found = []
    for each in candidates:
        lacks = {place.lacks.get(each.id) for place in ahead if place.lacks is not None}
        if "room" in lacks or agent_class is None:
            continue
        own = within_reserve(each, agent_class) if "reserve" in lacks else each
        if own is not None:
            found.append(own)
    return found
