"""First tokens that came too late: one is chance, several in a row put the model, not its provider, into cooldown."""

from dataclasses import dataclass
from typing import Final

IN_A_ROW: Final = 3
"""Late ones of a model, with none in time between, after which it is in cooldown."""

LONGEST: Final = 60.0
"""Seconds of that cooldown at most. One request asks again after it."""


class FirstTokenLate(TimeoutError):
    """A stream that showed nothing for as long as its group's `first_token_timeout`.

    seconds: how long that is.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no first token within {seconds:g} s")
        self.seconds = seconds


@dataclass(slots=True)
class _Row:
    late: int = 0
    last: float = float("-inf")


class LateFirstTokens:
    """Counts them by the scope of a model, in this process."""

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}

    def late(self, scope: str, began: float, now: float) -> bool:
        """One more: whether there were enough in a row. began: when its attempt did, epoch seconds.

        Those that were under way together are one, for one moment of slowness made them all late.
        """
        row = self._rows.setdefault(scope, _Row())
        if began >= row.last:
            row.late, row.last = row.late + 1, now
        return row.late >= IN_A_ROW

    def in_time(self, scope: str) -> None:
        """A first token came in time, which ends the row."""
        if self._rows:
            self._rows.pop(scope, None)
