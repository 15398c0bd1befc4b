"""Everything that a request would meet at deployments now, and when it clears. Pure logic over counts."""

from collections.abc import Iterable, Iterator, Sequence
from math import inf
from typing import Final

from router_config.ledger.rules.classes.keeps import Keep
from router_config.ledger.rules.classes.kept import Kept, kept_of, leftover_grows, released_at
from router_config.ledger.rules.gates import (
    Book,
    Candidate,
    Examination,
    Gate,
    Need,
    amount_for,
    metered,
    verdicts,
)
from router_config.ledger.rules.meters import Amount, Counts, Limit, Meter
from router_config.ledger.rules.pacing import paced_until

Gates = tuple[Gate, ...]
Made = dict[tuple[str, tuple[Keep, ...], str, Amount], Gates]
"""The gates of each meter, as a class of agents sees it, for what is needed of it."""

NOTHING_KEPT: Final = Kept(0.0, (), inf, inf)


def examine_all(candidates: Iterable[Candidate], need: Need, book: Book, now: float) -> tuple[Examination, ...]:
    """Everything such a request would meet now at each candidate, and when it clears.

    Candidates of one account share its meter, whose gates are made once for all that need the same of it.
    """
    made: Made = {}
    return tuple(_examine(each, need, book, now, made) for each in candidates)


def _examine(candidate: Candidate, need: Need, book: Book, now: float, made: Made) -> Examination:
    cooldowns = [cooldown for scope in candidate.scopes if (cooldown := book.cooldown_of(scope)) is not None]
    holding = [cooldown for cooldown in cooldowns if cooldown.holds(now)]
    pages = metered(candidate, book)
    amount = amount_for(candidate, need, pages, book, now)
    gates: list[Gate] = []
    for meter, counts in pages:
        taken = amount.counted(meter.part)
        of_meter = made.get(seen := (meter.scope, meter.keeps, meter.leftover, taken))
        if of_meter is None:
            of_meter = made[seen] = tuple(_gates(meter, counts, taken, need, book, now))
        gates += of_meter
    longest = max(holding, key=lambda cooldown: cooldown.until, default=None)
    due = any(cooldown.probes and not cooldown.holds(now) for cooldown in cooldowns)
    return Examination(candidate.id, longest, tuple(gates), due, now)


def _gates(meter: Meter, counts: Counts, amount: Amount, need: Need, book: Book, now: float) -> Iterator[Gate]:
    for limit, used, status in verdicts(meter, counts, amount, need, book, now):
        reserved, needed = counts.open.of(limit.metric), amount.of(limit.metric)
        held, clears, paced, kept = used + reserved, None, None, NOTHING_KEPT
        if meter.paced and limit.exhausts and limit.name in meter.limited:
            paced = limit.value * book.expected.share(meter.long, now)
        if meter.keeps or meter.leftover:
            kept = kept_of(meter, limit, held, book, now)
        if status == "paced":
            clears = paced_until(book.expected, meter.long, limit.metric, limit.value, held, needed, now)
        elif status in ("rate_limited", "exhausted", "share_used") and limit.value > 0:
            clears = _clears_at(meter, limit, counts, held + needed - limit.value, book, now)
        elif status == "kept":
            clears = _kept_until(meter, limit, counts, kept, needed, need.times, book, now)
        yield Gate(
            meter.scope, limit.name, status, used, reserved, needed, limit.value, clears, limit.soft, paced,
            kept.amount, kept.names, meter.of_class,
        )  # fmt: skip


def _kept_until(
    meter: Meter, limit: Limit, counts: Counts, kept: Kept, needed: float, times: int, book: Book, now: float
) -> float | None:
    """When there is room beside what is kept: others' usage has left, it is released, or more is left over.

    times: so many such requests at once are needed, one of each process that counts for itself until the store is back.
    None: nobody can tell. `inf`: never, for a single one needs more than what is not kept.
    """
    used, reserved = counts.used(limit), counts.open.of(limit.metric)
    held, moments = used + reserved, []
    if kept.gone < 1 and (grows := leftover_grows(meter, limit, held, needed, book, now)) is not None:
        moments.append(grows)
    excess = held + needed - (limit.value - kept.amount - kept.spare)
    theirs = [each.scope for each in meter.keeps if each.name in kept.names]
    if 0 < excess <= used and (leaves := _clears_at(meter, limit, counts, excess, book, now, theirs)) is not None:
        moments.append(leaves)
    if (released := released_at(meter, limit, now)) is not None:
        moments.append(released)
    later = [each for each in moments if each > now]
    return min(later) if later else inf if needed > kept.idle * times else None


def _clears_at(
    meter: Meter, limit: Limit, counts: Counts, excess: float, book: Book, now: float, without: Sequence[str] = ()
) -> float | None:
    """Others' usage is gone when the provider said it would be; our own leaves the window slot by slot.

    None: no time helps, but the end of an open request does.
    """
    if limit.period == "none":
        return None
    observed = counts.observed.get(limit.name)
    extra = 0.0 if observed is None else observed.extra_at(now)
    if not meter.holds(limit.kind):
        return observed.extra_is_below(extra - excess) if observed is not None and extra > 0 else None
    if observed is None or extra == 0:
        return book.clears_at(meter, limit, excess, without)
    if excess <= extra:
        return observed.extra_is_below(extra - excess)
    return max(observed.until, book.clears_at(meter, limit, excess - extra, without))
