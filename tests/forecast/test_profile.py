"""The hours of a week, from usage by the hour."""

import pytest

from router_config.forecast.profile import profile_of
from router_config.forecast.series import HOUR, total_of
from router_config.forecast.week import HOURS, hour_of_week
from router_config.ledger.values import Usage

MONDAY = 2960 * 168 + 96
"""The number of an hour in which a week begins."""


def slots(amounts: dict[int, int]) -> dict[int, Usage]:
    return {number: Usage(1, tokens) for number, tokens in amounts.items()}


def test_the_first_place_is_monday_midnight() -> None:
    assert (hour_of_week(MONDAY), hour_of_week(MONDAY + 167), hour_of_week(0)) == (0, 167, 72)


def test_hours_at_which_nobody_asks_expect_nothing() -> None:
    office = {MONDAY + day * 24 + hour: 1000 for day in range(21) if day % 7 < 5 for hour in range(9, 17)}
    profile = profile_of(slots(office), (MONDAY + 21 * 24) * HOUR)
    assert profile.basis == "profile"
    assert len(profile.weights) == HOURS
    for place, weight in enumerate(profile.weights):
        open_then = place < 120 and 9 <= place % 24 < 17
        assert weight == pytest.approx(1000 if open_then else 0, abs=1), place


def test_after_one_day_each_day_is_expected_like_it() -> None:
    profile = profile_of(slots({MONDAY: 700, MONDAY + 5: 300, MONDAY + 23: 1}), (MONDAY + 24) * HOUR)
    assert profile.basis == "profile"
    assert [profile.weights[24 * day] for day in range(7)] == [pytest.approx(700)] * 7
    assert profile.weights[24 * 3 + 4] == 0


def test_under_a_day_of_history_the_last_hour_is_all_there_is() -> None:
    profile = profile_of(slots({MONDAY: 4000, MONDAY + 1: 500}), (MONDAY + 1.25) * HOUR)
    assert profile.basis == "last_hour"
    assert set(profile.weights) == {500 + 0.75 * 4000}
    assert profile.history_days == pytest.approx(1.25 / 24)


def test_without_history_nothing_is_expected() -> None:
    profile = profile_of({}, (MONDAY + 0.5) * HOUR)
    assert (profile.basis, set(profile.weights)) == ("last_hour", {0.0})


def test_a_load_that_grows_is_expected_nearer_to_its_last_week() -> None:
    growing = {MONDAY + hour: 1000 * 2 ** (hour // 168) for hour in range(4 * 168)}
    profile = profile_of(slots(growing), (MONDAY + 4 * 168) * HOUR)
    assert sum(profile.weights) / HOURS == pytest.approx(7000, rel=0.2)


def test_the_total_adds_the_providers_by_hour() -> None:
    both = total_of({"groq": {7: Usage(1, 10, 0.5, 1)}, "gemini": {7: Usage(2, 5, 0.25), 8: Usage(1, 1)}})
    assert both == {7: Usage(3, 15, 0.75, 1), 8: Usage(1, 1)}
