"""Time as an argument: the router reads one clock, and a test or the planner gives it another."""

import asyncio
import time
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Final, Protocol


class Clock(Protocol):
    """Seconds since the epoch, and a way to wait for a later reading.

    `correction`: seconds to be added for the time that calendars and other machines go by.
    """

    @property
    def correction(self) -> float: ...

    def now(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


CORRECTED_BY: Final = 5.0
"""Seconds by which the machine's wall clock must differ from ours to have been set."""

CORRECTED_FOR: Final = 45.0
"""Seconds for which it must go on to differ before it is believed."""

AGREES: Final = 60.0
"""Seconds by which two clocks that tell the same time may differ: answers may be late, or come from a cache."""

LONGEST_OFF: Final = 366 * 86400.0
"""Seconds for which a machine may have been off before its wall clock alone is no proof of it."""


class SystemClock:
    """The machine's time, immune to jumps of its wall clock.

    Seconds are those since boot, counted from an epoch (`boot_epoch`) that the wall clock gave once. A wall clock that
    is set never moves them, for windows of a minute would open early or stay shut for as long as it jumped. Once it has
    stayed so for 45 seconds, `correction` says by how much. Where a server that several machines share tells the time
    (`move`), this machine's wall clock says nothing more.

    A machine that was off may have started with a wrong wall clock. Its clock is `unsure` (`follow`) until the `Date`
    of an answer agrees with it (`heard`), it was set, or 45 seconds have passed. Two answers that agree with each other
    correct it; it `listens` to them until it knows. boot: names this boot of the machine.
    """

    correction: float = 0.0
    unsure = listens = False

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        since_boot: Callable[[], float] | None = None,
        boot: str | None = None,
    ) -> None:
        self._wall = wall
        self._since_boot = since_boot or _seconds_since_boot
        self.boot = boot_id() if boot is None else boot
        self._epoch = wall() - self._since_boot()
        self._next_look = 0.0
        self._differs_since: float | None = None
        self._led = False
        self.disbelieved: float | None = None
        """The epoch of the boot by a wall clock that is known to be wrong, and stays so until it is set."""
        self._believed_from = inf
        self._heard: float | None = None

    @property
    def boot_epoch(self) -> float:
        """Epoch seconds of this machine's start, as this clock counts them."""
        return self._epoch

    @property
    def wall_epoch(self) -> float:
        """The same as the wall clock tells it now."""
        return self._wall() - self._since_boot()

    def seconds(self) -> float:
        """Since boot."""
        return self._since_boot()

    def follow(
        self,
        boot_epoch: float,
        correction: float = 0.0,
        disbelieved: float | None = None,
        *,
        unsure: bool = False,
        pause: float = 0.0,
    ) -> None:
        """Count from the epoch of another process, so that all of a machine agree, and believe what it does.

        unsure: nobody knows yet whether the machine was off for so many seconds (`pause`) as its wall clock says.
        """
        self._epoch, self.correction, self.disbelieved = boot_epoch, correction, disbelieved
        self.unsure = self.listens = unsure
        self._believed_from = self._since_boot() + CORRECTED_FOR if pause < LONGEST_OFF else inf

    def move(self, seconds: float) -> None:
        """Go by another clock from now on, which is so much ahead of this one."""
        self._epoch += seconds
        self._led, self.correction = True, 0.0

    def now(self) -> float:
        seconds = self._since_boot()
        if seconds >= self._next_look and not self._led:
            self._look(seconds)
        return seconds + self._epoch

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def heard(self, moment: float) -> None:
        """A server said just now, in an answer, what time it is (epoch seconds)."""
        told, wall = moment - self._since_boot(), self.wall_epoch
        if abs(told - wall) < AGREES:
            self._believe(wall)
        elif self._heard is not None and abs(told - self._heard) < AGREES:
            self._believe(told)
            self.disbelieved = wall
        self._heard = told

    def _look(self, seconds: float) -> None:
        self._next_look = seconds + 1.0
        epoch = self._wall() - seconds
        if self.disbelieved is not None and abs(epoch - self.disbelieved) < CORRECTED_BY:
            return
        if abs(epoch - self._epoch - self.correction) < CORRECTED_BY:
            self._differs_since = None
            self.unsure = self.unsure and seconds < self._believed_from
        elif self._differs_since is None:
            self._differs_since = seconds
        elif seconds - self._differs_since >= CORRECTED_FOR:
            self._believe(epoch)

    def _believe(self, epoch: float) -> None:
        """Take it for true that the machine was started at `epoch`."""
        correction = epoch - self._epoch
        self.correction = correction if abs(correction) >= CORRECTED_BY else 0.0
        self.unsure = self.listens = False
        self.disbelieved = self._differs_since = None


class Moments:
    """The present, but never the same moment twice: so it tells which of two things came first."""

    _APART: Final = 1e-6
    _AHEAD: Final = 1.0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0.0

    def next(self) -> float:
        now, following = self._clock.now(), self._last + self._APART
        self._last = following if now < following < now + self._AHEAD else now
        return self._last


def _seconds_since_boot() -> float:
    """Time spent asleep included, where the system tells it."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


def boot_id() -> str:
    """What distinguishes this boot of this machine from others; an empty string where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


class VirtualClock:
    """A clock that stands still until it is moved; who sleeps on it wakes when it has been moved far enough."""

    correction = 0.0

    def __init__(self, start: float) -> None:
        self._now = start
        self._sleepers: list[tuple[float, asyncio.AbstractEventLoop, asyncio.Event]] = []

    def now(self) -> float:
        return self._now

    @property
    def wakes(self) -> tuple[float, ...]:
        """When the present sleepers wish to wake, soonest first."""
        return tuple(sorted(when for when, _, _ in self._sleepers))

    def advance(self, seconds: float) -> None:
        self.set(self._now + seconds)

    def set(self, moment: float) -> None:
        self._now = moment
        for when, loop, woken in tuple(self._sleepers):
            if when <= moment and not loop.is_closed():
                loop.call_soon_threadsafe(woken.set)

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        sleeper = (self._now + seconds, asyncio.get_running_loop(), asyncio.Event())
        self._sleepers.append(sleeper)
        try:
            await sleeper[2].wait()
        finally:
            self._sleepers.remove(sleeper)
