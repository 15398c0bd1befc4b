"""The date of a test: the wall clock of its process, and of each Python that it starts, is so many seconds ahead."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import time_machine

DAY = 86_400.0
ELSEWHERE = 400 * DAY
"""Seconds by which the date of a test is ahead that does not depend on it."""

_VARIABLE = "WALL_CLOCK_AHEAD"
_MOVER = Path(__file__).parent / "moved_clock"


def _until_midnight() -> float:
    now = datetime.now(UTC)
    return (now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) - now).total_seconds()


def _until_new_year() -> float:
    now = datetime.now(UTC)
    return (datetime(now.year + 1, 1, 1, tzinfo=UTC) - now).total_seconds()


MOMENTS = {
    "in a day": lambda: DAY,
    "in 40 days": lambda: 40 * DAY,
    "in 400 days": lambda: 400 * DAY,
    "1 s before midnight": lambda: _until_midnight() - 1,
    "3 s before a new year": lambda: _until_new_year() - 3,
}
"""Dates at which `make test-dates` runs what depends on the date; the seconds until then. All days end in UTC."""


@contextmanager
def wall_clock_ahead(seconds: float) -> Iterator[None]:
    """Monotonic clocks stay as they are, and with them how long anything lasts."""
    # Not libfaketime: Debian 12's (0.9.10) lets time.sleep of Python 3.11 fail, or locks with a timeout hang.
    variables = {_VARIABLE: repr(seconds), "PYTHONPATH": str(_MOVER)}
    with patch.dict(os.environ, variables), time_machine.travel(time.time() + seconds):
        yield


def child_variables(*folders: Path) -> dict[str, str]:
    """What the environment of a Python must hold, for it to import from `folders` and to have the test's date."""
    here = {name: os.environ[name] for name in ("PYTHONPATH", _VARIABLE) if name in os.environ}
    return {**here, "PYTHONPATH": os.pathsep.join([*map(str, folders), *filter(None, [here.get("PYTHONPATH")])])}
