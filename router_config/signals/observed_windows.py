"""Quota windows in the headers of OpenAI-compatible servers, and in the words of an error.

Only what is sure becomes an observation. Windows of a second or of an odd length are left out, and so are limits of
zero or below (servers write -1 or 0 for "none").
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Literal, TypeVar

from router_config.signals.durations import number, wait
from router_config.signals.error_wording import clauses
from router_config.signals.parsed_reply import ParsedReply
from router_config.signals.types import SECONDS, Metric, Observation, Part, Period

T = TypeVar("T", int, float)
Scope = Literal["model", "account"]
Infer = Callable[[Metric, "ReportedWindow"], Period | None]
"""The period of a window whose header names none; None: leave the window out."""

_LONGEST_RESET: dict[Period, float] = {
    period: seconds + (3_600.0 if period in ("day", "week", "month") else 0.0) for period, seconds in SECONDS.items()
}  # the longest day has 25 hours
_MOST = 10**12  # requests or tokens; more is no limit
_FIELDS = frozenset({"limit", "remaining", "reset"})
_METRICS: dict[str, Metric] = {
    "requests": "requests", "request": "requests", "req": "requests", "queries": "requests",
    "call": "requests", "calls": "requests", "tokens": "tokens", "token": "tokens",
}  # fmt: skip
_PARTS: dict[str, Part] = {"input": "input", "output": "output"}
_PERIODS: dict[str, Period] = {
    "minute": "minute", "min": "minute", "1m": "minute", "60s": "minute",
    "hour": "hour", "hourly": "hour", "1h": "hour",
    "day": "day", "daily": "day", "1d": "day", "24h": "day",
    "week": "week", "weekly": "week", "7d": "week",
    "month": "month", "monthly": "month",
}  # fmt: skip
_PERIOD_OF_SECONDS: dict[str, Period] = {
    "60": "minute", "3600": "hour", "86400": "day", "604800": "week", "2592000": "month", "2678400": "month",
}  # fmt: skip
# Mistral's count "by size", which are tokens. Cohere's count calls, those of trial keys by the minute.
_PREFIXES: dict[str, Metric | None] = {
    "x-ratelimit-": None, "anthropic-ratelimit-": None, "ratelimit-": None, "x-rate-limit-": None,
    "x-ratelimitbysize-": "tokens", "ratelimitbysize-": "tokens",
    "x-endpoint-": None, "x-trial-endpoint-": None,
}  # fmt: skip
_POLICY_ITEM = re.compile(r"^\s{0,8}(?:\"([^\"]{0,64})\"|(\d{1,15}))\s{0,8}(;.{0,120})?$")
_PARAMETER = re.compile(r"[;,\s]?\s{0,8}(limit|remaining|reset|q|w|r|t|qu)\s{0,4}=\s{0,4}\"?([\w.-]{1,20})")


class ReportedWindow:
    """What the headers say of one window."""

    __slots__ = ("limit", "remaining", "reset")

    def __init__(self) -> None:
        self.limit: int | None = None
        self.remaining: int | None = None
        self.reset: float | None = None


def from_headers(reply: ParsedReply, infer: Infer) -> Iterator[Observation]:
    """`x-ratelimit-{limit,remaining,reset}-[input-]{requests,tokens}[-{minute,hour,day,week,month}]`, in any order."""
    windows: dict[tuple[Metric, Part | None, Period | None], ReportedWindow] = {}
    for name, value in reply.headers.items():
        read = _header_name(name)
        if read is None:
            continue
        kind, metric, part, period = read
        window = windows.setdefault((metric, part, period), ReportedWindow())
        if kind == "limit":
            window.limit = _count(value)
        elif kind == "remaining":
            window.remaining = _count(value)
        else:
            window.reset = wait(value, reply.now)
    for (metric, part, period), window in windows.items():
        period = period or infer(metric, window)
        if period is not None:
            yield from observation(metric, period, window.limit, window.remaining, window.reset, part=part)


def from_words(text: str) -> Iterator[Observation]:
    """`(TPM): Limit 8000, Used 7325`: the limit, and what remains of it in a token bucket."""
    for clause in clauses(text):
        metric: Metric | None = _METRICS.get(clause.metric or "")
        # What is said of a "month" may be a week or a billing cycle.
        period = None if clause.window == "month" else _PERIODS.get(clause.window)
        if clause.partial or clause.limit is None or metric is None or period is None:
            continue
        if clause.used is None:
            yield from observation(metric, period, clause.limit, None, None, part=clause.part)
        elif clause.limit > 0:
            used = min(clause.used, clause.limit)
            reset = used * SECONDS[period] / clause.limit
            yield from observation(metric, period, clause.limit, clause.limit - used, reset, part=clause.part)


def from_policies(headers: Mapping[str, str], now: float) -> Iterator[Observation]:
    """The headers of the IETF drafts, where the policy tells the period (`w`, in seconds).

    `RateLimit: limit=100, remaining=5, reset=7`, or `RateLimit: "default";r=5;t=7` with `RateLimit-Policy:
    "default";q=100;w=60`, or one header each for limit, remaining and reset.
    """
    policies = [item for item in _items(headers.get("ratelimit-policy", "")) if item.get("w")]
    stated = headers.get("ratelimit", "")
    if not stated:
        single = {kind: headers.get(f"ratelimit-{kind}", "") for kind in ("limit", "remaining", "reset")}
        policies = policies or [item for item in _items(single["limit"]) if item.get("w")]
        reports = [{kind: value.split(",")[0] for kind, value in single.items()}] if single["remaining"] else []
    elif "=" in stated.split(";")[0]:
        reports = [{match[1]: match[2] for match in islice(_PARAMETER.finditer(stated), 16)}]
    else:
        reports = _items(stated)
    for report in reports:
        limit = _count(report.get("limit") or "")
        policy = _policy_of(report, limit, policies)
        period = _PERIOD_OF_SECONDS.get(policy.get("w", ""))
        metric: Metric | None = _METRICS.get(policy.get("qu", "requests"))
        if period is None or metric is None:
            continue
        remaining = _count(report.get("remaining") or report.get("r") or "")
        reset = wait(report.get("reset") or report.get("t"), now)
        yield from observation(metric, period, limit or _count(policy.get("q", "")), remaining, reset)


def by_refill(metric: Metric, window: ReportedWindow) -> Period | None:
    """The period of a token bucket, by reset = (limit - remaining) * period / limit. A minute if unknown."""
    if metric == "tokens" or not window.limit or window.remaining is None or window.reset is None:
        return "minute"
    used = window.limit - window.remaining
    if used <= 0:
        return "minute"
    # 2277 s is halfway between a minute and a day on a logarithmic scale
    return "day" if window.reset * window.limit / used > 2_277 else "minute"


def by_reset(metric: Metric, window: ReportedWindow) -> Period | None:
    """The period of a window of unknown kind, if the time to its reset leaves no doubt."""
    if window.reset is None or window.reset <= 75:
        return "minute"
    refill = by_refill(metric, window)
    if window.limit and window.remaining is not None and window.limit > window.remaining:
        full = window.reset * window.limit / (window.limit - window.remaining)
        if abs(full - 86_400) < 4_000:
            return refill
    return "day" if window.reset > 3_700 else None


def observation(
    metric: Metric,
    period: Period,
    limit: int | None,
    remaining: int | None,
    reset: float | None,
    scope: Scope = "model",
    part: Part | None = None,
) -> Iterator[Observation]:
    """One observation with its numbers within bounds, or none if it says nothing."""
    if limit is not None and not 0 < limit < _MOST:
        return
    if remaining is not None:
        remaining = None if remaining >= _MOST else max(0, remaining if limit is None else min(remaining, limit))
    if limit is None and remaining is None:
        return
    if reset is not None:
        reset = min(max(reset, 0.0), _LONGEST_RESET[period])
    yield Observation(metric, period, limit, remaining, reset, scope, part)


def merged(observations: Iterable[Observation]) -> tuple[Observation, ...]:
    """One observation a window: the lowest limit and remaining, the latest reset."""
    found: dict[tuple[str, str, str, str | None], Observation] = {}
    for new in observations:
        window = (new.metric, new.period, new.scope, new.part)
        old = found.get(window)
        if old is not None:
            new = Observation(
                new.metric,
                new.period,
                _known(min, old.limit, new.limit),
                _known(min, old.remaining, new.remaining),
                _known(max, old.reset_after, new.reset_after),
                new.scope,
                new.part,
            )
        found[window] = new
    return tuple(found.values())


def of_token_buckets(reply: ParsedReply, infer: Infer) -> tuple[Observation, ...]:
    """What the headers report, and what the words of a failure do."""
    found = list(from_headers(reply, infer))
    if reply.failed:
        found.extend(from_words(reply.text))
    return merged(found) if found else ()


@lru_cache(maxsize=256)
def _header_name(name: str) -> tuple[str, Metric, Part | None, Period | None] | None:
    """What a header tells (limit, remaining or reset), and of which window; None where that is not sure."""
    prefix = next((known for known in _PREFIXES if name.startswith(known)), None)
    if prefix is None:
        return None
    kind: str | None = None
    metric = _PREFIXES[prefix]
    part: Part | None = None
    period: Period | None = None
    for word in name[len(prefix) :].split("-"):
        if word in _FIELDS and kind is None:
            kind = word
        elif word in _METRICS and metric is None:
            metric = _METRICS[word]
        elif word in _PERIODS and period is None:
            period = _PERIODS[word]
        elif word in _PARTS and part is None:
            part = _PARTS[word]
        elif word != "per":  # a second, five minutes, cached tokens …
            return None
    if kind is None or (metric is None and period is None) or (part is not None and metric != "tokens"):
        return None
    return kind, metric or "requests", part, period


def _items(text: str) -> list[dict[str, str]]:
    found = []
    for part in text.split(",")[:8]:
        item = _POLICY_ITEM.match(part)
        if item is not None:
            values = {match[1]: match[2] for match in islice(_PARAMETER.finditer(item[3] or ""), 8)}
            values.setdefault("q", item[2] or "")
            found.append({"name": item[1] or "", **values})
    return found


def _policy_of(report: Mapping[str, str], limit: int | None, policies: list[dict[str, str]]) -> Mapping[str, str]:
    named = [policy for policy in policies if report.get("name") and policy["name"] == report["name"]]
    same = [policy for policy in policies if limit is not None and _count(policy.get("q", "")) == limit]
    alone = policies if len(policies) == 1 else []
    return next(iter(named or same or alone), {})


def _count(text: str) -> int | None:
    if len(text) <= 15 and text.isascii() and text.isdigit():  # Nearly always.
        return int(text)
    value = number(text.split(",")[0].split(";")[0])
    return int(value) if value is not None else None


def _known(choose: Callable[[T, T], T], a: T | None, b: T | None) -> T | None:
    if a is None or b is None:
        return b if a is None else a
    return choose(a, b)
