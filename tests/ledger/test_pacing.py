"""Room that is kept for the hours in which it is expected to be needed."""

import multiprocessing
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rig_ledger import START, Place, reserve, run, spend, taken, used

from router_config.ledger.interfaces import Store
from router_config.ledger.local.sqlite import SQLiteStore
from router_config.ledger.rules.gates import Need
from router_config.ledger.rules.meters import Amount, Limit
from router_config.ledger.rules.pacing import AHEAD, Expected
from router_config.ledger.rules.windows import Calendar, CalendarDay, CalendarMonth, CalendarWeek, rolling

HOUR, DAY = 3600.0, 86400.0


def ahead(share: float) -> float:
    """What may be used when so much is for the time until now."""
    return share + AHEAD * (1 - share)


MIDNIGHT = START - DAY / 2  # START is a Monday's noon, UTC.
UTC_DAY = CalendarDay("UTC")
TRADING = Expected([float(hour < 120 and 13 <= hour % 24 < 21) for hour in range(168)])
EVEN = Place("groq", (Limit("tpd", 2400),), day=UTC_DAY, pace=True)


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


# The shares.


def test_without_weights_all_hours_are_alike() -> None:
    for expected in (Expected(), Expected([0.0] * 168), Expected([7.0] * 168)):
        assert expected.share(UTC_DAY, MIDNIGHT + 6 * HOUR) == pytest.approx(ahead(0.25))
        assert expected.share(UTC_DAY, MIDNIGHT + DAY - 0.01) == pytest.approx(1.0)


def test_a_share_follows_the_hours_in_which_requests_are_expected() -> None:
    assert TRADING.share(UTC_DAY, MIDNIGHT + 10 * HOUR) == AHEAD
    assert TRADING.share(UTC_DAY, MIDNIGHT + 17 * HOUR) == pytest.approx(ahead(0.5))
    assert TRADING.share(UTC_DAY, MIDNIGHT + 17.5 * HOUR) == pytest.approx(ahead(0.5625))
    assert TRADING.share(UTC_DAY, MIDNIGHT + 21 * HOUR) == pytest.approx(1.0)


def test_a_day_on_which_nothing_is_expected_is_even() -> None:
    saturday = MIDNIGHT + 5 * DAY
    assert TRADING.share(UTC_DAY, saturday + 12 * HOUR) == pytest.approx(ahead(0.5))


@pytest.mark.parametrize(
    ("window", "begins", "hours"),
    [
        (CalendarDay("America/New_York"), "2026-11-01T04:00", 25),
        (CalendarDay("America/New_York"), "2026-03-08T05:00", 23),
        (CalendarDay("Asia/Kolkata"), "2026-11-01T18:30", 24),
        (CalendarWeek("America/New_York"), "2026-10-26T04:00", 169),
        (CalendarWeek("UTC"), "2026-10-26T00:00", 168),
        (CalendarMonth("UTC"), "2026-02-01T00:00", 28 * 24),
        (CalendarMonth("America/New_York"), "2026-11-01T04:00", 30 * 24 + 1),
    ],
)
def test_the_share_of_any_window_goes_from_its_begin_to_its_end(window: Calendar, begins: str, hours: int) -> None:
    first, last = moment(begins), moment(begins) + hours * HOUR
    assert (window.began(first), window.frees(first)) == (first, last)
    for expected in (Expected(), TRADING, Expected([hour % 5 + 1.0 for hour in range(168)])):
        steps = [first + step * HOUR / 4 for step in range(hours * 4)]
        shares = [expected.share(window, at) for at in steps]
        assert all(one <= other + 1e-12 for one, other in pairwise(shares))
        assert shares[0] == pytest.approx(AHEAD)
        assert shares[-1] > 0.95
        assert expected.share(window, last - 0.001) == pytest.approx(1.0)
        assert expected.share(window, last) == pytest.approx(AHEAD)
    even = Expected()
    assert even.share(window, first + hours / 2 * HOUR) == pytest.approx(ahead(0.5))


_weights = st.lists(st.one_of(st.just(0.0), st.floats(0.001, 1000)), min_size=168, max_size=168)
_windows = st.sampled_from(
    [UTC_DAY, CalendarDay("Asia/Kolkata"), CalendarWeek("America/New_York"), CalendarMonth("UTC")]
)


@given(_weights, _windows, st.floats(0, 90 * DAY), st.floats(0, 1))
def test_a_share_is_reached_when_it_is_told_to_be_and_not_long_before(
    weights: list[float], window: Calendar, at: float, share: float
) -> None:
    now, expected = START + at, Expected(weights)
    reached = expected.reached(window, share, now)
    assert now <= reached <= window.frees(now)
    if reached < window.frees(now):
        assert expected.share(window, reached) >= share
        if reached - 0.01 > now:
            assert expected.share(window, reached - 0.01) < share


def test_a_clock_that_is_corrected_goes_by_the_hours_as_they_really_are() -> None:
    corrected = CalendarDay("UTC", correction=2 * HOUR)
    assert TRADING.share(corrected, MIDNIGHT + 15 * HOUR) == pytest.approx(ahead(0.5))


def test_a_window_that_rolls_has_no_share() -> None:
    with pytest.raises(TypeError, match="beside it"):
        Expected().share(rolling(DAY), START)


# The stores.


def use(store: Store, place: Place, tokens: int, at: float) -> bool:
    lease = taken(store, place, tokens=tokens, at=at)
    if lease is not None:
        spend(store, lease, tokens=tokens, at=at)
    return lease is not None


def test_no_more_is_served_than_is_for_the_hours_until_now(store: Store) -> None:
    served = [use(store, EVEN, 100, MIDNIGHT + 6 * HOUR) for _ in range(9)]
    assert served == [True] * 6 + [False] * 3
    assert use(store, EVEN, 100, MIDNIGHT + 7 * HOUR)
    assert not use(store, EVEN, 100, MIDNIGHT + 7 * HOUR)


def test_what_is_not_used_stays_for_later(store: Store) -> None:
    assert sum(use(store, EVEN, 100, MIDNIGHT + 20 * HOUR) for _ in range(30)) == 20
    assert sum(use(store, EVEN, 100, MIDNIGHT + 24 * HOUR - 1) for _ in range(30)) == 3


def test_it_follows_the_hours_that_the_store_was_told(store: Store) -> None:
    store.expect(TRADING)
    assert use(store, EVEN, 100, MIDNIGHT + 9 * HOUR)  # The first of a day always.
    assert not use(store, EVEN, 100, MIDNIGHT + 9 * HOUR)
    assert sum(use(store, EVEN, 100, MIDNIGHT + 17 * HOUR) for _ in range(30)) == 11


def test_the_first_request_of_a_window_is_served_whatever_its_size(store: Store) -> None:
    assert use(store, EVEN, 2000, MIDNIGHT)
    assert not use(store, EVEN, 100, MIDNIGHT + 19 * HOUR)
    assert use(store, EVEN, 100, MIDNIGHT + 21 * HOUR)


def test_what_is_reserved_counts(store: Store) -> None:
    assert taken(store, EVEN, tokens=600, at=MIDNIGHT + 6 * HOUR)
    assert taken(store, EVEN, tokens=100, at=MIDNIGHT + 6 * HOUR) is None


def test_a_paced_request_is_told_when_it_clears_and_keeps_its_size(store: Store) -> None:
    at = MIDNIGHT + 6 * HOUR
    assert use(store, EVEN, 600, at)
    (examined,) = run(store.explain([EVEN], Need(400, 10), at))
    assert examined.status == "paced"
    assert examined.reason == "pace: 636 of 2400 tokens a day are for the hours until now; 600 used, 0 reserved"
    assert examined.until == pytest.approx(MIDNIGHT + (1000 / 2400 - AHEAD) / (1 - AHEAD) * DAY, abs=0.01)
    assert examined.may_clear(at + 4 * HOUR)
    assert not examined.may_clear(at + HOUR)
    choice, lease = reserve(store, EVEN, tokens=400, at=at)
    assert (lease, [each.status for each in choice.skipped]) == (None, ["paced"])
    lease = taken(store, EVEN, tokens=400, at=examined.until or 0.0)
    assert lease
    assert lease.amount.tokens == 400


def test_a_request_goes_to_the_next_provider(store: Store) -> None:
    other = Place("gemini", (Limit("tpd", 1000),))
    assert use(store, EVEN, 600, MIDNIGHT + 6 * HOUR)
    lease = taken(store, EVEN, other, tokens=100, at=MIDNIGHT + 6 * HOUR)
    assert lease
    assert lease.deployment == "gemini"


def test_the_room_is_that_of_the_hours_until_now(store: Store) -> None:
    at = MIDNIGHT + 6 * HOUR
    assert run(store.rooms([EVEN], Need(300, 10), at)) == pytest.approx((2.12,))
    assert use(store, EVEN, 300, at)
    assert run(store.rooms([EVEN], Need(300, 10), at)) == pytest.approx((1.12,))


def test_a_window_that_rolls_is_paced_by_the_day_of_the_calendar(store: Store) -> None:
    """It is paced in the day of India, whose midnight is half past six in the evening."""
    place = Place("groq", (Limit("tpd", 2400),), pace=True)
    evening = MIDNIGHT + 18.5 * HOUR
    assert sum(use(store, place, 100, evening - 1) for _ in range(30)) == 23
    assert sum(use(store, place, 100, evening + 6 * HOUR) for _ in range(5)) == 1  # The last 24 hours hold the rest.
    assert sum(use(store, place, 100, evening + DAY + 7 * HOUR) for _ in range(30)) == 7
    assert used(store, place, evening + DAY + 7 * HOUR)[1] == Amount(7, 700)


def test_requests_tokens_and_dollars_of_weeks_and_months_are_paced(store: Store) -> None:
    week = (CalendarWeek("UTC"), (Limit("rpw", 168),))
    month = (CalendarMonth("UTC"), (Limit("usd_per_month", 10.0),))
    place = Place("plan", (Limit("rpm", 1000),), more=(week, month), price=0.001, pace=True)
    monday = MIDNIGHT
    assert sum(use(store, place, 1, monday + 10 * HOUR) for _ in range(30)) == 13
    dear = Place("dear", (), more=(month,), price=0.001, pace=True)
    first = monday - 22 * DAY
    served = 0
    for _ in range(40):
        lease = taken(store, dear, tokens=100, at=first + 6 * DAY)
        if lease:
            spend(store, lease, tokens=100, usd=0.1, at=first + 6 * DAY)
            served += 1
    assert served == 22  # A fifth of ten dollars, some ahead, and the request with which that is passed.


def test_minutes_are_not_paced(store: Store) -> None:
    place = Place("groq", (Limit("rpm", 5), Limit("rpd", 2400)), day=UTC_DAY, pace=True)
    assert sum(use(store, place, 1, MIDNIGHT + 6 * HOUR) for _ in range(9)) == 5


def _ask(path: str, at: float, results: "multiprocessing.Queue[int]") -> None:
    store = SQLiteStore(Path(path))
    store.register_meters(EVEN.meters)
    results.put(sum(use(store, EVEN, 10, at) for _ in range(20)))


def test_eight_processes_together_stay_within_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[int] = context.Queue()
    path = tmp_path / "state.db"
    run(SQLiteStore(path).aclose())
    at = MIDNIGHT + 6 * HOUR
    processes = [context.Process(target=_ask, args=(str(path), at, results)) for _ in range(8)]
    for process in processes:
        process.start()
    served = sum(results.get(timeout=120) for _ in processes)
    for process in processes:
        process.join(timeout=60)
    assert served == 63  # Of 2400 tokens a day 600 are for the time until now, and 36 may be used ahead.
