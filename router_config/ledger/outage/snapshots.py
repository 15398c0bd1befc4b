"""What was last known of a store, and putting that into an empty one."""

from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_hex

from router_config.ledger.rules.meters import NOTHING, Amount, Counts, Limit, LimitName, Meter, Seen
from router_config.ledger.store import Lease, Report, Settlement, Snapshot, Store


@dataclass(frozen=True, slots=True)
class Known:
    """A reading of a store: what it held `at` a moment, its name, and how many processes used it then.

    `open_elsewhere` is by scope what leases of other processes held.
    """

    snapshot: Snapshot
    at: float
    store: str
    processes: int
    open_elsewhere: Mapping[str, Amount]


async def put(known: Known, store: Store, meters: Mapping[str, Meter], now: float) -> None:
    """Count in `store` what was known: rests, what the providers said, and the windows' totals.

    When each part of a total leaves its window is not known; all of it is counted as of the reading, never too early.
    """
    for scope, counts in known.snapshot.counts.items():
        meter = meters.get(scope) or Meter(scope)
        minute, earlier = counts.minute, counts.day.minus(counts.minute)
        # In the day but no more in the minute; where the day has just begun there is no such moment.
        before = known.at - 61.0
        await count(store, scope, earlier, before if meter.day.frees(before) > known.at else known.at, now)
        await count(store, scope, minute, known.at, now)
        for name, seen in counts.seen.items():
            await _tell(store, meter, counts, name, seen, now)
    for rest in known.snapshot.rests.values():
        await store.rest(rest)


async def count(store: Store, scope: str, amount: Amount, moment: float, now: float) -> None:
    """Count as spent at `moment` what no lease of this store was for."""
    if amount != NOTHING:
        lease = Lease(f"known-{token_hex(8)}", "", (scope,), NOTHING, moment, now + 60.0)
        await store.adopt(lease, now)
        await store.settle(lease, Settlement(amount, moment, moment), now)


async def _tell(store: Store, meter: Meter, counts: Counts, name: LimitName, seen: Seen, now: float) -> None:
    """Report a limit to the store such that the same usage beyond our own count follows."""
    if seen.limit is None:
        return
    configured = [limit.value for limit in meter.limits if limit.name == name]
    remaining = min([seen.limit, *configured]) - counts.used(Limit(name, seen.limit)) - seen.extra_at(now)
    report = Report(meter.scope, name, seen.limit, remaining, seen.until - now, seen.refills)
    teller = Lease(f"known-{token_hex(8)}", "", (), NOTHING, seen.asked_at, now)
    await store.settle(teller, Settlement(None, now, now, reports=(report,)), now)
