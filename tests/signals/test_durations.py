"""Waits and dates in the notations that providers use."""

from datetime import UTC, datetime

import pytest

from router_config.signals.durations import (
    duration,
    leading_duration,
    next_midnight_pacific,
    next_midnight_utc,
    wait,
)

NOW = 1795400730.0  # 2026-11-23 02:25:30 UTC


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5m45.6s", 345.6),
        ("172ms", 0.172),
        ("3.48s", 3.48),
        ("24h0m0s", 86400),
        ("1h2m", 3720),
        ("7m12s", 432),
        ("9m38.016s. Need more tokens?", 578.016),
        ("26.182039284s.", 26.182039284),
        ("1d2h", 93600),
        ("20", 20),
        ("20.", 20),
        ("0", 0),
        ("0s", 0),
        ("20 seconds", 20),
        ("2 hours and 5 minutes", 7500),
        ("1 minute, 30 seconds", 90),
        ("500 milliseconds", 0.5),
        ("12 S", 12),
        ("-1", -1),
        ("1ms", 0.001),
        ("250µs", 0.00025),
    ],
)
def test_a_duration_reads_as_seconds(text: str, seconds: float) -> None:
    assert leading_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "soon", "s", "NaN", "inf", "-", "١٢", "five minutes", "\ud800", "."])
def test_what_is_no_duration_reads_as_none(text: str) -> None:
    assert duration(text) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("26s", 26),
        ("0.5s", 0.5),
        ({"seconds": 26}, 26),
        ({"seconds": "26", "nanos": 500_000_000}, 26.5),
        ({"nanos": 1}, 1e-9),
        (12, 12),
        (0.25, 0.25),
        ({}, None),
        (None, None),
        (True, None),
        ([], None),
        (10**4000, None),
        (float("nan"), None),
        (float("inf"), None),
    ],
)
def test_a_retry_info_reads_as_seconds(value: object, seconds: float | None) -> None:
    assert duration(value) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        (" 1.5 ", 1.5),
        ("-1", -1),
        ("44m38.4s", 2678.4),
        ("1795400760000", 30),  # epoch milliseconds
        ("1795400760", 30),  # epoch seconds
        (1795400760000, 30),
        ("Mon, 23 Nov 2026 02:26:00 GMT", 30),
        ("Mon, 23 Nov 2026 02:25:00 GMT", -30),
        ("Monday, 23-Nov-26 02:26:00 GMT", 30),
        ("2026-11-23T02:26:00Z", 30),
        ("2026-11-23T03:26:00+01:00", 30),
        ("2026-11-23 02:26:00", 30),
        ("86400", 86400),
    ],
)
def test_a_header_reads_as_seconds_from_now(value: object, seconds: float) -> None:
    assert wait(value, NOW) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "value",
    ["", "never", "Mon, 99 Nov 2026 02:26:00 GMT", "2026-99-99T00:00:00Z", "9" * 500 + "x", None, {}, b"7"],
)
def test_a_header_without_a_time_reads_as_none(value: object) -> None:
    assert wait(value, NOW) is None


def test_the_day_of_utc_ends_at_midnight() -> None:
    assert next_midnight_utc(NOW) == datetime(2026, 11, 24, tzinfo=UTC).timestamp()
    assert next_midnight_utc(1795478400.0) == 1795478400.0 + 86400  # at midnight itself the new day has begun


@pytest.mark.parametrize(
    ("now", "midnight"),
    [
        (datetime(2026, 11, 23, 2, 25, tzinfo=UTC), datetime(2026, 11, 23, 8, tzinfo=UTC)),  # PST
        (datetime(2026, 7, 1, 2, 25, tzinfo=UTC), datetime(2026, 7, 1, 7, tzinfo=UTC)),  # PDT
        (datetime(2026, 3, 8, 8, 1, tzinfo=UTC), datetime(2026, 3, 9, 7, tzinfo=UTC)),  # a day of 23 hours
        (datetime(2026, 11, 1, 7, 1, tzinfo=UTC), datetime(2026, 11, 2, 8, tzinfo=UTC)),  # a day of 25 hours
        (datetime(2026, 12, 31, 9, tzinfo=UTC), datetime(2027, 1, 1, 8, tzinfo=UTC)),
    ],
)
def test_the_day_of_california_ends_at_its_own_midnight(now: datetime, midnight: datetime) -> None:
    assert next_midnight_pacific(now.timestamp()) == midnight.timestamp()
