"""Moments as people and JSON read them."""

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(4096)  # A status of many limits names the same moments again and again.
def iso(moment: float | None) -> str | None:
    """UTC ISO 8601 of epoch seconds; None for None and for never."""
    if moment is None or moment == float("inf"):
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@lru_cache(4096)
def epoch(text: str) -> float:
    """Epoch seconds of UTC ISO 8601."""
    return datetime.fromisoformat(text).timestamp()


def iso_to_the_millisecond(moment: float) -> str:
    """As `iso`, for a log."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
