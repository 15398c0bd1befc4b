"""The loads of `workload:` as a person writes them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from router_config.config.grammar.quantities import BadValue, parse_count, parse_duration, shown
from router_config.config.grammar.rules import Entry, ListOf, Place, Scalar, Section
from router_config.config.grammar.scalars import flag, group_name, positive, text, timezone
from router_config.config.grammar.yaml_nodes import Node
from router_config.config.loads import Burst, Hours, Load, Spread

_NUMBER: Final[Mapping[str, Any]] = {"type": ["number", "string"]}
_COUNT: Final = Scalar(positive(parse_count, "100"), {**_NUMBER, "examples": [120, "1M"]})
_RANGE: Final = re.compile(r"(\S+?)\s*-\s*(\S+)")
_QUANTILE: Final = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")
_SIZE_HINT: Final = "Write a number such as 800, a range such as 500-1500, or quantiles such as {p50: 800, p95: 2k}."
_HOURS: Final = re.compile(
    r"(?:(?P<days>[a-z]+(?:[-,][a-z]+)*)\s+)?(?P<from>\d{1,2}:\d{2})\s*-\s*(?P<to>\d{1,2}:\d{2})(?:\s+(?P<zone>\S+))?",
    re.IGNORECASE,
)
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS_HINT: Final = "Write mon-fri 09:30-16:00 America/New_York; without days every day, without a timezone UTC."
_GROWTH: Final = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*%")
LEAST_CALLS: Final = 2
_CALLS_HINT: Final = "Write 2 or more, such as calls_per_loop: 20; leave it out where each request stands by itself."
_RATES: Final = ("requests_per_hour", "requests_per_day", "tokens_per_day")
_TOKENS: Final = Spread(((0.5, 1000),))


class _Size:
    """A number, a range, or quantiles."""

    def read(self, node: Node, place: Place) -> Spread:
        if not isinstance(node.value, dict):
            found: Spread = Scalar(_spread, _NUMBER).read(node, place)
            return found
        points = {}
        for name, (mark, value) in node.value.items():
            match = _QUANTILE.fullmatch(name)
            if match is None:
                raise place.error(mark, f"{shown(name)} is no quantile", _SIZE_HINT)
            points[float(match[1]) / 100] = _COUNT.read(value, place.inner(name, mark))
        ordered = tuple(sorted(points.items()))
        if not ordered or [size for _, size in ordered] != sorted(points.values()):
            raise place.error(node.mark, "a higher quantile is smaller than a lower one", _SIZE_HINT)
        return Spread(ordered)

    def schema(self) -> dict[str, Any]:
        quantiles = {"type": "object", "patternProperties": {_QUANTILE.pattern: _COUNT.schema()}}
        return {"anyOf": [{**_NUMBER, "examples": [800, "500-1500"]}, quantiles]}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    prompt: Spread
    answer: Spread


_PARTS: Final = Section(
    _Parts,
    {
        "prompt": Entry(_Size(), "Tokens of a prompt.", needed="Write prompt: 800."),
        "answer": Entry(_Size(), "Tokens of an answer.", needed="Write answer: 300."),
    },
    hint="Write {prompt: 800, answer: 300}.",
)


class _Tokens:
    """Of a request as a whole, half of them the prompt's; or of prompt and answer apart."""

    def read(self, node: Node, place: Place) -> _Parts:
        if isinstance(node.value, dict) and not any(_QUANTILE.fullmatch(name) for name in node.value):
            parts: _Parts = _PARTS.read(node, place)
            return parts
        return _halves(_Size().read(node, place))

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [*_Size().schema()["anyOf"], _PARTS.schema()]}


_BURST: Final = Section(
    Burst,
    {
        "requests": Entry(_Size(), "How many come at a time.", needed="Write requests: 50-150."),
        "over": Entry(Scalar(parse_duration, {**_NUMBER, "examples": ["10m"]}), "How long they take to come."),
    },
    hint="Write {requests: 50-150, over: 10m}.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _FileLoad:
    agent: str = "agents"
    agent_class: str | None = None
    group: str = "default"
    requests_per_hour: int | None = None
    requests_per_day: int | None = None
    tokens_per_day: int | None = None
    tokens: _Parts | None = None
    hours: Hours | None = None
    burst: Burst | None = None
    growth: float = 0.0
    stream: bool = False
    tools: bool = False
    calls_per_loop: int | None = None


def _hours(value: object) -> Hours:
    match = _HOURS.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise BadValue(f"{shown(value)} is no time of the week", _HOURS_HINT)
    begins, ends = (_minutes(match[name]) for name in ("from", "to"))
    return Hours(_weekdays(match["days"]), begins, ends, timezone(match["zone"] or "UTC"))


def _minutes(clock: str) -> int:
    hours, minutes = map(int, clock.split(":"))
    if hours * 60 + minutes > 1440 or minutes > 59:
        raise BadValue(f"{shown(clock)} is no time of day", _HOURS_HINT)
    return hours * 60 + minutes


def _weekdays(days: str | None) -> frozenset[int]:
    if days is None:
        return frozenset(range(7))
    found: set[int] = set()
    for part in days.lower().split(","):
        first, _, last = part.partition("-")
        if first[:3] not in _DAYS or (last and last[:3] not in _DAYS):
            raise BadValue(f"{shown(part)} is no day of the week", _HOURS_HINT)
        begin, end = _DAYS.index(first[:3]), _DAYS.index((last or first)[:3])
        found.update(day % 7 for day in range(begin, end + (7 if end < begin else 0) + 1))
    return frozenset(found)


def _calls(value: object) -> int:
    calls = parse_count(value)
    if calls < LEAST_CALLS:
        raise BadValue(f"a loop of {shown(value)} is none", _CALLS_HINT)
    return calls


def _growth(value: object) -> float:
    match = _GROWTH.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or not -100 <= float(match[1]) <= 1000:
        raise BadValue(f"{shown(value)} is no growth in a month", "Write 10%, or -5% where it shrinks.")
    return float(match[1]) / 100


def _spread(value: object) -> Spread:
    match = _RANGE.fullmatch(value.strip()) if isinstance(value, str) else None
    count = positive(parse_count, "800")
    if match is None:
        try:
            return Spread(((0.5, count(value)),))
        except BadValue as bad:
            raise BadValue(bad.what, _SIZE_HINT) from None
    low, high = count(match[1]), count(match[2])
    if low > high:
        raise BadValue(f"{shown(value)} ends before it begins", _SIZE_HINT)
    return Spread(((0.0, low), (1.0, high)))


def _halves(size: Spread) -> _Parts:
    half = Spread(tuple((share, tokens / 2) for share, tokens in size.points))
    return _Parts(prompt=half, answer=half)


_SECTION: Final = Section(
    _FileLoad,
    {
        "agent": Entry(Scalar(text, {"type": "string"}), "Who asks."),
        "class": Entry(
            Scalar(text, {"type": "string"}),
            "The class of `classes:` that it is of; without it that of the agent's name.",
            field="agent_class",
        ),
        "group": Entry(Scalar(group_name, {"type": "string"}), "The model group, or an alias, that it asks for."),
        "requests_per_hour": Entry(_COUNT, "Requests in an hour, of the hours in which they come."),
        "requests_per_day": Entry(_COUNT, "Requests on a day on which they come."),
        "tokens_per_day": Entry(_COUNT, "Tokens on a day on which they come."),
        "tokens": Entry(_Tokens(), "Of a request, half prompt, half answer; or {prompt: 800, answer: 300}."),
        "hours": Entry(
            Scalar(_hours, {"type": "string", "examples": ["mon-fri 09:30-16:00 America/New_York"]}),
            "When they come; at all hours where it is left out.",
        ),
        "burst": Entry(_BURST, "They come so many at a time."),
        "stream": Entry(
            Scalar(flag, {"type": "boolean"}),
            "Answers are streamed: their room is held for a second per 50 tokens more.",
        ),
        "tools": Entry(Scalar(flag, {"type": "boolean"}), "They hold tools: only models that can use them are asked."),
        "calls_per_loop": Entry(
            Scalar(_calls, {**_NUMBER, "minimum": LEAST_CALLS, "examples": [20]}),
            "So many in a row are the calls of one tool loop, each after the one before; with `tools: true`.",
        ),
        "growth": Entry(Scalar(_growth, {"type": "string", "examples": ["10%"]}), "By how much they grow in a month."),
    },
    hint="Write {agent: name, requests_per_hour: 120, tokens: 1500}.",
    foreign={"requests": "Write requests_per_hour or requests_per_day.", "rate": "Write requests_per_hour."},
)


class _Load:
    """A load with exactly one rate."""

    def read(self, node: Node, place: Place) -> Load:
        written: _FileLoad = _SECTION.read(node, place)
        rates = [name for name in _RATES if getattr(written, name) is not None]
        if len(rates) != 1:
            what = " and ".join(rates) + " stand together" if rates else "nothing says how many requests come"
            raise place.error(node.mark, what, f"Write one of {', '.join(_RATES)}.")
        if written.calls_per_loop is not None and not written.tools:
            mark, _ = node.value["calls_per_loop"]
            raise place.error(mark, "calls_per_loop is of requests that hold tools", "Write tools: true beside it.")
        parts = written.tokens or _halves(_TOKENS)
        same = {each.name: getattr(written, each.name) for each in fields(written) if each.name != "tokens"}
        return Load(prompt=parts.prompt, answer=parts.answer, **same)

    def schema(self) -> dict[str, Any]:
        return _SECTION.schema()


_LOADS: Final = ListOf(_Load(), "Write a list such as [{agent: name, requests_per_hour: 120, tokens: 1500}].", "load")


class _Workload:
    """A list of loads, which may be empty."""

    def read(self, node: Node, place: Place) -> tuple[Load, ...]:
        return () if node.value == [] else _LOADS.read(node, place)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": _Load().schema()}


WORKLOAD: Final = _Workload()
