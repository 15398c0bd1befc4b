"""Windows forget nothing early, and days turn when the provider says so."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
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


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "Asia/Beirut", "America/Havana", "Africa/Cairo"])
@pytest.mark.parametrize("day", [1, 14, 29, 30, 31, None])
def test_weeks_and_months_turn_at_the_first_moment_of_their_date(zone: str, day: int | None) -> None:
    """Of three years, one of them a leap year, also where clocks change at midnight. None: of weeks."""
    window = CalendarWeek(zone) if day is None else CalendarMonth(zone, day=day)
    starts = _mondays() if day is None else _starts(day)
    for began, ends in pairwise(starts):
        first = _first_moment(began, zone)
        for at in (first, first + 43_200, _first_moment(ends, zone) - 0.001):
            assert window.began(at) == first
            assert window.frees(at) == _first_moment(ends, zone)


def _mondays() -> list[date]:
    return [date(2026, 1, 5) + timedelta(days=7 * number) for number in range(156)]


def _starts(day: int) -> list[date]:
    """The days on which a provider's month begins: 31 January, 28 February, 31 March."""
    firsts = [date(2026 + number // 12, number % 12 + 1, 1) for number in range(37)]
    return [
        min(first + timedelta(days=day - 1), following - timedelta(days=1)) for first, following in pairwise(firsts)
    ]


def _first_moment(day: date, zone: str) -> float:
    """By search, not by the rules of datetime for hours that are skipped or come twice."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
    low, high = noon - 36 * 3600, noon + 36 * 3600  # In quarters of an hour.
    while high - low > 900:
        middle = low + (high - low) // 1800 * 900
        if datetime.fromtimestamp(middle, ZoneInfo(zone)).date() < day:
            low = middle
        else:
            high = middle
    return high


@pytest.mark.parametrize(
    ("zone", "used_at", "began", "frees_at", "hours"),
    [
        ("America/Los_Angeles", "2026-03-08T03:00:00", "2026-03-02T00:00:00", "2026-03-09T00:00:00", 167),
        ("America/Los_Angeles", "2026-11-01T23:59:59", "2026-10-26T00:00:00", "2026-11-02T00:00:00", 169),
        ("Asia/Beirut", "2026-03-29T12:00:00", "2026-03-23T00:00:00", "2026-03-30T00:00:00", 167),
        ("Europe/Berlin", "2026-12-31T23:59:59", "2026-12-28T00:00:00", "2027-01-04T00:00:00", 168),
    ],
)
def test_a_week_in_which_the_clocks_change_is_an_hour_shorter_or_longer(
    zone: str, used_at: str, began: str, frees_at: str, hours: int
) -> None:
    week, at = CalendarWeek(zone), moment(used_at, zone)
    assert (week.began(at), week.frees(at)) == (moment(began, zone), moment(frees_at, zone))
    assert week.frees(at) - week.began(at) == hours * 3600


@pytest.mark.parametrize(
    ("day", "used_at", "began", "frees_at"),
    [
        (31, "2026-04-30T00:00:00", "2026-04-30T00:00:00", "2026-05-31T00:00:00"),
        (29, "2027-02-28T12:00:00", "2027-02-28T00:00:00", "2027-03-29T00:00:00"),
        (30, "2028-02-29T12:00:00", "2028-02-29T00:00:00", "2028-03-30T00:00:00"),
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
