"""Which quotas each simulated provider enforces."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

PROVIDERS = ("groq", "gemini", "openrouter", "together", "openai")

Model = str


class LimitsError(ValueError):
    """Limits that cannot be understood; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Quota:
    """Limits of one account or one model; None: no such limit."""

    rpm: int | None = None
    """requests per minute"""
    tpm: int | None = None
    """tokens per minute (Gemini: input tokens)"""
    itpm: int | None = None
    """input tokens per minute"""
    rpd: int | None = None
    """requests per day"""
    tpd: int | None = None
    """tokens per day (Gemini: input tokens)"""


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
    """also refuse what would exceed a limit in any stretch of 60 s or 24 h"""
    free_only: bool = True
    """OpenRouter alone: the account's limits hold for `:free` models only, as they really do"""
    context: int | None = None
    """tokens that fit a model's context window, prompt and answer together"""

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

_QUOTA_NAMES = tuple(f.name for f in fields(Quota))
_SWITCHES = ("shared_account", "strict_rolling", "free_only")


def provider_name(name: str) -> str:
    """The simulator's name of a provider; LiteLLM's `together_ai` is understood too.

    Raises LimitsError for a provider that is not simulated.
    """
    name = {"together_ai": "together"}.get(name, name)
    if name not in PROVIDERS:
        raise LimitsError(f"no simulated provider is called {name!r}; there are {', '.join(PROVIDERS)}")
    return name


def read_limits(given: Mapping[str, Any]) -> dict[str, ProviderLimits]:
    """Limits from plain data: `{"groq": {"rpm": 30, "models": {"m": {"tpm": 8000}}}}`.

    A ProviderLimits is taken as it is. Raises LimitsError.
    """
    return {provider_name(name): _provider_limits(name, value) for name, value in given.items()}


def write_limits(limits: Limits) -> dict[str, Any]:
    """The plain data that `read_limits` reads."""
    return {name: _plain_limits(one) for name, one in limits.items()}


def _provider_limits(name: str, given: Any) -> ProviderLimits:
    if isinstance(given, ProviderLimits):
        return given
    if given is None:
        return ProviderLimits()
    if isinstance(given, Quota):
        return ProviderLimits(given)
    if not isinstance(given, Mapping):
        raise LimitsError(f"{name}: expected a mapping such as {{rpm: 30}}, not {given!r}")
    known = {*_QUOTA_NAMES, *_SWITCHES, "models", "each_model", "context"}
    if unknown := sorted(set(map(str, given)) - known):
        raise LimitsError(f"{name}: unknown {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    models = given.get("models") or {}
    if not isinstance(models, Mapping):
        raise LimitsError(f"{name}.models: expected a mapping from model to limits")
    return ProviderLimits(
        account=_quota(name, {k: v for k, v in given.items() if k in _QUOTA_NAMES}),
        models={str(model): _quota(f"{name}.models.{model}", quota) for model, quota in models.items()},
        each_model=_quota(f"{name}.each_model", given.get("each_model") or {}),
        context=_count(f"{name}.context", given.get("context")),
        **{switch: bool(given[switch]) for switch in _SWITCHES if switch in given},
    )


def _quota(where: str, given: Any) -> Quota:
    if isinstance(given, Quota):
        return given
    if not isinstance(given, Mapping):
        raise LimitsError(f"{where}: expected limits such as {{rpm: 30}}, not {given!r}")
    if unknown := sorted(set(map(str, given)) - set(_QUOTA_NAMES)):
        raise LimitsError(f"{where}: unknown {', '.join(unknown)}; known are {', '.join(_QUOTA_NAMES)}")
    return Quota(**{name: _count(f"{where}.{name}", value) for name, value in given.items()})


def _count(where: str, given: Any) -> int | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int) or given < 0:
        raise LimitsError(f"{where}: expected a whole number of 0 or more, not {given!r}")
    return given


def _plain_limits(one: ProviderLimits) -> dict[str, Any]:
    plain: dict[str, Any] = _plain_quota(one.account)
    if one.models:
        plain["models"] = {model: _plain_quota(quota) for model, quota in one.models.items()}
    if each := _plain_quota(one.each_model):
        plain["each_model"] = each
    if one.context is not None:
        plain["context"] = one.context
    default = ProviderLimits()
    plain |= {name: getattr(one, name) for name in _SWITCHES if getattr(one, name) != getattr(default, name)}
    return plain


def _plain_quota(quota: Quota) -> dict[str, Any]:
    return {name: value for name in _QUOTA_NAMES if (value := getattr(quota, name)) is not None}
