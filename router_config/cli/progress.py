"""A line on a terminal that says how far work is, once that takes a while."""

import sys
from collections.abc import Callable
from time import monotonic
from typing import Final

SILENT: Final = 2.0
"""Seconds that work may take before it says how far it is."""


class Progress:
    """What runs within it says how far it is. doing: what it does, such as planning."""

    def __init__(self, doing: str) -> None:
        self._doing, self._started, self._shown = doing, monotonic(), 0

    def told(self, share: float) -> None:
        """It is so far now, 0 to 1."""
        if sys.stderr.isatty() and monotonic() - self._started > SILENT:
            line = f"{self._doing} ... {share:4.0%}"
            print(f"\r{line:<{self._shown}}", end="", file=sys.stderr, flush=True)
            self._shown = max(self._shown, len(line))

    def then(self, doing: str) -> Callable[[float], None]:
        """What is told how far the next thing is."""

        def told(share: float) -> None:
            self._doing = doing
            self.told(share)

        return told

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            print("\r" + " " * self._shown + "\r", end="", file=sys.stderr, flush=True)
