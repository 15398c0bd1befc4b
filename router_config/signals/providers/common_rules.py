"""The rules that hold for any OpenAI-compatible server. The providers' own modules fall back to them.

The status decides first. Within it codes come first, then numbers, then words. Retry hints count last.
"""

from collections.abc import Iterable

from router_config.signals import cooldowns, error_wording, verdicts
from router_config.signals.missing_abilities import missing_abilities
from router_config.signals.observed_windows import by_reset, from_headers, from_policies, from_words, merged
from router_config.signals.parsed_reply import ParsedReply
from router_config.signals.types import Kind, Observation, Scope, Verdict

_CREDIT = (
    "insufficient_quota", "credit_balance", "credits_exhausted", "billing_hard_limit", "billing_not_active",
    "insufficient_credit", "insufficient_balance", "insufficient_funds", "payment_required", "quota_exhausted",
    "blocked_api_access", "exceeded_current_quota", "spend_limit", "spending_limit", "arrear", "prepay", "key_limit",
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
    "content_policy", "content_filter", "moderation_blocked", "responsibleai", "data_inspection", "prohibited",
)  # fmt: skip
_CONTEXT = ("context_length", "context_window", "string_above_max_length", "prompt_too_long")
_RATE = ("rate_limit", "ratelimit", "too_many_requests", "resource_exhausted")
_BUSY = ("overloaded", "capacity", "model_loading")
_MODEL_FAILED = ("json_validate_failed", "tool_use_failed", "output_parse_failed")
_TOKEN_BUCKETS = frozenset({"groq", "openai"})
_NOT_TAKEN = frozenset({409, 421, 424, 425, 499})
_TIMED_OUT = frozenset({408, 504, 522, 524})
_OVERLOADED = frozenset({498, 502, 503, 529})
_UNREACHABLE = frozenset({407, 520, 521, 523, 525, 526, 527, 530})


def verdict(reply: ParsedReply) -> Verdict:
    """The verdict on a failed reply."""
    status = reply.status
    if status is None or 200 <= status < 300:
        return no_status(reply)
    if status == 429:
        return rate_limited(reply)
    if status in (400, 422):
        return rejected(reply)
    if status == 401:
        return verdicts.bad_key(reply)
    if status == 402:
        return verdicts.quota_gone(reply)
    if status == 403:
        return forbidden(reply)
    if status in (404, 405, 410):
        return not_found(reply)
    if status in (413, 414, 431):
        return verdicts.unfit(reply, Kind.too_large, "the request is too large for this model")
    return failed(reply)


def no_status(reply: ParsedReply) -> Verdict:
    """No answer, an incomplete answer, or an error inside a 2xx that names no status."""
    if reply.failure == "timeout":
        return verdicts.failing(reply, Kind.timeout, "did not answer in time")
    if reply.failure is not None:
        broken = "broke the connection" if reply.failure == "disconnected" else "could not be reached"
        return verdicts.failing(reply, Kind.connection, broken)
    if reply.web_page:
        return verdicts.web_page(reply, "answered with a web page, not as an API")
    if not reply.error:
        return verdicts.failing(reply, Kind.connection, "gave no answer")
    if reply.has_code(*_RATE):
        return unstated_window(reply)
    if reply.has_code("broken_event"):
        return verdicts.unfit(reply, Kind.server_error, "a part of its answer could not be read")
    return (
        refusal_of_content(reply)
        or too_long(reply)
        or verdicts.failing(reply, Kind.server_error, "answered with an error")
    )


def rate_limited(reply: ParsedReply, scope: Scope = Scope.model) -> Verdict:
    """429: too large, out of credit, busy, or a window is used up: which, and until when."""
    clauses = error_wording.clauses(reply.text)
    if any(clause.never_fits for clause in clauses) or error_wording.TOO_MUCH_ASKED.search(reply.text):
        return verdicts.unfit(reply, Kind.too_large, "the request is larger than this model's whole limit")
    if reply.has_code(*_CREDIT):
        return verdicts.quota_gone(reply)
    window = error_wording.window_spent(clauses)
    if window == "month":
        return month_spent(reply)
    if window == "day":
        return day_spent(reply, scope)
    if window is not None:
        return hour_spent(reply, scope) if window == "hour" else minute_spent(reply, scope)
    if too_many_at_once(reply):
        return unstated_window(reply, scope)
    if error_wording.CREDIT_GONE.search(reply.text) or error_wording.QUOTA_EXCEEDED.search(reply.text):
        return verdicts.quota_gone(reply)
    if reply.has_code(*_BUSY) or (error_wording.BUSY.search(reply.text) and not reply.has_code("rate_limit")):
        return verdicts.failing(reply, Kind.overloaded, "is overloaded", reply.hints)
    return unstated_window(reply, Scope.account if reply.web_page else scope)


def day_spent(reply: ParsedReply, scope: Scope) -> Verdict:
    """A cooldown for as long as the reply says, else an hour, since nobody knows where the day ends.

    A hint of seconds is true of a token bucket only. Elsewhere it is a hint that overlooks the day.
    """
    least = 0.0 if reply.provider in _TOKEN_BUCKETS else cooldowns.MINUTE_CAP
    hints = [hint for hint in reply.hints if hint >= least]
    seconds = cooldowns.seconds(hints, cooldowns.DAY_CAP, cooldowns.DAY_RECHECK)
    return verdicts.day_spent(reply, scope, reply.now + seconds, f"the day's limit of this {scope} is")


def minute_spent(reply: ParsedReply, scope: Scope, hints: Iterable[float] = ()) -> Verdict:
    """A window of a minute or a second is used up. hints: besides those of the reply."""
    seconds = cooldowns.seconds((*reply.hints, *hints), cooldowns.MINUTE_CAP, cooldowns.MINUTE_DEFAULT)
    return verdicts.window_spent(reply, scope, seconds, f"the limit per minute of this {scope} is")


def month_spent(reply: ParsedReply) -> Verdict:
    """A week, a month or a billing cycle is used up."""
    return verdicts.asked_for_later(
        reply, Scope.account, "the quota of its week, month or billing cycle is", reply.hints, monthly=True
    )


def hour_spent(reply: ParsedReply, scope: Scope) -> Verdict:
    seconds = cooldowns.seconds(reply.hints, cooldowns.HOUR_CAP, cooldowns.HOUR_DEFAULT)
    return verdicts.window_spent(reply, scope, seconds, f"the limit per hour of this {scope} is")


def too_many_at_once(reply: ParsedReply) -> bool:
    """Whether it is about how many requests are under way."""
    return error_wording.CONCURRENT.search(reply.text) is not None or reply.has_code("concurren")


def unstated_window(reply: ParsedReply, scope: Scope = Scope.model) -> Verdict:
    """A rate limit that is not named: the window that the headers report as used up, else a minute's."""
    if too_many_at_once(reply):
        seconds = cooldowns.seconds(reply.hints, cooldowns.MINUTE_CAP, cooldowns.IN_FLIGHT)
        return verdicts.window_spent(reply, scope, seconds, f"the requests at a time of this {scope} (`parallel`) are")
    spent = [window for window in reply.observations if window.remaining == 0]
    periods = {window.period for window in spent}
    if periods & {"week", "month"}:
        return month_spent(reply)
    if "day" in periods:
        return day_spent(reply, scope)
    if "hour" in periods:
        return hour_spent(reply, scope)
    hints = reply.hints or reply.header_waits("x-ratelimit-reset") or [window.reset_after or 0.0 for window in spent]
    if cooldowns.believed(hints, cooldowns.UNSTATED_CAP) is None and not spent:
        return verdicts.asked_for_later(reply, scope, f"a limit of this {scope} is")
    seconds = cooldowns.seconds(hints, cooldowns.UNSTATED_CAP, cooldowns.MINUTE_DEFAULT)
    return verdicts.window_spent(reply, scope, seconds, f"a limit of this {scope} is")


def rejected(reply: ParsedReply) -> Verdict:
    """400 and 422: this request is refused, unless the body names a key, a model, a size, a policy or a bill."""
    special = refusal_of_content(reply) or too_long(reply)
    if special is not None:
        return special
    if reply.has_code(*_KEY) or error_wording.KEY_BAD.search(reply.text[:200]):
        return verdicts.bad_key(reply)
    if reply.has_code(*_CREDIT) or error_wording.CREDIT_GONE.search(reply.text):
        return verdicts.quota_gone(reply)
    if reply.has_code(*_MODEL) or (error_wording.MODEL_GONE.search(reply.text) and not missing_abilities(reply.text)):
        return verdicts.model_gone(reply)
    if (refused := refusal_of_account(reply)) is not None:
        return refused
    if reply.has_code("rate_limit_exceeded", "rate_limit_error"):
        return rate_limited(reply)
    if reply.has_code(*_MODEL_FAILED):
        return verdicts.unfit(reply, Kind.server_error, "the model failed to produce a valid answer")
    return bad_request(reply)


def bad_request(reply: ParsedReply) -> Verdict:
    """The request is refused: by anyone if it is malformed, else by this provider, for no more is known."""
    malformed = error_wording.MALFORMED.search(reply.text) and not missing_abilities(reply.text)
    return verdicts.malformed(reply) if malformed else verdicts.refused(reply)


def refusal_of_content(reply: ParsedReply) -> Verdict | None:
    if reply.has_code(*_CONTENT) or error_wording.CONTENT.search(reply.text):
        return verdicts.unfit(reply, Kind.content_policy, "its content policy refuses this request")
    return None


def refusal_of_account(reply: ParsedReply) -> Verdict | None:
    if reply.has_code("unsupported_country") or error_wording.PLACE.search(reply.text):
        return verdicts.account_refused(reply, "does not serve this country; disable it or move")
    if reply.has_code("organization_restricted", "account_suspended"):
        return verdicts.account_refused(reply, "has restricted this account; ask its support")
    return None


def too_long(reply: ParsedReply) -> Verdict | None:
    if reply.has_code(*_CONTEXT) or error_wording.CONTEXT.search(reply.text):
        return verdicts.unfit(reply, Kind.context_window, "the request does not fit this model's context window")
    if error_wording.TOO_MUCH_ASKED.search(reply.text):
        return verdicts.unfit(reply, Kind.too_large, "the request is too large for this model")
    return None


def forbidden(reply: ParsedReply) -> Verdict:
    """403: a model, a policy, a bill, a country or a firewall if the body says so, else the key."""
    if reply.web_page or (not reply.codes and error_wording.NETWORK.search(reply.text)):
        return verdicts.web_page(reply, "refuses this network")
    refused = refusal_of_content(reply)
    if refused is not None:
        return refused
    if reply.has_code(*_CREDIT) or error_wording.CREDIT_GONE.search(reply.text):
        return verdicts.quota_gone(reply)
    if reply.has_code("rate_limit", "ratelimitexceeded"):
        return rate_limited(reply)
    if (refused := refusal_of_account(reply)) is not None:
        return refused
    if reply.has_code(*_MODEL) or error_wording.MODEL_GONE.search(reply.text):
        return verdicts.model_gone(reply)
    if error_wording.PART_OF_REQUEST.search(reply.text):
        return verdicts.unfit(reply, Kind.bad_request, "it does not take a part of this request")
    return verdicts.bad_key(reply, "says that this key may not do that")


def not_found(reply: ParsedReply) -> Verdict:
    """404, 405 and 410: the model, unless the body says that the address is wrong or that something else is missing."""
    if reply.web_page:
        return verdicts.web_page(reply, "answered with a web page, not as an API")
    if reply.has_code(*_MODEL):
        return verdicts.model_gone(reply)
    if error_wording.MALFORMED.search(reply.text):
        return verdicts.malformed(reply)
    if reply.status == 405 or reply.has_code("unknown_url") or _wrong_address(reply):
        return verdicts.account_refused(reply, "has no such address; correct api_base in litellm.yaml")
    if "model" not in reply.text and error_wording.ANOTHER_OBJECT.search(reply.text):
        return bad_request(reply)
    if reply.status == 404 and (error_wording.ABILITY.search(reply.text) or missing_abilities(reply.text)):
        return verdicts.unfit(reply, Kind.bad_request, "it does not offer what the request asks for")
    return verdicts.model_gone(reply)


def _wrong_address(reply: ParsedReply) -> bool:
    # {"detail": "Not Found"} is what web frameworks answer for an unknown path
    return reply.text.strip(" .") == "not found" or error_wording.WRONG_ADDRESS.search(reply.text) is not None


def failed(reply: ParsedReply) -> Verdict:
    """All other statuses."""
    status = reply.status or 0
    if status in _NOT_TAKEN:
        return verdicts.unfit(reply, Kind.server_error, f"it did not take this request (status {status})")
    if status in _TIMED_OUT:
        return verdicts.failing(reply, Kind.timeout, "did not answer in time", reply.hints)
    if status == 451:
        return verdicts.account_refused(reply, "may not serve this place for legal reasons; disable it or move")
    if status in _UNREACHABLE:
        return verdicts.failing(reply, Kind.connection, "could not be reached", reply.hints)
    if status in (500, 501) and missing_abilities(reply.text):  # llama.cpp's server, and others that run models.
        return verdicts.unfit(reply, Kind.bad_request, "it does not offer what the request asks for")
    if status in _OVERLOADED or (status >= 500 and (reply.has_code(*_BUSY) or error_wording.BUSY.search(reply.text))):
        return verdicts.failing(reply, Kind.overloaded, "is overloaded", reply.hints)
    if status >= 500:
        if reply.has_code(*_CONTEXT):
            return verdicts.unfit(reply, Kind.context_window, "the request does not fit this model's context window")
        return verdicts.failing(reply, Kind.server_error, "failed", reply.hints)
    if status >= 400:
        return bad_request(reply)
    return verdicts.web_page(reply, "sends us elsewhere")


def observations(reply: ParsedReply) -> tuple[Observation, ...]:
    """The windows that headers of any usual kind report, and those that the words of a 429 do."""
    found = list(from_headers(reply, by_reset))
    if "ratelimit" in reply.headers or "ratelimit-limit" in reply.headers:
        found.extend(from_policies(reply.headers, reply.now))
    if reply.status == 429:
        found.extend(from_words(reply.text))
    return merged(found) if found else ()
