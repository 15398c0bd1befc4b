"""Bodies in every shape: successes that hold an error, lists, events, text around JSON, cut-off JSON."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from router_config.signals import Kind, Reply, Scope, read

NOW = 1795400730.0
DAILY = {
    "error": {
        "code": 429,
        "message": "You exceeded your current quota.\nPlease retry in 27s.",
        "status": "RESOURCE_EXHAUSTED",
        "details": [{"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel", "quotaValue": "20"}]}],
    }
}
SHAPES: list[Callable[[Any], Any]] = [
    lambda body: body,
    lambda body: [body],
    json.dumps,
    lambda body: json.dumps(body).encode(),
    lambda body: bytearray(json.dumps(body).encode()),
    lambda body: b"\xef\xbb\xbf  " + json.dumps(body, indent=1).encode(),
    lambda body: json.dumps([body]),
    lambda body: f"data: {json.dumps(body)}\n\n",
    lambda body: f": comment\n\nevent: error\ndata: {json.dumps(body)}\r\n\r\ndata: [DONE]\n",
    lambda body: f"litellm.RateLimitError: GeminiException - {json.dumps(body)} and more",
    lambda body: f"GeminiException - {json.dumps(body, indent=2).encode()!r}",
    lambda body: f"Error code: 429 - {body!r}",
    lambda body: json.dumps(body)[:-2],  # cut off after the error object
    lambda body: json.dumps(body)[:-9],  # cut off within it
    lambda body: json.dumps({**body, "padding": "x" * 200_000}),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_an_error_is_found_in_any_shape(shape: Callable[[Any], Any]) -> None:
    verdict = read("gemini", Reply(429, {}, shape(DAILY)), NOW).verdict
    assert verdict is not None
    assert verdict.kind == Kind.daily_limit


STREAM = 'data: {"choices":[{"delta":{"content":"hi"}}]}\n\n' * 100
HIDDEN: list[tuple[str, Any, Kind, Scope]] = [
    ("openrouter", {"error": {"code": 502, "message": "x"}}, Kind.overloaded, Scope.provider),
    ("openrouter", {"error": {"code": "429", "message": "x"}}, Kind.rate_limit, Scope.account),
    (
        "openrouter",
        {"error": {"message": "Rate limit exceeded: free-models-per-day"}},
        Kind.daily_limit,
        Scope.account,
    ),
    ("openrouter", {"error": {"code": 401, "message": "User not found."}}, Kind.bad_key, Scope.key),
    ("openrouter", {"choices": [{"error": {"code": 400, "message": "x"}}]}, Kind.bad_request, Scope.request),
    ("openrouter", {"choices": [{"finish_reason": "error", "message": {}}]}, Kind.overloaded, Scope.provider),
    (
        "openrouter",
        f'{STREAM}data: {{"error":{{"code":503,"message":"x"}}}}\n\n',
        Kind.overloaded,
        Scope.provider,
    ),
    (
        "openrouter",
        f'{STREAM * 9}data: {{"error":{{"code":503,"message":"x"}}}}\n\n',
        Kind.overloaded,
        Scope.provider,
    ),
    (
        "gemini",
        [{"candidates": []}, {"error": {"code": 503, "message": "x"}}],
        Kind.overloaded,
        Scope.provider,
    ),
    ("gemini", json.dumps([{"candidates": []}, DAILY]), Kind.daily_limit, Scope.model),
    (
        "some_gateway",
        {"error": {"type": "insufficient_quota", "message": "x"}},
        Kind.quota_gone,
        Scope.account,
    ),
    ("some_gateway", {"error": {"type": "overloaded_error"}}, Kind.overloaded, Scope.provider),
    ("some_gateway", {"error": "it broke; rate limit or not"}, Kind.server_error, Scope.provider),
    ("some_gateway", {"object": "error", "message": "x", "code": 400}, Kind.bad_request, Scope.request),
    (
        "openai",
        {"response": {"error": {"code": "rate_limit_exceeded", "message": "x"}}},
        Kind.rate_limit,
        Scope.model,
    ),
]


@pytest.mark.parametrize(("provider", "body", "kind", "scope"), HIDDEN)
@pytest.mark.parametrize(
    "encode", [lambda body: body, lambda body: body if isinstance(body, str) else json.dumps(body)]
)
def test_an_error_inside_a_success_is_found(
    provider: str, body: Any, kind: Kind, scope: Scope, encode: Callable[[Any], Any]
) -> None:
    verdict = read(provider, Reply(200, {}, encode(body)), NOW).verdict
    assert verdict is not None
    assert (verdict.kind, verdict.scope) == (kind, scope)


ANSWER = {"choices": [{"message": {"content": '{"error": {"code": 500, "message": "x"}}'}, "finish_reason": "stop"}]}
SUCCESSES: list[Any] = [
    None,
    b"",
    "",
    b"ok",
    "a rate limit of 429",
    {},
    [],
    ANSWER,
    json.dumps(ANSWER),
    json.dumps({**ANSWER, "padding": "x" * 100_000, "more": '"error": {"code": 1, "message": ""}'}),
    {"error": None, "choices": []},
    {"error": {}, "choices": []},
    {"error": "", "choices": []},
    {"error": False},
    '{"error": null, "output": []}',
    {"message": "a field of some API", "detail": "another"},
    {"choices": [{"error": None}]},
    STREAM,
    {"candidates": [{"content": {}}], "promptFeedback": {"blockReason": "OTHER"}},
]


@pytest.mark.parametrize("body", SUCCESSES)
@pytest.mark.parametrize("provider", ["groq", "gemini", "openrouter", "some_gateway"])
@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_success_is_none(provider: str, body: Any, status: int) -> None:
    assert read(provider, Reply(status, {"retry-after": "5"}, body), NOW).verdict is None
