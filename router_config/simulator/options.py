"""How the simulated models behave where no fault is scripted."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from router_config.simulator.lists.listed_models import SERVICES, ListedError, ListedModel, read_listed
from router_config.simulator.quotas.limits import provider_name

Range = tuple[float, float]


class OptionsError(ValueError):
    """Options that cannot be understood; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Options:
    """Everything has a default: fast, deterministic, answering any model."""

    answer: str | None = None
    """what every model says; None: filler, or JSON where JSON is asked for"""
    answer_tokens: int = 40
    """length of the filler, tokens"""
    as_long_as_asked: bool = False
    """a prompt that says `Answer in 120 tokens.` gets filler of that length"""
    latency_ms: Range = (0.0, 0.0)
    """before an answer: uniformly from this range, milliseconds"""
    latencies_ms: Mapping[str, Range] = field(default_factory=dict)
    """the same for single providers"""
    chunk_tokens: int = 8
    """tokens in one chunk of a stream"""
    chunk_delay_ms: float = 0.0
    """before each chunk of a stream, milliseconds"""
    any_model: bool = True
    """serve whatever model is asked for; False: only those in `models` and in the limits"""
    models: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """models served, by provider"""
    retired: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """models no longer served, by provider"""
    window_headers: bool = False
    """tell every window in headers: by hour, day and so on as Cerebras, input and output tokens as Anthropic"""
    lists: Mapping[str, Mapping[str, ListedModel]] = field(default_factory=dict)
    """by provider, the models that its list has with their facts; they are served, too"""
    list_page: int = 1000
    """models of one page, where a provider's list has pages"""
    prompt_caches: bool = False
    """providers read the beginning of a prompt from a cache where the same key asked the same model not long before"""
    keep_bodies: bool = False
    """keep the JSON of every request that is remembered"""

    def latency_range(self, provider: str) -> Range:
        return self.latencies_ms.get(provider, self.latency_ms)


def change_options(options: Options, changes: Mapping[str, Any]) -> Options:
    """`options` with plain-data `changes`. Raises OptionsError, LimitsError for an unknown provider."""
    known = {f.name for f in fields(Options)}
    if unknown := sorted(set(changes) - known):
        raise OptionsError(f"unknown {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    return replace(options, **{name: _value(name, value) for name, value in changes.items()})


def plain_options(options: Options) -> dict[str, Any]:
    """Options as JSON."""
    plain = {f.name: getattr(options, f.name) for f in fields(Options)}
    for name in ("models", "retired"):
        plain[name] = {provider: sorted(models) for provider, models in plain[name].items()}
    plain["lists"] = {
        provider: {name: asdict(model) for name, model in models.items()} for provider, models in options.lists.items()
    }
    return plain


def _value(name: str, value: Any) -> Any:
    if name == "answer":
        return None if value is None else str(value)
    if name in ("any_model", "as_long_as_asked", "keep_bodies", "prompt_caches", "window_headers"):
        return bool(value)
    if name == "latency_ms":
        return read_range(value)
    if name == "latencies_ms":
        return {provider_name(p): read_range(r) for p, r in value.items()}
    if name in ("models", "retired"):
        return {listing_name(p): frozenset(map(str, models)) for p, models in value.items()}
    if name == "lists":
        try:
            return {listing_name(p): read_listed(models) for p, models in value.items()}
        except ListedError as error:
            raise OptionsError(f"lists: {error}") from None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise OptionsError(f"{name}: expected a number of 0 or more, not {value!r}")
    if name == "chunk_delay_ms":
        return float(value)
    return max(1, int(value)) if name in ("chunk_tokens", "list_page") else int(value)


def listing_name(provider: str) -> str:
    """A provider's name, or that of a service that has nothing but a list."""
    return provider if provider in SERVICES else provider_name(provider)


def read_range(given: Any) -> Range:
    """A range of milliseconds from `50`, `(50, 800)` or `"50-800"`. Raises OptionsError."""
    try:
        if isinstance(given, str):
            low, _, high = given.partition("-")
            bounds = (float(low), float(high or low))
        elif isinstance(given, int | float):
            bounds = (float(given), float(given))
        else:
            low, high = given
            bounds = (float(low), float(high))
    except (TypeError, ValueError):
        raise OptionsError(f"expected milliseconds such as 50 or 50-800, not {given!r}") from None
    if not 0 <= bounds[0] <= bounds[1]:
        raise OptionsError(f"expected milliseconds from low to high, not {given!r}")
    return bounds
