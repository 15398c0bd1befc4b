"""The shape of the bounded history that every store keeps: usage by slot, the last latencies, the last error."""

from typing import Final

SLOT_SECONDS: Final = 300
"""Usage is summed over slots of five minutes for each model of each provider."""

SLOTS_KEPT: Final = 8 * 24 * 12
"""Slots older than eight days are dropped, so the history has at most 2304 rows for each model."""

LATENCIES_KEPT: Final = 200
"""The percentiles shown are those of the last 200 answers of a model."""


def slot_of(moment: float) -> int:
    return int(moment // SLOT_SECONDS)
