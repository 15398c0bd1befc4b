"""A plan with paced limits: every hour of the day gets its part, and hardly less is served in all."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import yaml

from router_config.config.loading import load_text
from router_config.config.loads import Hours, Load, Recorded, Spread
from router_config.config.models import Config
from router_config.deployments.catalog import Group
from router_config.forecast.workload_hours import midnight, weights_of
from router_config.planner.assumptions.what_if import with_every_key
from router_config.planner.assumptions.workload import Arrival, arrivals
from router_config.planner.virtual.observer import Observer, Served
from router_config.planner.virtual.simulation import Simulation

NEW_YORK = ZoneInfo("America/New_York")
MONDAY = date(2026, 11, 23)
TRADING = Hours(frozenset(range(5)), 9 * 60, 16 * 60, "America/New_York")
LOAD = Load(tokens_per_day=400_000, prompt=Spread(((0.5, 500),)), answer=Spread(((0.5, 500),)), hours=TRADING)


def config_of(pace: str, **more: object) -> Config:
    free = {"pace": pace, "limits": {"rpm": 60, "tpd": "200k"}, "models": ["one"], **more}
    text = yaml.safe_dump({"state": "memory://", "providers": {"groq": free}})
    return with_every_key(load_text(text, "litellm.yaml", {}))


class ByHour(Observer):
    """Requests served and unserved by the hour of New York."""

    def __init__(self) -> None:
        self.met: Counter[int] = Counter()
        self.missed: Counter[int] = Counter()

    def served(self, request: Served) -> None:
        self.met[datetime.fromtimestamp(request.asked_at, NEW_YORK).hour] += 1

    def unserved(self, arrival: Arrival, group: Group, now: float, *, needlessly: bool) -> None:
        self.missed[datetime.fromtimestamp(now, NEW_YORK).hour] += 1


def planned(config: Config, days: int = 5) -> ByHour:
    begins, ends = (midnight(MONDAY + timedelta(days=each), NEW_YORK) for each in (0, days))
    seen = ByHour()
    for _ in Simulation(config, [LOAD], seen).run(arrivals([LOAD], begins, ends)):
        pass
    return seen


CALENDAR = {"day": {"window": "calendar", "timezone": "America/New_York"}}


def test_without_pace_the_room_is_used_up_by_noon_and_with_it_every_hour_gets_its_part() -> None:
    as_they_come, even = planned(config_of("none", **CALENDAR)), planned(config_of("even", **CALENDAR))
    assert as_they_come.met[15] == as_they_come.met[14] == 0
    assert as_they_come.met[9] > 200
    hours = [even.met[hour] / (even.met[hour] + even.missed[hour]) for hour in range(9, 16)]
    assert all(0.4 < share < 0.62 for share in hours)
    assert even.met.total() >= 0.98 * as_they_come.met.total()


def test_a_window_that_rolls_is_spread_too() -> None:
    even = planned(config_of("even", day={"timezone": "America/New_York"}), days=4)
    hours = [even.met[hour] for hour in range(9, 16)]
    assert min(hours) > 0.6 * max(hours)
    assert even.met.total() >= 0.98 * planned(config_of("none"), days=4).met.total()


def test_the_weights_of_a_workload_are_its_hours_by_utc_as_clocks_go_in_that_week() -> None:
    winter, summer = (weights_of([LOAD], datetime(2026, month, 15, tzinfo=UTC).timestamp()) for month in (12, 7))
    assert winter[14:21] == pytest.approx([400_000 / 7] * 7)  # Monday 09:00 to 16:00 in New York.
    assert summer[13:20] == pytest.approx([400_000 / 7] * 7)
    assert sum(winter) == pytest.approx(5 * 400_000)
    assert winter[120:] == (0.0,) * 48


def test_the_weights_of_what_was_recorded_are_the_hours_in_which_it_came() -> None:
    first = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp()) // 3600
    counts = tuple(float(hour == 30) for hour in range(14 * 24))
    load = Load(prompt=LOAD.prompt, answer=LOAD.answer, recorded=Recorded(3600, first, counts))
    weights = weights_of([load], first * 3600.0)
    assert [place for place, weight in enumerate(weights) if weight] == [30]
    assert weights[30] == pytest.approx(500)  # A request of a thousand tokens in two weeks.
    day = weights_of([Load(prompt=LOAD.prompt, answer=LOAD.answer, recorded=Recorded(3600, first, counts[24:48]))], 0.0)
    assert [place for place, weight in enumerate(day) if weight] == [6 + 24 * number for number in range(7)]
