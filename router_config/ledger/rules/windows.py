"""The windows in which providers count, as pure functions of a moment.

A window is cut into numbered slots. Usage is added to the slot of its moment and leaves the window when the *whole*
slot has left it, so a window never forgets anything early.
"""

from abc import abstractmethod
from calendar import monthrange
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, Protocol
from zoneinfo import ZoneInfo

Period = Literal["minute", "long", "none"]
"""Where a store keeps what a limit counts: in the minute of a page, in its long window, or nowhere (open leases)."""

STORED: Final[dict[Period, str]] = {"minute": "minute", "long": "day", "none": "none"}
"""The same in files and in Redis, whose names are older than windows longer than a day."""

Unit = Literal["minute", "hour", "day", "week", "month", "odd", "concurrent"]
"""How long a window is. `odd`: a length that the file names. `concurrent`: what is open at one moment."""


class Window(Protocol):
    """Where usage of a moment is counted, and until when."""

    @property
    def is_day(self) -> bool: ...

    def slot(self, moment: float) -> int:
        """Number of the slot that holds `moment` (epoch seconds)."""
        ...

    def leaves(self, slot: int) -> float:
        """Epoch seconds from which usage in `slot` counts no more."""
        ...

    def frees(self, moment: float) -> float:
        """Epoch seconds at which usage made at `moment` counts no more."""
        ...


@dataclass(frozen=True, slots=True)
class Rolling:
    """The last `length` seconds, in slots of `width` seconds."""

    length: float
    width: float

    @property
    def is_day(self) -> bool:
        return self.length == LENGTHS["day"]

    def slot(self, moment: float) -> int:
        return int(moment // self.width)

    def leaves(self, slot: int) -> float:
        return (slot + 1) * self.width + self.length

    def frees(self, moment: float) -> float:
        return self.leaves(self.slot(moment))


@dataclass(slots=True, unsafe_hash=True)
class Calendar:
    """Whole days of a timezone, midnight to midnight; one slot a window, numbered by the ordinal of its first day.

    `correction`: seconds by which the time that it goes by is ahead of the moments that it is asked about.
    """

    timezone: str
    correction: float = 0.0
    _zone: ZoneInfo = field(init=False, repr=False, compare=False, hash=False)
    _present: tuple[float, float, int] = field(init=False, repr=False, compare=False, default=(0.0, 0.0, 0))

    def __post_init__(self) -> None:
        self._zone = ZoneInfo(self.timezone)

    @property
    def is_day(self) -> bool:
        return False

    def slot(self, moment: float) -> int:
        begins, ends, first = self._present
        if not begins <= moment < ends:
            today = datetime.fromtimestamp(moment + self.correction, self._zone).date()
            first = self._first_day(today).toordinal()
            self._present = (self._midnight(first), self.leaves(first), first)
        return first

    def leaves(self, slot: int) -> float:
        return self._midnight(self._next(date.fromordinal(slot)).toordinal())

    def frees(self, moment: float) -> float:
        return self.leaves(self.slot(moment))

    def began(self, moment: float) -> float:
        """The midnight with which the window of `moment` began, in epoch seconds."""
        return self._midnight(self.slot(moment))

    @abstractmethod
    def _first_day(self, day: date) -> date:
        """The first day of the window that holds `day`."""

    @abstractmethod
    def _next(self, first: date) -> date:
        """The first day of the window after the one that begins with `first`."""

    def _midnight(self, ordinal: int) -> float:
        day = date.fromordinal(ordinal)
        # Where a DST night skips midnight the day begins later: round-tripping through UTC lands on a real moment.
        midnight = datetime(day.year, day.month, day.day, tzinfo=self._zone)
        return midnight.astimezone(UTC).timestamp() - self.correction


@dataclass(slots=True, unsafe_hash=True)
class CalendarDay(Calendar):
    """The day of a timezone, 23 to 25 hours long."""

    @property
    def is_day(self) -> bool:
        return True

    def _first_day(self, day: date) -> date:
        return day

    def _next(self, first: date) -> date:
        return first + timedelta(days=1)


@dataclass(slots=True, unsafe_hash=True)
class CalendarWeek(Calendar):
    """The week of a timezone, from Monday on."""

    def _first_day(self, day: date) -> date:
        return day - timedelta(days=day.weekday())

    def _next(self, first: date) -> date:
        return first + timedelta(days=7)


@dataclass(slots=True, unsafe_hash=True)
class CalendarMonth(Calendar):
    """The month of a timezone, from its `day` (1 to 31) on; a month that is too short for it begins with its last."""

    day: int = 1

    def _first_day(self, day: date) -> date:
        first = self._day_in(day.year, day.month)
        return first if first <= day else self._day_in(*_month_after(day.year, day.month, -1))

    def _next(self, first: date) -> date:
        return self._day_in(*_month_after(first.year, first.month, 1))

    def _day_in(self, year: int, month: int) -> date:
        return date(year, month, min(self.day, monthrange(year, month)[1]))


def _month_after(year: int, month: int, months: int) -> tuple[int, int]:
    years, month = divmod(year * 12 + month - 1 + months, 12)
    return years, month + 1


LENGTHS: Final[dict[Unit, float]] = {
    "minute": 60.0,
    "hour": 3600.0,
    "day": timedelta(days=1).total_seconds(),
    "week": timedelta(days=7).total_seconds(),
    "month": timedelta(days=31).total_seconds(),
}
"""Seconds; of a month the most."""

SLOTS: Final = 720
"""Slots in which a rolling window is counted, save those of the minute and the day."""

MINUTE = Rolling(LENGTHS["minute"], width=0.5)
ROLLING_DAY = Rolling(LENGTHS["day"], width=60.0)


def rolling(seconds: float) -> Rolling:
    """The last so many seconds."""
    return ROLLING_DAY if seconds == LENGTHS["day"] else Rolling(seconds, width=max(0.5, seconds / SLOTS))
