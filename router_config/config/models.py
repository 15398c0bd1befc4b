"""litellm.yaml as it is understood: numbers parsed, presets applied, keys found. `load_config` makes it.

Frozen dataclasses, because importing pydantic would take a command most of its time (0.25 s of 0.35 s).
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Literal

from router_config.config.agent_classes import AgentClass
from router_config.config.group_rules import GroupRules
from router_config.config.loads import Load

DayWindow = Literal["rolling", "calendar"]
Tier = Literal["free", "paid"]
Pool = Literal["separate", "shared"]
Trust = Literal["file", "upstream"]
OnRetired = Literal["tell", "successor"]
Pace = Literal["none", "even"]

_HIDDEN: Final = "**********"


class ConfigError(Exception):
    """The configuration cannot be used. Message: where (`file:line:column`), what is wrong, what to do."""


class Secret:
    """A text that no repr, log or JSON shows. Two secrets are equal when their texts are."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret('{_HIDDEN}')"

    def __str__(self) -> str:
        return _HIDDEN

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._text)


@dataclass(frozen=True, slots=True, kw_only=True)
class OddLimit:
    """At most `max` in any `per` seconds."""

    per: float
    max: int


def odd_name(metric: str, seconds: float) -> str:
    """What a limit of `seconds` is called: `requests_per_5h`."""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % length == 0:
            return f"{metric}_per_{seconds / length:g}{unit}"
    return f"{metric}_per_{seconds:g}s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Requests, tokens and dollars by window. None: no limit. 0: nothing at all.

    parallel: requests at a time. itpm, otpm, itpd, otpd: input and output tokens apart. requests, tokens: limits of
    windows of a length of their own.
    """

    rpm: int | None = None
    tpm: int | None = None
    rpd: int | None = None
    tpd: int | None = None
    usd_per_day: float | None = None
    rph: int | None = None
    tph: int | None = None
    rpw: int | None = None
    tpw: int | None = None
    rpmo: int | None = None
    tpmo: int | None = None
    usd_per_month: float | None = None
    parallel: int | None = None
    itpm: int | None = None
    otpm: int | None = None
    itpd: int | None = None
    otpd: int | None = None
    requests: tuple[OddLimit, ...] = ()
    tokens: tuple[OddLimit, ...] = ()

    def given(self) -> dict[str, float]:
        """The limits that there are, by name; an odd one is called `requests_per_5h`."""
        found = {name: value for name in _ONE_EACH if (value := getattr(self, name)) is not None}
        for metric, odd in (("requests", self.requests), ("tokens", self.tokens)):
            found |= {odd_name(metric, each.per): each.max for each in odd}
        return found

    @property
    def lasting(self) -> bool:
        """Whether there is one of a day, a week or a month, save those of 0."""
        return any(getattr(self, name) for name in _LASTING)

    @property
    def dollars(self) -> tuple[str, ...]:
        """The names of the limits in dollars that there are, save those of 0."""
        return tuple(name for name in ("usd_per_day", "usd_per_month") if getattr(self, name))


_LASTING: Final = (
    "rpd", "tpd", "itpd", "otpd", "usd_per_day", "rpw", "tpw", "rpmo", "tpmo", "usd_per_month"
)  # fmt: skip
_ONE_EACH: Final = tuple(each.name for each in fields(Limits) if each.name not in ("requests", "tokens"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What a day is to a provider: the last 24 hours, or a calendar day of an IANA timezone (None: UTC).

    timezone: that of its weeks and months, too, where those are the calendar's.
    """

    window: DayWindow = "rolling"
    timezone: str | None = None

    def given(self) -> dict[str, str]:
        """The window, and the timezone if there is one, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """What a week is to a provider: from Monday on in the timezone of its day, or the last seven days."""

    window: DayWindow = "calendar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """What a month is to a provider: from its `day` (1 to 31) on in the timezone of its day, or the last 31 days.

    A month that is too short for that day begins with its last.
    """

    window: DayWindow = "calendar"
    day: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Dollars per million tokens."""

    input: float
    output: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What holds where neither a provider nor a request says otherwise.

    cooldown: seconds that a failing provider is not asked. timeout: seconds for one attempt. soft_limit: share of a
    daily limit, from 0 to 1, past which others are preferred. max_wait: seconds that a request may wait for room.
    output_tokens: expected length of an answer to a request without max_tokens. max_response: bytes of an answer, after
    decompression, past which it is not read. reload: whether edits of the file count while a router runs. on_retired:
    `tell`: a model that is gone is disabled; `successor`: another of the same provider takes its place, too. pace:
    `even`: the room of a day, a week or a month is spread over the hours in which it is expected to be needed. sticky:
    seconds for which a tool loop stays with its model after each answer; 0: it does not.
    """

    cooldown: float = 300.0
    timeout: float = 30.0
    soft_limit: float = 0.95
    max_wait: float = 0.0
    output_tokens: int = 500
    max_response: int = 64_000_000
    reload: bool = True
    on_retired: OnRetired = "tell"
    pace: Pace = "none"
    sticky: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One API key of a provider. `secret` is None where its variable is not set, or where none is needed.

    account: the name of the account that it belongs to, where it was given one.
    """

    variable: str | None = None
    secret: Secret | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Supports:
    """What a model can do (True) or cannot (False), as the file says; None: it does not say."""

    tools: bool | None = None
    parallel_tools: bool | None = None
    json_object: bool | None = None
    json_schema: bool | None = None
    images: bool | None = None
    audio: bool | None = None
    pdf: bool | None = None
    n: bool | None = None
    logprobs: bool | None = None
    reasoning: bool | None = None
    streaming: bool | None = None
    dimensions: bool | None = None

    def given(self) -> dict[str, bool]:
        """What the file says, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model of a provider. limits: its own, besides the account's.

    litellm_params: sent with every request; its secrets are `Secret`, which `reveal` opens. instead_of: the models of
    the file in whose place it answers; empty for one that is in the file. context: tokens of prompt and answer
    together. max_output: tokens of an answer.
    """

    name: str
    limits: Limits = Limits()
    groups: tuple[str, ...] = ("default",)
    litellm_params: dict[str, Any] = field(default_factory=dict)
    price: Price | None = None
    supports: Supports = Supports()
    context: int | None = None
    max_output: int | None = None
    instead_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider with its keys, limits and models.

    priority: lower is asked first. litellm_provider: LiteLLM's prefix. pool: whether each key has quotas of its own.
    account: the name of the account that its keys belong to, save those that name another.
    limits: those of the account, all its models together. trust: whether a limit that the provider reports holds where
    it is higher than the file's. on_retired: what becomes of a model that is gone, `tell` or `successor`. pace: whether
    limits of a day or longer are spread over the hours, `none` or `even`. missing: unset variables that `api_base`
    needs.
    """

    name: str
    priority: int = 1
    tier: Tier = "free"
    enabled: bool = True
    litellm_provider: str
    api_base: str | None = None
    keys: tuple[Key, ...] = (Key(),)
    pool: Pool = "separate"
    account: str | None = None
    limits: Limits = Limits()
    trust: Trust = "file"
    on_retired: OnRetired = "tell"
    pace: Pace = "none"
    day: Day = Day()
    week: Week = Week()
    month: Month = Month()
    models: tuple[Model, ...]
    needs_key: bool = True
    missing: tuple[str, ...] = ()

    @property
    def configured(self) -> bool:
        """True when requests could be sent: a key is there, or none is needed. `enabled` plays no part."""
        return not self.missing and (not self.needs_key or any(key.secret is not None for key in self.keys))

    @property
    def key_variables(self) -> tuple[str, ...]:
        """The environment variables that hold the keys, in order."""
        return tuple(key.variable for key in self.keys if key.variable is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole configuration, as `load_config` makes it.

    state: the URL of the store; the path of a sqlite URL is absolute. aliases: by name, the group that is meant; "*"
    stands for any other name. classes: of agents, `default` among them where there are any. group_rules: by group,
    what `groups:` says. router_settings, litellm_settings: for litellm.Router and the litellm module. workload: what is
    to be planned for. warnings: sentences for people. variables: the environment variables that the file names.
    """

    version: int = 1
    state: str = field(default="memory://", repr=False)  # a Redis URL may hold a password
    defaults: Defaults = Defaults()
    providers: tuple[Provider, ...]
    aliases: dict[str, str] = field(default_factory=dict)
    classes: tuple[AgentClass, ...] = ()
    group_rules: dict[str, GroupRules] = field(default_factory=dict)
    router_settings: dict[str, Any] = field(default_factory=dict)
    litellm_settings: dict[str, Any] = field(default_factory=dict)
    workload: tuple[Load, ...] = ()
    path: Path | None = None
    warnings: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()

    @property
    def groups(self) -> frozenset[str]:
        """Every group that some model serves."""
        return frozenset(group for provider in self.providers for model in provider.models for group in model.groups)

    def group_of(self, name: str) -> str | None:
        """The group that a caller means by a name: a group, an alias of one, or what the alias `*` stands for."""
        if name in self.groups:
            return name
        return self.aliases.get(name) or self.aliases.get("*")

    @property
    def by_priority(self) -> tuple[Provider, ...]:
        """The providers in the order in which they are asked."""
        return tuple(sorted(self.providers, key=lambda provider: provider.priority))


def reveal(value: Any) -> Any:
    """A copy of `value` (settings or parameters, however nested) with every Secret opened, for LiteLLM."""
    if isinstance(value, Secret):
        return value.get_secret_value()
    if isinstance(value, Mapping):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [reveal(item) for item in value]
    return value


def secrets_of(config: Config) -> Iterator[str]:
    """Every secret that is in force, for whoever removes them from a text."""
    for provider in config.providers:
        yield from (key.secret.get_secret_value() for key in provider.keys if key.secret is not None)
        for model in provider.models:
            yield from _secrets_in(model.litellm_params)
    yield from _secrets_in(config.router_settings)
    yield from _secrets_in(config.litellm_settings)


def _secrets_in(value: Any) -> Iterator[str]:
    if isinstance(value, Secret):
        yield value.get_secret_value()
    elif isinstance(value, Mapping | list | tuple):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _secrets_in(each)
