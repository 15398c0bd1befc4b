"""For which classes of agents a share of each limit of a meter is kept, and how what is left over is divided."""

from math import ceil
from typing import Final, Literal, NamedTuple

OF_CLASS: Final = " of class "
"""Stands in the name of a meter before the class whose requests alone it counts."""


SPARE: Final = 0.1
"""The part of a minute, of an hour and of requests at a time that a class which takes leftovers leaves free.

So there is room at every moment for others that come, and within a window they have all that they ask for.
"""

_ROUNDING: Final = 1e-9

Release = float | Literal["forecast", "never"]


class Keep(NamedTuple):
    """A share of each limit of a meter that is kept for a class.

    scope: of the meter that counts what the class uses there. name: of the class. release: seconds before the end of
    a calendar window from which on what is unused is for all; `forecast`: what it is not expected to need is not kept.
    """

    scope: str
    name: str
    share: float
    release: Release = 3600.0


def spare_of(value: float, *, whole: bool) -> float:
    """How much that is of a limit. whole: of requests whole ones, and none of a single one."""
    if not whole:
        return value * SPARE
    return ceil(value * SPARE - _ROUNDING) if value >= 2 else 0
