from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router_config.simulator.quotas.calendars import DAY, calendar_day, calendar_month, calendar_week, clock_minute
from router_config.simulator.quotas.windows import (
    FixedWindow,
    OpenRequests,
    RollingWindow,
    StrictWindow,
    TokenBucket,
    Window,
)

START = 1795435200.0
PACIFIC = ZoneInfo("America/Los_Angeles")

steps = st.lists(
    st.tuples(st.floats(0, 90), st.integers(1, 12), st.integers(0, 12)), min_size=1, max_size=60
)  # seconds since the step before, amount wanted, amount really used


def admitted(window: Window, script: list[tuple[float, int, int]]) -> list[tuple[float, int]]:
    """Ask for each amount; settle each at once; what went through, and when."""
    now, taken = START, []
    for pause, amount, real in script:
        now += pause
        if window.wait(amount, now) == 0:
            window.take(amount, now)(min(real, amount), now)
            taken.append((now, min(real, amount)))
    return taken


@given(steps)
def test_a_token_bucket_never_admits_more_than_its_capacity_and_what_it_refilled(
    script: list[tuple[float, int, int]],
) -> None:
    taken = admitted(TokenBucket(12, 60), script)
    for i, (first, _) in enumerate(taken):
        for j in range(i, len(taken)):
            last = taken[j][0]
            assert sum(amount for _, amount in taken[i : j + 1]) <= 12 + (last - first) * 12 / 60 + 1e-5


@given(steps)
def test_a_rolling_window_never_admits_more_than_its_limit_in_any_stretch(
    script: list[tuple[float, int, int]],
) -> None:
    taken = admitted(RollingWindow(12, 60), script)
    for first, _ in taken:
        assert sum(amount for at, amount in taken if first <= at < first + 60) <= 12


@given(steps)
def test_a_strict_window_obeys_both_of_its_halves(script: list[tuple[float, int, int]]) -> None:
    taken = admitted(StrictWindow(FixedWindow(12, 60, clock_minute)), script)
    for first, _ in taken:
        assert sum(amount for at, amount in taken if first <= at < first + 60) <= 12
        minute = clock_minute(first)[0]
        assert sum(amount for at, amount in taken if minute <= at < minute + 60) <= 12


@given(
    st.sampled_from(["bucket", "fixed", "rolling", "strict"]),
    st.lists(st.tuples(st.floats(0, 30), st.integers(1, 12)), max_size=30),
    st.integers(1, 12),
)
def test_after_the_wait_it_names_a_window_has_room(kind: str, before: list[tuple[float, int]], amount: int) -> None:
    windows: dict[str, Window] = {
        "bucket": TokenBucket(12, 60),
        "fixed": FixedWindow(12, 60, clock_minute),
        "rolling": RollingWindow(12, 60),
        "strict": StrictWindow(TokenBucket(12, 60)),
    }
    window = windows[kind]
    now = START
    for pause, taken in before:
        now += pause
        if window.wait(taken, now) == 0:
            window.take(taken, now)
    wait = window.wait(amount, now)
    assert wait <= 60
    assert window.wait(amount, now + wait + 1e-6) == 0


def test_a_token_bucket_refills_continuously() -> None:
    bucket = TokenBucket(30, 60)
    bucket.take(30, START)
    assert bucket.wait(1, START) == pytest.approx(2)
    assert bucket.wait(1, START + 2) == 0
    assert bucket.wait(2, START + 2) == pytest.approx(2)
    assert bucket.used(START + 60) == 0


def test_a_clock_set_back_does_not_refill_a_bucket() -> None:
    bucket = TokenBucket(30, 60)
    bucket.take(30, START)
    assert bucket.used(START - 3600) == 30
    assert bucket.used(START - 3600 + 2) == pytest.approx(29)


def test_an_amount_settled_after_its_window_has_turned_changes_nothing() -> None:
    window = FixedWindow(10, 60, clock_minute)
    late = window.take(10, START + 59)
    window.take(4, START + 61)
    late(1, START + 62)
    assert window.used(START + 62) == 4


def test_what_can_never_fit_waits_forever() -> None:
    for window in (TokenBucket(5, 60), FixedWindow(5, 60, clock_minute), RollingWindow(5, 60)):
        assert window.wait(6, START) == float("inf")


def test_a_limit_of_zero_admits_nothing() -> None:
    for window in (TokenBucket(0, 60), FixedWindow(0, 60, clock_minute), RollingWindow(0, 60)):
        assert window.wait(1, START) == float("inf")
        assert window.used(START + DAY) == 0


def local(*when: int) -> float:
    return datetime(*when, tzinfo=PACIFIC).timestamp()  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("evening", "midnight", "hours_of_day"),
    [
        (local(2026, 11, 23, 23, 59, 59), local(2026, 11, 24), 24),
        (local(2026, 3, 8, 23, 59, 59), local(2026, 3, 9), 23),  # clocks went forward that night
        (local(2026, 11, 1, 23, 59, 59), local(2026, 11, 2), 25),  # clocks went back that night
    ],
)
def test_a_pacific_day_ends_at_local_midnight(evening: float, midnight: float, hours_of_day: int) -> None:
    day = calendar_day(PACIFIC)
    assert day(evening) == (midnight - hours_of_day * 3600, midnight)
    assert day(midnight)[0] == midnight
    window = FixedWindow(5, DAY, day)
    window.take(5, evening)
    assert window.wait(1, evening) == 1
    assert window.wait(1, midnight) == 0


@pytest.mark.parametrize("hour", range(24))
def test_every_hour_of_a_daylight_saving_night_belongs_to_one_day(hour: int) -> None:
    for date in ((2026, 3, 8), (2026, 11, 1)):
        now = local(*date) + hour * 3600 - 1800
        start, end = calendar_day(PACIFIC)(now)
        assert start <= now < end
        assert end - start in (23 * 3600, 24 * 3600, 25 * 3600)


def test_utc_days_and_clock_minutes_are_aligned() -> None:
    assert calendar_day(UTC)(START + 1) == (START - 12 * 3600, START + 12 * 3600)
    assert clock_minute(START + 59.999) == (START, START + 60)


def at(zone: str, *when: int) -> float:
    return datetime(*when, tzinfo=ZoneInfo(zone)).timestamp()  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("zone", "first", "moment", "begins", "ends"),
    [
        ("UTC", 1, (2026, 2, 28, 23, 59, 59), (2026, 2, 1), (2026, 3, 1)),
        ("UTC", 31, (2027, 1, 31), (2027, 1, 31), (2027, 2, 28)),  # a month after 31 January
        ("UTC", 31, (2028, 2, 28, 23), (2028, 1, 31), (2028, 2, 29)),
        ("UTC", 31, (2028, 2, 29), (2028, 2, 29), (2028, 3, 31)),
        ("UTC", 30, (2027, 3, 1), (2027, 2, 28), (2027, 3, 30)),
        ("UTC", 31, (2027, 4, 30), (2027, 4, 30), (2027, 5, 31)),
        ("UTC", 14, (2027, 1, 1), (2026, 12, 14), (2027, 1, 14)),  # across the turn of a year
        ("America/Los_Angeles", 14, (2026, 3, 20), (2026, 3, 14), (2026, 4, 14)),
        ("America/Los_Angeles", 1, (2026, 11, 1), (2026, 11, 1), (2026, 12, 1)),
        ("Africa/Cairo", 24, (2026, 4, 25), (2026, 4, 24, 1), (2026, 5, 24)),  # clocks skipped that midnight
    ],
)
def test_a_month_begins_with_its_day_or_the_last_of_a_month_without_it(
    zone: str, first: int, moment: tuple[int, ...], begins: tuple[int, ...], ends: tuple[int, ...]
) -> None:
    assert calendar_month(ZoneInfo(zone), first)(at(zone, *moment)) == (at(zone, *begins), at(zone, *ends))


@pytest.mark.parametrize(
    ("moment", "monday", "hours"),
    [
        ((2026, 11, 26), (2026, 11, 23), 168),
        ((2026, 11, 22, 23, 59, 59), (2026, 11, 16), 168),
        ((2026, 3, 8, 12), (2026, 3, 2), 167),  # clocks went forward on its Sunday
        ((2026, 11, 1, 12), (2026, 10, 26), 169),  # and back
        ((2027, 1, 1), (2026, 12, 28), 168),
    ],
)
def test_a_week_begins_on_monday(moment: tuple[int, ...], monday: tuple[int, ...], hours: int) -> None:
    begins = local(*monday)
    assert calendar_week(PACIFIC)(local(*moment)) == (begins, begins + hours * 3600)


@given(st.floats(START - 400 * DAY, START + 4000 * DAY), st.integers(1, 31))
def test_months_follow_each_other_without_a_gap(moment: float, first: int) -> None:
    month = calendar_month(PACIFIC, first)
    begins, ends = month(moment)
    assert begins <= moment < ends
    assert 27 * DAY < ends - begins < 32 * DAY
    assert month(ends)[0] == ends
    assert month(begins - 1)[1] == begins


def test_open_requests_are_counted_until_they_end() -> None:
    window = OpenRequests(2)
    first, second = window.take(1, START), window.take(1, START)
    assert window.wait(1, START + DAY) > 0
    second(0, START + DAY)
    assert window.wait(1, START + DAY) == 0
    first(0, START + DAY)
    assert window.used(START + DAY) == 0
