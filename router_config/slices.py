"""Long work in a thread beside an event loop, in slices.

A thread that computes keeps Python to itself for 5 ms, and an event loop stands still meanwhile. What takes longer than
a slice lets it run in between.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SLICE: Final = 0.001
"""Seconds after which others may run."""

PAUSE: Final = 0.00005
"""Seconds for which they may; who takes Python then keeps it until it has nothing to do."""


class _OfThread(threading.local):
    ends: float | None = None
    """When the slice is over, by time.perf_counter(); None for a thread that works without pauses."""


_HERE: Final = _OfThread()


@contextmanager
def in_slices() -> Iterator[None]:
    """What runs within it in this thread lets others run wherever it calls `pause()`."""
    before, _HERE.ends = _HERE.ends, time.perf_counter() + SLICE
    try:
        yield
    finally:
        _HERE.ends = before


def pause() -> None:
    """Let other threads run if a slice is over. Elsewhere than `in_slices()` it does nothing, in 0.1 us."""
    ends = _HERE.ends
    if ends is not None and time.perf_counter() >= ends:
        time.sleep(PAUSE)
        _HERE.ends = time.perf_counter() + SLICE
