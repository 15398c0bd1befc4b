"""litellm.yaml as a person writes it, before presets and keys are looked up: its keys and what they hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from router_config.config.agent_classes import AgentClass
from router_config.config.grammar.quantities import (
    parse_count,
    parse_duration,
    parse_priority,
    parse_share,
    parse_size,
)
from router_config.config.grammar.rules import Anything, Entry, ListOf, MappingOf, Place, Scalar, Section
from router_config.config.grammar.scalars import (
    account_name,
    flag,
    group_name,
    key_text,
    model_name,
    one_of,
    positive,
    provider_name,
    text,
    version,
)
from router_config.config.grammar.yaml_nodes import Node
from router_config.config.group_rules import GroupRules
from router_config.config.loads import Load
from router_config.config.models import (
    Defaults,
    Limits,
    Model,
    Month,
    OnRetired,
    Pace,
    Pool,
    Price,
    Tier,
    Trust,
    Week,
)
from router_config.config.sections.abilities import SUPPORTS
from router_config.config.sections.classes import CLASSES
from router_config.config.sections.groups import GROUPS
from router_config.config.sections.limits import DAY, LIMITS, MONTH, WEEK, FileDay
from router_config.config.sections.numbers import COUNT, DURATION, MONEY, NUMBER, STICKY
from router_config.config.sections.workload import WORKLOAD


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKey:
    key: str
    account: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProvider:
    priority: int | None = None
    tier: Tier = "free"
    enabled: bool = True
    litellm_provider: str | None = None
    api_base: str | None = None
    api_key: tuple[FileKey, ...] | None = None
    pool: Pool = "separate"
    account: str | None = None
    limits: Limits = field(default_factory=Limits)
    trust: Trust = "file"
    on_retired: OnRetired | None = None
    pace: Pace | None = None
    day: FileDay = field(default_factory=FileDay)
    week: Week = field(default_factory=Week)
    month: Month = field(default_factory=Month)
    models: tuple[Model, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    version: int = 1
    state: str = "sqlite:///.router/state.db"
    defaults: Defaults = field(default_factory=Defaults)
    providers: dict[str, FileProvider]
    aliases: dict[str, str] = field(default_factory=dict)
    classes: tuple[AgentClass, ...] = ()
    groups: dict[str, GroupRules] = field(default_factory=dict)
    router_settings: dict[str, Any] = field(default_factory=dict)
    litellm_settings: dict[str, Any] = field(default_factory=dict)
    workload: tuple[Load, ...] = ()


_STRING: Mapping[str, Any] = {"type": "string"}
_TEXT = Scalar(text, _STRING)
_KEY_TEXT = Scalar(key_text, {"type": "string", "examples": ["os.environ/GROQ_API_KEY"]})
_GROUP = Scalar(group_name, _STRING)
_ACCOUNT = Scalar(account_name, _STRING)
_ON_RETIRED = one_of(
    tell="it is disabled, and the model to use is told", successor="that model takes its place until the file is edited"
)
_PACE = one_of(
    none="requests are served as they come", even="room is kept for the hours in which it is expected to be needed"
)
_LIMITS_ELSEWHERE = {
    name: f"Write limits: {{{name}: ...}}." for name in ("rpm", "tpm", "rpd", "tpd", "itpm", "otpm", "parallel")
}
_MODELS_HINT = "Write `models:` with a list, such as [name-of-a-model]."
_PROVIDERS_HINT = "Write `providers:`, and under it each provider's name with its models."

PRICE = Section(
    Price,
    {
        "input": Entry(MONEY, "Dollars per million input tokens."),
        "output": Entry(MONEY, "Dollars per million output tokens."),
    },
    hint="Write dollars per million tokens: {input: 0.15, output: 0.60}.",
)

DEFAULTS = Section(
    Defaults,
    {
        "cooldown": Entry(DURATION, "How long a failing provider is in cooldown."),
        "timeout": Entry(Scalar(positive(parse_duration, "30s"), DURATION.json), "How long one attempt may take."),
        "soft_limit": Entry(
            Scalar(parse_share, {**NUMBER, "examples": ["95%"]}),
            "Share of a daily limit from which on the next provider is preferred.",
        ),
        "max_wait": Entry(DURATION, "How long a request may wait for room before it fails."),
        "output_tokens": Entry(
            Scalar(positive(parse_count, "500"), COUNT.json),
            "Expected length of an answer to a request without max_tokens.",
        ),
        "max_response": Entry(
            Scalar(positive(parse_size, "64MB"), {**COUNT.json, "examples": ["64MB"]}),
            "Largest answer that is read, in bytes after decompression.",
        ),
        "reload": Entry(
            Scalar(flag, {"type": "boolean"}),
            "on: edits count while the router runs. off: after a restart.",
        ),
        "on_retired": Entry(_ON_RETIRED, "What becomes of a model that its provider does not serve any more."),
        "pace": Entry(_PACE, "How the room of a day, a week or a month is spread over its hours."),
        "sticky": Entry(STICKY, "How long a tool loop stays with its model after each answer; off: it does not."),
    },
    hint="Write a mapping such as {cooldown: 5m, timeout: 30s}.",
)

MODEL = Section(
    Model,
    {
        "name": Entry(Scalar(model_name, _STRING), "The model's name as the provider writes it."),
        "limits": Entry(LIMITS, "Limits of this model, besides the account's."),
        "groups": Entry(
            ListOf(_GROUP, "Write [default], for example.", "group", single=True),
            "Model groups that it serves.",
        ),
        "litellm_params": Entry(
            Anything("Write a mapping such as {temperature: 0.2}."), "Passed to LiteLLM with every request."
        ),
        "price": Entry(PRICE, "Used instead of the price in LiteLLM's list."),
        "supports": Entry(SUPPORTS, "What it can do, and what it cannot: then it is not asked for that."),
        "context": Entry(
            Scalar(positive(parse_count, "32k"), {**NUMBER, "examples": ["32k"]}),
            "Tokens of prompt and answer together that it takes at most.",
        ),
        "max_output": Entry(
            Scalar(positive(parse_count, "8k"), {**NUMBER, "examples": ["8k"]}),
            "Tokens that it answers at most; longer answers are asked of others.",
        ),
    },
    hint="Write the model's name, or a mapping with name, limits and groups.",
    short="name",
    foreign={
        "model": "Write name.",
        "context_window": "Write context.",
        "context_length": "Write context.",
        "max_input_tokens": "Write context.",
        "max_output_tokens": "Write max_output.",
        "max_tokens": "Write max_output.",
        **{name: f"Write supports: {{{name}: ...}}." for name in ("tools", "images", "vision", "streaming")},
        **_LIMITS_ELSEWHERE,
    },
)

KEY = Section(
    FileKey,
    {
        "key": Entry(_KEY_TEXT, "os.environ/NAME.", named=False),
        "account": Entry(_ACCOUNT, "Name of the account that the key belongs to; keys of one account count together."),
    },
    hint="Write os.environ/NAME, or {key: os.environ/NAME, account: name}.",
    short="key",
)


@dataclass(frozen=True, slots=True)
class _Key:
    """A key alone, or with its account. What else stands here may be a key itself, and no error repeats it."""

    def read(self, node: Node, place: Place) -> FileKey:
        if isinstance(node.value, dict) and "key" in node.value and node.value.keys() <= KEY.entries.keys():
            read: FileKey = KEY.read(node, place)
            return read
        return FileKey(key=_KEY_TEXT.read(node, place))

    def schema(self) -> dict[str, Any]:
        return KEY.schema()


PROVIDER = Section(
    FileProvider,
    {
        "priority": Entry(
            Scalar(parse_priority, {"type": "integer"}),
            "Lower first; equal ones share the load. Default: 1, paid 100.",
        ),
        "tier": Entry(one_of(free="it costs nothing", paid="its prices count"), "Whether it costs money."),
        "enabled": Entry(Scalar(flag, {"type": "boolean"}), "false: listed, never asked."),
        "litellm_provider": Entry(_TEXT, "LiteLLM's prefix, when it is not the provider's name."),
        "api_base": Entry(_TEXT, "Address of the server, or os.environ/NAME."),
        "api_key": Entry(
            ListOf(_Key(), "Write os.environ/NAME, or a list of them.", "key", single=True),
            "os.environ/NAME, or a list of them: a pool of keys.",
        ),
        "pool": Entry(
            one_of(separate="each key has its own quotas", shared="all keys share one"),
            "Quotas of a pool of keys.",
        ),
        "account": Entry(
            _ACCOUNT, "Name of the account that the keys belong to: counts stay with it when keys or names change."
        ),
        "limits": Entry(LIMITS, "Limits of the account: all its models together."),
        "trust": Entry(
            one_of(
                file="a limit is never higher than the file's",
                upstream="the one that it reports holds, also where that is higher",
            ),
            "Which limit holds where the provider reports another.",
        ),
        "on_retired": Entry(_ON_RETIRED, "What becomes of a model that is gone. Default: that of defaults."),
        "pace": Entry(_PACE, "How the room of a day or longer is spread. Default: that of defaults."),
        "day": Entry(DAY, "What a day is to this provider."),
        "week": Entry(WEEK, "What a week is to this provider."),
        "month": Entry(MONTH, "What a month is to this provider."),
        "models": Entry(
            ListOf(MODEL, _MODELS_HINT, "model"),
            "A list, tried in this order within the provider.",
            named=False,
            needed=_MODELS_HINT,
        ),
    },
    hint="Write a mapping with at least `models: [name-of-a-model]`.",
    foreign={
        "key": "Write api_key.",
        "api_keys": "Write api_key; it takes a list, too.",
        "base_url": "Write api_base.",
        "url": "Write api_base.",
        "model": "Write models, a list.",
        **_LIMITS_ELSEWHERE,
        "groups": "Write groups on a model.",
    },
)

FILE = Section(
    File,
    {
        "version": Entry(Scalar(version, {"const": 1}), "Version of this format: 1."),
        "state": Entry(
            _TEXT,
            "Where counts are kept: memory://, sqlite:///path (relative to this file) or redis://host:port/db.",
        ),
        "defaults": Entry(DEFAULTS, "What holds where nothing else is said."),
        "providers": Entry(
            MappingOf(PROVIDER, _PROVIDERS_HINT, provider_name, required=True),
            "The providers by name, each with its models.",
            named=False,
            needed=_PROVIDERS_HINT,
        ),
        "aliases": Entry(
            MappingOf(_GROUP, "Write a mapping such as {gpt-4o: default}."),
            'What callers may ask for ("*": anything) -> a group.',
        ),
        "classes": Entry(CLASSES, "Classes of agents: what is kept for each, and what it may use."),
        "groups": Entry(GROUPS, "Rules of a group as a whole: whom it prefers, how long a first token may take."),
        "router_settings": Entry(Anything("Write a mapping, or leave it out."), "Passed to litellm.Router as it is."),
        "litellm_settings": Entry(Anything("Write a mapping, or leave it out."), "Set on the litellm module as it is."),
        "workload": Entry(WORKLOAD, "The requests that `router-config plan` is asked about, by agent.", named=False),
    },
    hint="Begin with `version: 1`, then `providers:`.",
    foreign={
        "model_list": "This is the format of LiteLLM's proxy; write `providers:` as in the README.",
        "general_settings": "It belongs to LiteLLM's proxy, not to this file.",
    },
)


def json_schema() -> dict[str, Any]:
    """The JSON schema of litellm.yaml, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "litellm.yaml",
        **FILE.schema(),
    }
