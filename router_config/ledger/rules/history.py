"""The shape of the bounded history that every store keeps: usage by slot, the last latencies, the last error.

Besides it a store keeps the last decisions (decisions.py) and events (events.py), as many as are said there.
"""

from typing import Final

SLOT_SECONDS: Final = 300
"""Usage of each provider is summed over slots of five minutes."""

SLOTS_KEPT: Final = 8 * 24 * 12
"""Slots older than eight days are dropped, so the history has at most 2304 rows for each provider."""

MINUTE_SECONDS: Final = 60
MINUTES_KEPT: Final = 130
"""Besides it is summed over minutes, of which the last 130 are kept."""

LATENCIES_KEPT: Final = 200
"""The percentiles shown are those of the last 200 answers of a provider."""


def slot_of(moment: float) -> int:
    return int(moment // SLOT_SECONDS)


def minute_of(moment: float) -> int:
    return int(moment // MINUTE_SECONDS)
