"""What is counted: amounts, the limits of a scope, and the counts against them."""

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, Self, TypeAlias, get_args

from router_config.ledger.rules.classes.keeps import Keep, spare_of
from router_config.ledger.rules.pacing import Pace
from router_config.ledger.rules.windows import MINUTE, ROLLING_DAY, Period, Unit, Window

Metric = Literal["requests", "tokens", "usd"]
Part = Literal["input", "output"]
"""Which tokens of a request are counted: those of its prompt, less what was read from a cache, or of its answer."""

LimitName = str
"""Of `LIMITS`, or `requests_per_5h`: the kind of an odd limit, and the length of its window."""


class LimitKind(NamedTuple):
    """What a limit counts, over how long, and where a store keeps that. `exhausts`: it is no matter of minutes."""

    unit: Unit
    metric: Metric
    words: str
    part: Part | None = None

    @property
    def period(self) -> Period:
        return "minute" if self.unit == "minute" else "none" if self.unit == "concurrent" else "long"

    @property
    def exhausts(self) -> bool:
        return self.unit in ("day", "week", "month")


LIMITS: Final[dict[LimitName, LimitKind]] = {
    "rpm": LimitKind("minute", "requests", "requests a minute"),
    "tpm": LimitKind("minute", "tokens", "tokens a minute"),
    "rpd": LimitKind("day", "requests", "requests a day"),
    "tpd": LimitKind("day", "tokens", "tokens a day"),
    "usd_per_day": LimitKind("day", "usd", "dollars a day"),
    "rph": LimitKind("hour", "requests", "requests an hour"),
    "tph": LimitKind("hour", "tokens", "tokens an hour"),
    "rpw": LimitKind("week", "requests", "requests a week"),
    "tpw": LimitKind("week", "tokens", "tokens a week"),
    "rpmo": LimitKind("month", "requests", "requests a month"),
    "tpmo": LimitKind("month", "tokens", "tokens a month"),
    "usd_per_month": LimitKind("month", "usd", "dollars a month"),
    "requests_per": LimitKind("odd", "requests", "requests in a window of its own"),
    "tokens_per": LimitKind("odd", "tokens", "tokens in a window of its own"),
    "parallel": LimitKind("concurrent", "requests", "requests at a time"),
    "itpm": LimitKind("minute", "tokens", "input tokens a minute", "input"),
    "otpm": LimitKind("minute", "tokens", "output tokens a minute", "output"),
    "itpd": LimitKind("day", "tokens", "input tokens a day", "input"),
    "otpd": LimitKind("day", "tokens", "output tokens a day", "output"),
}
"""All kinds of limits. The numbers that Redis keeps are places here: a new one goes to the end."""

ODD: Final = ("requests_per", "tokens_per")

BASIC: Final[frozenset[Unit]] = frozenset({"minute", "day", "concurrent"})
"""The windows of a meter that has no long window of its own."""


def kind_name(name: LimitName) -> LimitName:
    """The entry of `LIMITS` that a limit is of: `requests_per` of `requests_per_5h`."""
    return name if name in LIMITS else name[: name.rindex("_")]


def kind_of(name: LimitName) -> LimitKind:
    return LIMITS[kind_name(name)]


def words_of(name: LimitName) -> str:
    """A limit as a person says it."""
    return LIMITS[name].words if name in LIMITS else name.replace("_per_", " in ")


_new: Final = tuple.__new__  # Half the time of calling the class; a request adds a dozen times.


class Amount(NamedTuple):
    """Requests, tokens and dollars, of a request or of many."""

    requests: int = 0
    tokens: int = 0
    usd: float = 0.0

    def plus(self, other: "Spending") -> "Amount":
        return _new(Amount, (self[0] + other[0], self[1] + other[1], self[2] + other[2]))

    def minus(self, other: "Spending") -> "Amount":
        """What is left; never below zero, so that a lost settlement cannot make room out of nothing."""
        requests, tokens, usd = self[0] - other[0], self[1] - other[1], self[2] - other[2]
        return _new(Amount, (requests if requests > 0 else 0, tokens if tokens > 0 else 0, usd if usd > 0 else 0.0))

    def times(self, number: int) -> "Amount":
        return Amount(self.requests * number, self.tokens * number, self.usd * number)

    def shared(self, number: int) -> "Amount":
        """One of so many equal shares."""
        return Amount(self.requests // number, self.tokens // number, self.usd / number)

    def of(self, metric: Metric) -> float:
        return self[0] if metric == "requests" else self[1] if metric == "tokens" else self[2]

    def cut_to(self, tokens: int, part: Part | None = None) -> "Amount":
        """With at most so many tokens, if those of the part are among them."""
        return self if tokens >= self.tokens else self._replace(tokens=tokens)

    def counted(self, part: Part | None) -> "Amount":
        """What a meter counts of it. Nobody said which tokens are of the prompt: each part may hold all of them."""
        return self

    @property
    def whole(self) -> "Amount":
        return self

    @property
    def numbers(self) -> tuple[float, ...]:
        return self


class SplitAmount(NamedTuple):
    """An amount whose tokens of prompt and answer are known apart.

    `input`, `output`: what meters of those tokens count, without dollars. What all others count stands in front.
    """

    requests: int
    tokens: int
    usd: float
    input: Amount
    output: Amount

    @classmethod
    def of(cls, requests: int, tokens: int, usd: float, input: int, output: int) -> Self:
        """By how many tokens each part has."""
        parts = _new(Amount, (requests, input, 0.0)), _new(Amount, (requests, output, 0.0))
        return _new(cls, (requests, tokens, usd, *parts))

    def plus(self, other: "Spending") -> "SplitAmount":
        parts = self.input.plus(other.counted("input")), self.output.plus(other.counted("output"))
        return SplitAmount(*self.whole.plus(other), *parts)

    def times(self, number: int) -> "SplitAmount":
        return SplitAmount(*self.whole.times(number), self.input.times(number), self.output.times(number))

    def shared(self, number: int) -> "SplitAmount":
        """One of so many equal shares."""
        return SplitAmount(*self.whole.shared(number), self.input.shared(number), self.output.shared(number))

    def cut_to(self, tokens: int, part: Part | None = None) -> "SplitAmount":
        """With at most so many tokens, in all or of one part."""
        if part == "input":
            return self._replace(input=self.input.cut_to(tokens))
        if part == "output":
            return self._replace(output=self.output.cut_to(tokens))
        return self if tokens >= self.tokens else self._replace(tokens=tokens)

    def counted(self, part: Part | None) -> Amount:
        """What a meter counts of it."""
        return self[3] if part == "input" else self[4] if part == "output" else self.whole

    @property
    def whole(self) -> Amount:
        return _new(Amount, self[:3])

    @property
    def numbers(self) -> tuple[float, ...]:
        """Requests, tokens, dollars, input tokens, output tokens."""
        return (*self[:3], self.input.tokens, self.output.tokens)


Spending: TypeAlias = Amount | SplitAmount
"""What a request takes or has spent."""

NOTHING: Final = Amount()
PERIODS: Final[tuple[Period, ...]] = get_args(Period)


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of a scope: at most `value` of a metric in a window; from `soft` on others are preferred.

    `file`: the lower one of the file, where what the provider reports holds instead.
    """

    name: LimitName
    value: float
    soft: float = float("inf")
    file: float | None = None
    kind: LimitKind = field(init=False, repr=False, compare=False)
    period: Period = field(init=False)
    metric: Metric = field(init=False)
    place: int = field(init=False, repr=False, compare=False)
    """Of its metric in an amount."""
    exhausts: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        kind = kind_of(self.name)
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "period", kind.period)
        object.__setattr__(self, "metric", kind.metric)
        object.__setattr__(self, "place", Amount._fields.index(kind.metric))
        object.__setattr__(self, "exhausts", kind.exhausts)


@dataclass(frozen=True, slots=True)
class Meter:
    """A scope that a provider counts by (an account, a model of an account), its limits and its long window.

    `long`: that window, a day for most. A limit of another long window (a week, a month) is one of a meter of its own,
    and so are those of input or output tokens alone: `part` says which of them it counts. `pace`: whether its limits
    of a day, a week or a month are spread over the hours (pacing.py).
    To a class of agents, `keeps`: for whom a share is kept; `leftover`: where it gets only what nobody else is expected
    to use, the scope of the meter of its own requests. `of_class`: this is one, and counts with or without limits.
    """

    scope: str
    limits: tuple[Limit, ...] = ()
    long: Window = ROLLING_DAY
    part: Part | None = None
    pace: Pace = "none"
    keeps: tuple[Keep, ...] = ()
    leftover: str = ""
    of_class: str = ""
    limits_minutes: bool = field(init=False, compare=False)
    most_tokens: float = field(init=False, compare=False)
    """The smallest of its token limits."""
    limited: frozenset[LimitName] = field(init=False, compare=False)
    """The names of its limits."""
    units: frozenset[Unit] = field(init=False, compare=False)
    """How long the windows are that it counts by."""
    tests: tuple[tuple[int, int, float, float], ...] = field(init=False, repr=False, compare=False)
    """Of each limit: its place in an amount, that of its period, and above which values it blocks or is soft."""
    left_over: tuple[tuple[int, float], ...] = field(init=False, repr=False, compare=False)
    """Of each limit of which only what is left over may be used: its place in an amount, and how much in the end."""
    paced: tuple[tuple[int, float], ...] = field(init=False, repr=False, compare=False)
    """Of each limit that is paced: its place in an amount, and its value."""

    def __post_init__(self) -> None:
        minutes = bool(self.of_class) or any(limit.period == "minute" for limit in self.limits)
        object.__setattr__(self, "limits_minutes", minutes)
        tokens = (limit.value for limit in self.limits if limit.metric == "tokens")
        object.__setattr__(self, "most_tokens", min(tokens, default=float("inf")))
        object.__setattr__(self, "limited", frozenset(limit.name for limit in self.limits))
        units = {limit.kind.unit for limit in self.limits if limit.kind.unit not in BASIC}
        object.__setattr__(self, "units", frozenset(units) or BASIC)

        tests = [(each.place, PERIODS.index(each.period), self._surely(each), each.soft) for each in self.limits]
        object.__setattr__(self, "tests", tuple(tests))
        over = ((each.place, self._surely(each)) for each in self.limits if each.exhausts) if self.leftover else ()
        object.__setattr__(self, "left_over", tuple(over))
        even = () if self.pace == "none" else tuple((each.place, each.value) for each in self.limits if each.exhausts)
        object.__setattr__(self, "paced", even)

    def _surely(self, limit: Limit) -> float:
        """What may be used of a limit in all, however little of what is kept has been used yet."""
        value = limit.value * (1 - sum(each.share for each in self.keeps))
        if self.leftover and not limit.exhausts:
            value -= spare_of(limit.value, whole=limit.metric == "requests")
        return value or -1.0

    def holds(self, kind: LimitKind) -> bool:
        """Whether it counts what such a limit does. Of any other it knows only what the provider reports."""
        return kind.unit in self.units and kind.part == self.part

    def window(self, period: Period) -> Window:
        return MINUTE if period == "minute" else self.long

    def value_of(self, name: LimitName) -> float | None:
        """Of the limit of that name; None: it has none."""
        for limit in self.limits:
            if limit.name == name:
                return limit.value
        return None


OBSERVED_LIMIT_LASTS: Final = 86400.0
"""Seconds for which a limit that a provider reported is believed."""


class ObservedLimit(NamedTuple):
    """What the provider reported of one limit: its value, and usage beyond our own count (others on the same key).

    The extra usage counts until `until`. Where the provider's window refills, it shrinks evenly from `observed_at` on.
    Of a window that nobody here counts by, `extra` is all that the provider counted.
    Of two responses the one whose request was sent later (`asked_at`) is believed. Epoch seconds.
    """

    limit: float
    extra: float
    asked_at: float
    observed_at: float
    until: float
    refills: bool = False

    def is_believed(self, now: float) -> bool:
        return now < self.observed_at + OBSERVED_LIMIT_LASTS

    def extra_at(self, now: float) -> float:
        if now >= self.until:
            return 0.0
        if self.refills and now > self.observed_at:
            return self.extra * (self.until - now) / (self.until - self.observed_at)
        return self.extra

    def extra_is_below(self, extra: float) -> float:
        """When (epoch seconds) no more than `extra` is left."""
        if not self.refills or extra >= self.extra:
            return self.until
        return self.until - (self.until - self.observed_at) * max(0.0, extra) / self.extra


@dataclass(slots=True)
class Counts:
    """The counts of one meter: open leases, what both windows hold, and the limits that the provider reported."""

    open: Amount = NOTHING
    minute: Amount = NOTHING
    long: Amount = NOTHING
    observed: dict[LimitName, ObservedLimit] = field(default_factory=dict)

    def held(self, period: Period) -> Amount:
        return self.minute if period == "minute" else self.long if period == "long" else NOTHING

    def used(self, limit: Limit) -> float:
        return self.held(limit.period)[limit.place]

    def copy(self) -> Self:
        return type(self)(self.open, self.minute, self.long, dict(self.observed))
