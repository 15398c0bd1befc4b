"""A limit that a provider reported with an answer, and what follows from it: pure logic over counts."""

from dataclasses import dataclass
from typing import Final

from router_config.ledger.rules.meters import Counts, LimitName, Meter, ObservedLimit, kind_of
from router_config.ledger.rules.windows import LENGTHS

BELIEVED: Final = 90_000.0
"""Seconds (a day of 25 hours) for which a report of usage by others is believed, though its window be a month."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a response said of one limit of one meter.

    `reset_after`: seconds until the window is whole again. `refills`: the window is a token bucket, whose usage shrinks
    all the time instead of at the window's end.
    """

    scope: str
    limit_name: LimitName
    limit: float | None
    remaining: float | None
    reset_after: float | None
    refills: bool = False

    def value(self, meter: Meter) -> float | None:
        """The limit: as reported, else as configured. None: nobody says."""
        return meter.value_of(self.limit_name) if self.limit is None else self.limit

    def in_force(self, meter: Meter) -> float:
        """The lower of the limits reported and configured."""
        values = (self.limit, meter.value_of(self.limit_name))
        return min(value for value in values if value is not None)

    @property
    def lasts(self) -> float:
        """Seconds for which usage by others counts, where the window does not refill. At least one."""
        lasts = LENGTHS[kind_of(self.limit_name).unit] if self.reset_after is None else self.reset_after
        return min(max(1.0, lasts), BELIEVED)


def observed_after(report: Report, meter: Meter, counts: Counts, asked_at: float, now: float) -> ObservedLimit | None:
    """The limit, and how much of it others than we have used; None: nobody says what the limit is.

    asked_at: when the request was sent whose answer brought the report, epoch seconds.

    The provider's count includes all that we have settled and, for all we know, all that is in flight. What exceeds
    both was used by others. This excess falls only by the answer to a request that was alone: of requests that overlap,
    the one answered last may have been counted first. Of a window that nobody here counts by, the provider's count is
    all that is known, and any later one replaces it.
    """
    limit = report.value(meter)
    if limit is None:
        return None
    extra, until, refills = 0.0, now + report.lasts, report.refills
    kind = kind_of(report.limit_name)
    counted = meter.holds(kind)
    if report.remaining is not None:
        ours = counts.held(kind.period).of(kind.metric) + counts.open.of(kind.metric) if counted else 0.0
        extra = max(0.0, report.in_force(meter) - report.remaining - ours)
    if refills and limit > 0:
        until = now + extra * LENGTHS[kind.unit] / limit
    old = counts.observed.get(report.limit_name)
    if old is None:
        return ObservedLimit(limit, extra, asked_at, now, until, refills)
    alone = asked_at >= old.observed_at and (counts.open.requests == 0 or not counted)
    if not alone and extra < (left := old.extra_at(now)):
        extra, until, refills = left, old.until, old.refills
    if asked_at < old.asked_at:
        return ObservedLimit(old.limit, extra, old.asked_at, now, until, refills)
    return ObservedLimit(limit, extra, asked_at, now, until, refills)
