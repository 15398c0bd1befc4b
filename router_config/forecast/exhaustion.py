"""When the room of providers ends: what is expected to be used is walked through their windows, hour by hour.

Providers are asked in their order, so it is the usage of all together that is forecast; a provider's own follows from
how much of it reaches that provider. Its own history would not show that: a provider that is full early each day looks
as if nobody wanted more of it, and one further down as if its load came from nowhere.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from typing import Final, NamedTuple

from router_config.forecast.profile import Curve
from router_config.forecast.ratios import Band
from router_config.ledger.rules.windows import Unit
from router_config.slices import pause

NOTHING_LEFT: Final = 1e-6
"""Of the whole: so little is nothing."""


class Used(NamedTuple):
    """What was used, evenly, between two moments (epoch seconds)."""

    since: float
    until: float
    amount: float


@dataclass(frozen=True, slots=True)
class Room:
    """What a limit of a provider leaves of its window, in tokens.

    until: epoch seconds up to which it is asked whether it lasts. renews_at: when a calendar's window ends, and `whole`
    is there again; `inf` for a rolling one, of which `used` comes back `length` seconds after it was used.
    """

    limit: str
    unit: Unit
    left: float
    whole: float
    length: float
    until: float = inf
    renews_at: float = inf
    used: tuple[Used, ...] = ()


@dataclass(frozen=True, slots=True)
class Taker:
    """A provider in the order in which they are asked, with its rooms, one for each kind of window.

    takes: the share that it takes of the tokens that reach it while it has room. Without rooms it never ends.
    """

    provider: str
    rooms: tuple[Room, ...] = ()
    takes: float = 1.0


class Ends(NamedTuple):
    """When room ends, epoch seconds: the early edge, the middle and the late edge. None: not before its window does."""

    p10: float | None = None
    p50: float | None = None
    p90: float | None = None


@dataclass(frozen=True, slots=True)
class Exhaustion:
    """How long the rooms last.

    ends: by provider and kind of window. taken: the tokens that the provider is expected to take until its window ends.
    together: when all providers with a limit of such a window have nothing left of it. binding: the provider and limit
    that is the last to be used up, where that is expected.
    """

    ends: Mapping[tuple[str, Unit], Ends]
    taken: Mapping[tuple[str, Unit], Band]
    together: Mapping[Unit, Ends]
    binding: Mapping[Unit, str]


def exhaustion(takers: Sequence[Taker], demand: Curve, together_until: Mapping[Unit, float]) -> Exhaustion:
    """When each provider's room ends, and that of all together.

    takers: in the order in which they are asked. demand: what all together are expected to use, to the end of the last
    window. together_until: epoch seconds up to which it is asked whether a kind of window lasts for all together.
    """
    walks = [_Walk(takers, demand, quantile, together_until) for quantile in (2, 1, 0)]
    rooms = [(taker.provider, room.unit) for taker in takers for room in taker.rooms]
    return Exhaustion(
        {key: _ordered([walk.ends.get(key) for walk in walks]) for key in rooms},
        {key: Band(*sorted(walk.taken.get(key, 0.0) for walk in walks)) for key in rooms},
        {unit: _ordered([walk.together.get(unit) for walk in walks]) for unit in together_until},
        walks[1].binding,
    )


def _ordered(moments: Sequence[float | None]) -> Ends:
    early, middle, late = sorted(inf if each is None else each for each in moments)
    return Ends(*(None if each == inf else each for each in (early, middle, late)))


@dataclass(slots=True)
class _Left:
    """A room as it is during a walk."""

    room: Room
    left: float
    renews_at: float
    used: deque[Used]
    empty_since: float | None = None
    rolls: bool = field(init=False)
    nothing: float = field(init=False)
    """So little left is none."""

    def __post_init__(self) -> None:
        self.rolls = self.room.renews_at == inf
        self.nothing = NOTHING_LEFT * max(1.0, self.room.whole)

    def renew(self, moment: float) -> None:
        while moment >= self.renews_at:
            self.left, self.empty_since = self.room.whole, None
            self.renews_at += self.room.length

    def come_back(self, until: float) -> None:
        """Add what has left the window at a moment."""
        gone = until - self.room.length
        while self.used and self.used[0].since < gone:
            since, to, amount = self.used[0]
            if to <= gone:
                self.left += amount
                self.used.popleft()
            else:
                share = amount * (gone - since) / (to - since)
                self.left += share
                self.used[0] = Used(gone, to, amount - share)
        self.left = min(self.left, self.room.whole)

    def turn_to(self, since: float, until: float) -> None:
        """Make a step the present one: what renews before it and what comes back within it is there."""
        if self.rolls:
            if self.used:
                self.come_back(until)
        elif since >= self.renews_at:
            self.renew(since)
        if self.left > self.nothing:
            self.empty_since = None

    def still_empty_since(self, now: float) -> float | None:
        """Where nobody took anything since then."""
        self.turn_to(now, now)
        return self.empty_since if self.is_empty else None

    @property
    def is_empty(self) -> bool:
        return self.left <= self.nothing


@dataclass(slots=True)
class _Taking:
    """A provider during a walk. taken: all that it took; now: of that in this step."""

    taker: Taker
    rooms: list[_Left]
    taken: float = 0.0
    now: float = 0.0

    @property
    def room(self) -> float:
        return min((each.left for each in self.rooms), default=inf)

    def turn_to(self, since: float, until: float, noted: dict[tuple[str, Unit], float]) -> None:
        self.note(since, noted)
        self.now = 0.0
        for each in self.rooms:
            each.turn_to(since, until)

    def note(self, moment: float, noted: dict[tuple[str, Unit], float]) -> None:
        """Note what was taken in each window that is over at a moment."""
        for each in self.rooms:
            if moment >= each.room.until:
                noted.setdefault((self.taker.provider, each.room.unit), self.taken)

    def end_step(self, since: float, until: float) -> None:
        self.taken += self.now
        for each in self.rooms:
            if self.now and each.rolls:
                each.used.append(Used(since, until, self.now))


@dataclass(slots=True)
class _Walk:
    """Demand, by one quantile of what is expected, walked through the rooms."""

    takers: Sequence[Taker]
    demand: Curve
    quantile: int
    together_until: Mapping[Unit, float]
    ends: dict[tuple[str, Unit], float] = field(default_factory=dict)
    taken: dict[tuple[str, Unit], float] = field(default_factory=dict)
    together: dict[Unit, float] = field(default_factory=dict)
    binding: dict[Unit, str] = field(default_factory=dict)
    _empty: list[float] = field(default_factory=list)
    """When rooms became empty."""

    def __post_init__(self) -> None:
        begins = self.demand.moments[0]
        takings = [
            _Taking(each, [_Left(room, room.left, room.renews_at, deque(room.used)) for room in each.rooms])
            for each in self.takers
        ]
        for taking in takings:
            for each in taking.rooms:
                if each.is_empty:
                    self._note_empty(taking, each, begins)
        self._note_together(takings, begins)
        for since, until, amount in self._steps():
            pause()
            if amount > 0:
                self._step(takings, since, until, amount)
        for taking in takings:
            taking.note(self.demand.moments[-1], self.taken)

    def _steps(self) -> Iterator[tuple[float, float, float]]:
        """The hours, and parts of them where a window ends in between, with what is expected to be used."""
        first, last = self.demand.moments[0], self.demand.moments[-1]
        turns = {moment for each in self.takers for room in each.rooms for moment in (room.renews_at, room.until)}
        moments = sorted({*self.demand.moments, *(each for each in turns if first < each < last)})
        before = 0.0
        for since, until in pairwise(moments):
            used = self.demand.until(until)[self.quantile]
            yield since, until, used - before
            before = used

    def _step(self, takings: Sequence[_Taking], since: float, until: float, amount: float) -> None:
        reaches, empty = amount, len(self._empty)
        asked: list[_Taking] = []
        for taking in takings:
            if reaches <= NOTHING_LEFT * amount:
                break
            asked.append(taking)
            taking.turn_to(since, until, self.taken)
            gone = 1 - reaches / amount
            reaches -= self._take(taking, reaches * taking.taker.takes, since, until, gone)
        for taking in asked:
            if reaches <= NOTHING_LEFT * amount:
                break
            reaches -= self._take(taking, reaches, since, until, 1 - reaches / amount)
        for taking in asked:
            taking.end_step(since, until)
        if len(self._empty) > empty:
            self._note_together(takings, until)

    def _take(self, taking: _Taking, wanted: float, since: float, until: float, gone: float) -> float:
        """Take what is wanted as far as there is room. gone: the share of the step's tokens that others took before."""
        taken = min(wanted, taking.room)
        if taken <= 0:
            return 0.0
        taking.now += taken
        moment = since + (until - since) * min(1.0, gone + (1 - gone) * taken / wanted)
        for each in taking.rooms:
            each.left -= taken
            if each.is_empty:
                self._note_empty(taking, each, moment)
        return taken

    def _note_empty(self, taking: _Taking, left: _Left, moment: float) -> None:
        if left.empty_since is None:
            left.empty_since = moment
            self._empty.append(moment)
        if moment < left.room.until:
            self.ends.setdefault((taking.taker.provider, left.room.unit), moment)

    def _note_together(self, takings: Sequence[_Taking], now: float) -> None:
        """Whether a moment has come at which no provider with such a window has anything left of it."""
        for unit, until in self.together_until.items():
            if unit in self.together:
                continue
            theirs = [(each, taking) for taking in takings for each in taking.rooms if each.room.unit == unit]
            moments = [each.still_empty_since(now) for each, _ in theirs]
            empty = [(moment, place) for place, moment in enumerate(moments) if moment is not None]
            if theirs and len(empty) == len(theirs):
                last, place = max(empty)
                if last < until:
                    left, taking = theirs[place]
                    self.together[unit] = last
                    self.binding[unit] = f"{taking.taker.provider} {left.room.limit}"
