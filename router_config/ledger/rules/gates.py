"""What a request meets at a deployment: rests, and one gate for each limit. Pure logic over counts."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, NamedTuple, Protocol

from router_config.ledger.rules.meters import LIMITS, Amount, Counts, Limit, LimitName, Meter, Seen

Tier = Literal["free", "paid"]
Status = Literal[
    "available", "soft_limited", "rate_limited", "cooldown", "probing", "exhausted", "disabled", "too_large"
]

OPEN: Final = ("available", "soft_limited")

ROUNDING: Final = 1e-9
"""Share of a budget left alone where all of it is taken, lest a sum of dollars come out above it."""

SEEN_LIMIT_LASTS: Final = 86400.0
"""Seconds for which a limit that a provider reported is believed."""

_limit: Final = lru_cache(1000)(Limit)
"""Limits as providers report them, which every request asks for anew."""


class Need(NamedTuple):
    """What a request asks for: `tokens` in all, of which `prompt_tokens` are the prompt's estimate.

    `most`: the tokens that it may come to where the caller does not bound the answer, else 0.
    """

    tokens: int
    prompt_tokens: int
    most: int = 0


class Candidate(Protocol):
    """What the ledger must know of a deployment."""

    @property
    def id(self) -> str: ...
    @property
    def tier(self) -> Tier: ...
    @property
    def meters(self) -> tuple[Meter, ...]: ...
    @property
    def rests_with(self) -> tuple[str, ...]:
        """Scopes whose rest rests this deployment: its provider, account, key, model."""
        ...

    def need(self, tokens: int, prompt_tokens: int) -> Amount:
        """What a request of so many tokens would take here, in dollars too."""
        ...


@dataclass(frozen=True, slots=True)
class Rest:
    """A scope that is left alone: why, and until when (`inf`: until a person acts).

    A rest that `probes` ends with one single request; the others keep away until that one has succeeded.
    """

    scope: str
    status: Status
    reason: str
    since: float
    until: float
    probes: bool = False
    probe: str | None = None
    probe_until: float = 0.0

    def holds(self, now: float) -> bool:
        return now < self.until or (self.probe is not None and now < self.probe_until)

    def over(self, now: float) -> bool:
        """Whether it means nothing any more: no probe is due either."""
        return now >= self.until and not self.probes


@dataclass(frozen=True, slots=True)
class Gate:
    """One limit as a request meets it. `clears_at` is set where it blocks and time will help.

    `soft`: from here on others are preferred.
    """

    scope: str
    limit: LimitName
    status: Status
    used: float
    reserved: float
    needed: float
    value: float
    clears_at: float | None = None
    soft: float = float("inf")

    @property
    def blocks(self) -> bool:
        return self.status not in OPEN


@dataclass(frozen=True, slots=True)
class Examination:
    """Everything that a request meets at one deployment. `rest` is the one that lasts longest."""

    deployment: str
    rest: Rest | None
    gates: tuple[Gate, ...]
    probe_due: bool
    examined_at: float

    @property
    def blocking(self) -> Gate | None:
        """The gate that clears last of those that block."""
        closed = [gate for gate in self.gates if gate.status not in OPEN]
        if len(closed) < 2:
            return closed[0] if closed else None
        return max(closed, key=lambda gate: float("inf") if gate.clears_at is None else gate.clears_at)

    @property
    def status(self) -> Status:
        if self.rest is not None:
            return "probing" if self.rest.until <= self.examined_at else self.rest.status
        blocking = self.blocking
        if blocking is not None:
            return blocking.status
        for gate in self.gates:
            if gate.status == "soft_limited":
                return "soft_limited"
        return "available"

    @property
    def blocks(self) -> bool:
        return self.rest is not None or self.blocking is not None

    @property
    def reason(self) -> str | None:
        if self.rest is not None:
            return self.rest.reason
        gate = self.blocking or next((gate for gate in self.gates if gate.status == "soft_limited"), None)
        if gate is None:
            return None
        return f"{gate.limit}: {gate.used:g} used, {gate.reserved:g} reserved, {gate.needed:g} needed of {gate.value:g}"

    @property
    def until(self) -> float | None:
        """When nothing of this blocks any more, in epoch seconds; None: time alone does not help, or nothing blocks."""
        moments = [] if self.rest is None else [max(self.rest.until, self.rest.probe_until)]
        moments += [float("inf") if gate.clears_at is None else gate.clears_at for gate in self.gates if gate.blocks]
        latest = max(moments, default=float("inf"))
        return None if latest == float("inf") else latest

    def may_clear(self, deadline: float) -> bool:
        """Whether a request that waits until `deadline` may find room here, on time or by what others give back."""
        if any(gate.blocks and (gate.value <= 0 or gate.status == "too_large") for gate in self.gates):
            return False
        if self.rest is not None and self.rest.until > max(deadline, self.examined_at):
            return False
        closed = [gate for gate in self.gates if gate.blocks]
        return all(gate.reserved > 0 or (gate.clears_at or 0.0) <= deadline for gate in closed)


class Book(Protocol):
    """What a store knows at one moment."""

    def counts(self, meter: Meter) -> Counts | None:
        """The meter's counts with everything outside its windows forgotten; None: nothing counted and no limit."""
        ...

    def rest_of(self, scope: str) -> Rest | None: ...

    def clears_at(self, meter: Meter, limit: Limit, room: float) -> float:
        """When the window of `limit` will have `room` more than now, if nothing else is used."""
        ...


Metered = list[tuple[Meter, Counts]]


def metered(candidate: Candidate, book: Book) -> Metered:
    """The meters of a candidate that count anything, with their counts."""
    return [(meter, counts) for meter in candidate.meters if (counts := book.counts(meter)) is not None]


def amount_for(candidate: Candidate, need: Need, pages: Metered, now: float) -> Amount:
    """What the request takes of this candidate's windows; never more tokens than its smallest token limit."""
    amount = candidate.need(need.tokens, need.prompt_tokens)
    for meter, counts in pages:
        most = _most_tokens(meter, counts.seen, now) if counts.seen else meter.most_tokens
        if most < amount.tokens:
            amount = amount._replace(tokens=int(most))
    return amount._replace(usd=_dearest(candidate, need, amount, pages)) if need.most and amount.usd > 0 else amount


def _most_tokens(meter: Meter, reported: Mapping[LimitName, Seen], now: float) -> float:
    """The smallest of the token limits in force."""
    most = meter.most_tokens
    for name, seen in reported.items():
        if seen.limit is not None and seen.limit < most and LIMITS[name][1] == "tokens" and _is_believed(seen, now):
            most = seen.limit
    return most


def _dearest(candidate: Candidate, need: Need, amount: Amount, pages: Metered) -> float:
    """Dollars to reserve for an answer of unknown length: what the longest would cost, or all that is left.

    So no more than one such answer can exceed a budget, and whoever asks one at a time can use the last of it.
    """
    dearest = candidate.need(need.most, need.prompt_tokens).usd
    for meter, counts in pages:
        for limit in meter.limits:
            if limit.metric == "usd":
                dearest = min(dearest, limit.value * (1 - ROUNDING) - counts.used(limit) - counts.open.usd)
    return max(dearest, amount.usd)


def limits_in_force(meter: Meter, counts: Counts, now: float) -> Iterable[tuple[Limit, float]]:
    """Each limit of the meter with what counts as used: configured and reported, whichever leaves less room."""
    if counts.seen:
        return _heard(meter, counts, now)
    minute, day = counts.minute, counts.day
    return [(limit, (minute if limit.period == "minute" else day)[limit.place]) for limit in meter.limits]


def _heard(meter: Meter, counts: Counts, now: float) -> Iterator[tuple[Limit, float]]:
    for limit in meter.limits:
        seen = counts.seen.get(limit.name)
        if seen is None:
            yield limit, counts.used(limit)
        else:
            yield _lowered(limit, seen, now), counts.used(limit) + seen.extra_at(now)
    for name, seen in counts.seen.items():
        if name not in meter.limited and seen.limit is not None and _is_believed(seen, now):
            learned = _limit(name, seen.limit)
            yield learned, counts.used(learned) + seen.extra_at(now)


def verdict_on(limit: Limit, used: float, reserved: float, needed: float, need: Need) -> Status:
    """Whether a request passes one limit."""
    if limit.metric == "tokens" and need.prompt_tokens > 2 * limit.value > 0:
        return "too_large"  # Twice over by a generous estimate: no idle window will ever hold this prompt.
    if limit.value <= 0 or used + reserved + needed > limit.value:
        return "rate_limited" if limit.period == "minute" else "exhausted"
    return "soft_limited" if used + reserved >= limit.soft else "available"


Gates = tuple[Gate, ...]


def examine_all(candidates: Iterable[Candidate], need: Need, book: Book, now: float) -> tuple[Examination, ...]:
    """Everything such a request would meet now at each candidate, and when it clears.

    Candidates of one account share its meter, whose gates are made once for all that need the same of it.
    """
    known: dict[tuple[str, Amount], Gates] = {}
    return tuple(_examine(each, need, book, now, known) for each in candidates)


def _examine(
    candidate: Candidate, need: Need, book: Book, now: float, known: dict[tuple[str, Amount], Gates]
) -> Examination:
    rests = [rest for scope in candidate.rests_with if (rest := book.rest_of(scope)) is not None]
    holding = [rest for rest in rests if rest.holds(now)]
    pages = metered(candidate, book)
    amount = amount_for(candidate, need, pages, now)
    gates: list[Gate] = []
    for meter, counts in pages:
        of_meter = known.get((meter.scope, amount))
        if of_meter is None:
            of_meter = known[meter.scope, amount] = tuple(_gates(meter, counts, amount, need, book, now))
        gates += of_meter
    longest = max(holding, key=lambda rest: rest.until, default=None)
    due = any(rest.probes and not rest.holds(now) for rest in rests)
    return Examination(candidate.id, longest, tuple(gates), due, now)


def _gates(meter: Meter, counts: Counts, amount: Amount, need: Need, book: Book, now: float) -> Iterator[Gate]:
    for limit, used in limits_in_force(meter, counts, now):
        reserved, needed = counts.open.of(limit.metric), amount.of(limit.metric)
        status = verdict_on(limit, used, reserved, needed, need)
        clears = None
        if status in ("rate_limited", "exhausted") and limit.value > 0:
            excess = used + reserved + needed - limit.value
            clears = _clears_at(meter, limit, counts, excess, book, now)
        yield Gate(meter.scope, limit.name, status, used, reserved, needed, limit.value, clears, limit.soft)


def _lowered(limit: Limit, seen: Seen, now: float) -> Limit:
    if seen.limit is None or seen.limit >= limit.value or not _is_believed(seen, now):
        return limit
    return _limit(limit.name, seen.limit, limit.soft * seen.limit / limit.value)


def _is_believed(seen: Seen, now: float) -> bool:
    return now < seen.heard_at + SEEN_LIMIT_LASTS


def _extra(seen: Seen | None, now: float) -> float:
    return 0.0 if seen is None else seen.extra_at(now)


def _clears_at(meter: Meter, limit: Limit, counts: Counts, excess: float, book: Book, now: float) -> float:
    """Others' usage is gone when the provider said it would be; our own leaves the window slot by slot."""
    seen = counts.seen.get(limit.name)
    extra = _extra(seen, now)
    if seen is None or extra == 0:
        return book.clears_at(meter, limit, excess)
    if excess <= extra:
        return seen.extra_is_below(extra - excess)
    return max(seen.until, book.clears_at(meter, limit, excess - extra))
