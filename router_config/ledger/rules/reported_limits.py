"""What follows from a limit that a provider reported with an answer: pure logic over counts."""

from router_config.ledger.rules.meters import LIMITS, Counts, Meter, Seen
from router_config.ledger.rules.windows import LENGTHS
from router_config.ledger.store import Lease, Report


def heard(report: Report, meter: Meter, counts: Counts, lease: Lease, now: float) -> Seen | None:
    """The limit, and how much of it others than we have used; None: nobody says what the limit is.

    The provider's number holds all that we have settled and, for all we know, all that is in flight; so what is beyond
    both is surely others'. It falls only by the answer to a request that was alone: of requests that overlap, the one
    answered last may have been counted first.
    """
    configured = meter.value_of(report.limit_name)
    limit = configured if report.limit is None else report.limit
    if limit is None:
        return None
    extra = _others(report, limit if configured is None else min(limit, configured), counts)
    until, refills = _until(report, limit, extra, now), report.refills
    old = counts.seen.get(report.limit_name)
    if old is None:
        return Seen(limit, extra, lease.taken_at, now, until, refills)
    alone = lease.taken_at >= old.heard_at and counts.open.requests == 0
    if not alone and extra < (left := old.extra_at(now)):
        extra, until, refills = left, old.until, old.refills
    if lease.taken_at < old.asked_at:
        return Seen(old.limit, extra, old.asked_at, now, until, refills)
    return Seen(limit, extra, lease.taken_at, now, until, refills)


def _others(report: Report, in_force: float, counts: Counts) -> float:
    if report.remaining is None:
        return 0.0
    period, metric = LIMITS[report.limit_name]
    ours = counts.held(period).of(metric) + counts.open.of(metric)
    return max(0.0, in_force - report.remaining - ours)


def _until(report: Report, limit: float, extra: float, now: float) -> float:
    length = LENGTHS[LIMITS[report.limit_name][0]]
    if report.refills and limit > 0:
        return now + extra * length / limit
    return now + max(1.0, length if report.reset_after is None else report.reset_after)
