"""When room ends: providers in their order, days that begin anew, and rolling ones of which some comes back."""

from datetime import UTC, datetime
from math import inf
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router_config.forecast.exhaustion import Ends, Exhaustion, Room, Taker, Used, exhaustion
from router_config.forecast.profile import Curve, steady
from router_config.forecast.ratios import Band
from router_config.ledger.rules.windows import CalendarDay, Unit

START = 1_795_435_200.0
HOUR, DAY = 3600.0, 86_400.0


def room(left: float, *, whole: float = 100_000, renews_at: float = inf, used: tuple[Used, ...] = ()) -> Room:
    return Room("tpd", "day", left, whole, DAY, START + DAY, renews_at, used)


def takers(*rooms: Room) -> tuple[Taker, ...]:
    names = ("groq", "gemini", "openai")
    return tuple(Taker(names[place], (each,)) for place, each in enumerate(rooms))


def walked(*rooms: Room, rate: float, until: float = START + 25 * HOUR, since: float = START) -> Exhaustion:
    return exhaustion(takers(*rooms), steady(rate).curve(since, until), {"day": until})


def hours(*rooms: Room, rate: float) -> float | None:
    """Until all have nothing left."""
    end = walked(*rooms, rate=rate).together["day"].p50
    return None if end is None else round((end - START) / HOUR, 3)


def test_what_is_left_lasts_as_long_as_it_is_used() -> None:
    assert hours(room(30_000), rate=10_000) == 3
    assert hours(room(30_000), room(20_000), rate=10_000) == 5
    assert hours(room(30_000), rate=0) is None
    assert hours(room(30_000), rate=1000) is None, "it lasts a day"
    assert hours(rate=1000) is None


def test_a_day_that_begins_anew_before_it_runs_out_lasts() -> None:
    assert hours(room(30_000, renews_at=START + 4 * HOUR), rate=10_000) == 3
    assert hours(room(30_000, renews_at=START + 2 * HOUR), rate=4_000) is None
    assert hours(room(30_000, whole=50_000, renews_at=START + 2 * HOUR), rate=10_000) == 2 + 5


def test_what_a_day_leaves_unused_is_lost_when_it_begins_anew() -> None:
    early = room(40_000, whole=40_000, renews_at=START + HOUR)
    assert hours(early, room(10_000), rate=10_000) == 1 + 5


def test_of_a_rolling_day_what_was_used_comes_back_a_day_later() -> None:
    evenly = (Used(START - DAY, START, 90_000),)
    assert hours(room(10_000, used=evenly), rate=3750) is None
    assert hours(room(10_000, used=evenly), rate=13_750) == 1
    lately = (Used(START - 2 * HOUR, START, 90_000),)
    assert hours(room(10_000, used=lately), rate=500) == 20, "nothing comes back within 22 hours"


def test_the_limit_that_is_used_up_last_binds() -> None:
    found = walked(room(10), room(10), room(0), rate=40)
    assert found.binding == {"day": "gemini tpd"}


def test_nothing_left_is_the_end_now() -> None:
    assert hours(room(0), room(0), rate=0) == 0


def test_the_next_provider_ends_once_what_is_asked_reaches_it() -> None:
    found = walked(room(20_000), room(30_000), room(1_000_000, whole=1_000_000), rate=10_000)
    ends = {name: each.p50 for (name, _), each in found.ends.items()}
    assert ends == {"groq": START + 2 * HOUR, "gemini": START + 5 * HOUR, "openai": None}
    assert found.taken["gemini", "day"].p50 == 30_000


def test_a_provider_that_takes_a_part_of_what_reaches_it_ends_later() -> None:
    half = Taker("groq", (room(20_000),), takes=0.5)
    rest = Taker("gemini", (room(1_000_000, whole=1_000_000),))
    found = exhaustion((half, rest), steady(10_000).curve(START, START + DAY), {"day": START + DAY})
    assert found.ends["groq", "day"].p50 == START + 4 * HOUR


def test_what_nobody_else_has_room_for_goes_to_who_takes_a_part() -> None:
    half = Taker("groq", (room(50_000),), takes=0.5)
    rest = Taker("gemini", (room(10_000),))
    found = exhaustion((half, rest), steady(10_000).curve(START, START + DAY), {"day": START + DAY})
    assert found.ends["gemini", "day"].p50 == START + 2 * HOUR
    assert found.together["day"].p50 == START + 6 * HOUR


def test_a_week_is_not_used_while_the_day_is_used_up() -> None:
    day = Room("tpd", "day", 10_000, 10_000, DAY, START + DAY, START + DAY)
    week = Room("tpw", "week", 25_000, 50_000, 7 * DAY, START + 7 * DAY, START + 7 * DAY)
    until = START + 7 * DAY
    found = exhaustion((Taker("groq", (day, week)),), steady(10_000).curve(START, until), {"week": until})
    assert found.ends["groq", "day"].p50 == START + HOUR
    assert found.ends["groq", "week"].p50 == pytest.approx(START + 2 * DAY + HOUR / 2)


def test_it_is_not_asked_beyond_the_end_of_the_window() -> None:
    soon = Room("tpd", "day", 30_000, 100_000, DAY, START + 2 * HOUR, START + 2 * HOUR)
    found = exhaustion((Taker("groq", (soon,)),), steady(10_000).curve(START, START + DAY), {"day": START + 2 * HOUR})
    assert found.ends["groq", "day"] == Ends(None, None, None)
    assert found.taken["groq", "day"].p50 == 20_000


def test_no_moment_of_a_day_is_counted_twice_where_clocks_change() -> None:
    autumn = datetime(2026, 10, 31, 12, tzinfo=ZoneInfo("America/Los_Angeles")).astimezone(UTC).timestamp()
    day = CalendarDay("America/Los_Angeles")
    assert (day.frees(autumn) - autumn, day.frees(autumn + 13 * HOUR) - day.frees(autumn)) == (12 * HOUR, 25 * HOUR)
    half = Room("rpd", "day", 130, 240, DAY, day.frees(autumn), day.frees(autumn))
    assert walked(half, rate=10, since=autumn, until=autumn + DAY).together["day"].p50 is None


AMOUNTS = st.floats(0, 200_000)


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    """What is expected over two days, as bands that grow."""
    used = [Band(0.0, 0.0, 0.0)]
    for _ in range(48):
        least, more, most = (draw(st.floats(0, 9000)) for _ in range(3))
        before = used[-1]
        used.append(Band(before.p10 + least, before.p50 + least + more, before.p90 + least + more + most))
    return Curve(tuple(START + HOUR * each for each in range(49)), tuple(used))


@st.composite
def rooms(draw: st.DrawFn) -> Room:
    whole = draw(st.floats(1, 200_000))
    left = whole * draw(st.floats(0, 1))
    if draw(st.booleans()):
        renews_at = START + HOUR * draw(st.integers(1, 24))
        return Room("tpd", "day", left, whole, DAY, renews_at, renews_at)
    used = (Used(START - HOUR * draw(st.integers(1, 23)), START, whole - left),)
    return Room("tpd", "day", left, whole, DAY, START + DAY, inf, used)


def ordered(ends: Ends) -> bool:
    early, middle, late = (inf if each is None else each for each in ends)
    return early <= middle <= late


@settings(max_examples=100, deadline=None)
@given(curves(), st.lists(rooms(), min_size=1, max_size=3))
def test_the_band_is_in_order(demand: Curve, given_rooms: list[Room]) -> None:
    found = exhaustion(takers(*given_rooms), demand, {"day": START + DAY})
    assert all(map(ordered, [*found.ends.values(), *found.together.values()]))
    assert all(list(each) == sorted(each) for each in found.taken.values())


@settings(max_examples=100, deadline=None)
@given(curves(), st.lists(rooms(), min_size=1, max_size=3), st.floats(0, 1), st.integers(0, 2))
def test_more_usage_never_moves_the_end_later(demand: Curve, given_rooms: list[Room], share: float, at: int) -> None:
    place = at % len(given_rooms)
    before = given_rooms[place]
    more = before.left * share
    used = (*before.used, Used(START - 1, START, more)) if before.renews_at == inf else ()
    after = Room(before.limit, "day", before.left - more, before.whole, DAY, before.until, before.renews_at, used)
    others = [*given_rooms[:place], after, *given_rooms[place + 1 :]]
    until: dict[Unit, float] = {"day": START + DAY}
    earlier = exhaustion(takers(*others), demand, until)
    later = exhaustion(takers(*given_rooms), demand, until)
    name = takers(*given_rooms)[place].provider
    for one, other in zip(earlier.ends[name, "day"], later.ends[name, "day"], strict=True):
        assert (inf if one is None else one) <= (inf if other is None else other) + 1.0
