"""What is left of the day, the week and the month in the status, and when it is expected to be used up."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from rig import NOON, MakeRouter, message

from router_config import Router
from router_config.clock import VirtualClock
from router_config.iso import epoch
from router_config.simulator import Simulator

ALONE = dict.fromkeys(("openrouter", "together", "openai"))


def ask(router: Router, times: int = 1) -> int:
    replies = [router.completion(model="default", messages=message()) for _ in range(times)]
    return sum(reply.usage.total_tokens for reply in replies)


def capacity(router: Router) -> dict[str, Any]:
    found: dict[str, Any] = router.status()["capacity"]
    return found


def test_all_tokens_of_the_reference_table_are_left(make_router: MakeRouter) -> None:
    router = make_router()
    nothing = dict.fromkeys(("p10", "p50", "p90"), 0)
    forecast = {
        "running_out": False,
        "exhausted": dict.fromkeys(("p10", "p50", "p90")),
        "expected": dict.fromkeys(("tokens", "requests", "cost_usd"), nothing),
    }
    found = capacity(router)
    assert found.pop("providers")["gemini"] == {
        "day": {
            "limit": "tpd",
            "remaining": 15_000_000,
            "unit": "tokens",
            "ends_at": "2026-11-24T08:00:00Z",
            **forecast,
        }
    }
    assert found == {
        "tokens_remaining_today": 16_250_000,
        "unlimited": [],
        "burn_tokens_per_hour": 0,
        "exhausted_at": None,
        "binding": None,
        "basis": "last_hour",
        "history_days": 0.0,
        "windows": {
            "day": {
                "tokens_remaining": 16_250_000,
                "requests_remaining": None,
                "unlimited": [],
                "exhausted_at": None,
                "binding": None,
                "ends_at": "2026-11-24T08:00:00Z",
                **forecast,
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
    assert week["unlimited"] == ["groq", "openai"]
    lasts = 1.5 + 500 / used
    assert epoch(week["exhausted_at"]) == pytest.approx(NOON + 3600 * lasts, abs=2), "6 requests of groq come first"
    assert (month["requests_remaining"], month["unlimited"]) == (46, ["openai"])
    assert month["tokens_remaining"] == (6 + 40) * (used // 4)
    assert month["exhausted_at"] is None, "gemini's weeks hold back what it could answer in a month"
    assert found["providers"]["groq"]["month"]["exhausted"] == dict.fromkeys(
        ("p10", "p50", "p90"), "2026-11-23T13:30:00Z"
    )
    assert (found["basis"], found["providers"]["groq"]["month"]["remaining"]) == ("last_hour", 6)


def test_a_month_that_begins_anew_in_time_lasts(make_router: MakeRouter, clock: VirtualClock) -> None:
    clock.set(datetime(2027, 1, 30, 23, tzinfo=UTC).timestamp())
    groq = {"limits": {"rpmo": 12}, "month": {"day": 31}, "day": {"window": "calendar", "timezone": "UTC"}}
    router = make_router(providers={"groq": groq, "gemini": None, **ALONE})
    ask(router, 5)
    month = capacity(router)["windows"]["month"]
    assert (month["requests_remaining"], month["ends_at"]) == (7, "2027-01-31T00:00:00Z")
    assert month["exhausted_at"] is None, "7 last for an hour, at five an hour"
    assert month["expected"]["requests"] == {"p10": 5, "p50": 5, "p90": 5}


def test_requests_have_the_router_look_ahead_beside_them(make_router: MakeRouter, clock: VirtualClock) -> None:
    groq = {"limits": {"tpd": 1000}, "day": {"window": "calendar", "timezone": "UTC"}}
    router = make_router(providers={"groq": groq, **ALONE})
    for _ in range(40):
        ask(router)
        clock.advance(3600)
    deadline = time.monotonic() + 20
    while not (told := _told(router)) and time.monotonic() < deadline:
        clock.advance(300)
        ask(router)
    assert ("running_out", "groq") in told


def _told(router: Router) -> list[tuple[str, str]]:
    async def events() -> list[tuple[str, str]]:
        found = (await router.ahistory())["events"]
        return [(each["kind"], each["provider"]) for each in found if each["kind"] == "running_out"]

    return router._background.run(events())


def test_a_provider_of_which_only_requests_are_limited_is_limited_before_the_first(make_router: MakeRouter) -> None:
    router = make_router(providers={"groq": {"limits": {"rpd": 10}}, "gemini": None, **ALONE})
    found = capacity(router)
    assert (found["unlimited"], found["tokens_remaining_today"]) == ([], None)
    assert found["windows"]["day"]["requests_remaining"] == 10
