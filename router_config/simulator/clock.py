"""The simulator's clock: real time by default, shifted or frozen by whoever runs the simulation."""

import asyncio
import time
from collections.abc import Awaitable, Callable


class SimulatorClock:
    """Seconds since 1970 (UTC) as the simulated providers see them.

    It follows `source` (default: the machine's time, immune to later changes of it) until it is
    moved. `set` and `advance` shift it and it runs on from there; a frozen clock moves only when told.
    sleep: how the seconds pass that an answer takes; in real time where it is left out.
    """

    def __init__(
        self,
        source: Callable[[], float] | None = None,
        *,
        freeze: bool = False,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._source = source or _steady_time()
        self.sleep = sleep
        self._offset = 0.0
        self._frozen_at: float | None = None
        if freeze:
            self.freeze()

    def now(self) -> float:
        """The present, in seconds since 1970."""
        if self._frozen_at is not None:
            return self._frozen_at
        return self._source() + self._offset

    @property
    def frozen(self) -> bool:
        return self._frozen_at is not None

    def set(self, epoch: float) -> None:
        """Make `epoch` (seconds since 1970) the present. Backwards is allowed."""
        if self._frozen_at is not None:
            self._frozen_at = float(epoch)
        else:
            self._offset = float(epoch) - self._source()

    def advance(self, seconds: float) -> None:
        """Move the present by `seconds`."""
        self.set(self.now() + seconds)

    def freeze(self) -> None:
        """Stop the clock; from here it moves by `set` and `advance` alone."""
        self._frozen_at = self.now()

    def thaw(self) -> None:
        """Let a frozen clock run on from where it stands."""
        if self._frozen_at is not None:
            self._offset = self._frozen_at - self._source()
            self._frozen_at = None


def _steady_time() -> Callable[[], float]:
    """Wall-clock time that does not jump when somebody corrects the machine's clock."""
    start = time.time() - time.monotonic()
    return lambda: start + time.monotonic()
