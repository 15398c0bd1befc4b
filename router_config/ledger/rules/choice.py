"""Which deployment a request goes to: pure logic over counts and rests, the same for every store."""

from collections.abc import Sequence
from typing import NamedTuple

from router_config.ledger.rules.gates import (
    Book,
    Candidate,
    Metered,
    Need,
    Status,
    amount_for,
    limits_in_force,
    metered,
    verdict_on,
)
from router_config.ledger.rules.meters import NOTHING, Amount, Counts, Meter


class Passed(NamedTuple):
    """A candidate that was passed over, and its status then."""

    deployment: str
    status: Status


class Choice(NamedTuple):
    """The deployment chosen, if any, what it takes, the rests it probes, and what was passed over on the way."""

    chosen: Candidate | None
    amount: Amount
    probes: tuple[str, ...]
    passed: tuple[Passed, ...]


def choose(candidates: Sequence[Candidate], need: Need, book: Book, now: float) -> Choice:
    """The first candidate with room in every window of its account and model, preferring those below their soft limit.

    A candidate past its soft limit goes behind those after it, but a free one never behind a paid one.
    """
    spare: Choice | None = None
    passed: list[Passed] = []
    for candidate in candidates:
        if spare is not None and candidate.tier == "paid" and spare.chosen is not None and spare.chosen.tier == "free":
            break
        resting, probes = _resting(candidate, book, now)
        if resting is not None:
            passed.append(Passed(candidate.id, resting))
            continue
        pages = metered(candidate, book)
        amount = amount_for(candidate, need, pages, now)
        status = _standing(need, amount, pages, now)
        if status == "available":
            return Choice(candidate, amount, probes, tuple(passed))
        if status == "soft_limited" and spare is None:
            spare = Choice(candidate, amount, probes, tuple(passed))
        passed.append(Passed(candidate.id, status))
    return spare or Choice(None, NOTHING, (), tuple(passed))


def standing(candidate: Candidate, need: Need, book: Book, now: float) -> Status:
    """What `choose` would find at this candidate."""
    resting, _ = _resting(candidate, book, now)
    if resting is not None:
        return resting
    pages = metered(candidate, book)
    return _standing(need, amount_for(candidate, need, pages, now), pages, now)


def room_for(candidate: Candidate, need: Need, book: Book, now: float) -> float:
    """How many such requests this candidate could take now; 0 while it rests, `inf` without limits."""
    if _resting(candidate, book, now)[0] is not None:
        return 0.0
    pages = metered(candidate, book)
    amount = amount_for(candidate, need, pages, now)
    room = float("inf")
    for meter, counts in pages:
        opened = counts.open
        for limit, used in limits_in_force(meter, counts, now):
            place = limit.place
            if amount[place] > 0:
                left = (limit.value - used - opened[place]) / amount[place]
                if left < room:
                    room = left
    return max(0.0, room)


def _resting(candidate: Candidate, book: Book, now: float) -> tuple[Status | None, tuple[str, ...]]:
    """The status of a candidate that must be left alone, else the scopes whose rest this request would probe."""
    probes: list[str] = []
    for scope in candidate.rests_with:
        rest = book.rest_of(scope)
        if rest is None:
            continue
        if rest.holds(now):
            return ("probing" if rest.until <= now else rest.status), ()
        if rest.probes:
            probes.append(scope)
    return None, tuple(probes)


def _standing(need: Need, amount: Amount, pages: Metered, now: float) -> Status:
    soft = False
    for meter, counts in pages:
        if _has_plenty(need, amount, meter, counts):
            continue
        opened = counts.open
        for limit, used in limits_in_force(meter, counts, now):
            place = limit.place
            status = verdict_on(limit, used, opened[place], amount[place], need)
            if status == "available":
                continue
            if status != "soft_limited":
                return status
            soft = True
    return "soft_limited" if soft else "available"


def _has_plenty(need: Need, amount: Amount, meter: Meter, counts: Counts) -> bool:
    """Whether `verdict_on` would say "available" of every limit: so it is nearly always, and this is soon said."""
    if counts.seen or need.prompt_tokens > meter.most_tokens:
        return False
    opened, minute, day = counts.open, counts.minute, counts.day
    for limit in meter.limits:
        place, value = limit.place, limit.value
        taken = (minute if limit.period == "minute" else day)[place] + opened[place]
        if taken + amount[place] > value or taken >= limit.soft or value <= 0:
            return False
    return True
