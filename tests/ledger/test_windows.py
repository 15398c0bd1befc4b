"""Windows forget nothing early, and days turn when the provider says so."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router_config.ledger.rules.windows import (
    MINUTE,
    ROLLING_DAY,
    CalendarDay,
    CalendarMonth,
    CalendarWeek,
    Rolling,
)

PACIFIC = CalendarDay("America/Los_Angeles")


def moment(text: str, zone: str = "America/Los_Angeles") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@given(st.floats(min_value=0, max_value=4e9), st.sampled_from([MINUTE, ROLLING_DAY]))
def test_usage_stays_for_a_whole_window_and_leaves_within_one_slot_more(used_at: float, window: Rolling) -> None:
    frees = window.frees(used_at)
    assert used_at + window.length <= frees <= used_at + window.length + window.width + 1e-6


@pytest.mark.parametrize(
    ("used_at", "frees_at"),
    [
        ("2026-11-23T10:00:00", "2026-11-24T00:00:00"),
        ("2026-11-23T23:59:59", "2026-11-24T00:00:00"),
        ("2026-03-08T01:30:00", "2026-03-09T00:00:00"),  # 23 hours long
        ("2026-11-01T00:30:00", "2026-11-02T00:00:00"),  # 25 hours long
    ],
)
def test_a_calendar_day_ends_at_the_next_midnight_of_its_timezone(used_at: str, frees_at: str) -> None:
    assert PACIFIC.frees(moment(used_at)) == moment(frees_at)


def test_both_readings_of_the_repeated_hour_are_one_day() -> None:
    first = moment("2026-11-01T01:30:00")
    assert PACIFIC.slot(first) == PACIFIC.slot(first + 3600)


def test_a_day_that_has_no_midnight_begins_at_its_first_moment() -> None:
    beirut = CalendarDay("Asia/Beirut")  # On 2026-03-29 clocks go from 00:00 to 01:00.
    began = beirut.began(moment("2026-03-29T12:00:00", "Asia/Beirut"))
    assert began == moment("2026-03-28T23:59:59", "Asia/Beirut") + 1
    assert beirut.slot(began) == beirut.slot(began - 1) + 1


@given(st.floats(min_value=1e9, max_value=4e9), st.sampled_from(["America/Los_Angeles", "UTC", "Asia/Beirut"]))
def test_every_moment_lies_between_its_midnights(at: float, zone: str) -> None:
    day = CalendarDay(zone)
    assert day.began(at) <= at < day.frees(at)
    assert day.frees(at) - day.began(at) in (82800, 86400, 90000)


@pytest.mark.parametrize(
    ("day", "used_at", "began", "frees_at"),
    [
        (31, "2026-01-31T12:00:00", "2026-01-31T00:00:00", "2026-02-28T00:00:00"),
        (31, "2026-02-28T00:00:00", "2026-02-28T00:00:00", "2026-03-31T00:00:00"),
        (31, "2028-02-28T23:59:59", "2028-01-31T00:00:00", "2028-02-29T00:00:00"),
        (14, "2026-03-13T23:59:59", "2026-02-14T00:00:00", "2026-03-14T00:00:00"),  # The clocks change in it.
        (1, "2026-12-31T23:59:59", "2026-12-01T00:00:00", "2027-01-01T00:00:00"),
    ],
)
def test_a_month_begins_on_its_day_or_on_the_last_of_a_short_one(
    day: int, used_at: str, began: str, frees_at: str
) -> None:
    month = CalendarMonth("America/Los_Angeles", day=day)
    assert month.began(moment(used_at)) == moment(began)
    assert month.frees(moment(used_at)) == moment(frees_at)


@given(
    st.floats(min_value=1e9, max_value=4e9),
    st.sampled_from(["America/Los_Angeles", "UTC", "Asia/Beirut"]),
    st.one_of(st.none(), st.integers(1, 31)),
)
def test_weeks_and_months_follow_each_other_without_a_gap(used_at: float, zone: str, day: int | None) -> None:
    window = CalendarWeek(zone) if day is None else CalendarMonth(zone, day=day)
    began, ends = window.began(used_at), window.frees(used_at)
    assert began <= used_at < ends
    assert window.began(ends) == ends
    assert window.frees(began - 1) == began
    first = datetime.fromtimestamp(began, ZoneInfo(zone))
    assert first.weekday() == 0 if day is None else first.day == day or (first + timedelta(days=1)).day == 1
