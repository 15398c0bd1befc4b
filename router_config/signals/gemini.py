"""Gemini: the quota ids in the body decide; the retry hint of a daily limit is worthless.

Minutes end with the wall clock's, days at midnight in California. A quota id without `PerModel` is of the
project.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Literal

from router_config.signals import cooldowns as waits
from router_config.signals import error_wording as wording
from router_config.signals import generic, verdicts
from router_config.signals.durations import next_midnight_pacific, number
from router_config.signals.evidence import Evidence, nested
from router_config.signals.observed_windows import merged, observation
from router_config.signals.types import Kind, Metric, Observation, Period, Scope, Verdict

_VIOLATIONS = 32  # of one error that are looked at
_LIMIT_ZERO = re.compile(r"\blimit\W{0,3}0\b(?![.,]?\d)")
_DAY = re.compile(r"per[ _-]?day|daily")
_MINUTE = re.compile(r"per[ _-]?minute")


def judge(e: Evidence, seen: tuple[Observation, ...]) -> Verdict:
    if blocked(e):
        return verdicts.unfit(e, Kind.content_policy, "its safety rules block this prompt")
    if e.status == 429:
        return _quota(e, seen)
    return generic.judge(e, seen)


def blocked(e: Evidence) -> bool:
    """A 200 whose only content is the reason why the prompt was blocked."""
    feedback = e.document.get("promptFeedback")
    return (
        not e.error
        and isinstance(feedback, Mapping)
        and bool(feedback.get("blockReason"))
        and not e.document.get("candidates")
    )


def observe(e: Evidence) -> tuple[Observation, ...]:
    """The quotas that a 429 names; there are no headers."""
    return merged(_spent(e)) if e.status == 429 else ()


def _quota(e: Evidence, seen: tuple[Observation, ...]) -> Verdict:
    violations = _violations(e)
    if _LIMIT_ZERO.search(e.text) or any(number(v.get("quotaValue")) == 0 for v in violations):
        return verdicts.no_free_quota(e)
    names = [_name(v) for v in violations] or [code for code in e.codes if "per" in code]
    daily = [name for name in names if _DAY.search(name)]
    if daily or (not names and _DAY.search(e.text)):
        scope = _scope(daily)
        until = next_midnight_pacific(e.now) + waits.MIDNIGHT_MARGIN
        return verdicts.day_spent(e, scope, until, f"the day's quota of this {scope} is")
    minute = [name for name in names if _MINUTE.search(name)]
    if minute or (not names and _MINUTE.search(e.text)):
        scope = _scope(minute)
        seconds = waits.after(e.hints, waits.MINUTE_CAP, waits.to_end_of_clock_minute(e.now) + waits.MARGIN)
        return verdicts.window_spent(e, scope, seconds, f"the limit per minute of this {scope} is")
    if wording.CREDIT_GONE.search(e.text):
        return verdicts.quota_gone(e)
    # "You exceeded your current quota" is what Gemini says for every limit, unlike OpenAI: no sign of lost
    # credit
    return generic.unstated_window(e, seen)


def _violations(e: Evidence) -> tuple[Mapping[str, Any], ...]:
    places = (e.error, *nested(e.error.get("details")))
    found = (violation for place in places for violation in nested(place.get("violations")))
    return tuple(islice(found, _VIOLATIONS))


def _name(violation: Mapping[str, Any]) -> str:
    """The quota's id; an id that names no window is helped out by the metric."""
    words = (violation.get(field) for field in ("quotaId", "quotaMetric"))
    return " ".join(word[:120].lower() for word in words if isinstance(word, str))


def _scope(names: list[str]) -> Scope:
    account = bool(names) and all("perproject" in name and "model" not in name for name in names)
    return Scope.account if account else Scope.model


def _spent(e: Evidence) -> Iterator[Observation]:
    for violation in _violations(e):
        name = _name(violation)
        value = number(violation.get("quotaValue"))
        period: Period | None = "day" if _DAY.search(name) else "minute" if _MINUTE.search(name) else None
        if period is None or value is None:
            continue
        if period == "day":
            reset = next_midnight_pacific(e.now) - e.now
        else:
            reset = waits.believed(e.hints, waits.MINUTE_CAP) or waits.to_end_of_clock_minute(e.now)
        metric: Metric = "tokens" if "token" in name else "requests"
        owner: Literal["model", "account"] = "account" if _scope([name]) == Scope.account else "model"
        yield from observation(metric, period, int(value), 0, reset, owner)
