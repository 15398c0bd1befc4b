"""What a request meets at a deployment: cooldowns, and one gate for each limit. Pure logic over counts."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple, Protocol

from router_config.ledger.rules.classes.kept import kept_of
from router_config.ledger.rules.meters import (
    NOTHING,
    Amount,
    Counts,
    Limit,
    LimitName,
    Meter,
    ObservedLimit,
    Part,
    Spending,
    kind_of,
    words_of,
)
from router_config.ledger.rules.pacing import Expected, held_back

Tier = Literal["free", "paid"]
Status = Literal[
    "available", "soft_limited", "rate_limited", "paced", "cooldown", "probing", "exhausted", "disabled", "too_large",
    "unfit", "kept", "share_used",
]  # fmt: skip

OPEN: Final = ("available", "soft_limited")

ROUNDING: Final = 1e-9
"""Sums of dollars are not exact. A difference as small as this, or such a share of a budget, does not count."""

PROBE_HOLDS: Final = 60.0
"""Seconds for which one probe keeps the others away. Its process may have died."""

PROMPT_FACTOR: Final = 2
"""A prompt so many times as long as a token limit is too large for it: estimates are generous, but not that much."""

_limit: Final = lru_cache(1000)(Limit)
"""Limits as providers report them, which every request asks for anew."""


class Need(NamedTuple):
    """What a request asks for: `tokens` in all, of which `prompt_tokens` are the prompt's estimate.

    `most`: the tokens that it may come to where the caller does not bound the answer, else 0. `times`: as many such
    requests at once, one of each process; `rank`: the place of this one among them, from 0, where it is known.
    `correction`: what each candidate is known to count for such a prompt.
    """

    tokens: int
    prompt_tokens: int
    most: int = 0
    times: int = 1
    correction: "Correction | None" = None
    rank: int | None = None

    def amount(self, candidate: "Candidate") -> Spending:
        """What is expected to be spent at a candidate."""
        tokens, prompt, _, times, correction, _ = self
        if correction is not None:
            corrected = correction.prompt_tokens(candidate, prompt, tokens - prompt)
            tokens, prompt = tokens + corrected - prompt, corrected
        amount = candidate.need(tokens, prompt)
        return amount if times == 1 else amount.times(times)

    def least(self, part: Part | None = None) -> float:
        """The tokens that it surely takes: of the prompt what its estimate may come down to, and `max_tokens`."""
        prompt = 0.0 if part == "output" else self.prompt_tokens / PROMPT_FACTOR
        return prompt if self.most or part == "input" else prompt + self.tokens - self.prompt_tokens

    def allows(self, limit: Limit) -> float:
        """What a limit holds of such requests. Requests at a time do not divide: the first processes get what is left.

        That is as many for each as this process may have.
        """
        if self.times == 1 or limit.period != "none":
            return limit.value
        each, left = divmod(int(limit.value), self.times)
        return (each + (self.rank is not None and self.rank < left)) * self.times

    def dearest(self, candidate: "Candidate") -> float:
        """Dollars that the longest answer would cost; 0 where the caller bounds the answer."""
        return candidate.need(self.most, self.prompt_tokens).usd * self.times if self.most else 0.0


class Correction(Protocol):
    """What candidates are known to count for prompts of one kind."""

    def prompt_tokens(self, candidate: Any, estimate: int, answer: int) -> int:
        """Tokens that the candidate will count for a prompt of this estimate, on the high side.

        answer: tokens reserved for that.
        """
        ...


class Candidate(Protocol):
    """What the ledger must know of a deployment."""

    @property
    def id(self) -> str: ...
    @property
    def tier(self) -> Tier: ...
    @property
    def meters(self) -> tuple[Meter, ...]: ...
    @property
    def scopes(self) -> tuple[str, ...]:
        """A cooldown of any of these stops the deployment: its provider, account, key and model."""
        ...

    def need(self, tokens: int, prompt_tokens: int) -> Spending:
        """What a request of so many tokens would take here, in dollars too; of prompt and answer where both count."""
        ...


class Cooldown(NamedTuple):
    """A scope that gets no requests: why, since when and until when (epoch seconds).

    `status` says what kind it is: "cooldown", "disabled", "exhausted" or "rate_limited". After one that `probes` a
    single request is let through, with the lease `probe`. The others wait until it has succeeded, or until
    `probe_until`. `probes` counts the refusals in a row (schedule.py); 0: no probe is needed.
    """

    scope: str
    status: Status
    reason: str
    since: float
    until: float
    probes: int = 0
    probe: str | None = None
    probe_until: float = 0.0

    def holds(self, now: float) -> bool:
        return now < self.until or (self.probe is not None and now < self.probe_until)

    def over(self, now: float) -> bool:
        """Whether it has ended, and no probe is due either."""
        return now >= self.until and not self.probes


@dataclass(frozen=True, slots=True)
class Gate:
    """One limit as a request meets it. `clears_at` is set where it blocks and time will help.

    `soft`: from here on others are preferred. `paced`: what of `value` is for the hours until now; None: all of it.
    `kept`: what of `value` is kept for other classes of agents, `kept_for`. `of_class`: whose share the limit is.
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
    paced: float | None = None
    kept: float = 0.0
    kept_for: tuple[str, ...] = ()
    of_class: str = ""

    @property
    def blocks(self) -> bool:
        return self.status not in OPEN

    @property
    def hopeless(self) -> bool:
        """Whether no idle window holds the request, or not beside what is kept for other classes."""
        return self.status == "too_large" or (self.status == "kept" and self.clears_at == float("inf"))


@dataclass(frozen=True, slots=True)
class Examination:
    """Everything that a request meets at one deployment. `cooldown` is the one in force that lasts longest.

    `probe_due`: a cooldown has ended, and this request would be its probe. `examined_at`: epoch seconds.
    """

    deployment: str
    cooldown: Cooldown | None
    gates: tuple[Gate, ...]
    probe_due: bool
    examined_at: float

    @property
    def blocking(self) -> Gate | None:
        """The gate that clears last of those that block; of several the one that says whose share is used."""
        closed = [gate for gate in self.gates if gate.status not in OPEN]
        if len(closed) < 2:
            return closed[0] if closed else None
        return max(
            closed,
            key=lambda gate: (float("inf") if gate.clears_at is None else gate.clears_at, gate.status == "share_used"),
        )

    @property
    def status(self) -> Status:
        if self.cooldown is not None:
            return "probing" if self.cooldown.until <= self.examined_at else self.cooldown.status
        blocking = self.blocking
        if blocking is not None:
            return blocking.status
        for gate in self.gates:
            if gate.status == "soft_limited":
                return "soft_limited"
        return "available"

    @property
    def blocks(self) -> bool:
        return self.cooldown is not None or self.blocking is not None

    @property
    def reason(self) -> str | None:
        if self.cooldown is not None:
            return self.cooldown.reason
        gate = self.blocking or next((gate for gate in self.gates if gate.status == "soft_limited"), None)
        if gate is None:
            return None
        held = f"{gate.used:g} used, {gate.reserved:g} reserved"
        if kind_of(gate.limit).unit == "concurrent":
            held = f"{gate.reserved:g} in flight"
        if gate.status == "paced" and gate.paced is not None:
            words = words_of(gate.limit)
            return f"pace: {gate.paced:g} of {gate.value:g} {words} are for the hours until now; {held}"
        told = f"{gate.limit}: {held}, {gate.needed:g} needed of {gate.value:g}"
        if gate.status == "share_used":
            return f"class {gate.of_class} has used its share: {told}"
        if gate.status == "kept":
            whose = f"{gate.kept:g} of {gate.value:g} are kept for class {' and '.join(gate.kept_for)}"
            why = whose if gate.kept_for else "what is left is expected to be used by others"
            return f"{gate.limit}: {why}; {held}, {gate.needed:g} needed"
        return told

    @property
    def until(self) -> float | None:
        """When nothing of this blocks any more, in epoch seconds; None: time alone does not help, or nothing blocks."""
        moments = [] if self.cooldown is None else [max(self.cooldown.until, self.cooldown.probe_until)]
        moments += [float("inf") if gate.clears_at is None else gate.clears_at for gate in self.gates if gate.blocks]
        latest = max(moments, default=float("inf"))
        return None if latest == float("inf") else latest

    def may_clear(self, deadline: float) -> bool:
        """Whether a request that waits until `deadline` may find room here, on time or by what others give back."""
        if any(gate.blocks and (gate.value <= 0 or gate.hopeless) for gate in self.gates):
            return False
        if self.cooldown is not None and self.cooldown.until > max(deadline, self.examined_at):
            return False
        closed = [gate for gate in self.gates if gate.blocks]
        return all(gate.reserved > 0 or (gate.clears_at or 0.0) <= deadline for gate in closed)

    @property
    def waits_for_others(self) -> bool:
        """Whether no time helps, but the end of requests in flight does."""
        return self.blocks and self.until is None and self.may_clear(self.examined_at)


class Book(Protocol):
    """The counts and cooldowns of a store at one moment, as the rules ask for them.

    `expected`: when requests are, which pacing goes by.
    """

    @property
    def expected(self) -> Expected: ...

    def counts(self, meter: Meter) -> Counts | None:
        """The meter's counts with everything outside its windows forgotten; None: nothing counted and no limit."""
        ...

    @property
    def any_cooldown(self) -> bool:
        """Whether some scope has a cooldown."""
        ...

    def cooldown_of(self, scope: str) -> Cooldown | None: ...

    def clears_at(self, meter: Meter, limit: Limit, room: float, without: Sequence[str] = ()) -> float:
        """When the window of `limit` will have `room` more than now, if nothing else is used.

        without: scopes of meters that count a part of the same; what leaves of theirs gives no room.
        """
        ...


Metered = list[tuple[Meter, Counts]]


def metered(candidate: Candidate, book: Book) -> Metered:
    """The meters of a candidate that count anything, with their counts."""
    return [(meter, counts) for meter in candidate.meters if (counts := book.counts(meter)) is not None]


def amount_for(candidate: Candidate, need: Need, pages: Metered, book: Book, now: float) -> Spending:
    """What the request takes of this candidate's windows; never more tokens than its smallest limit of them."""
    amount = need.amount(candidate)
    tokens = amount[1]
    for meter, counts in pages:
        most = _most_tokens(meter, counts, now) if counts.observed else meter.most_tokens
        if most < tokens:
            amount = amount.cut_to(int(most), meter.part)
    if not need.most or amount.usd <= 0:
        return amount
    return amount._replace(usd=_dearest(candidate, need, amount, pages, book, now))


def _most_tokens(meter: Meter, counts: Counts, now: float) -> float:
    """The smallest of the token limits in force."""
    limits = (limit for limit, _ in limits_in_force(meter, counts, now))
    return min((limit.value for limit in limits if limit.metric == "tokens"), default=float("inf"))


def _dearest(candidate: Candidate, need: Need, amount: Spending, pages: Metered, book: Book, now: float) -> float:
    """Dollars to reserve for an answer of unknown length: what the longest would cost, or all that is left.

    So no more than one such answer can exceed a budget, and whoever asks one at a time can use the last of it.
    """
    dearest = need.dearest(candidate)
    for meter, counts in pages:
        for limit in meter.limits:
            if limit.metric == "usd":
                held = counts.used(limit) + counts.open.usd
                most = kept_of(meter, limit, held, book, now).most if meter.keeps or meter.leftover else limit.value
                dearest = min(dearest, most * (1 - ROUNDING) - held)
    return max(dearest, amount.usd)


def limits_in_force(meter: Meter, counts: Counts, now: float) -> Iterable[tuple[Limit, float]]:
    """Each limit of the meter with what counts as used: configured and reported, whichever leaves less room."""
    if counts.observed:
        return _limits_with_observed(meter, counts, now)
    held = {"minute": counts.minute, "long": counts.long, "none": NOTHING}
    return [(limit, held[limit.period][limit.place]) for limit in meter.limits]


def _limits_with_observed(meter: Meter, counts: Counts, now: float) -> Iterator[tuple[Limit, float]]:
    for limit in meter.limits:
        observed = counts.observed.get(limit.name)
        if observed is None:
            yield limit, counts.used(limit)
        else:
            yield _lowered(limit, observed, now), counts.used(limit) + observed.extra_at(now)
    for name, observed in counts.observed.items():
        if name not in meter.limited and observed.is_believed(now):
            learned, extra = _limit(name, observed.limit), observed.extra_at(now)
            if meter.holds(learned.kind):
                yield learned, counts.used(learned) + extra
            elif learned.kind.part == meter.part or extra >= observed.limit:
                # Requests in flight are no measure of input or output tokens: only that none is left is sure.
                yield learned, extra


def verdict_on(limit: Limit, used: float, reserved: float, needed: float, need: Need) -> Status:
    """Whether a request passes one limit."""
    value = limit.value if need.times == 1 else need.allows(limit)
    if limit.metric == "tokens" and need.least(limit.kind.part) > value > 0:
        return "too_large"  # No idle window will ever hold this request.
    if value <= 0 or used + reserved + needed > value:
        return "exhausted" if limit.kind.exhausts else "rate_limited"
    return "soft_limited" if used + reserved >= limit.soft else "available"


def verdicts(
    meter: Meter, counts: Counts, taken: Amount, need: Need, book: Book, now: float
) -> Iterator[tuple[Limit, float, Status]]:
    """Each limit in force of a meter, what counts as used, and whether a request that takes so much passes it."""
    share = book.expected.share(meter.long, now) if meter.paced else 1.0
    divided = bool(meter.keeps or meter.leftover)
    for limit, used in limits_in_force(meter, counts, now):
        place = limit.place
        status = verdict_on(limit, used, counts.open[place], taken[place], need)
        if meter.of_class and status in ("rate_limited", "exhausted"):
            status = "share_used"
        elif divided and status in OPEN and taken[place] > 0:
            held = used + counts.open[place]
            if held + taken[place] > kept_of(meter, limit, held, book, now).most + ROUNDING:
                status = "kept"
        if share < 1 and status in OPEN and limit.exhausts and limit.name in meter.limited:
            held = used + counts.open[place]
            status = "paced" if held_back(limit.metric, limit.value, share, held, taken[place]) else status
        yield limit, used, status


def _lowered(limit: Limit, observed: ObservedLimit, now: float) -> Limit:
    if observed.limit >= limit.value or not observed.is_believed(now):
        return limit
    return _limit(limit.name, observed.limit, limit.soft * observed.limit / limit.value)
