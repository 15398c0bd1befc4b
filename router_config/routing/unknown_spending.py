"""Attempts that were broken off at a model of which nothing is known yet: counted once its first answer is there."""

from collections.abc import Iterator
from typing import Final

from router_config.deployments.calibrations import Correction
from router_config.ledger.values import Lease, Settlement
from router_config.routing.request import Flight
from router_config.routing.spending import in_full

WAITS: Final = 60.0
"""Seconds after which such an attempt counts by what was reserved for it."""


class UnknownSpending:
    """Keeps leases open: what was reserved out of caution may be several times what the provider charged."""

    def __init__(self) -> None:
        self.waiting: dict[str, tuple[Flight, Settlement]] = {}
        """By lease."""

    def keeps(self, flight: Flight, settlement: Settlement) -> bool:
        """Whether the attempt waits to be settled. A probe does not: the next one waits for its end."""
        spent = settlement.spent
        if spent is None or spent.tokens <= flight.request.need.tokens or _known(flight) or flight.lease.probes:
            return False
        self.waiting[flight.lease.id] = flight, settlement
        return True

    def due(self, now: float) -> Iterator[tuple[Lease, Settlement]]:
        """Those of which is known by now what they count, and those that have waited for too long."""
        for name, (flight, settlement) in tuple(self.waiting.items()):
            over = _known(flight) or now >= settlement.ended_at + WAITS
            if over and self.waiting.pop(name, None) is not None:
                yield flight.lease, settlement._replace(spent=in_full(flight))


def _known(flight: Flight) -> bool:
    correction = flight.request.need.correction
    if not isinstance(correction, Correction):
        return True
    curve = correction.curve(flight.deployment)
    return bool(curve.answers or curve.silent)
