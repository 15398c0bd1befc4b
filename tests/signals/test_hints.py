"""Which waits are believed: the longest sensible one, never zero, never years."""

from email.utils import formatdate

import pytest

from router_config.signals import Hold, Reply, read

NOW = 1795400730.0
MINUTE = {"error": {"message": "Rate limit reached on requests per minute (RPM): Limit 30, Used 30, Requested 1."}}
DAY = {"error": {"message": "Rate limit reached on tokens per day (TPD): Limit 100, Used 100, Requested 1."}}
IN_2037 = formatdate(2129500800, usegmt=True)


def cooldown(body: object, provider: str = "groq", status: int = 429, **headers: str) -> float | None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    verdict = read(provider, Reply(status, named, body), NOW).verdict  # type: ignore[arg-type]
    assert verdict is not None
    return None if verdict.until is None else verdict.until - NOW


def test_the_longest_of_several_hints_counts() -> None:
    body = {"error": {**MINUTE["error"], "retry_after": 7}}
    assert cooldown(body, retry_after="2", retry_after_ms="9000") == pytest.approx(9.5)
    assert cooldown(
        {"error": {"message": MINUTE["error"]["message"] + " Please try again in 11s."}}, retry_after="2"
    ) == (pytest.approx(11.5))


@pytest.mark.parametrize("value", ["0", "-1", "-86400", "NaN", "inf", "", "soon", "Mon, 01 Jan 2001 00:00:00 GMT"])
def test_a_hint_of_nothing_is_none(value: str) -> None:
    assert cooldown(MINUTE, retry_after=value) == pytest.approx(60.5)
    assert cooldown(DAY, retry_after=value) == pytest.approx(3600.5)
    assert cooldown(None, "some_gateway", 503, retry_after=value) is None


@pytest.mark.parametrize("value", ["86400", IN_2037, "2129500800", "2129500800000", "1e300", "99999999999999999999"])
def test_a_hint_beyond_reason_is_cut_to_what_its_kind_can_need(value: str) -> None:
    assert cooldown(MINUTE, retry_after=value) == pytest.approx(120.5)
    assert cooldown(None, retry_after=value) == pytest.approx(3600.5)  # a limit that names no window
    assert cooldown(None, status=503, retry_after=value) == pytest.approx(3600.5)
    assert cooldown(DAY, retry_after=value) <= 26 * 3600 + 1  # type: ignore[operator]


def test_a_believable_hint_beside_an_absurd_one_counts() -> None:
    assert cooldown(MINUTE, retry_after=IN_2037, retry_after_ms="4000") == pytest.approx(4.5)


def test_a_day_s_hint_may_last_a_day() -> None:
    assert cooldown(DAY, retry_after="80000") == pytest.approx(80000.5)


def test_the_day_s_reset_header_is_no_hint_for_the_minute() -> None:
    assert cooldown(MINUTE, x_ratelimit_reset_requests="44m38.4s") == pytest.approx(60.5)


def test_a_limit_that_names_no_window_is_told_by_the_header_that_is_spent() -> None:
    spent = {"x_ratelimit_limit_requests": "1000", "x_ratelimit_remaining_requests": "0"}
    assert cooldown(None, "groq", 429, **spent, retry_after="87") == pytest.approx(87.5)
    verdict = read("groq", Reply(429, {name.replace("_", "-"): v for name, v in spent.items()}, None), NOW).verdict
    assert verdict is not None
    assert (verdict.kind, verdict.hold) == ("daily_limit", Hold.until)


def test_an_overloaded_provider_may_ask_for_longer_than_the_cooldown() -> None:
    assert cooldown(None, status=503, retry_after="900") == pytest.approx(900.5)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Please try again in 14.655s. Need more?", 14.655),
        ("Please retry in 26.182039284s.", 26.182),
        ("Please retry after 20 seconds.", 20),
        ("Please wait 30 seconds before retrying", 30),
        ("Try again in about 1 minute.", 60),
        ("Limit resets in 45s", 45),
        ("please try again after 1 seconds", 1),
        ("Retry after 20", 20),
    ],
)
def test_a_wait_in_words_is_read(text: str, seconds: float) -> None:
    body = {"error": {"message": f"Requests per minute exceeded. {text}"}}
    assert cooldown(body, "some_gateway") == pytest.approx(seconds + 0.5, abs=0.01)
