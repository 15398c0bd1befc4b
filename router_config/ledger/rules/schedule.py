"""When a scope that refused is asked again: after pauses that grow, by one request each time."""

from collections.abc import Mapping
from math import inf
from typing import Final

from router_config.ledger.rules.gates import Cooldown, Status

HOUR: Final = 3600.0

PAUSES: Final[Mapping[Status, list[float]]] = {
    "disabled": [300.0, 900.0, HOUR, 6 * HOUR, 24 * HOUR],
    "exhausted": [60.0, 300.0, 1800.0, 6 * HOUR],
    "rate_limited": [60.0, 300.0, 1800.0, 6 * HOUR],
}
"""Seconds without requests after the first refusal, after the second in a row, and so on; the last one repeats."""


PROVEN: Final = 4
"""A refusal that proves itself counts as so many: nobody knows better, but somebody may bring it back."""


def pause(status: Status, refusals: int) -> float:
    """Seconds until the next probe, after so many refusals in a row; 0 for a status without a schedule."""
    pauses = PAUSES.get(status)
    return pauses[min(refusals, len(pauses)) - 1] if pauses else 0.0


def following(old: Cooldown | None, new: Cooldown, now: float) -> Cooldown | None:
    """The cooldown that a scope has after `new`; None: `old` stays, which holds for longer.

    A refusal of the same kind after a cooldown is one more in a row. One that comes during it was underway before.
    """
    held = old is not None and old.holds(now)
    if old is None or (held and old.until > new.until):
        return None if held else new
    if new.status != old.status or not (new.probes and old.probes) or new.status not in PAUSES:
        return new
    if held:
        return new._replace(since=old.since, probes=max(old.probes, new.probes))
    probes = max(new.probes, min(old.probes + 1, len(PAUSES[new.status])))
    return new._replace(since=old.since, until=max(new.until, now + pause(new.status, probes)), probes=probes)


def with_end(cooldown: Cooldown) -> Cooldown:
    """As it is, but one that an earlier version wrote without an end is probed, a day after it began at the latest."""
    if cooldown.until < inf:
        return cooldown
    return cooldown._replace(until=cooldown.since + 24 * HOUR, probes=len(PAUSES["disabled"]))
