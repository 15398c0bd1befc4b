"""OpenRouter: one limit of the account for all `:free` models, days in UTC, and other providers behind it."""

import re
from collections.abc import Iterator, Mapping

from router_config.signals import cooldowns, error_wording, verdicts
from router_config.signals.durations import next_midnight_utc, number, wait
from router_config.signals.observed_windows import merged, observation
from router_config.signals.parsed_reply import ParsedReply, limit_headers
from router_config.signals.providers import common_rules
from router_config.signals.types import Kind, Observation, Period, Scope, Verdict

_FREE_WINDOW = re.compile(r"free[-_ ]models?[-_ ]per[-_ ](min|day)")
_FEATURE = re.compile(
    r"no endpoints found that support|no endpoints[^.]{0,60}\b(?:tool|image|audio|video|file|structured)"
)
_RAW = 2000  # characters of the text of the provider behind that are looked at


def verdict(reply: ParsedReply) -> Verdict:
    if reply.has_code("in_flight_budget") or "in_flight_budget" in reply.text:
        seconds = cooldowns.seconds(reply.hints, cooldowns.HOUR_CAP, cooldowns.SHARED_POOL)
        return verdicts.window_spent(
            reply, Scope.account, seconds, "the credit is reserved by requests in flight, all of it"
        )
    if reply.status == 429 or (reply.status is None and _FREE_WINDOW.search(reply.text)):
        return _rate_limited(reply)
    if reply.status == 403 and _metadata(reply).get("flagged_input") is not None:
        return verdicts.unfit(reply, Kind.content_policy, "its moderation refuses this request")
    if reply.status in (401, 402, 403) and _from_upstream(reply) and not reply.has_code("openrouter"):
        return common_rules.refusal_of_content(reply) or verdicts.upstream_refused(reply)
    if reply.status == 403 and "key limit" in reply.text and "daily" in reply.text:
        return verdicts.quota_gone(reply, next_midnight_utc(reply.now) + cooldowns.MIDNIGHT_MARGIN)
    if reply.status in (400, 422) and _from_upstream(reply):
        upstream = reply._replace(text=f"{reply.text} {_raw(reply)}")
        return (
            common_rules.refusal_of_content(upstream) or common_rules.too_long(upstream) or common_rules.verdict(reply)
        )
    if reply.status == 404 and _FEATURE.search(reply.text):
        return verdicts.unfit(reply, Kind.bad_request, "no host of this model offers what the request asks for")
    return common_rules.verdict(reply)


def observations(reply: ParsedReply) -> tuple[Observation, ...]:
    """The account's window, from the headers of a 429 of OpenRouter itself, which its body repeats."""
    return merged(_account_window(reply)) if reply.status == 429 else ()


def _rate_limited(reply: ParsedReply) -> Verdict:
    if reply.has_code("upstream") or _from_upstream(reply):
        seconds = cooldowns.seconds(reply.hints, cooldowns.UNSTATED_CAP, cooldowns.SHARED_POOL)
        return verdicts.window_spent(reply, Scope.model, seconds, "the hosts' shared capacity for this model is")
    period = _period(reply)
    if period == "day":
        until = next_midnight_utc(reply.now) + cooldowns.MIDNIGHT_MARGIN
        return verdicts.day_spent(reply, Scope.account, until, "the day's free requests are")
    if period == "minute":
        # the reset in the headers and the one in the body may differ, and the wrong one is hours away
        resets = [seconds for seconds in _resets(reply) if 0 < seconds <= cooldowns.MINUTE_CAP]
        hints = [min(resets)] if resets else reply.hints
        seconds = cooldowns.clock_minute(hints, reply.now)
        return verdicts.window_spent(reply, Scope.account, seconds, "the free requests of this minute are")
    return common_rules.rate_limited(reply, Scope.account)


def _period(reply: ParsedReply) -> Period | None:
    """Which of OpenRouter's windows is used up: the one named, else by the nearest reset."""
    named = _FREE_WINDOW.search(reply.text)
    if named is not None:
        return "day" if named[1] == "day" else "minute"
    if reply.has_code("daily", "per_day", "per-day"):
        return "day"
    if reply.has_code("minute", "per_min", "per-min"):
        return "minute"
    found = error_wording.window_spent(error_wording.clauses(reply.text))
    if found in ("day", "minute"):
        return found
    ahead = [seconds for seconds in _resets(reply) if seconds > 0]
    if not ahead:
        return None
    return "minute" if min(ahead) <= cooldowns.MINUTE_CAP else "day" if min(ahead) <= cooldowns.DAY_CAP else None


def _resets(reply: ParsedReply) -> tuple[float, ...]:
    inner = limit_headers(_metadata(reply).get("headers"))
    found = (wait(headers.get("x-ratelimit-reset"), reply.now) for headers in (inner, reply.headers))
    return tuple(seconds for seconds in found if seconds is not None)


def _account_window(reply: ParsedReply) -> Iterator[Observation]:
    period = _period(reply)
    if period is None or reply.has_code("upstream") or _from_upstream(reply):
        return
    inner = limit_headers(_metadata(reply).get("headers"))
    limit = number(inner.get("x-ratelimit-limit", reply.headers.get("x-ratelimit-limit")))
    remaining = number(inner.get("x-ratelimit-remaining", reply.headers.get("x-ratelimit-remaining")))
    if period == "day":
        reset = next_midnight_utc(reply.now) - reply.now
    else:
        near = [seconds for seconds in _resets(reply) if 0 < seconds <= cooldowns.MINUTE_CAP]
        reset = min(near, default=cooldowns.to_end_of_clock_minute(reply.now))
    yield from observation(
        "requests",
        period,
        None if limit is None else int(limit),
        None if remaining is None else int(remaining),
        reset,
        "account",
    )


def _metadata(reply: ParsedReply) -> Mapping[str, object]:
    metadata = reply.error.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def _from_upstream(reply: ParsedReply) -> bool:
    """Whether the error is of the provider behind OpenRouter."""
    return bool(_metadata(reply).get("provider_name"))


def _raw(reply: ParsedReply) -> str:
    raw = _metadata(reply).get("raw")
    return raw[:_RAW].lower() if isinstance(raw, str) else ""
