"""What is counted: amounts, the limits of a scope, and the counts against them."""

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, Self

from router_config.ledger.rules.windows import MINUTE, ROLLING_DAY, Period, Window

Metric = Literal["requests", "tokens", "usd"]
LimitName = Literal["rpm", "tpm", "rpd", "tpd", "usd_per_day"]

LIMITS: Final[dict[LimitName, tuple[Period, Metric]]] = {
    "rpm": ("minute", "requests"),
    "tpm": ("minute", "tokens"),
    "rpd": ("day", "requests"),
    "tpd": ("day", "tokens"),
    "usd_per_day": ("day", "usd"),
}


_new: Final = tuple.__new__  # Half the time of calling the class; a request adds a dozen times.


class Amount(NamedTuple):
    """Requests, tokens and dollars, of a request or of many."""

    requests: int = 0
    tokens: int = 0
    usd: float = 0.0

    def plus(self, other: "Amount") -> "Amount":
        requests, tokens, usd = other
        return _new(Amount, (self[0] + requests, self[1] + tokens, self[2] + usd))

    def minus(self, other: "Amount") -> "Amount":
        """What is left; never below zero, so that a lost settlement cannot make room out of nothing."""
        requests, tokens, usd = self[0] - other[0], self[1] - other[1], self[2] - other[2]
        return _new(Amount, (requests if requests > 0 else 0, tokens if tokens > 0 else 0, usd if usd > 0 else 0.0))

    def times(self, number: int) -> "Amount":
        return Amount(self.requests * number, self.tokens * number, self.usd * number)

    def of(self, metric: Metric) -> float:
        return self[0] if metric == "requests" else self[1] if metric == "tokens" else self[2]


NOTHING: Final = Amount()


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of a scope: at most `value` of a metric in a window; from `soft` on others are preferred."""

    name: LimitName
    value: float
    soft: float = float("inf")
    period: Period = field(init=False)
    metric: Metric = field(init=False)
    place: int = field(init=False, repr=False, compare=False)
    """Of its metric in an amount."""

    def __post_init__(self) -> None:
        period, metric = LIMITS[self.name]
        object.__setattr__(self, "period", period)
        object.__setattr__(self, "metric", metric)
        object.__setattr__(self, "place", Amount._fields.index(metric))


@dataclass(frozen=True, slots=True)
class Meter:
    """A scope that a provider counts by (an account, a model of an account), its limits and its idea of a day."""

    scope: str
    limits: tuple[Limit, ...] = ()
    day: Window = ROLLING_DAY
    limits_minutes: bool = field(init=False, compare=False)
    most_tokens: float = field(init=False, compare=False)
    """The smallest of its token limits."""
    limited: frozenset[LimitName] = field(init=False, compare=False)
    """The names of its limits."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "limits_minutes", any(limit.period == "minute" for limit in self.limits))
        tokens = (limit.value for limit in self.limits if limit.metric == "tokens")
        object.__setattr__(self, "most_tokens", min(tokens, default=float("inf")))
        object.__setattr__(self, "limited", frozenset(limit.name for limit in self.limits))

    def window(self, period: Period) -> Window:
        return MINUTE if period == "minute" else self.day

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
    day: Amount = NOTHING
    observed: dict[LimitName, ObservedLimit] = field(default_factory=dict)

    def held(self, period: Period) -> Amount:
        return self.minute if period == "minute" else self.day

    def used(self, limit: Limit) -> float:
        return self.held(limit.period)[limit.place]

    def copy(self) -> Self:
        return type(self)(self.open, self.minute, self.day, dict(self.observed))
