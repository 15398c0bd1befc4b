"""A line on a terminal that says how far work is, once that takes a while."""

import sys
from time import monotonic
from typing import Final

SILENT: Final = 2.0
"""Seconds that work may take before it says how far it is."""


class Progress:
    """What runs within it says how far it is. doing: what it does, such as planning."""

    def __init__(self, doing: str) -> None:
        self._doing, self._started, self._shown = doing, monotonic(), False

    def told(self, share: float) -> None:
        """It is so far now, 0 to 1."""
        if sys.stderr.isatty() and monotonic() - self._started > SILENT:
            print(f"\r{self._doing} ... {share:4.0%}", end="", file=sys.stderr, flush=True)
            self._shown = True

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            print("\r" + " " * (len(self._doing) + 12) + "\r", end="", file=sys.stderr, flush=True)
