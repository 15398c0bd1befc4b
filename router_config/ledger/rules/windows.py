"""The windows in which providers count, as pure functions of a moment.

A window is cut into numbered slots. Usage is added to the slot of its moment and leaves the window when the *whole*
slot has left it, so a window never forgets anything early.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, Protocol
from zoneinfo import ZoneInfo

Period = Literal["minute", "day"]


class Window(Protocol):
    """Where usage of a moment is counted, and until when."""

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

    def slot(self, moment: float) -> int:
        return int(moment // self.width)

    def leaves(self, slot: int) -> float:
        return (slot + 1) * self.width + self.length

    def frees(self, moment: float) -> float:
        return self.leaves(self.slot(moment))


@dataclass(slots=True, unsafe_hash=True)
class CalendarDay:
    """The day of a timezone, midnight to midnight, 23 to 25 hours long; one slot a day, numbered by its ordinal.

    `correction`: seconds by which the time that it goes by is ahead of the moments that it is asked about.
    """

    timezone: str
    correction: float = 0.0
    _zone: ZoneInfo = field(init=False, repr=False, compare=False, hash=False)
    _today: tuple[float, float, int] = field(init=False, repr=False, compare=False, default=(0.0, 0.0, 0))

    def __post_init__(self) -> None:
        self._zone = ZoneInfo(self.timezone)

    def slot(self, moment: float) -> int:
        begins, ends, ordinal = self._today
        if not begins <= moment < ends:
            ordinal = datetime.fromtimestamp(moment + self.correction, self._zone).toordinal()
            self._today = (self._midnight(ordinal), self._midnight(ordinal + 1), ordinal)
        return ordinal

    def leaves(self, slot: int) -> float:
        return self._midnight(slot + 1)

    def frees(self, moment: float) -> float:
        return self.leaves(self.slot(moment))

    def began(self, moment: float) -> float:
        """The midnight before `moment`, in epoch seconds."""
        return self._midnight(self.slot(moment))

    def _midnight(self, ordinal: int) -> float:
        day = date.fromordinal(ordinal)
        # Where a DST night skips midnight the day begins later: round-tripping through UTC lands on a real moment.
        midnight = datetime(day.year, day.month, day.day, tzinfo=self._zone)
        return midnight.astimezone(UTC).timestamp() - self.correction


LENGTHS: Final[dict[Period, float]] = {"minute": 60.0, "day": timedelta(days=1).total_seconds()}
"""Seconds."""

MINUTE = Rolling(LENGTHS["minute"], width=0.5)
ROLLING_DAY = Rolling(LENGTHS["day"], width=60.0)
