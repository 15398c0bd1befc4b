"""How many requests may be asked of a second provider: a share of all, saved up for three of them at most."""

from typing import Final

ONE: Final = 1_000_000
"""What one costs. Whole numbers, so that no rounding adds up."""

SAVED: Final = 3 * ONE
"""Stalls come together: of those that one in ten is, a budget of twice as many misses a third without savings, with
those of three one in fifty."""


class Budget:
    """Of each `n` requests in a row at most `n` x share + 3 are hedged, and of all never more than that share."""

    def __init__(self) -> None:
        self._saved = 0

    def request(self, at_most: float) -> None:
        """One more request came. at_most: the share, from 0 to 1."""
        self._saved = min(SAVED, self._saved + int(at_most * ONE))

    def take(self) -> bool:
        """Whether one may be hedged now; then it is paid for."""
        if self._saved < ONE:
            return False
        self._saved -= ONE
        return True

    def give_back(self) -> None:
        """What was paid for was not asked."""
        self._saved = min(SAVED, self._saved + ONE)
