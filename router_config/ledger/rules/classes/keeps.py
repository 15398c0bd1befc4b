"""For which classes of agents a share of each limit of a meter is kept, and how what is left over is divided."""

from typing import Final, Literal, NamedTuple

OF_CLASS: Final = " of class "
"""Stands in the name of a meter before the class whose requests alone it counts."""


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
