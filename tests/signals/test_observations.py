"""Quota windows as providers report them: in headers of several dialects, and in the words of an error."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import pytest

from router_config.signals import Observation, Reply, read

from .recorded import RECORDED

NOW = 1795400730.0  # 2026-11-23 02:25:30 UTC, 18:25:30 in California


def seen(provider: str, headers: Mapping[str, str], status: int = 200, body: object = None) -> set[Observation]:
    """What a reply reports, with seconds rounded to hundredths."""
    found = read(provider, Reply(status, headers, body), NOW).observations  # type: ignore[arg-type]
    return {replace(each, reset_after=each.reset_after and round(each.reset_after, 2)) for each in found}


def seen_in(provider: str, name: str) -> set[Observation]:
    fixture = RECORDED[provider][name]
    return seen(provider, fixture.headers, fixture.status, fixture.body)


def test_groq_reports_requests_per_day_and_tokens_per_minute() -> None:
    headers = {
        "X-RateLimit-Limit-Requests": "14400",
        "X-RateLimit-Remaining-Requests": "14370",
        "X-RateLimit-Reset-Requests": "2m59.56s",
        "X-RateLimit-Limit-Tokens": "18000",
        "X-RateLimit-Remaining-Tokens": "17997",
        "X-RateLimit-Reset-Tokens": "7.66s",
    }
    assert seen("groq", headers) == {
        Observation("requests", "day", 14400, 14370, 179.56, "model"),
        Observation("tokens", "minute", 18000, 17997, 7.66, "model"),
    }


def test_a_groq_error_adds_the_window_that_it_names() -> None:
    assert seen_in("groq", "tpd") == {
        Observation("requests", "day", 1000, 969, 2678.4, "model"),
        Observation("tokens", "minute", 8000, 675, 54.94, "model"),
        Observation("tokens", "day", 200_000, 2950, 85125.6, "model"),
    }


def test_a_groq_minute_of_requests_is_known_from_words_alone() -> None:
    assert Observation("requests", "minute", 30, 0, 60.0, "model") in seen_in("groq", "rpm")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("input tokens per minute (ITPM)", "input"),
        ("output tokens per minute", "output"),
        ("tokens per minute (OTPM)", "output"),
    ],
)
def test_a_limit_of_input_or_output_tokens_is_no_limit_of_all_tokens(words: str, part: Literal["input"]) -> None:
    body = {"error": {"message": f"on {words}: Limit 6000, Used 5990, Requested 100."}}
    assert seen("groq", {}, 429, body) == {Observation("tokens", "minute", 6000, 10, 59.9, "model", part)}


def test_a_limit_of_audio_is_no_limit_of_tokens() -> None:
    body = {"error": {"message": "on seconds of audio per hour (ASPH): Limit 7200, Used 7200, Requested 100."}}
    assert seen("groq", {}, 429, body) == set()


def test_openai_headers_tell_a_minute_from_a_day_by_their_refill() -> None:
    minute = {
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": "499",
        "x-ratelimit-reset-requests": "120ms",
    }
    day = {
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-remaining-requests": "9998",
        "x-ratelimit-reset-requests": "17.28s",
    }
    assert seen("openai", minute) == {Observation("requests", "minute", 500, 499, 0.12, "model")}
    assert seen("openai", day) == {Observation("requests", "day", 10000, 9998, 17.28, "model")}


def test_an_openai_error_adds_the_window_that_it_names() -> None:
    assert seen_in("openai", "rpd") == {
        Observation("requests", "day", 200, 0, 86400.0, "model"),
        Observation("tokens", "minute", 200_000, 199_000, 0.3, "model"),
    }
    assert Observation("requests", "minute", 3, 0, 60.0, "model") in seen_in("openai", "rpm")


def test_gemini_names_its_quotas_in_the_body_of_a_429() -> None:
    assert seen_in("gemini", "rpm") == {Observation("requests", "minute", 5, 0, 26.18, "model")}
    assert seen_in("gemini", "tpm") == {Observation("tokens", "minute", 250_000, 0, 11.2, "model")}
    assert seen_in("gemini", "rpd") == {Observation("requests", "day", 20, 0, 1795420800.0 - NOW, "model")}


def test_a_limit_of_zero_is_a_verdict_and_no_limit_to_remember() -> None:
    assert seen_in("gemini", "limit0") == set()


def test_openrouter_reports_the_account_in_a_429() -> None:
    assert seen_in("openrouter", "free_rpm") == {Observation("requests", "minute", 20, 0, 30.0, "account")}
    assert seen_in("openrouter", "free_rpd") == {Observation("requests", "day", 50, 0, 1795478400.0 - NOW, "account")}
    assert seen_in("openrouter", "upstream429") == set()


def test_together_states_its_limits_in_words() -> None:
    assert seen_in("together_ai", "rps_dynamic") == {
        Observation("requests", "minute", 60, None, None, "model"),
        Observation("tokens", "minute", 60_000, None, None, "model"),
    }
    assert seen_in("together_ai", "legacy_qpm") == {Observation("requests", "minute", 60, None, None, "model")}


def test_other_fixtures_report_nothing() -> None:
    for provider in ("gemini", "openrouter", "together_ai"):
        for name, fixture in RECORDED[provider].items():
            if fixture.status != 429:
                assert seen_in(provider, name) == set(), (provider, name)


CEREBRAS = {
    "x-ratelimit-limit-requests-day": "14400",
    "x-ratelimit-remaining-requests-day": "14399",
    "x-ratelimit-reset-requests-day": "33011.382867",
    "x-ratelimit-limit-tokens-minute": "60000",
    "x-ratelimit-remaining-tokens-minute": "59900",
    "x-ratelimit-reset-tokens-minute": "11.382867",
    "x-ratelimit-limit-requests-hour": "900",
    "x-ratelimit-remaining-requests-hour": "3",
}
MISTRAL = {
    "x-ratelimit-limit-req-minute": "60",
    "x-ratelimit-remaining-req-minute": "58",
    "x-ratelimit-limit-tokens-minute": "500000",
    "x-ratelimit-remaining-tokens-minute": "499990",
    "x-ratelimit-limit-tokens-month": "1000000000",
    "x-ratelimit-remaining-tokens-month": "5",
}
ANTHROPIC = {
    "anthropic-ratelimit-requests-limit": "50",
    "anthropic-ratelimit-requests-remaining": "49",
    "anthropic-ratelimit-requests-reset": "2026-11-23T02:25:31Z",
    "anthropic-ratelimit-input-tokens-limit": "30000",
    "anthropic-ratelimit-input-tokens-remaining": "1",
    "anthropic-ratelimit-output-tokens-limit": "8000",
    "anthropic-ratelimit-output-tokens-remaining": "7000",
    "anthropic-ratelimit-output-tokens-reset": "2026-11-23T02:25:37.5Z",
    "anthropic-ratelimit-tokens-limit": "40000",
    "anthropic-ratelimit-tokens-remaining": "39000",
    "anthropic-ratelimit-tokens-reset": "2026-11-23T02:25:32Z",
}
KONG = {"X-RateLimit-Limit-Minute": "10", "X-RateLimit-Remaining-Minute": "9", "X-RateLimit-Limit-Day": "200"}
GATEWAYS = [
    (
        CEREBRAS,
        {
            Observation("requests", "day", 14400, 14399, 33011.38, "model"),
            Observation("tokens", "minute", 60000, 59900, 11.38, "model"),
            Observation("requests", "hour", 900, 3, None, "model"),
        },
    ),
    (
        MISTRAL,
        {
            Observation("requests", "minute", 60, 58, None, "model"),
            Observation("tokens", "minute", 500_000, 499_990, None, "model"),
            Observation("tokens", "month", 1_000_000_000, 5, None, "model"),
        },
    ),
    (
        ANTHROPIC,
        {
            Observation("requests", "minute", 50, 49, 1.0, "model"),
            Observation("tokens", "minute", 40000, 39000, 2.0, "model"),
            Observation("tokens", "minute", 30000, 1, None, "model", "input"),
            Observation("tokens", "minute", 8000, 7000, 7.5, "model", "output"),
        },
    ),
    (
        # Mistral by its older names; limits in windows of five minutes are left out
        {
            "x-ratelimitbysize-limit-minute": "500000",
            "x-ratelimitbysize-remaining-minute": "0",
            "x-ratelimitbysize-remaining-month": "999",
            "x-ratelimit-limit-tokens-5-minute": "7",
        },
        {
            Observation("tokens", "minute", 500_000, 0, None, "model"),
            Observation("tokens", "month", None, 999, None, "model"),
        },
    ),
    (
        {
            "x-endpoint-monthly-call-limit": "1000",
            "x-trial-endpoint-call-limit": "20",
            "x-trial-endpoint-call-remaining": "19",
        },
        {
            Observation("requests", "month", 1000, None, None, "model"),
            Observation("requests", "minute", 20, 19, None, "model"),
        },
    ),
    (
        # 800 requests an hour, as Nous writes it; a reset of more than an hour is cut
        {
            "x-ratelimit-limit-requests-1h": "800",
            "x-ratelimit-remaining-requests-1h": "795",
            "x-ratelimit-reset-requests-1h": "86400",
            "x-rate-limit-remaining-request-per-month": "4",
            "x-rate-limit-reset-request-per-month": "2027-11-23T00:00:00Z",
        },
        {
            Observation("requests", "hour", 800, 795, 3600.0, "model"),
            Observation("requests", "month", None, 4, 31 * 86400.0 + 3600.0, "model"),
        },
    ),
    (
        {"RateLimit": '"weekly";r=7;t=300000', "RateLimit-Policy": '"weekly";q=100;w=604800'},
        {Observation("requests", "week", 100, 7, 300_000.0, "model")},
    ),
    (
        KONG,
        {
            Observation("requests", "minute", 10, 9, None, "model"),
            Observation("requests", "day", 200, None, None, "model"),
        },
    ),
    (
        {"x-ratelimit-limit-requests": "100", "x-ratelimit-remaining-requests": "99"},
        {Observation("requests", "minute", 100, 99, None, "model")},
    ),
    (
        {
            "x-ratelimit-limit-requests": "1000",
            "x-ratelimit-remaining-requests": "10",
            "x-ratelimit-reset-requests": "1795440000",
        },
        {Observation("requests", "day", 1000, 10, 39270.0, "model")},
    ),
    (
        {"RateLimit": "limit=100, remaining=50, reset=5", "RateLimit-Policy": "100;w=60"},
        {Observation("requests", "minute", 100, 50, 5.0, "model")},
    ),
    (
        {"RateLimit": '"day";r=7;t=3000', "RateLimit-Policy": '"burst";q=10;w=1,"day";q=100;w=86400'},
        {Observation("requests", "day", 100, 7, 3000.0, "model")},
    ),
    (
        {
            "RateLimit-Limit": "30",
            "RateLimit-Remaining": "4",
            "RateLimit-Reset": "12",
            "RateLimit-Policy": "5;w=1, 30;w=60",
        },
        {Observation("requests", "minute", 30, 4, 12.0, "model")},
    ),
    (
        {"RateLimit-Limit": "30, 30;w=60", "RateLimit-Remaining": "4", "RateLimit-Reset": "12"},
        {Observation("requests", "minute", 30, 4, 12.0, "model")},
    ),
]


@pytest.mark.parametrize(("headers", "expected"), GATEWAYS)
def test_a_server_outside_the_five_is_read_in_its_dialect(headers: dict[str, str], expected: set[Observation]) -> None:
    assert seen("some_gateway", headers) == expected


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ratelimit-limit-requests": "-1", "x-ratelimit-remaining-requests": "-1"},
        {"x-ratelimit-limit-requests": "0", "x-ratelimit-remaining-requests": "0"},
        {"x-ratelimit-limit-requests": "unlimited"},
        {"x-ratelimit-limit-requests": "9" * 30},
        {"x-ratelimit-limit-requests-second": "5", "x-ratelimit-remaining-requests-second": "0"},
        {"x-ratelimit-limit-input": "5", "x-ratelimit-limit-input-requests": "5"},
        {"x-ratelimit-limit-tokens-cached-input": "5"},
        {"x-ratelimit-limit": "1", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"},
        {"RateLimit": "limit=100, remaining=0, reset=5"},  # no policy: a window of unknown length
        {"RateLimit": '"api";r=0;t=55', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'},
        {"RateLimit-Policy": '"x";q=1000;w=60;qu="content-bytes"', "RateLimit": '"x";r=1;t=1'},
    ],
)
def test_what_is_not_sure_is_not_reported(headers: dict[str, str]) -> None:
    assert seen("some_gateway", headers) == set()


def test_more_remaining_than_the_limit_is_cut_and_less_than_none_is_none() -> None:
    headers = {
        "x-ratelimit-limit-tokens": "100",
        "x-ratelimit-remaining-tokens": "500",
        "x-ratelimit-limit-requests": "7",
        "x-ratelimit-remaining-requests": "-3",
        "x-ratelimit-reset-tokens": "-5",
    }
    assert seen("groq", headers) == {
        Observation("tokens", "minute", 100, 100, 0.0, "model"),
        Observation("requests", "day", 7, 0, None, "model"),
    }
