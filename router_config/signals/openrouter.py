"""OpenRouter: one account-wide counter over all `:free` models, days in UTC, other providers behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from router_config.signals import cooldowns as waits
from router_config.signals import error_wording as wording
from router_config.signals import generic, verdicts
from router_config.signals.durations import next_midnight_utc, number, wait
from router_config.signals.evidence import Evidence, lower_case
from router_config.signals.observed_windows import merged, observation
from router_config.signals.types import Kind, Observation, Period, Scope, Verdict

_FREE_WINDOW = re.compile(r"free[-_ ]models?[-_ ]per[-_ ](min|day)")
_FEATURE = re.compile(
    r"no endpoints found that support|no endpoints[^.]{0,60}\b(?:tool|image|audio|video|file|structured)"
)
_RAW = 2000  # characters of what the provider behind said


def judge(e: Evidence, seen: tuple[Observation, ...]) -> Verdict:
    if e.has_code("in_flight_budget") or "in_flight_budget" in e.text:
        seconds = waits.after(e.hints, waits.HOUR_CAP, waits.SHORT)
        return verdicts.window_spent(
            e, Scope.account, seconds, "the credit is reserved by requests in flight, all of it"
        )
    if e.status == 429 or (e.status is None and _FREE_WINDOW.search(e.text)):
        return _rate_limited(e, seen)
    if e.status == 403 and _metadata(e).get("flagged_input") is not None:
        return verdicts.unfit(e, Kind.content_policy, "its moderation refuses this request")
    if e.status in (401, 402, 403) and _from_behind(e) and not e.has_code("openrouter"):
        return generic.refusal_of_content(e) or verdicts.upstream_refused(e)
    if e.status == 403 and "key limit" in e.text and "daily" in e.text:
        return verdicts.quota_gone(e, next_midnight_utc(e.now) + waits.MIDNIGHT_MARGIN)
    if e.status in (400, 422) and _from_behind(e):
        behind = replace(e, text=f"{e.text} {_raw(e)}")
        return generic.refusal_of_content(behind) or generic.too_long(behind) or generic.judge(e, seen)
    if e.status == 404 and _FEATURE.search(e.text):
        return verdicts.unfit(e, Kind.bad_request, "no host of this model offers what the request asks for")
    return generic.judge(e, seen)


def observe(e: Evidence) -> tuple[Observation, ...]:
    """The headers of a 429 by the platform itself (repeated in the body), for the account."""
    return merged(_platform_window(e)) if e.status == 429 else ()


def _rate_limited(e: Evidence, seen: tuple[Observation, ...]) -> Verdict:
    if e.has_code("upstream") or _from_behind(e):
        seconds = waits.after(e.hints, waits.UNSTATED_CAP, waits.SHORT)
        return verdicts.window_spent(e, Scope.model, seconds, "the hosts' shared capacity for this model is")
    period = _period(e)
    if period == "day":
        until = next_midnight_utc(e.now) + waits.MIDNIGHT_MARGIN
        return verdicts.day_spent(e, Scope.account, until, "the day's free requests are")
    if period == "minute":
        # the two Reset headers may disagree, and the wrong one is hours away
        resets = [seconds for seconds in _resets(e) if 0 < seconds <= waits.MINUTE_CAP]
        hints = [min(resets)] if resets else e.hints
        seconds = waits.after(hints, waits.MINUTE_CAP, waits.to_end_of_clock_minute(e.now) + waits.MARGIN)
        return verdicts.window_spent(e, Scope.account, seconds, "the free requests of this minute are")
    return generic.rate_limited(e, seen, Scope.account)


def _period(e: Evidence) -> Period | None:
    """Which of the platform's windows is spent: by its name, else by the nearest reset."""
    named = _FREE_WINDOW.search(e.text)
    if named is not None:
        return "day" if named[1] == "day" else "minute"
    if e.has_code("daily", "per_day", "per-day"):
        return "day"
    if e.has_code("minute", "per_min", "per-min"):
        return "minute"
    found = wording.window_spent(wording.clauses(e.text))
    if found in ("day", "minute"):
        return found
    ahead = [seconds for seconds in _resets(e) if seconds > 0]
    if not ahead:
        return None
    return "minute" if min(ahead) <= waits.MINUTE_CAP else "day" if min(ahead) <= waits.DAY_CAP else None


def _resets(e: Evidence) -> tuple[float, ...]:
    inner = lower_case(_metadata(e).get("headers"))
    found = (wait(headers.get("x-ratelimit-reset"), e.now) for headers in (inner, e.headers))
    return tuple(seconds for seconds in found if seconds is not None)


def _platform_window(e: Evidence) -> Iterator[Observation]:
    period = _period(e)
    if period is None or e.has_code("upstream") or _from_behind(e):
        return
    inner = lower_case(_metadata(e).get("headers"))
    limit = number(inner.get("x-ratelimit-limit", e.headers.get("x-ratelimit-limit")))
    remaining = number(inner.get("x-ratelimit-remaining", e.headers.get("x-ratelimit-remaining")))
    if period == "day":
        reset = next_midnight_utc(e.now) - e.now
    else:
        near = [seconds for seconds in _resets(e) if 0 < seconds <= waits.MINUTE_CAP]
        reset = min(near, default=waits.to_end_of_clock_minute(e.now))
    yield from observation(
        "requests",
        period,
        None if limit is None else int(limit),
        None if remaining is None else int(remaining),
        reset,
        "account",
    )


def _metadata(e: Evidence) -> Mapping[str, object]:
    metadata = e.error.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def _from_behind(e: Evidence) -> bool:
    """The provider behind OpenRouter said it, not OpenRouter."""
    return bool(_metadata(e).get("provider_name"))


def _raw(e: Evidence) -> str:
    raw = _metadata(e).get("raw")
    return raw[:_RAW].lower() if isinstance(raw, str) else ""
