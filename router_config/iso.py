"""Moments as people and JSON read them."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache

_correction: ContextVar[float] = ContextVar("router_config_correction", default=0.0)


@contextmanager
def corrected(seconds: float) -> Iterator[None]:
    """Show moments by a clock that is so much ahead of the one that they are told by."""
    before = _correction.set(seconds)
    try:
        yield
    finally:
        _correction.reset(before)


def iso(moment: float | None) -> str | None:
    """UTC ISO 8601 of epoch seconds; None for None and for never."""
    if moment is None or moment == float("inf"):
        return None
    return _text(moment + _correction.get())


@lru_cache(4096)  # A status of many limits names the same moments again and again.
def _text(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@lru_cache(4096)
def epoch(text: str) -> float:
    """Epoch seconds of UTC ISO 8601."""
    return datetime.fromisoformat(text).timestamp()


def iso_to_the_millisecond(moment: float) -> str:
    """As `iso`, for a log."""
    shown = datetime.fromtimestamp(moment + _correction.get(), UTC)
    return shown.isoformat(timespec="milliseconds").replace("+00:00", "Z")
