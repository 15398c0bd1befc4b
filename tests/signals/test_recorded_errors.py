"""Every recorded error of a provider, and what it means: complete over the simulator's fixtures."""

import json
from typing import Any, NamedTuple

import pytest

from router_config.signals import Hold, Kind, Reply, Scope, read

from .recorded import RECORDED

NOW = 1795400730.0  # 2026-11-23 02:25:30 UTC, 18:25:30 in California; OpenRouter's minute turns in 30 s
UTC_MIDNIGHT = 1795478400.0
PACIFIC_MIDNIGHT = 1795420800.0


class Meaning(NamedTuple):
    kind: Kind
    scope: Scope
    hold: Hold
    seconds: float | None = None  # from NOW until the scope is free; None: no time stated
    retry: bool = True


def minute_spent(scope: Scope, seconds: float) -> Meaning:
    return Meaning(Kind.rate_limit, scope, Hold.until, seconds)


def day_spent(scope: Scope, seconds: float) -> Meaning:
    return Meaning(Kind.daily_limit, scope, Hold.until, seconds)


def failing(kind: Kind, seconds: float | None = None) -> Meaning:
    return Meaning(kind, Scope.provider, Hold.cooldown, seconds)


BAD_KEY = Meaning(Kind.bad_key, Scope.key, Hold.disabled)
MODEL_GONE = Meaning(Kind.model_gone, Scope.model, Hold.disabled)
NO_CREDIT = Meaning(Kind.quota_gone, Scope.account, Hold.refused, 300)
TOO_LARGE = Meaning(Kind.too_large, Scope.request, Hold.none)

MEANINGS: dict[tuple[str, str], Meaning] = {
    ("groq", "rpm"): minute_spent(Scope.model, 2),
    ("groq", "tpm"): minute_spent(Scope.model, 15),
    ("groq", "tpd"): day_spent(Scope.model, 579),
    ("groq", "toolarge413"): TOO_LARGE,
    ("groq", "notfound_llama33"): MODEL_GONE,
    ("groq", "badkey"): BAD_KEY,
    ("groq", "notfound"): MODEL_GONE,
    ("groq", "decommissioned"): MODEL_GONE,
    ("groq", "flex498"): failing(Kind.overloaded),
    ("groq", "500"): failing(Kind.server_error),
    ("gemini", "rpm"): minute_spent(Scope.model, 26.182),
    ("gemini", "tpm"): minute_spent(Scope.model, 11.2),
    ("gemini", "rpd"): day_spent(Scope.model, PACIFIC_MIDNIGHT - NOW),
    ("gemini", "oauth401"): BAD_KEY,
    ("gemini", "limit0"): MODEL_GONE,
    ("gemini", "prepay429"): NO_CREDIT,
    ("gemini", "badkey400"): BAD_KEY,
    ("gemini", "expired400"): BAD_KEY,
    ("gemini", "notfound404"): MODEL_GONE,
    ("gemini", "overload503"): failing(Kind.overloaded),
    ("gemini", "500"): failing(Kind.server_error),
    ("gemini", "badmodel400"): MODEL_GONE,
    ("openrouter", "free_rpm"): minute_spent(Scope.account, 30),
    ("openrouter", "free_rpd"): day_spent(Scope.account, UTC_MIDNIGHT - NOW),
    ("openrouter", "upstream429"): minute_spent(Scope.model, 20),
    ("openrouter", "credits402"): NO_CREDIT,
    ("openrouter", "insufficient402"): NO_CREDIT,
    ("openrouter", "keylimit403"): NO_CREDIT,
    ("openrouter", "badkey401"): BAD_KEY,
    ("openrouter", "nokey401"): BAD_KEY,
    ("openrouter", "badmodel400"): MODEL_GONE,
    ("openrouter", "freeended404"): MODEL_GONE,
    ("openrouter", "502"): failing(Kind.overloaded),
    ("openrouter", "503"): failing(Kind.overloaded, 10),
    ("openrouter", "200_choice_error"): failing(Kind.overloaded),
    ("together_ai", "rps_dynamic"): minute_spent(Scope.model, 7),
    ("together_ai", "legacy_qpm"): minute_spent(Scope.model, 1),
    ("together_ai", "credit402"): NO_CREDIT,
    ("together_ai", "badkey401"): BAD_KEY,
    ("together_ai", "badmodel404"): MODEL_GONE,
    ("together_ai", "overload503"): failing(Kind.overloaded),
    ("together_ai", "overload503_mentions_rate_limit"): failing(Kind.overloaded),
    ("together_ai", "500"): failing(Kind.server_error),
    ("openai", "rpm"): minute_spent(Scope.model, 20),
    ("openai", "tpm"): minute_spent(Scope.model, 8.646),
    ("openai", "rpd"): day_spent(Scope.model, 432),
    ("openai", "insufficient_quota"): NO_CREDIT,
    ("openai", "badkey401"): BAD_KEY,
    ("openai", "notfound404"): MODEL_GONE,
    ("openai", "overload503"): failing(Kind.overloaded),
    ("openai", "500"): failing(Kind.server_error),
    ("openai", "region403"): Meaning(Kind.unknown, Scope.account, Hold.disabled),
}


def test_the_table_is_complete() -> None:
    assert set(MEANINGS) == {(provider, name) for provider, named in RECORDED.items() for name in named}


@pytest.mark.parametrize(("provider", "name"), MEANINGS)
@pytest.mark.parametrize("encode", [json.dumps, lambda body: json.dumps(body, indent=2).encode(), dict])
def test_a_fixture_means(provider: str, name: str, encode: Any) -> None:
    fixture = RECORDED[provider][name]
    verdict = read(provider, Reply(fixture.status, fixture.headers, encode(fixture.body)), NOW).verdict

    assert verdict is not None
    meaning = MEANINGS[provider, name]
    assert (verdict.kind, verdict.scope, verdict.hold, verdict.retry) == (
        meaning.kind,
        meaning.scope,
        meaning.hold,
        meaning.retry,
    )
    if meaning.seconds is None:
        assert verdict.until is None
    else:  # never early, and hardly late
        assert verdict.until is not None
        assert 0 <= verdict.until - NOW - meaning.seconds <= 1
    assert 20 <= len(verdict.message) <= 300
    assert verdict.message.startswith(("Groq", "Gemini", "OpenRouter", "Together", "OpenAI"))


@pytest.mark.parametrize(("provider", "name"), MEANINGS)
def test_an_unknown_provider_that_sends_the_same_is_not_a_success(provider: str, name: str) -> None:
    fixture = RECORDED[provider][name]
    verdict = read("some_gateway", Reply(fixture.status, fixture.headers, fixture.body), NOW).verdict

    assert verdict is not None
    assert verdict.retry
    if MEANINGS[provider, name].scope in (Scope.key, Scope.request, Scope.provider):
        assert verdict.scope == MEANINGS[provider, name].scope


@pytest.mark.parametrize(
    ("provider", "name"), [(provider, name) for provider, name in MEANINGS if name.startswith("badkey")]
)
def test_a_key_that_the_body_echoes_does_not_reach_the_message(provider: str, name: str) -> None:
    fixture = RECORDED[provider][name]
    key = "sk-or-v1-0123456789abcdef0123456789abcdef"
    error = {**fixture.body["error"], "message": f"{fixture.body['error']['message']} You sent: {key}"}
    verdict = read(provider, Reply(fixture.status, fixture.headers, {"error": error}), NOW).verdict

    assert verdict is not None
    assert key[:8] not in verdict.message
    assert "http" in verdict.message  # where to get a new one
