"""Gemini: the ids of the quotas in the body decide. The retry hint of a daily limit is worthless.

Minutes are those of the wall clock, days end at midnight in California. A quota whose id lacks `PerModel` is of the
whole project.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Literal

from router_config.signals import cooldowns, error_wording, verdicts
from router_config.signals.durations import next_midnight_pacific, number
from router_config.signals.error_body import mappings
from router_config.signals.observed_windows import merged, observation
from router_config.signals.parsed_reply import ParsedReply
from router_config.signals.providers import common_rules
from router_config.signals.types import Kind, Metric, Observation, Period, Scope, Verdict

_VIOLATIONS = 32  # of one error that are looked at
_LIMIT_ZERO = re.compile(r"\blimit\W{0,3}0\b(?![.,]?\d)")
_DAY = re.compile(r"per[ _-]?day|daily")
_MINUTE = re.compile(r"per[ _-]?minute")
_HOUR = re.compile(r"per[ _-]?hour")


def verdict(reply: ParsedReply) -> Verdict:
    if blocked(reply):
        return verdicts.unfit(reply, Kind.content_policy, "its safety rules block this prompt")
    if reply.status == 429:
        return _quota(reply)
    return common_rules.verdict(reply)


def blocked(reply: ParsedReply) -> bool:
    """Whether it is a 200 that holds nothing but the reason why the prompt was blocked."""
    feedback = reply.document.get("promptFeedback")
    return (
        not reply.error
        and isinstance(feedback, Mapping)
        and bool(feedback.get("blockReason"))
        and not reply.document.get("candidates")
    )


def observations(reply: ParsedReply) -> tuple[Observation, ...]:
    """The quotas that a 429 names. Gemini sends no headers about limits."""
    return merged(_spent(reply)) if reply.status == 429 else ()


def _quota(reply: ParsedReply) -> Verdict:
    violations = _violations(reply)
    if _LIMIT_ZERO.search(reply.text) or any(number(v.get("quotaValue")) == 0 for v in violations):
        return verdicts.no_free_quota(reply)
    names = [_name(v) for v in violations] or [code for code in reply.codes if "per" in code]
    daily = [name for name in names if _DAY.search(name)]
    if daily or (not names and _DAY.search(reply.text)):
        scope = _scope(daily)
        until = next_midnight_pacific(reply.now) + cooldowns.MIDNIGHT_MARGIN
        return verdicts.day_spent(reply, scope, until, f"the day's quota of this {scope} is")
    minute = [name for name in names if _MINUTE.search(name)]
    if minute or (not names and _MINUTE.search(reply.text)):
        scope = _scope(minute)
        seconds = cooldowns.clock_minute(reply.hints, reply.now)
        return verdicts.window_spent(reply, scope, seconds, f"the limit per minute of this {scope} is")
    hourly = [name for name in names if _HOUR.search(name)]
    if hourly or (not names and _HOUR.search(reply.text)):
        return common_rules.hour_spent(reply, _scope(hourly))
    if error_wording.CREDIT_GONE.search(reply.text):
        return verdicts.quota_gone(reply)
    # Gemini says "You exceeded your current quota" of every limit, so unlike OpenAI's it is no sign of lost credit.
    return common_rules.unstated_window(reply)


def _violations(reply: ParsedReply) -> tuple[Mapping[str, Any], ...]:
    places = (reply.error, *mappings(reply.error.get("details")))
    found = (violation for place in places for violation in mappings(place.get("violations")))
    return tuple(islice(found, _VIOLATIONS))


def _name(violation: Mapping[str, Any]) -> str:
    """The quota's id, and its metric, since some ids name no window."""
    words = (violation.get(field) for field in ("quotaId", "quotaMetric"))
    return " ".join(word[:120].lower() for word in words if isinstance(word, str))


def _scope(names: list[str]) -> Scope:
    account = bool(names) and all("perproject" in name and "model" not in name for name in names)
    return Scope.account if account else Scope.model


def _spent(reply: ParsedReply) -> Iterator[Observation]:
    for violation in _violations(reply):
        name = _name(violation)
        value = number(violation.get("quotaValue"))
        period: Period | None = "day" if _DAY.search(name) else "minute" if _MINUTE.search(name) else None
        if period is None or value is None:
            continue
        if period == "day":
            reset = next_midnight_pacific(reply.now) - reply.now
        else:
            reset = cooldowns.believed(reply.hints, cooldowns.MINUTE_CAP) or cooldowns.to_end_of_clock_minute(reply.now)
        metric: Metric = "tokens" if "token" in name else "requests"
        owner: Literal["model", "account"] = "account" if _scope([name]) == Scope.account else "model"
        yield from observation(metric, period, int(value), 0, reset, owner)
