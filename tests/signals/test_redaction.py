"""Messages for people hold no key, however a body echoes it."""

import pytest

from router_config.signals import Reply, read, redact

KEYS = [
    "sk-proj-Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4z",
    "sk-dummy",
    "sk-ant-api03-planted_0001",
    "gsk_" + "0123abcDEF" * 5,
    "AIzaSyA-" + "123abcXYZ" * 3,
    "sk-or-v1-0000000000000000000000000000000000000000000000000000000000000000",
    "tgp_v1_abcDEF123456",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-DEF_123",
    "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
    "PLANTED-groq-KEY-7f3a",
    "planted_secret_value",
    "sk-proj-abc***********wxyz",
    "planted*************word",
]
SAID = [
    "{}",
    "Something failed for {}",
    "Something failed for {}.",
    'header "Authorization: Bearer {}" was wrong',
    "Incorrect API key provided: {}. You can find your API key at https://example.com.",
    "https://example.com/v1?key={}&alt=sse",
    "token={} rejected",
    "{}{}",
    "x\u200b{}\x00 y",
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 500, 503])
def test_no_message_holds_an_echoed_key(key: str, said: str, status: int) -> None:
    message = said.replace("{}", key)
    verdict = read("groq", Reply(status, {}, {"error": {"message": message}}), 0.0).verdict
    assert verdict is not None
    assert key not in verdict.message
    assert key[:12] not in verdict.message
    assert key[-8:] not in verdict.message


@pytest.mark.parametrize("position", range(80, 130, 3))
def test_no_message_ends_in_half_a_key(position: int) -> None:
    message = "a " * (position // 2) + KEYS[0]
    verdict = read("groq", Reply(500, {}, message), 0.0).verdict
    assert verdict is not None
    assert "sk-" not in verdict.message
    assert "sk-" not in redact("a" * (position + 880) + " " + KEYS[0])


def test_words_survive() -> None:
    said = "The model `llama-3.3-70b-versatile` does not exist, see https://groq.com/models: invalid_api_key"
    assert redact(said) == said


@pytest.mark.parametrize(
    "word",
    [
        "deepseek-r1-distill-llama-70b",
        "meta-llama/Llama-3.3-70B-Instruct-Turbo",
        "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
        "RESOURCE_EXHAUSTED",
        "max_completion_tokens",
        "openai/gpt-oss-120b",
    ],
)
def test_names_survive(word: str) -> None:
    assert redact(f"about {word} here") == f"about {word} here"


def test_secrets_that_the_caller_knows_go_whatever_they_look_like() -> None:
    assert redact("the word swordfish echoed", ["swordfish"]) == "the word [redacted] echoed"


def test_control_characters_and_lone_surrogates_go() -> None:
    verdict = read("groq", Reply(500, {}, {"error": {"message": "a\x1b[31m\x00b\u202e\udc80c\r\nd"}}), 0.0).verdict
    assert verdict is not None
    assert verdict.message.isprintable()
    assert verdict.message.encode()


def test_a_message_is_short_and_the_name_of_an_unknown_provider_is_safe() -> None:
    verdict = read("x" * 1000 + "\x00", Reply(500, {}, {"error": {"message": "words " * 500}}), 0.0).verdict
    assert verdict is not None
    assert len(verdict.message) <= 300
