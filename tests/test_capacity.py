"""When the day runs out: over all providers, with days that begin anew before they do."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rig import NOON, MakeRouter, message
from rig_ledger import START

from router_config import Router
from router_config.clock import VirtualClock
from router_config.ledger.rules.windows import CalendarDay
from router_config.simulator import Simulator
from router_config.status.capacity import Budget, end_of

HOUR = 3600.0


def budget(
    left: float, *, whole: float = 100_000, at: float = float("inf"), returns: float = 0.0, of: str = "groq"
) -> Budget:
    return Budget(of, "tpd", left, whole, at, returns)


def hours(*budgets: Budget, burn: float) -> float | None:
    end = end_of(budgets, burn, START)
    return None if end is None else round((end.at - START) / HOUR, 3)


def test_what_is_left_lasts_as_long_as_it_is_burnt() -> None:
    assert hours(budget(30_000), burn=10_000) == 3
    assert hours(budget(30_000), budget(20_000, of="gemini"), burn=10_000) == 5
    assert hours(budget(30_000), burn=0) is None
    assert hours(budget(30_000), burn=1000) is None, "it lasts a day"
    assert hours(burn=1000) is None


def test_a_day_that_begins_anew_before_it_runs_out_lasts() -> None:
    assert hours(budget(30_000, at=START + 4 * HOUR), burn=10_000) == 3
    assert hours(budget(30_000, at=START + 2 * HOUR), burn=4_000) is None
    assert hours(budget(30_000, whole=50_000, at=START + 2 * HOUR), burn=10_000) == 2 + 5


def test_what_a_day_leaves_unused_is_lost_when_it_begins_anew() -> None:
    early = budget(40_000, whole=40_000, at=START + HOUR)
    assert hours(early, budget(10_000, of="gemini"), burn=10_000) == 1 + 5


def test_of_a_rolling_day_some_comes_back() -> None:
    steady = 90_000 / 86_400  # tokens a second that leave the window
    assert hours(budget(10_000, returns=steady), burn=3750) is None
    assert hours(budget(10_000, returns=steady), burn=13_750) == 1


def test_the_limit_that_is_used_up_last_binds() -> None:
    end = end_of((budget(10), budget(10, of="openai"), budget(0, of="together")), 40, START)
    assert end is not None
    assert end.binding == "openai tpd"


def test_nothing_left_is_the_end_now() -> None:
    assert hours(budget(0), budget(0, of="openai"), burn=0) == 0


def test_no_moment_of_a_day_is_counted_twice_where_clocks_change() -> None:
    autumn = datetime(2026, 10, 31, 12, tzinfo=ZoneInfo("America/Los_Angeles")).astimezone(UTC).timestamp()
    day = CalendarDay("America/Los_Angeles")
    assert (day.frees(autumn) - autumn, day.frees(autumn + 13 * HOUR) - day.frees(autumn)) == (12 * HOUR, 25 * HOUR)
    end = end_of([Budget("gemini", "rpd", 130, 240, day.frees(autumn))], 10, autumn)
    assert end is None, "130 last for 12 hours, and 240 for the next 24"


# In the status.

ALONE = dict.fromkeys(("openrouter", "together", "openai"))


def ask(router: Router, times: int = 1) -> int:
    replies = [router.completion(model="default", messages=message()) for _ in range(times)]
    return sum(reply.usage.total_tokens for reply in replies)


def capacity(router: Router) -> dict[str, Any]:
    found: dict[str, Any] = router.status()["capacity"]
    return found


def test_all_tokens_of_the_reference_table_are_left(make_router: MakeRouter) -> None:
    router = make_router()
    assert capacity(router) == {
        "tokens_remaining_today": 16_250_000,
        "unlimited": [],
        "burn_tokens_per_hour": 0,
        "exhausted_at": None,
        "binding": None,
        "windows": {
            "day": {
                "tokens_remaining": 16_250_000,
                "requests_remaining": None,
                "unlimited": [],
                "exhausted_at": None,
                "binding": None,
            }
        },
    }
    used = ask(router, 2)
    assert capacity(router)["tokens_remaining_today"] == 16_250_000 - used
    assert capacity(router)["burn_tokens_per_hour"] == used


def test_requests_left_are_worth_the_tokens_of_an_average_one(make_router: MakeRouter) -> None:
    router = make_router(providers={"groq": {"limits": {"rpd": 10, "tpd": "100k"}}, "gemini": None, **ALONE})
    used = ask(router, 4)
    found = capacity(router)
    assert found["tokens_remaining_today"] == 6 * used // 4
    assert found["binding"] == "groq rpd"
    assert "2026-11-23T13:" in found["exhausted_at"]


def test_a_provider_without_a_daily_limit_never_runs_out(make_router: MakeRouter) -> None:
    router = make_router(providers={"groq": {"limits": {"tpd": 300}}, "gemini": {"limits": {"rpm": 60}}, **ALONE})
    ask(router, 3)
    found = capacity(router)
    assert (found["exhausted_at"], found["binding"]) == (None, None)
    assert found["unlimited"]
    assert 0 < found["tokens_remaining_today"] < 300


def test_limits_of_the_models_count_together(make_router: MakeRouter) -> None:
    models = [{"name": "one", "limits": {"tpd": 1000}}, {"name": "two", "limits": {"tpd": 500}}]
    router = make_router(providers={"groq": {"limits": {"tpd": 10_000}, "models": models}, "gemini": None, **ALONE})
    assert capacity(router)["tokens_remaining_today"] == 1500


def test_a_day_that_a_provider_says_is_used_up_leaves_nothing(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router(providers={"gemini": None, **ALONE})
    body = {
        "error": {
            "message": "Rate limit reached on tokens per day (TPD): Limit 100000, Used 100000. Please try again in 1h.",
            "code": "rate_limit_exceeded",
            "type": "tokens",
        }
    }
    simulator.fault("groq", status=429, body=body, headers={"retry-after": "3600"}, times=2)
    with pytest.raises(Exception, match="no provider"):
        ask(router)
    status = router.status()
    assert status["providers"][0]["status"] == "exhausted"
    assert status["capacity"]["tokens_remaining_today"] == 0
    assert status["capacity"]["exhausted_at"] == "2026-11-23T12:00:00Z"


def test_a_provider_that_rests_counts_and_one_that_is_off_does_not(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router(providers={"together": {"enabled": False}, "openrouter": None, "openai": None})
    assert clock.now() == NOON
    simulator.fault("groq", status=500, times=1)
    ask(router)
    assert router.status()["providers"][0]["status"] == "cooldown"
    assert 15_090_000 < capacity(router)["tokens_remaining_today"] < 15_100_000


def test_weeks_and_months_are_said_where_a_provider_has_such_a_limit(make_router: MakeRouter) -> None:
    limits = {
        "groq": {"rpmo": 10, "tpd": "100k"},
        "gemini": {"tpw": 500, "rpmo": 40, "tpmo": "1M"},
        "openai": {"rpm": 9},
    }
    router = make_router(
        providers={
            **{name: {"limits": each, "models": ["m"]} for name, each in limits.items()},
            "openrouter": None,
            "together": None,
        }
    )
    before = capacity(router)["windows"]
    assert before["month"]["requests_remaining"] == 50
    assert before["month"]["tokens_remaining"] == 1_000_000, "nobody knows yet what a request of groq takes"
    used = ask(router, 4)
    found = capacity(router)
    assert found["unlimited"] == ["gemini", "openai"]
    assert found["windows"]["day"]["tokens_remaining"] == found["tokens_remaining_today"] == 100_000 - used
    week, month = found["windows"]["week"], found["windows"]["month"]
    assert (week["tokens_remaining"], week["requests_remaining"]) == (500, 500 // (used // 4))
    assert (week["unlimited"], week["exhausted_at"]) == (["groq", "openai"], None), "gemini was not asked"
    assert (month["requests_remaining"], month["unlimited"]) == (46, ["openai"])
    assert month["tokens_remaining"] == (6 + 40) * (used // 4)
    assert month["binding"] == "gemini rpmo"
    assert month["exhausted_at"].startswith("2026-11-23T23:"), "46 requests at four an hour"


def test_a_month_that_begins_anew_in_time_lasts(make_router: MakeRouter, clock: VirtualClock) -> None:
    clock.set(datetime(2027, 1, 30, 23, tzinfo=UTC).timestamp())
    groq = {"limits": {"rpmo": 12}, "month": {"day": 31}, "day": {"window": "calendar", "timezone": "UTC"}}
    router = make_router(providers={"groq": groq, "gemini": None, **ALONE})
    ask(router, 6)
    month = capacity(router)["windows"]["month"]
    assert month["requests_remaining"] == 6
    assert month["exhausted_at"] == "2027-01-31T02:00:00Z", "12 from midnight on, at six an hour"


def test_a_provider_of_which_only_requests_are_limited_is_limited_before_the_first(make_router: MakeRouter) -> None:
    router = make_router(providers={"groq": {"limits": {"rpd": 10}}, "gemini": None, **ALONE})
    found = capacity(router)
    assert (found["unlimited"], found["tokens_remaining_today"]) == ([], None)
    assert found["windows"]["day"]["requests_remaining"] == 10
