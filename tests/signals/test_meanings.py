"""The rows of "meaning of the errors" in other words, models and numbers than those of the fixtures."""

from typing import Any

import pytest

from router_config.signals import Hold, Kind, Reply, Scope, Verdict, read

NOW = 1795400730.0  # 2026-11-23 02:25:30 UTC, 18:25:30 in California
UTC_MIDNIGHT = 1795478400.0
PACIFIC_MIDNIGHT = 1795420800.0


def judged(provider: str, status: int | None, body: Any = None, **headers: str) -> Verdict:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    verdict = read(provider, Reply(status, named, body), NOW).verdict
    assert verdict is not None
    return verdict


def seconds_of(verdict: Verdict) -> float:
    assert verdict.until is not None
    return verdict.until - NOW


def error(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


def google(status: str, message: str = "You exceeded your current quota.", *details: Any) -> dict[str, Any]:
    return {"error": {"code": 0, "status": status, "message": message, "details": list(details)}}


def violated(*quota_ids: str, value: str | None = "10", model: str | None = "gemini-x") -> dict[str, Any]:
    dimensions = {"location": "global"} | ({"model": model} if model else {})
    violations = [{"quotaId": quota_id, "quotaDimensions": dimensions} for quota_id in quota_ids]
    if value is not None:
        violations = [{**violation, "quotaValue": value} for violation in violations]
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": violations}


def retry_in(delay: Any) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


def spent(provider: str, what: str, numbers: str, wait: str = "") -> Verdict:
    message = f"Rate limit reached for model `any/model` in organization `org_1` on {what}: {numbers}. {wait}"
    return judged(provider, 429, error(message, type="tokens", code="rate_limit_exceeded"))


MINUTE_LIMITS = [
    (
        spent(
            "groq",
            "tokens per minute (TPM)",
            "Limit 6000, Used 5990, Requested 40",
            "Please try again in 300ms.",
        ),
        0.3,
    ),
    (spent("groq", "input tokens per minute (ITPM)", "Limit 6000, Used 5990, Requested 40"), 60),
    (spent("groq", "requests per minute (RPM)", "Limit 30, Used 30, Requested 1", "Try again in 2s."), 2),
    (
        spent("openai", "requests per min (RPM)", "Limit 500, Used 500, Requested 1", "Try again in 120ms."),
        0.12,
    ),
    (judged("openai", 429, error("Rate limit reached for gpt-x on requests per min. Limit: 3 / min.")), 60),
    (judged("openai", 429, error("Your TPD is fine, but RPM is not: Limit 3.")), 60),
    (judged("together_ai", 429, error("Slow down", type="dynamic_token_limited"), x_ratelimit_reset="3"), 3),
    (judged("together_ai", 429, error("Your rate limit is 600 queries per minute", type="credit_limit")), 60),
    (
        judged("cerebras", 429, {"message": "Tokens per minute limit exceeded", "code": "token_quota_exceeded"}),
        60,
    ),
    (
        judged(
            "azure",
            429,
            error("You have exceeded the token rate limit. Please retry after 6 seconds.", code="429"),
        ),
        6,
    ),
    (
        judged(
            "moonshot",
            429,
            error("request reached organization max RPM: 3, please try again after 1 seconds"),
        ),
        1,
    ),
    (
        judged(
            "gemini",
            429,
            google("RESOURCE_EXHAUSTED", "", violated("RequestsPerMinutePerModel"), retry_in("7.5s")),
        ),
        7.5,
    ),
    (
        judged("gemini", 429, google("X", "", violated("RequestsPerMinutePerModel"), retry_in({"seconds": 9}))),
        9,
    ),
    (
        judged("gemini", 429, google("X", "", violated("RequestsPerMinutePerModel"))),
        30,
    ),  # the wall clock's minute
    (
        judged("vertex_ai", 429, google("RESOURCE_EXHAUSTED", "", violated("XPerMinutePerModel"), retry_in("4s"))),
        4,
    ),
]


@pytest.mark.parametrize(("verdict", "seconds"), MINUTE_LIMITS)
def test_a_spent_minute_is_a_cooldown_until_the_hint_or_the_minute_s_end(verdict: Verdict, seconds: float) -> None:
    assert (verdict.kind, verdict.scope, verdict.hold) == (Kind.rate_limit, Scope.model, Hold.until)
    assert verdict.until is not None
    assert 0 < verdict.until - NOW - seconds <= 1


@pytest.mark.parametrize(
    ("provider", "message", "kind"),
    [
        ("gemini", "Resource has been exhausted (e.g. check quota).", Kind.rate_limit),
        ("groq", "Too many requests", Kind.rate_limit),
        ("mistral", "Requests rate limit exceeded", Kind.rate_limit),
        ("moonshot", "You have reached your weekly usage limit", Kind.quota_gone),
        ("minimax", "Quota exceeded for this billing cycle", Kind.quota_gone),
        ("cohere", "You are using a Trial key, which is limited to 1000 API calls / month.", Kind.quota_gone),
    ],
)
def test_a_limit_without_an_end_is_asked_for_again_after_pauses(provider: str, message: str, kind: Kind) -> None:
    verdict = judged(provider, 429, error(message))
    assert (verdict.kind, verdict.hold, verdict.until) == (kind, Hold.refused, None)


DAILY_LIMITS = [
    (
        spent("groq", "tokens per day (TPD)", "Limit 100000, Used 99999, Requested 500", "Try again in 7m9.4s."),
        429.4,
    ),
    (
        spent("groq", "requests per day (RPD)", "Limit 1000, Used 1000, Requested 1", "Try again in 1m26.4s."),
        86.4,
    ),
    (spent("groq", "requests per day (RPD)", "Limit 1000, Used 1000, Requested 1"), 3600),
    (
        spent("openai", "requests per day (RPD)", "Limit 200, Used 200, Requested 1", "Try again in 7m12s."),
        432,
    ),
    (
        judged(
            "groq",
            429,
            error("Per minute (TPM): Limit 10, Used 3, Requested 1 and tokens per day (TPD): Limit 9, Used 9"),
        ),
        3600,
    ),
    (judged("cerebras", 429, {"message": "Requests per day limit exceeded - too many requests sent."}), 3600),
    (judged("some_gateway", 429, error("Daily limit reached"), retry_after="7200"), 7200),
    (judged("some_gateway", 429, error("Daily limit reached"), retry_after="5"), 3600),  # forgets the day
    (
        judged(
            "github",
            429,
            error("Rate limit of 150 per 86400s exceeded for UserByModelByDay."),
            retry_after="300",
        ),
        300,
    ),
    (
        judged("gemini", 429, google("X", "", violated("RequestsPerDayPerModel"), retry_in("0s"))),
        PACIFIC_MIDNIGHT - NOW,
    ),
    (
        judged(
            "gemini",
            429,
            google("X", "", violated("RequestsPerMinutePerModel", "TokensPerDayPerModel"), retry_in("27s")),
        ),
        PACIFIC_MIDNIGHT - NOW,
    ),
    (
        judged(
            "gemini",
            429,
            google("X", "", violated("GenerateRequestsPerDayPerProjectPerModel-PaidTier", value="10000")),
        ),
        PACIFIC_MIDNIGHT - NOW,
    ),
    (
        judged("gemini", 429, google("X", "Quota exceeded for 'Generate requests per day'. Please retry in 3s.")),
        PACIFIC_MIDNIGHT - NOW,
    ),
]


@pytest.mark.parametrize(("verdict", "seconds"), DAILY_LIMITS)
def test_a_spent_day_is_a_cooldown_of_the_model_for_the_stated_wait_or_until_its_own_midnight(
    verdict: Verdict, seconds: float
) -> None:
    assert (verdict.kind, verdict.scope, verdict.hold) == (Kind.daily_limit, Scope.model, Hold.until)
    assert verdict.until is not None
    assert 0 < verdict.until - NOW - seconds <= 1


def test_a_gemini_quota_of_the_project_is_a_cooldown_of_the_account() -> None:
    verdict = judged("gemini", 429, google("X", "", violated("RequestsPerDayPerProject", model=None)))
    assert (verdict.kind, verdict.scope) == (Kind.daily_limit, Scope.account)


@pytest.mark.parametrize(
    "body",
    [
        google("X", "limit: 0, model: gemini-x", violated("RequestsPerMinutePerModel"), retry_in("52s")),
        google("X", "", violated("RequestsPerDayPerModel", "RequestsPerMinutePerModel", value="0")),
        google("X", "Quota exceeded for metric: paid_tier_requests, limit: 0\nPlease retry in 9.4s."),
    ],
)
def test_a_gemini_limit_of_zero_disables_the_model(body: Any) -> None:
    verdict = judged("gemini", 429, body)
    assert (verdict.scope, verdict.hold) == (Scope.model, Hold.disabled)


@pytest.mark.parametrize("limit", ["limit: 10", "limit: 0.5", "limit: 05", "limit 250000"])
def test_a_gemini_limit_that_only_looks_like_zero_does_not(limit: str) -> None:
    verdict = judged("gemini", 429, google("X", f"{limit}, model: x", violated("RequestsPerMinutePerModel")))
    assert verdict.hold == Hold.until


FREE = "Rate limit exceeded: free-models-per-"
OPENROUTER_WINDOWS = [
    (
        error(f"{FREE}min. Add 10 credits to unlock 1000 free model requests per day", code=429),
        Kind.rate_limit,
    ),
    (error(f"{FREE}day-high-balance. ", code=429), Kind.daily_limit),
    (error("Slow down", metadata={"limit_source": "openrouter_free_tier_daily"}), Kind.daily_limit),
    (error("Slow down", metadata={"limit_source": "openrouter_free_tier_minute"}), Kind.rate_limit),
    (error("Slow down", metadata={"headers": {"X-RateLimit-Reset": "1795400745000"}}), Kind.rate_limit),
    (error("Slow down", metadata={"headers": {"X-RateLimit-Reset": "1795478400000"}}), Kind.daily_limit),
]


@pytest.mark.parametrize(("body", "kind"), OPENROUTER_WINDOWS)
@pytest.mark.parametrize("status", [429, 200])
def test_openrouter_limits_rest_the_account(status: int, body: dict[str, Any], kind: Kind) -> None:
    verdict = judged("openrouter", status, {"error": {"code": 429, **body["error"]}})
    assert (verdict.kind, verdict.scope, verdict.hold) == (kind, Scope.account, Hold.until)
    assert verdict.until is not None
    if kind == Kind.daily_limit:
        assert 0 < verdict.until - UTC_MIDNIGHT <= 1
    else:
        assert 0 < verdict.until - NOW <= 31


def test_openrouter_s_nearer_reset_is_believed_for_a_minute_whichever_place_it_is_in() -> None:
    body = error(f"{FREE}min.", metadata={"headers": {"X-RateLimit-Reset": "1795478400000"}})
    verdict = judged("openrouter", 429, body, x_ratelimit_reset="1795400742000")
    assert seconds_of(verdict) == pytest.approx(12.5, abs=0.01)

    body = error(f"{FREE}min.", metadata={"headers": {"X-RateLimit-Reset": "1795400790000"}})
    verdict = judged("openrouter", 429, body, x_ratelimit_reset="1795400742000")
    assert seconds_of(verdict) == pytest.approx(12.5, abs=0.01)


def test_openrouter_s_minute_without_a_plausible_reset_ends_with_the_wall_clock_s() -> None:
    body = error(f"{FREE}min.", metadata={"headers": {"X-RateLimit-Reset": "1795478400000"}})
    assert seconds_of(judged("openrouter", 429, body)) == pytest.approx(31, abs=0.01)
    assert seconds_of(judged("openrouter", 429, error(f"{FREE}min."))) == pytest.approx(31, abs=0.01)


@pytest.mark.parametrize(("header", "seconds"), [({}, 20), ({"retry_after": "45"}, 45), ({"retry_after": "0"}, 20)])
def test_a_busy_host_behind_openrouter_is_a_short_cooldown_of_the_model(header: dict[str, str], seconds: float) -> None:
    metadata = {"raw": "x/y:free is temporarily rate-limited upstream", "provider_name": "Chutes"}
    verdict = judged("openrouter", 429, error("Provider returned error", metadata=metadata), **header)
    assert (verdict.kind, verdict.scope, verdict.hold) == (Kind.rate_limit, Scope.model, Hold.until)
    assert seconds_of(verdict) == pytest.approx(seconds + 0.5, abs=0.01)


@pytest.mark.parametrize("status", [401, 402, 403])
def test_what_a_host_behind_openrouter_refuses_is_not_our_key_s_or_credit_s_fault(status: int) -> None:
    metadata = {"raw": '{"error": "insufficient_quota"}', "provider_name": "Acme"}
    verdict = judged("openrouter", status, error("Provider returned error", metadata=metadata))
    assert (verdict.scope, verdict.hold, verdict.retry) == (Scope.model, Hold.cooldown, True)


def test_credit_that_openrouter_holds_for_requests_in_flight_comes_back() -> None:
    body = error("Budget reserved", code=402, metadata={"limit_source": "in_flight_budget_exhausted"})
    verdict = judged("openrouter", 402, body, retry_after="8")
    assert (verdict.kind, verdict.scope, verdict.hold) == (Kind.rate_limit, Scope.account, Hold.until)
    assert seconds_of(verdict) == pytest.approx(8.5, abs=0.01)


NO_CREDIT = [
    ("openai", 429, error("You exceeded your current quota, please check your plan and billing details.")),
    ("openai", 429, error("Nothing left", code="credit_balance_exhausted")),
    ("openai", 400, error("Billing hard limit has been reached", code="billing_hard_limit_reached")),
    (
        "openai",
        429,
        error("Your account is not active, please check your billing details", code="billing_not_active"),
    ),
    ("openrouter", 402, error("Payment needed", code=402)),
    ("openrouter", 403, error("Key limit exceeded (total limit)", code=403)),
    ("together_ai", 402, error("No money", type="credit_limit")),
    ("gemini", 429, google("RESOURCE_EXHAUSTED", "Prepaid credit is used up, see AI Studio")),
    ("gemini", 429, google("RESOURCE_EXHAUSTED", "Your project has exceeded its monthly spending cap.")),
    (
        "anthropic",
        400,
        error("Your credit balance is too low to access the API", type="invalid_request_error"),
    ),
    ("deepseek", 402, error("Insufficient Balance")),
    ("siliconflow", 403, {"message": "Sorry, your account balance is insufficient"}),
]


@pytest.mark.parametrize(("provider", "status", "body"), NO_CREDIT)
def test_lost_credit_is_a_cooldown_of_the_account_that_grows(provider: str, status: int, body: Any) -> None:
    verdict = judged(provider, status, body)
    assert (verdict.kind, verdict.scope, verdict.hold) == (Kind.quota_gone, Scope.account, Hold.refused)
    assert seconds_of(verdict) == 300


def test_an_openrouter_key_s_daily_limit_ends_with_the_day() -> None:
    body = error("Key limit exceeded (daily limit).", code=403, metadata={"limit_source": "openrouter_key_limit"})
    assert seconds_of(judged("openrouter", 403, body)) == pytest.approx(UTC_MIDNIGHT + 1 - NOW, abs=0.01)


BAD_KEYS = [
    ("groq", 401, None),
    ("groq", 401, b"Unauthorized"),
    ("groq", 401, error("Expired API Key", code="expired_api_key")),
    ("openai", 401, error("You must be a member of an organization to use the API")),
    ("openai", 401, error("Incorrect API key provided: sk-abc***xyz", code="invalid_api_key")),
    (
        "gemini",
        403,
        google("PERMISSION_DENIED", "Your API key was reported as leaked. Please use another API key."),
    ),
    ("gemini", 400, google("INVALID_ARGUMENT", "API Key not found. Please pass a valid API key.")),
    ("gemini", 403, google("PERMISSION_DENIED", "", {"reason": "API_KEY_SERVICE_BLOCKED"})),
    ("openrouter", 401, error("No auth credentials found", code=401)),
    ("together_ai", 401, {"detail": "nope"}),
    (
        "xai",
        400,
        {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: xa***"},
    ),
    ("some_gateway", 403, error("Forbidden")),
]


@pytest.mark.parametrize(("provider", "status", "body"), BAD_KEYS)
def test_a_bad_key_disables_the_key(provider: str, status: int, body: Any) -> None:
    verdict = judged(provider, status, body)
    assert (verdict.kind, verdict.scope, verdict.hold) == (Kind.bad_key, Scope.key, Hold.disabled)
    assert verdict.retry


MODELS_GONE = [
    ("groq", 404, error("The model `qwen-99b` does not exist", code="model_not_found")),
    (
        "groq",
        400,
        error("The model `mixtral-8x7b-32768` has been decommissioned", code="model_decommissioned"),
    ),
    ("groq", 400, error("The model `gemma-7b-it` is no longer supported, see the deprecations page")),
    (
        "groq",
        403,
        error("The model `x` is blocked at the organization level", code="model_permission_blocked_org"),
    ),
    ("groq", 400, error("The model `x` requires terms acceptance", code="model_terms_required")),
    ("openai", 403, error("Project `proj_1` does not have access to model `o9`", code="model_not_found")),
    ("openai", 404, error("The model `gpt-4-32k` has been deprecated, learn more here: https://x")),
    ("gemini", 404, google("NOT_FOUND", "models/gemini-2.0-pro is not found for API version v1beta")),
    (
        "gemini",
        404,
        google("NOT_FOUND", "This model models/gemini-2.5-pro is no longer available to new users."),
    ),
    ("gemini", 404, google("NOT_FOUND", "Publisher Model was not found")),
    ("openrouter", 400, error("foo/bar:free is not a valid model ID", code=400)),
    ("openrouter", 404, error("No endpoints found for foo/bar:free.", code=404)),
    ("openrouter", 404, error("No endpoints found matching your data policy", code=404)),
    ("openrouter", 404, error("No allowed providers are available for the selected model.", code=404)),
    ("together_ai", 400, error("Unable to access non-serverless model a/b.", code="model_not_available")),
    ("together_ai", 404, error("Unable to access model a/b.", type="invalid_request_error")),
    ("ollama", 404, error('model "qwen3:4b" not found, try pulling it first', type="api_error")),
    ("anthropic", 404, error("model: claude-1", type="not_found_error")),
    ("mistral", 400, {"object": "error", "message": "Invalid model: mistral-9", "type": "invalid_model"}),
    ("some_gateway", 410, error("Gone")),
    ("some_gateway", 404, None),
    ("some_gateway", 404, b""),
]


@pytest.mark.parametrize(("provider", "status", "body"), MODELS_GONE)
def test_a_model_that_is_gone_disables_that_model_alone(provider: str, status: int, body: Any) -> None:
    verdict = judged(provider, status, body)
    assert (verdict.kind, verdict.scope, verdict.hold) == (Kind.model_gone, Scope.model, Hold.disabled)
    assert verdict.retry


REFUSED_SIZES = [
    (
        "groq",
        413,
        error("Request too large ... (TPM): Limit 8000, Requested 9000", code="rate_limit_exceeded"),
    ),
    ("groq", 413, None),
    ("some_gateway", 413, b"<html><h1>413 Request Entity Too Large</h1></html>"),
    (
        "openai",
        429,
        error("Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 45000."),
    ),
    (
        "openai",
        429,
        error("gpt-4o on tokens per min (TPM): Limit 30000, Used 0, Requested 45000", code="rate_limit_exceeded"),
    ),
    (
        "groq",
        400,
        error("Please reduce the length of the messages or completion.", code="context_length_exceeded"),
    ),
    (
        "openai",
        400,
        error("This model's maximum context length is 128000 tokens. However, you requested 130000"),
    ),
    (
        "gemini",
        400,
        google(
            "INVALID_ARGUMENT",
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        ),
    ),
    (
        "openrouter",
        400,
        error(
            "Provider returned error",
            metadata={"provider_name": "A", "raw": "maximum context length is 8192 tokens"},
        ),
    ),
    ("together_ai", 422, error("`inputs` tokens + `max_new_tokens` must be <= 4097")),
    ("anthropic", 400, error("prompt is too long: 215000 tokens > 200000 maximum")),
    (
        "openai",
        400,
        error("max_tokens is too large: 100000. This model supports at most 16384 completion tokens"),
    ),
]


@pytest.mark.parametrize(("provider", "status", "body"), REFUSED_SIZES)
def test_a_request_that_is_too_large_goes_on_without_a_cooldown(provider: str, status: int, body: Any) -> None:
    verdict = judged(provider, status, body, retry_after="30", x_ratelimit_remaining_tokens="0")
    assert verdict.kind in (Kind.too_large, Kind.context_window)
    assert (verdict.scope, verdict.hold, verdict.until, verdict.retry) == (
        Scope.request,
        Hold.none,
        None,
        True,
    )


REFUSED_CONTENTS = [
    ("openai", 400, error("Your request was rejected by our safety system", code="content_policy_violation")),
    ("azure", 400, error("The response was filtered", code="content_filter")),
    ("openrouter", 403, error("Your chosen model requires moderation and your input was flagged", code=403)),
    (
        "openrouter",
        403,
        error("No", metadata={"reasons": ["x"], "flagged_input": "y", "provider_name": "OpenAI"}),
    ),
    ("deepseek", 400, error("Content Exists Risk")),
    ("gemini", 200, {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {}}),
]


@pytest.mark.parametrize(("provider", "status", "body"), REFUSED_CONTENTS)
def test_a_refusal_of_the_content_goes_on_without_a_cooldown(provider: str, status: int, body: Any) -> None:
    verdict = judged(provider, status, body)
    assert (verdict.kind, verdict.scope, verdict.hold) == (Kind.content_policy, Scope.request, Hold.none)
    assert verdict.retry


FAILING = [
    ("groq", 503, error("Service unavailable"), Kind.overloaded),
    ("openai", 503, error("Rate limit reached? No: the engine is overloaded"), Kind.overloaded),
    ("openai", 429, error("The engine is currently overloaded, please try again later"), Kind.overloaded),
    ("mistral", 429, {"message": "Service tier capacity exceeded for this model."}, Kind.overloaded),
    ("anthropic", 529, error("Overloaded", type="overloaded_error"), Kind.overloaded),
    ("groq", 498, error("no flex"), Kind.overloaded),
    ("gemini", 502, b"<html>Bad Gateway</html>", Kind.overloaded),
    ("gemini", 500, google("INTERNAL", "429 rate limit 403"), Kind.server_error),
    ("gemini", 504, google("DEADLINE_EXCEEDED"), Kind.timeout),
    ("some_gateway", 408, None, Kind.timeout),
    ("some_gateway", 524, b"<html>", Kind.timeout),
    ("some_gateway", 521, b"<html>", Kind.connection),
    ("some_gateway", 507, None, Kind.server_error),
    ("some_gateway", 999, None, Kind.server_error),
]


@pytest.mark.parametrize(("provider", "status", "body", "kind"), FAILING)
def test_a_failing_provider_cools_down(provider: str, status: int, body: Any, kind: Kind) -> None:
    verdict = judged(provider, status, body)
    assert (verdict.kind, verdict.scope, verdict.hold) == (kind, Scope.provider, Hold.cooldown)
    assert verdict.retry


@pytest.mark.parametrize(
    ("status", "failure", "kind"),
    [
        (None, "timeout", Kind.timeout),
        (None, "refused", Kind.connection),
        (None, "disconnected", Kind.connection),
        (None, None, Kind.connection),
        (200, "timeout", Kind.timeout),  # a stream that stopped
        (200, "disconnected", Kind.connection),  # a stream that broke off
    ],
)
def test_no_answer_and_a_broken_one_cool_the_provider_down(status: int | None, failure: Any, kind: Kind) -> None:
    verdict = read("groq", Reply(status, {}, None, failure), NOW).verdict
    assert verdict is not None
    assert (verdict.kind, verdict.scope, verdict.hold) == (kind, Scope.provider, Hold.cooldown)
    assert verdict.retry


MALFORMED = [
    ("groq", 400, error("'messages' : minimum number of items is 1", type="invalid_request_error")),
    ("groq", 400, error("'messages' : value must be an array", type="invalid_request_error")),
    ("groq", 400, error("property 'messages' is missing", type="invalid_request_error")),
    ("gemini", 400, google("INVALID_ARGUMENT", "* GenerateContentRequest.contents: contents is not specified")),
    ("gemini", 400, google("INVALID_ARGUMENT", "Invalid JSON payload received. Unexpected token.\n{'model'")),
    ("together_ai", 422, {"detail": [{"loc": ["body", "messages"], "msg": "Field required", "type": "missing"}]}),
    ("together_ai", 422, {"detail": [{"loc": ["body", "messages"], "msg": "Input should be a valid list"}]}),
    ("some_gateway", 422, {"detail": [{"loc": ["body", 18], "msg": "JSON decode error", "type": "json_invalid"}]}),
    ("openrouter", 400, error("Input required: specify 'prompt' or 'messages'", code=400)),
    ("openai", 400, error("We could not parse the JSON body of your request.")),
    ("openai", 400, error("Missing required parameter: 'messages'.", code="missing_required_parameter")),
    ("openai", 400, error("Missing required parameter: 'messages[0].role'.", code="missing_required_parameter")),
    ("openai", 400, error("Invalid type for 'messages': expected an array of objects, but got a string instead.")),
    ("openai", 400, error("[] is too short - 'messages'")),
    ("some_gateway", 400, error("messages: at least one message is required")),
    ("some_gateway", 404, error("'messages' must not be empty")),
    ("some_gateway", 415, error("the request body is not valid JSON")),
]


@pytest.mark.parametrize(("provider", "status", "body"), MALFORMED)
def test_a_request_that_nobody_could_take_is_raised_at_once(provider: str, status: int, body: Any) -> None:
    verdict = judged(provider, status, body, retry_after="60")
    assert (verdict.kind, verdict.scope, verdict.hold) == (Kind.bad_request, Scope.request, Hold.none)
    assert not verdict.retry


REFUSED_HERE = [
    ("openai", 400, error("Invalid type for 'temperature': this is no rate limit", code="invalid_type")),
    ("openai", 400, error("Unknown parameter: 'api_key_rotation'.", code="unknown_parameter")),
    ("openai", 400, error("Invalid 'tools': array too long. Expected an array with maximum length 128.")),
    ("openai", 400, error("Invalid schema for response_format 'x': 'minimum' is not permitted.")),
    ("openai", 400, error("'messages' must contain the word 'json' in some form, to use 'response_format'.")),
    ("openai", 400, error("Unsupported value: 'temperature' does not support 0.3 with this model.")),
    ("openai", 400, error("Invalid parameter: 'tool_calls' must be followed by tool messages.")),
    ("openai", 404, error("Response with id 'resp_1' not found.", type="invalid_request_error")),
    ("groq", 400, error("'messages.0' : for 'role:system' the following must be satisfied: content must be a string")),
    ("groq", 400, error("'messages.1' : for 'role:assistant' the property 'reasoning_content' is unsupported")),
    ("groq", 400, error("This model does not support response format `json_schema`.")),
    ("groq", 400, error("Failed to parse tool call arguments as JSON")),
    ("gemini", 400, google("INVALID_ARGUMENT", "Invalid JSON payload received. Unknown name \"x\" at 'tools[0]'")),
    ("gemini", 400, google("INVALID_ARGUMENT", "Image input modality is not enabled for models/gemma")),
    ("openrouter", 400, error("No endpoints found that support image input", code=400)),
    ("together_ai", 422, {"detail": [{"loc": ["body", "messages", 1, "content"], "msg": "Field required"}]}),
    ("together_ai", 422, {"detail": [{"loc": ["body", "tool_choice"], "msg": "Extra inputs are not permitted"}]}),
    ("some_gateway", 400, error("messages[0].content violates the schema")),
    ("some_gateway", 400, error("messages: text content blocks must be non-empty")),
    ("some_gateway", 400, error("max_new_tokens must be greater than 0")),
    ("some_gateway", 400, error("Invalid model parameter top_k; the key limit of metadata is 16")),
    ("some_gateway", 400, error("The parameter `functions` is deprecated and not supported with tools")),
    ("some_gateway", 400, None),
    ("some_gateway", 422, b"\xff\xfe"),
    ("some_gateway", 415, error("Unsupported media type")),
]


@pytest.mark.parametrize(("provider", "status", "body"), REFUSED_HERE)
def test_a_request_that_one_provider_refuses_goes_to_the_next(provider: str, status: int, body: Any) -> None:
    verdict = judged(provider, status, body, retry_after="60")
    assert (verdict.kind, verdict.scope, verdict.hold) == (Kind.bad_request, Scope.request, Hold.none)
    assert verdict.retry


ONLY_THIS_REQUEST = [
    ("groq", 400, error("Failed to generate JSON. Please adjust your prompt.", code="json_validate_failed")),
    ("groq", 400, error("Failed to call a function.", code="tool_use_failed")),
    ("openrouter", 404, error("No endpoints found that support tool use.", code=404)),
    ("openrouter", 404, error("No endpoints found that support image input", code=404)),
    ("some_gateway", 409, None),
    ("some_gateway", 425, None),
    ("gemini", 499, google("CANCELLED")),
]


@pytest.mark.parametrize(("provider", "status", "body"), ONLY_THIS_REQUEST)
def test_what_another_provider_may_do_goes_on_without_a_cooldown(provider: str, status: int, body: Any) -> None:
    verdict = judged(provider, status, body)
    assert (verdict.scope, verdict.hold, verdict.retry) == (Scope.request, Hold.none, True)


ACCOUNT_REFUSED = [
    (
        "openai",
        403,
        error("Country, region, or territory not supported", code="unsupported_country_region_territory"),
    ),
    ("gemini", 400, google("FAILED_PRECONDITION", "User location is not supported for the API use.")),
    ("some_gateway", 451, None),
    ("groq", 400, error("Organization has been restricted.", code="organization_restricted")),
    ("groq", 404, error("Unknown request URL: POST /v1/chat. Please check the URL", code="unknown_url")),
    ("openai", 404, error("Invalid URL (POST /v2/chat/completions)", type="invalid_request_error")),
    ("some_gateway", 404, error("Invalid URL (POST /models/chat/completions)")),
    ("some_gateway", 404, {"detail": "Not Found"}),
    ("some_gateway", 404, b"404 page not found\n"),
    ("some_gateway", 405, {"detail": "Method Not Allowed"}),
]


@pytest.mark.parametrize(("provider", "status", "body"), ACCOUNT_REFUSED)
def test_a_refused_account_or_a_wrong_address_needs_a_person(provider: str, status: int, body: Any) -> None:
    verdict = judged(provider, status, body)
    assert (verdict.scope, verdict.hold, verdict.retry) == (Scope.account, Hold.disabled, True)


@pytest.mark.parametrize(("status", "page"), [(200, b"<!DOCTYPE html><html>"), (403, b"<html>"), (404, b"<html>")])
def test_a_web_page_instead_of_an_api_is_a_usual_cooldown(status: int, page: bytes) -> None:
    verdict = judged("groq", status, page)
    assert (verdict.scope, verdict.hold) == (Scope.provider, Hold.cooldown)
    assert verdict.until is None


@pytest.mark.parametrize("provider", ["groq", "gemini", "openrouter", "together_ai", "openai", "some_gateway"])
@pytest.mark.parametrize("status", [500, 503])
def test_a_text_that_mentions_a_rate_limit_is_none(provider: str, status: int) -> None:
    verdict = judged(provider, status, error("Unavailable: within your rate limit of 30 RPM. 429, retry in 12.403182s"))
    assert (verdict.scope, verdict.hold) == (Scope.provider, Hold.cooldown)


@pytest.mark.parametrize("digits", ["401", "403", "404", "429", "500"])
def test_digits_in_a_text_are_no_status(digits: str) -> None:
    message = f"Please retry in 12.{digits}182s. Request req_{digits}."
    verdict = judged("gemini", 429, google("X", message, violated("RequestsPerMinutePerModel")))
    assert verdict.kind == Kind.rate_limit
    assert judged("groq", 400, error(f"messages[{digits}] is empty")).kind == Kind.bad_request


@pytest.mark.parametrize(
    ("provider", "message", "seconds"),
    [
        ("anthropic", "Number of concurrent connections has exceeded your rate limit. Please try again later.", 5.5),
        ("zai", "High concurrency usage of this API, please reduce concurrency or contact customer service", 5.5),
        ("deepseek", "Too Many Requests, please reduce concurrency", 5.5),
        ("scaleway", "Too Many Requests - You exceeded your current threshold of concurrent requests", 5.5),
        ("moonshot", "request reached max organization concurrency: 3, please try again after 1 seconds", 1.5),
        ("moonshot", "request reached max organization concurrency: 1, please try again after 0 seconds", 5.5),
        ("litellm_proxy", "max_parallel_requests limit reached", 5.5),
        ("groq", "Rate limit reached for model `m` on concurrent requests: Limit 1, Used 1, Requested 1.", 5.5),
    ],
)
def test_too_many_requests_at_a_time_are_over_as_soon_as_some_have_ended(
    provider: str, message: str, seconds: float
) -> None:
    verdict = judged(provider, 429, error(message, type="rate_limit_error"))
    assert (verdict.kind, verdict.scope, verdict.hold) == (Kind.rate_limit, Scope.model, Hold.until)
    assert seconds_of(verdict) == seconds
    assert "requests at a time" in verdict.message
