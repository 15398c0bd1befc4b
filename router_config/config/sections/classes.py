"""`classes:` of litellm.yaml, as a person writes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from router_config.config.agent_classes import DEFAULT_CLASS, AgentClass, PaidUse, Release, Use
from router_config.config.grammar.quantities import BadValue, parse_duration, parse_priority, parse_share, shown
from router_config.config.grammar.rules import Entry, ListOf, MappingOf, Place, Scalar, Section
from router_config.config.grammar.scalars import name_of_a, one_of, provider_name
from router_config.config.grammar.yaml_nodes import Node
from router_config.config.sections.numbers import DURATION, MONEY, NUMBER

ELSEWHERE: Final = "*"
"""Stands in a mapping of reserves for the providers that it does not name."""

_RESERVE_HINT: Final = "Write a share such as 30%, or shares by provider, such as {groq: 50%, gemini: 10%}."
_RELEASE_HINT: Final = "Write a duration such as 1h, forecast (what it is expected to leave), or never."
_CLASSES_HINT: Final = "Write a mapping such as {trader: {reserve: 30%, agents: [TradingAgent]}}."
_class_name: Final = name_of_a(
    r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", "class", "Use letters, digits, - and _, such as trader."
)
_agent_name: Final = name_of_a(
    r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]{0,98}[^\s\x00-\x1f\x7f])?",
    "agent",
    "Write its name, such as TradingAgent, or a pattern such as exec-*, of up to 100 characters.",
)


def _kept(value: object) -> float:
    """A share, which may be none."""
    text = value.strip().removesuffix("%").rstrip() if isinstance(value, str) else value
    if not isinstance(text, bool) and text in (0, 0.0, "0"):
        return 0.0
    try:
        return parse_share(value)
    except BadValue:
        raise BadValue(f"{shown(value)} is not a share of the limits", _RESERVE_HINT) from None


def _release(value: object) -> float | Release:
    if value == "forecast":
        return "forecast"
    if value == "never" or value is False:
        return "never"
    try:
        return parse_duration(value)
    except BadValue as bad:
        raise BadValue(bad.what, _RELEASE_HINT) from None


_SHARE: Final = Scalar(_kept, {**NUMBER, "examples": ["30%"]})


@dataclass(frozen=True, slots=True)
class _Reserve:
    """A share at all providers, and those where it is another."""

    everywhere: float = 0.0
    by_provider: Mapping[str, float] = field(default_factory=dict)


class _ReserveKind:
    """A share, or shares by provider: then nothing is kept at those that are not named, save with `*`."""

    def read(self, node: Node, place: Place) -> _Reserve:
        if not isinstance(node.value, dict):
            return _Reserve(_SHARE.read(node, place))
        kind = MappingOf(_SHARE, _RESERVE_HINT, lambda name: name == ELSEWHERE or provider_name(name), required=True)
        by_provider = kind.read(node, place)
        return _Reserve(by_provider.pop(ELSEWHERE, 0.0), by_provider)

    def schema(self) -> dict[str, Any]:
        by_provider = {"type": "object", "additionalProperties": _SHARE.schema(), "minProperties": 1}
        return {"anyOf": [_SHARE.schema(), by_provider]}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileClass:
    reserve: _Reserve = _Reserve()
    agents: tuple[str, ...] | None = None
    share: float = 1.0
    use: Use = "any"
    release: float | Release = 3600.0
    max_wait: float | None = None
    paid: PaidUse = "always"
    usd_per_day: float | None = None
    providers: tuple[str, ...] | None = None
    priority: int = 0


CLASS: Final = Section(
    FileClass,
    {
        "reserve": Entry(_ReserveKind(), "Share of each limit that is kept for it: 30%, or by provider {groq: 50%}."),
        "agents": Entry(
            ListOf(Scalar(_agent_name, {"type": "string"}), "Write [TradingAgent, exec-*].", "agent", single=True),
            "Names, or patterns with *, of its agents; without it that of the class itself.",
        ),
        "share": Entry(Scalar(parse_share, {**NUMBER, "examples": ["70%"]}), "Share of each limit that it may use."),
        "use": Entry(
            one_of(any="all that is not kept for others", leftover="what nobody else is expected to use"),
            "What of the room it gets.",
        ),
        "release": Entry(
            Scalar(_release, {**NUMBER, "examples": ["1h", "forecast", "never"]}),
            "How long before the end of a calendar day, week or month its unused reserve is given to all.",
        ),
        "max_wait": Entry(DURATION, "How long its requests may wait for room. Default: that of defaults."),
        "paid": Entry(
            one_of(
                never="providers that cost money are not asked",
                last="they are asked after all that are free",
                always="they are asked in their order",
            ),
            "Whether providers that cost money are asked.",
        ),
        "usd_per_day": Entry(MONEY, "Dollars that it may spend in a UTC day, at all providers together."),
        "providers": Entry(
            ListOf(Scalar(provider_name, {"type": "string"}), "Write [groq, gemini].", "provider", single=True),
            "The only providers that may be asked for it.",
        ),
        "priority": Entry(
            Scalar(parse_priority, {"type": "integer"}),
            "Whose requests are served first of those that wait: lower first, each step worth 10 seconds.",
        ),
    },
    hint="Write a mapping such as {reserve: 30%, agents: [TradingAgent]}, or {}.",
    foreign={
        "reserved": "Write reserve.",
        "keep": "Write reserve.",
        "agent": "Write agents.",
        "provider": "Write providers.",
        "limit": "Write share, such as share: 70%.",
        "limits": "Write share, such as share: 70%; limits stand on providers and models.",
        "budget": "Write usd_per_day.",
        "models": "Write providers; models are chosen by the group that is asked.",
    },
)


class _Classes:
    """The classes by name. Where there are any, `default` is one of them."""

    def read(self, node: Node, place: Place) -> tuple[AgentClass, ...]:
        written: dict[str, FileClass] = MappingOf(CLASS, _CLASSES_HINT, _class_name).read(node, place)
        if written and DEFAULT_CLASS not in written:
            written[DEFAULT_CLASS] = FileClass()
        return tuple(_made(name, each) for name, each in written.items())

    def schema(self) -> dict[str, Any]:
        return MappingOf(CLASS, _CLASSES_HINT).schema()


def _made(name: str, written: FileClass) -> AgentClass:
    own: tuple[str, ...] = () if name == DEFAULT_CLASS else (name,)
    return AgentClass(
        name=name,
        agents=own if written.agents is None else written.agents,
        reserve=written.reserve.everywhere,
        by_provider=written.reserve.by_provider,
        release=written.release,
        share=written.share,
        use=written.use,
        max_wait=written.max_wait,
        paid=written.paid,
        usd_per_day=written.usd_per_day,
        providers=written.providers,
        priority=written.priority,
    )


CLASSES: Final = _Classes()
