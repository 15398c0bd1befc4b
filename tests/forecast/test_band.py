"""How sure a forecast is, from how far such forecasts were off in the same history."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router_config.forecast.backtest import backtest
from router_config.forecast.model import Model, Slope
from router_config.forecast.profile import Profile
from router_config.forecast.ratios import SURE, Ratios
from router_config.forecast.series import HOUR, Series

MONDAY = 2960 * 168 + 96
"""The number of an hour in which a week begins."""


def noisy(days: int, growth: float = 0.0) -> Series:
    """Hours of a day with a peak at noon, where chance halves and doubles them, more by `growth` each week."""
    random = Random(7)
    hours = range(days * 24)
    return Series(
        MONDAY,
        tuple(
            (200 + 100 * (12 - abs(hour % 24 - 12))) * random.choice([0.5, 1.0, 2.0]) * (1 + growth) ** (hour / 168)
            for hour in hours
        ),
    )


def profile(series: Series) -> Profile:
    model = Model(series)
    return Profile(model.weights, "profile", len(series.values) / 24, model)


def test_the_band_holds_as_often_as_it_says() -> None:
    for tested in backtest(noisy(42)):
        assert 0.65 <= tested.covered <= 0.95, tested
        assert tested.error < tested.naive / 2


def test_a_load_that_grows_is_followed() -> None:
    half, day, *_ = backtest(noisy(42, growth=0.15))
    assert max(half.error, day.error) < 0.12
    assert min(half.covered, day.covered) > 0.65


def test_more_chance_makes_a_wider_band() -> None:
    regular = Series(MONDAY, tuple(1000.0 for _ in range(30 * 24)))
    now = (MONDAY + 30 * 24) * HOUR
    sure, unsure = (profile(each).expected(now, now + 6 * HOUR) for each in (regular, noisy(30)))
    assert (sure.p90 - sure.p10) / sure.p50 < 0.01
    assert (unsure.p90 - unsure.p10) / unsure.p50 > 0.2


def test_a_history_of_three_days_can_be_tested_and_a_shorter_one_cannot() -> None:
    assert backtest(noisy(2)) == ()
    assert [each.days for each in backtest(noisy(4))] == [0.5, 1.0]


def test_progress_goes_from_nothing_towards_all() -> None:
    told: list[float] = []
    backtest(noisy(10), told.append)
    assert told[0] == 0
    assert told == sorted(told)
    assert 0.9 < told[-1] <= 1


def test_what_was_never_tried_has_no_band() -> None:
    assert Ratios([], 30).at(1.0) == SURE
    assert Ratios([(1.0, 0.5)] * 3, 30).at(1.0) == SURE, "three times is not often"


def test_few_days_make_a_wider_band_than_many() -> None:
    seen = [(1.0, 0.8), (1.0, 1.2)] * 10
    few, many = Ratios(seen, 2).at(1.0), Ratios(seen, 50).at(1.0)
    assert few.p90 - few.p10 > many.p90 - many.p10
    assert few.p10 < many.p10 < 1 < many.p90 < few.p90


def test_beyond_what_was_seen_the_band_stays_as_it_was() -> None:
    ratios = Ratios([(1.0, 0.5), (1.0, 1.0), (1.0, 1.5)] * 10, 30)
    assert ratios.at(30.0) == ratios.at(1.0) == ratios.at(0.001)


def test_a_deviation_is_trusted_as_far_as_it_held_on() -> None:
    lasting, passing = Slope(0.5, 4), Slope(0.5, 4)
    for deviation in (-0.4, 0.3, 0.5, -0.2) * 50:
        lasting.add(deviation, 100, 100 * (1 + deviation))
        passing.add(deviation, 100, 100)
    assert lasting.value == pytest.approx(1, abs=0.02)
    assert passing.value == pytest.approx(0, abs=0.02)
    assert Slope(0.5, 4).value == 0.5, "nothing was seen"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=24, max_size=400), st.floats(0, 1e6), st.integers(0, 3599))
def test_what_is_expected_grows_with_time_and_is_a_band(values: list[float], present: float, gone: int) -> None:
    series = Series(MONDAY, tuple(values))
    now = float(series.end * HOUR + gone)
    curve = profile(series).curve(now, now + 10 * 86_400, present)
    assert curve.used[0] == (0, 0, 0)
    assert all(band.p10 <= band.p50 <= band.p90 for band in curve.used)
    for before, after in pairwise(curve.used):
        assert all(one <= other for one, other in zip(before, after, strict=True))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(1, 1e5), min_size=24, max_size=300), st.sampled_from([0.125, 2.0, 1024.0]))
def test_another_unit_changes_nothing(values: list[float], unit: float) -> None:
    now = float((MONDAY + len(values)) * HOUR)
    one, other = (
        profile(Series(MONDAY, tuple(value * by for value in values))).expected(now, now + 86_400) for by in (1, unit)
    )
    assert [each / unit for each in other] == list(one)
