"""Which quotas each simulated provider enforces."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, NamedTuple

from router_config.simulator.quotas.calendars import DAY, HOUR, MINUTE, MONTH, WEEK

PROVIDERS = ("groq", "gemini", "openrouter", "together", "openai")

Model = str
What = Literal["requests", "tokens", "input", "output", "usd", "open"]
"""What a limit counts: requests, tokens of prompt and answer, of one of them, dollars, requests that are open."""
Unit = Literal["minute", "hour", "day", "week", "month", "odd", "open"]


class LimitsError(ValueError):
    """Limits that cannot be understood; the message says where and why."""


class Kind(NamedTuple):
    """What a limit counts, in what kind of window, of how many seconds (of a month: the most)."""

    what: What
    unit: Unit
    seconds: float


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "rpm": Kind("requests", "minute", MINUTE),
        "tpm": Kind("tokens", "minute", MINUTE),
        "itpm": Kind("input", "minute", MINUTE),
        "otpm": Kind("output", "minute", MINUTE),
        "rph": Kind("requests", "hour", HOUR),
        "tph": Kind("tokens", "hour", HOUR),
        "rpd": Kind("requests", "day", DAY),
        "tpd": Kind("tokens", "day", DAY),
        "usd_per_day": Kind("usd", "day", DAY),
        "rpw": Kind("requests", "week", WEEK),
        "tpw": Kind("tokens", "week", WEEK),
        "rpmo": Kind("requests", "month", MONTH),
        "tpmo": Kind("tokens", "month", MONTH),
        "usd_per_month": Kind("usd", "month", MONTH),
        "parallel": Kind("open", "open", 1.0),
    }
)
"""The limits that have a name, shortest window first."""


@dataclass(frozen=True, slots=True)
class OddQuota:
    """At most `max` in any `per` seconds."""

    per: float
    max: int


@dataclass(frozen=True, slots=True)
class Quota:
    """Limits of one account or one model; None: no such limit. Where Gemini counts tokens, it counts input alone."""

    rpm: int | None = None
    """requests per minute; in the same way rph, rpd, rpw and rpmo by hour, day, week and month"""
    tpm: int | None = None
    """tokens per minute; in the same way tph, tpd, tpw and tpmo"""
    itpm: int | None = None
    """input tokens per minute"""
    otpm: int | None = None
    """output tokens per minute"""
    rph: int | None = None
    tph: int | None = None
    rpd: int | None = None
    tpd: int | None = None
    usd_per_day: float | None = None
    """dollars, at the provider's `price`"""
    rpw: int | None = None
    tpw: int | None = None
    rpmo: int | None = None
    tpmo: int | None = None
    usd_per_month: float | None = None
    parallel: int | None = None
    """requests at a time"""
    requests: tuple[OddQuota, ...] = ()
    """requests in windows of another length"""
    tokens: tuple[OddQuota, ...] = ()
    """tokens in windows of another length"""

    def limits(self) -> Iterator[tuple[str, Kind, float]]:
        """Each limit: its name (`requests_per_18000s` of an odd one), its kind and its value."""
        for name, kind in KINDS.items():
            value = getattr(self, name)
            if value is not None:
                yield name, kind, value
        for odd in self.requests:
            yield f"requests_per_{odd.per:g}s", Kind("requests", "odd", odd.per), odd.max
        for odd in self.tokens:
            yield f"tokens_per_{odd.per:g}s", Kind("tokens", "odd", odd.per), odd.max


@dataclass(frozen=True, slots=True)
class Span:
    """What a day, a week or a month is to a provider. None: as the real one has it, of weeks and months the calendar's.

    timezone: IANA name. day: of the month, on which it begins.
    """

    window: Literal["calendar", "rolling"] | None = None
    timezone: str | None = None
    day: int = 1


@dataclass(frozen=True, slots=True)
class ProviderLimits:
    """Everything that one provider enforces."""

    account: Quota = Quota()
    """all models of an account together"""
    models: Mapping[Model, Quota] = field(default_factory=dict)
    """each of these models by itself, besides the account"""
    each_model: Quota = Quota()
    """every model that `models` does not name, by itself"""
    shared_account: bool = False
    """True: all keys belong to one account. False: each key has an account of its own"""
    strict_rolling: bool = False
    """also refuse what would exceed a limit in any stretch of a minute, an hour, a day or an odd length"""
    free_only: bool = True
    """OpenRouter alone: the account's limits hold for `:free` models only, as they really do"""
    context: int | None = None
    """tokens that fit a model's context window, prompt and answer together"""
    day: Span = Span()
    """its `timezone` is that of weeks and months too"""
    week: Span = Span()
    month: Span = Span()
    price: tuple[float, float] = (0.0, 0.0)
    """dollars per million tokens, input and output, of every model"""

    def quota_of(self, model: Model) -> Quota:
        return self.models.get(model, self.each_model)


Limits = Mapping[str, ProviderLimits]

# The reference table of the project: account limits, whatever the model.
REFERENCE: Limits = MappingProxyType(
    {
        "groq": ProviderLimits(Quota(rpm=30, tpd=100_000)),
        "gemini": ProviderLimits(Quota(rpm=60, tpd=15_000_000)),
        "openrouter": ProviderLimits(Quota(rpm=50, tpd=50_000)),
        "together": ProviderLimits(Quota(rpm=40, tpd=100_000)),
        "openai": ProviderLimits(Quota(rpm=60, tpd=1_000_000)),
    }
)

UNLIMITED: Limits = MappingProxyType({name: ProviderLimits() for name in PROVIDERS})


def provider_name(name: str) -> str:
    """The simulator's name of a provider; LiteLLM's `together_ai` is understood too.

    Raises LimitsError for a provider that is not simulated.
    """
    name = {"together_ai": "together"}.get(name, name)
    if name not in PROVIDERS:
        raise LimitsError(f"no simulated provider is called {name!r}; there are {', '.join(PROVIDERS)}")
    return name
