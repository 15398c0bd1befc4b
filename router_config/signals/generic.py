"""The general rules: what any OpenAI-compatible server means. The five providers' modules fall back to these.

In order: the status; within it codes, then numbers, then words; wait hints only once the kind is known.
"""

from __future__ import annotations

from collections.abc import Iterable

from router_config.signals import cooldowns as waits
from router_config.signals import error_wording as wording
from router_config.signals import verdicts
from router_config.signals.evidence import Evidence
from router_config.signals.observed_windows import observe_any
from router_config.signals.types import Kind, Observation, Scope, Verdict

_CREDIT = (
    "insufficient_quota", "credit_balance", "credits_exhausted", "billing_hard_limit", "billing_not_active",
    "insufficient_credit", "insufficient_balance", "insufficient_funds", "payment_required",
    "quota_exhausted",
    "blocked_api_access",
    "exceeded_current_quota", "spend_limit", "spending_limit", "arrear", "prepay", "key_limit",
)  # fmt: skip
_KEY = (
    "invalid_api_key", "api_key_invalid", "invalid_authentication", "authentication_error",
    "incorrect_api_key", "expired_api_key", "api_key_expired", "invalid_key", "unauthenticated",
    "account_deactivated", "api_key_service_blocked", "invalid_auth",
)  # fmt: skip
_MODEL = (
    "model_not_", "model_decommission", "model_deprecat", "model_terms", "model_permission", "model_retired",
    "model_removed", "model_blocked", "model_unavailable", "unknown_model", "invalid_model", "modelnotfound",
    "model_does_not_exist", "deploymentnotfound", "model_is_deprecated",
)  # fmt: skip
_CONTENT = (
    "content_policy",
    "content_filter",
    "moderation_blocked",
    "responsibleai",
    "data_inspection",
    "prohibited",
)
_CONTEXT = ("context_length", "context_window", "string_above_max_length", "prompt_too_long")
_RATE = ("rate_limit", "ratelimit", "too_many_requests", "resource_exhausted")
_BUSY = ("overloaded", "capacity", "model_loading")
_MODEL_S_OWN_FAULT = ("json_validate_failed", "tool_use_failed", "output_parse_failed")
_TOKEN_BUCKETS = frozenset({"groq", "openai"})
_NEXT_PLEASE = frozenset({409, 421, 424, 425, 499})
_TIMED_OUT = frozenset({408, 504, 522, 524})
_OVERLOADED = frozenset({498, 502, 503, 529})
_UNREACHABLE = frozenset({407, 520, 521, 523, 525, 526, 527, 530})


def judge(e: Evidence, seen: tuple[Observation, ...]) -> Verdict:
    """The verdict on a failed reply."""
    status = e.status
    if status is None or 200 <= status < 300:
        return no_status(e, seen)
    if status == 429:
        return rate_limited(e, seen)
    if status in (400, 422):
        return rejected(e, seen)
    if status in (401, 402, 403):
        return not_allowed(e, seen)
    if status in (404, 405, 410):
        return not_found(e)
    if status in (413, 414, 431):
        return verdicts.unfit(e, Kind.too_large, "the request is too large for this model")
    return failed(e)


def no_status(e: Evidence, seen: tuple[Observation, ...]) -> Verdict:
    """No answer, an answer that broke off, or an error inside a 2xx that names no status."""
    if e.failure == "timeout":
        return verdicts.failing(e, Kind.timeout, "did not answer in time")
    if e.failure is not None:
        broken = "broke the connection" if e.failure == "disconnected" else "could not be reached"
        return verdicts.failing(e, Kind.connection, broken)
    if e.web_page:
        return verdicts.web_page(e, "answered with a web page, not as an API")
    if not e.error:
        return verdicts.failing(e, Kind.connection, "gave no answer")
    if e.has_code(*_RATE):
        return unstated_window(e, seen)
    return refusal_of_content(e) or too_long(e) or verdicts.failing(e, Kind.server_error, "answered with an error")


def rate_limited(e: Evidence, seen: tuple[Observation, ...], scope: Scope = Scope.model) -> Verdict:
    """429: too large, out of credit, busy, or which window is spent and until when."""
    clauses = wording.clauses(e.text)
    if any(clause.never_fits for clause in clauses) or wording.TOO_MUCH_ASKED.search(e.text):
        return verdicts.unfit(e, Kind.too_large, "the request is larger than this model's whole limit")
    if e.has_code(*_CREDIT):
        return verdicts.quota_gone(e)
    window = wording.window_spent(clauses)
    if window == "month":
        return verdicts.quota_gone(e)
    if window == "day":
        return day_spent(e, scope)
    if window is not None:
        return short_window_spent(e, scope, hour=window == "hour")
    if wording.CREDIT_GONE.search(e.text) or wording.QUOTA_EXCEEDED.search(e.text):
        return verdicts.quota_gone(e)
    if e.has_code(*_BUSY) or (wording.BUSY.search(e.text) and not e.has_code("rate_limit")):
        return verdicts.failing(e, Kind.overloaded, "is overloaded", e.hints)
    return unstated_window(e, seen, Scope.account if e.web_page else scope)


def day_spent(e: Evidence, scope: Scope) -> Verdict:
    """The wait it states, else an hour: where the day ends is not known.

    A wait of seconds is true of a token bucket only; elsewhere it is a retry hint that forgot the day.
    """
    least = 0.0 if e.provider in _TOKEN_BUCKETS else waits.MINUTE_CAP
    hints = [hint for hint in e.hints if hint >= least]
    seconds = waits.after(hints, waits.DAY_CAP, waits.DAY_RECHECK)
    return verdicts.day_spent(e, scope, e.now + seconds, f"the day's limit of this {scope} is")


def short_window_spent(e: Evidence, scope: Scope, hour: bool = False, hints: Iterable[float] = ()) -> Verdict:
    """A window of a minute (or second), or of an hour."""
    cap, default = (waits.HOUR_CAP, waits.HOUR_DEFAULT) if hour else (waits.MINUTE_CAP, waits.MINUTE_DEFAULT)
    seconds = waits.after((*e.hints, *hints), cap, default)
    return verdicts.window_spent(e, scope, seconds, f"the limit per {'hour' if hour else 'minute'} of this {scope} is")


def unstated_window(e: Evidence, seen: tuple[Observation, ...], scope: Scope = Scope.model) -> Verdict:
    """A rate limit that does not say which: the headers' spent window tells, else it is one of a minute."""
    spent = [window for window in seen if window.remaining == 0]
    if any(window.period == "day" for window in spent):
        return day_spent(e, scope)
    hints = e.hints or e.header_waits("x-ratelimit-reset") or tuple(window.reset_after or 0.0 for window in spent)
    seconds = waits.after(hints, waits.UNSTATED_CAP, waits.MINUTE_DEFAULT)
    return verdicts.window_spent(e, scope, seconds, f"a limit of this {scope} is")


def rejected(e: Evidence, seen: tuple[Observation, ...]) -> Verdict:
    """400 and 422: the caller's fault, unless the body says: a key, a model, a size, a policy, a bill."""
    special = refusal_of_content(e) or too_long(e)
    if special is not None:
        return special
    if e.has_code(*_KEY) or wording.KEY_BAD.search(e.text[:200]):
        return verdicts.bad_key(e)
    if e.has_code(*_CREDIT) or wording.CREDIT_GONE.search(e.text):
        return verdicts.quota_gone(e)
    if e.has_code(*_MODEL) or wording.MODEL_GONE.search(e.text):
        return verdicts.model_gone(e)
    if e.has_code("unsupported_country") or wording.PLACE.search(e.text):
        return verdicts.account_refused(e, "does not serve this country; disable it or move")
    if e.has_code("organization_restricted", "account_suspended"):
        return verdicts.account_refused(e, "has restricted this account; ask its support")
    if e.has_code("rate_limit_exceeded", "rate_limit_error"):
        return rate_limited(e, seen)
    if e.has_code(*_MODEL_S_OWN_FAULT):
        return verdicts.unfit(e, Kind.server_error, "the model failed to produce a valid answer")
    return verdicts.bad_request(e)


def refusal_of_content(e: Evidence) -> Verdict | None:
    if e.has_code(*_CONTENT) or wording.CONTENT.search(e.text):
        return verdicts.unfit(e, Kind.content_policy, "its content policy refuses this request")
    return None


def too_long(e: Evidence) -> Verdict | None:
    if e.has_code(*_CONTEXT) or wording.CONTEXT.search(e.text):
        return verdicts.unfit(e, Kind.context_window, "the request does not fit this model's context window")
    if wording.TOO_MUCH_ASKED.search(e.text):
        return verdicts.unfit(e, Kind.too_large, "the request is too large for this model")
    return None


def not_allowed(e: Evidence, seen: tuple[Observation, ...]) -> Verdict:
    """401, 402, 403."""
    if e.status == 402:
        return verdicts.quota_gone(e)
    if e.status == 403:
        return forbidden(e, seen)
    return verdicts.bad_key(e)


def forbidden(e: Evidence, seen: tuple[Observation, ...]) -> Verdict:
    """403: a model, a policy, a bill, a country or a firewall, if it says so; else this key may not."""
    if e.web_page or (not e.codes and wording.NETWORK.search(e.text)):
        return verdicts.web_page(e, "refuses this network")
    refused = refusal_of_content(e)
    if refused is not None:
        return refused
    if e.has_code(*_CREDIT) or wording.CREDIT_GONE.search(e.text):
        return verdicts.quota_gone(e)
    if e.has_code("rate_limit", "ratelimitexceeded"):
        return rate_limited(e, seen)
    if e.has_code("unsupported_country") or wording.PLACE.search(e.text):
        return verdicts.account_refused(e, "does not serve this country; disable it or move")
    if e.has_code("organization_restricted", "account_suspended"):
        return verdicts.account_refused(e, "has restricted this account; ask its support")
    if e.has_code(*_MODEL) or wording.MODEL_GONE.search(e.text):
        return verdicts.model_gone(e)
    return verdicts.bad_key(e, "says that this key may not do that")


def not_found(e: Evidence) -> Verdict:
    """404, 405, 410: the model, unless the body says that the address is wrong or something else missing."""
    if e.web_page:
        return verdicts.web_page(e, "answered with a web page, not as an API")
    if e.has_code(*_MODEL):
        return verdicts.model_gone(e)
    if e.status == 405 or e.has_code("unknown_url") or _wrong_address(e):
        return verdicts.account_refused(e, "has no such address; correct api_base in litellm.yaml")
    if "model" not in e.text and wording.ANOTHER_OBJECT.search(e.text):
        return verdicts.bad_request(e)
    return verdicts.model_gone(e)


def _wrong_address(e: Evidence) -> bool:
    # {"detail": "Not Found"} is what web frameworks answer for an unknown path
    return e.text.strip(" .") == "not found" or wording.WRONG_ADDRESS.search(e.text) is not None


def failed(e: Evidence) -> Verdict:
    """All other statuses."""
    status = e.status or 0
    if status in _NEXT_PLEASE:
        return verdicts.unfit(e, Kind.server_error, f"it did not take this request (status {status})")
    if status in _TIMED_OUT:
        return verdicts.failing(e, Kind.timeout, "did not answer in time", e.hints)
    if status == 451:
        return verdicts.account_refused(e, "may not serve this place for legal reasons; disable it or move")
    if status in _UNREACHABLE:
        return verdicts.failing(e, Kind.connection, "could not be reached", e.hints)
    if status in _OVERLOADED or (status >= 500 and (e.has_code(*_BUSY) or wording.BUSY.search(e.text))):
        return verdicts.failing(e, Kind.overloaded, "is overloaded", e.hints)
    if status >= 500:
        if e.has_code(*_CONTEXT):
            return verdicts.unfit(e, Kind.context_window, "the request does not fit this model's context window")
        return verdicts.failing(e, Kind.server_error, "failed", e.hints)
    if status >= 400:
        return verdicts.bad_request(e)
    return verdicts.web_page(e, "sends us elsewhere")


def observe(e: Evidence) -> tuple[Observation, ...]:
    """The limits that headers in any common dialect report, and those that the error's words state."""
    return observe_any(e)
