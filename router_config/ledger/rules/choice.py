"""Which deployment a request goes to: pure logic over counts and cooldowns, the same for every store."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from router_config.ledger.rules.classes.kept import kept_of, window_of
from router_config.ledger.rules.gates import (
    OPEN,
    Book,
    Candidate,
    Metered,
    Need,
    Status,
    amount_for,
    limits_in_force,
    metered,
    verdicts,
)
from router_config.ledger.rules.meters import NOTHING, LimitName, Spending

_new: Final = tuple.__new__  # Half the time of calling the class.


class Skipped(NamedTuple):
    """A candidate that was skipped, and its status then."""

    deployment: str
    status: Status


class Choice(NamedTuple):
    """The deployment chosen, if any, what it takes, the scopes whose cooldown it probes, and which were skipped."""

    chosen: Candidate | None
    amount: Spending
    probes: tuple[str, ...]
    skipped: tuple[Skipped, ...]


def choose(candidates: Sequence[Candidate], need: Need, book: Book, now: float) -> Choice:
    """The first candidate with room in every window of its account and model, preferring those below their soft limit.

    A candidate past its soft limit goes behind those after it, but a free one never behind a paid one.
    """
    spare: Choice | None = None
    skipped: list[Skipped] = []
    for candidate in candidates:
        if spare is not None and candidate.tier == "paid" and spare.chosen is not None and spare.chosen.tier == "free":
            break
        blocked, probes = _blocked_by_cooldown(candidate, book, now)
        if blocked is not None:
            skipped.append(Skipped(candidate.id, blocked))
            continue
        status, amount = _found(candidate, need, book, now)
        if status == "available":
            return _new(Choice, (candidate, amount, probes, tuple(skipped)))
        if status == "soft_limited" and spare is None:
            spare = Choice(candidate, amount, probes, tuple(skipped))
        skipped.append(Skipped(candidate.id, status))
    return spare or Choice(None, NOTHING, (), tuple(skipped))


def standing(candidate: Candidate, need: Need, book: Book, now: float) -> Status:
    """What `choose` would find at this candidate."""
    blocked, _ = _blocked_by_cooldown(candidate, book, now)
    if blocked is not None:
        return blocked
    return _found(candidate, need, book, now)[0]


def binding_limit(candidate: Candidate, need: Need, book: Book, now: float) -> LimitName | None:
    """The limit that keeps such a request out here, one of a day or more if there is such; None: none does."""
    found: LimitName | None = None
    pages = metered(candidate, book)
    amount = amount_for(candidate, need, pages, book, now)
    for meter, counts in pages:
        taken = amount.counted(meter.part)
        for limit, _, status in verdicts(meter, counts, taken, need, book, now):
            if status == "exhausted":
                return limit.name
            if status not in OPEN:
                found = found or limit.name
    return found


def room_for(candidate: Candidate, need: Need, book: Book, now: float) -> float:
    """How many such requests this candidate could take now; 0 while it is in cooldown, `inf` without limits."""
    if _blocked_by_cooldown(candidate, book, now)[0] is not None:
        return 0.0
    pages = metered(candidate, book)
    amount = amount_for(candidate, need, pages, book, now)
    room = float("inf")
    for meter, counts in pages:
        opened, taken = counts.open, amount.counted(meter.part)
        share = book.expected.share(meter.long, now) if meter.paced else 1.0
        for limit, used in limits_in_force(meter, counts, now):
            place = limit.place
            if taken[place] > 0:
                most = need.allows(limit)
                if meter.keeps or meter.leftover:
                    most = min(most, kept_of(meter, limit, used + opened[place], book, now).most)
                left = (most - used - opened[place]) / taken[place]
                if left < room:
                    room = left
                if share < 1 and limit.exhausts and limit.name in meter.limited:
                    held = used + opened[place]
                    left = (limit.value * share - held) / taken[place]
                    room = min(room, left if held > 0 else max(1.0, left))
    return max(0.0, room)


def _blocked_by_cooldown(candidate: Candidate, book: Book, now: float) -> tuple[Status | None, tuple[str, ...]]:
    """The status of a candidate in cooldown, else the scopes whose ended cooldown this request would probe."""
    if not book.any_cooldown:  # Nearly always.
        return None, ()
    probes: list[str] = []
    for scope in candidate.scopes:
        cooldown = book.cooldown_of(scope)
        if cooldown is None:
            continue
        if cooldown.holds(now):
            return ("probing" if cooldown.until <= now else cooldown.status), ()
        if cooldown.probes:
            probes.append(scope)
    return None, tuple(probes)


def _found(candidate: Candidate, need: Need, book: Book, now: float) -> tuple[Status, Spending]:
    """The status of a candidate without a cooldown, and what the request takes there."""
    amount = need.amount(candidate)
    if _has_plenty(candidate, need, amount, book, now):
        return "available", amount
    pages = metered(candidate, book)
    amount = amount_for(candidate, need, pages, book, now)
    return _standing(need, amount, pages, book, now), amount


def _standing(need: Need, amount: Spending, pages: Metered, book: Book, now: float) -> Status:
    soft = False
    for meter, counts in pages:
        for _, _, status in verdicts(meter, counts, amount.counted(meter.part), need, book, now):
            if status == "available":
                continue
            if status != "soft_limited":
                return status
            soft = True
    return "soft_limited" if soft else "available"


def _has_plenty(candidate: Candidate, need: Need, amount: Spending, book: Book, now: float) -> bool:
    """Whether such a request fits as it is, and `verdicts` would say "available" of every limit.

    Nearly always it does, and this is faster.
    """
    if need.most and amount[2] > 0:
        return False
    tokens = need[0]
    for meter in candidate.meters:
        counts = book.counts(meter)
        if counts is None:
            continue
        if counts.observed or tokens > meter.most_tokens:
            return False
        taken: tuple[Any, ...] = amount.counted(meter.part) if meter.part else amount
        opened, held = counts.open, (counts.minute, counts.long, NOTHING)
        for place, period, value, soft in meter.tests:
            used = opened[place] + held[period][place]
            if used + taken[place] > value or used >= soft:
                return False
        if meter.left_over:
            gone = book.expected.share(window_of(meter.long), now)
            for place, value in meter.left_over:
                if opened[place] + counts.long[place] + taken[place] > value * gone:
                    return False
        if meter.paced:
            share = book.expected.share(meter.long, now)
            for place, value in meter.paced:
                used = opened[place] + counts.long[place]
                if used > 0 and used + taken[place] > value * share:
                    return False
    return True
