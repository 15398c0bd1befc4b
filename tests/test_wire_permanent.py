"""Never hammer, and never give up: what looks permanent is asked again by one request after pauses that grow."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rig import MODELS, NOON, MakeRouter, message
from rig_redis import RedisServer

from router_config import Router, route_of
from router_config.clock import VirtualClock
from router_config.simulator import Simulator

DAY = 86400.0
STATE = "sqlite:///state.db"
FIXTURES = {"bad key": "badkey", "retired model": "decommissioned", "no credit": None, "wrong country": None}
BODIES: dict[str, dict[str, Any]] = {
    "no credit": {"status": 402, "body": {"error": {"message": "Insufficient credits.", "code": 402}}},
    "wrong country": {
        "status": 403,
        "body": {"error": {"message": "Country not supported", "code": "unsupported_country_region_territory"}},
    },
}
PERMANENT = pytest.mark.parametrize("problem", FIXTURES)


def break_groq(simulator: Simulator, problem: str) -> None:
    fixture = FIXTURES[problem]
    simulator.fault("groq", **(BODIES[problem] if fixture is None else {"fixture": fixture}))


def two(**groq: Any) -> dict[str, Any]:
    """Groq with one model, and OpenAI."""
    others: dict[str, Any] = {name: None for name in MODELS if name not in ("groq", "openai")}
    return others | {"groq": {"models": ["m"], **groq}}


def ask(router: Router, times: int = 1) -> set[str]:
    return {route_of(router.completion(model="default", messages=message())).provider for _ in range(times)}


@PERMANENT
def test_it_costs_one_request_and_none_just_after_a_restart(
    make_router: MakeRouter, simulator: Simulator, problem: str
) -> None:
    break_groq(simulator, problem)
    first = make_router(providers=two(), state=STATE)
    assert ask(first, times=10) == {"openai"}
    assert simulator.count("groq") == 1
    first.close()
    second = make_router(providers=two(), state=STATE)
    assert ask(second, times=5) == {"openai"}
    assert simulator.count("groq") == 1
    assert second.status()["providers"][0]["status"] in ("disabled", "exhausted")


@PERMANENT
def test_in_memory_it_costs_one_request_for_each_process(
    make_router: MakeRouter, simulator: Simulator, problem: str
) -> None:
    break_groq(simulator, problem)
    for _ in range(2):
        router = make_router(providers=two())
        ask(router, times=5)
    assert simulator.count("groq") == 2


@PERMANENT
@pytest.mark.parametrize("change", ["another key", "another address"])
def test_another_key_or_address_is_asked_again_at_once(
    make_router: MakeRouter, simulator: Simulator, problem: str, change: str
) -> None:
    break_groq(simulator, problem)
    first = make_router(providers=two(), state=STATE)
    assert ask(first, times=2) == {"openai"}
    first.close()
    simulator.clear()
    key = {"api_key": "os.environ/OPENAI_API_KEY"}
    address = {"api_base": simulator.api_base("groq").replace("127.0.0.1", "localhost")}
    second = make_router(providers=two(**(key if change == "another key" else address)), state=STATE)
    assert ask(second) == {"groq"}


def test_the_key_before_last_is_still_known_to_be_bad(make_router: MakeRouter, simulator: Simulator) -> None:
    simulator.set_keys("groq", bad=[simulator.env()["GROQ_API_KEY"]])
    for key in ("GROQ_API_KEY", "OPENAI_API_KEY", "GROQ_API_KEY"):
        router = make_router(providers=two(api_key=f"os.environ/{key}"), state=STATE)
        ask(router)
        router.close()
    assert [call.status for call in simulator.calls("groq")] == [401, 200]


def test_another_model_in_the_place_of_a_retired_one_is_asked_at_once_and_others_stay_as_they_were(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    simulator.set_options(retired={"groq": ["old", "older"]})
    first = make_router(providers=two(models=["old", "older"]), state=STATE)
    assert ask(first) == {"openai"}
    first.close()
    second = make_router(providers=two(models=["older", "new"]), state=STATE)
    assert ask(second, times=3) == {"groq"}
    assert [call.model for call in simulator.calls("groq")] == ["old", "older", "new", "new", "new"]


def test_a_model_gone_for_a_whole_pool_of_one_account_costs_one_request(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    simulator.set_options(retired={"groq": ["m"]})
    keys = ["os.environ/GROQ_API_KEY", "os.environ/GEMINI_API_KEY", "os.environ/TOGETHERAI_API_KEY"]
    router = make_router(providers=two(api_key=keys, pool="shared"))
    assert ask(router, times=5) == {"openai"}
    assert simulator.count("groq") == 1


def test_credit_that_is_gone_is_looked_for_after_minutes_and_then_four_times_a_day_with_one_request_each(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    break_groq(simulator, "no credit")
    router = make_router(providers=two(), state=STATE)
    for _ in range(48):
        assert ask(router) == {"openai"}
        clock.advance(3600)
    assert 9 <= simulator.count("groq") <= 11
    simulator.clear()
    clock.advance(6 * 3600)
    assert ask(router) == {"groq"}


PASSING: dict[str, dict[str, Any]] = {
    "401": {"status": 401, "body": {"error": {"message": "Unauthorized"}}},
    "403": {"status": 403, "body": {"error": {"message": "Forbidden"}}},
    "404": {"status": 404, "body": {"error": {"message": "The model `m` does not exist", "code": "model_not_found"}}},
    "404 of a framework": {"status": 404, "body": {"detail": "Not Found"}},
    "404 without endpoints": {"status": 404, "body": {"error": {"message": "No endpoints found for m.", "code": 404}}},
    "405": {"status": 405, "body": {"error": {"message": "Method Not Allowed"}}},
    "410": {"status": 410, "body": {"error": {"message": "Gone"}}},
    "451": {"status": 451, "body": {"error": {"message": "Unavailable For Legal Reasons"}}},
    "expired key": {
        "status": 400,
        "body": {"error": {"code": 400, "message": "API key expired. Please renew the API key."}},
    },
    "404 of a gateway": {"status": 404, "body": "404 page not found", "headers": {"content-type": "text/plain"}},
}
PAUSES = (300, 900, 3600, 6 * 3600, DAY, DAY)


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "redis":
        server = RedisServer()
        yield server.url
        server.stop()
    else:
        yield "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/state.db"


def kinds(router: Router) -> list[str]:
    return [event.kind for event in asyncio.run(router._store.history(300, 0.0, NOON)).events]


@pytest.mark.parametrize("refusal", PASSING)
def test_a_passing_refusal_is_over_within_twenty_minutes(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock, refusal: str
) -> None:
    simulator.fault("groq", **PASSING[refusal])
    router = make_router(providers=two())
    for _ in range(10):
        assert ask(router) == {"openai"}
        clock.advance(60)
    shown = router.status()["providers"][0]
    assert (shown["status"], shown["refused_since"]) == ("disabled", "2026-11-23T12:00:00Z")
    assert shown["available_at"] == "2026-11-23T12:20:00Z"
    simulator.clear()
    assert ask(router) == {"openai"}
    clock.advance(601)
    assert ask(router, times=3) == {"groq"}
    assert simulator.count("groq") == 5
    assert kinds(router)[-1] == "recovered"


def test_a_lasting_refusal_is_asked_again_by_one_request_after_growing_pauses_and_over_restarts(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock, store: str
) -> None:
    simulator.fault("groq", **PASSING["401"])
    router = make_router(providers=two(), state=store)
    ask(router, times=3)
    for asked, pause in enumerate(PAUSES, 1):
        clock.advance(pause - 1)
        assert ask(router, times=3) == {"openai"}
        assert simulator.count("groq") == asked
        if not store.startswith("memory"):
            router.close()
            router = make_router(providers=two(), state=store)
        clock.advance(2)
        assert ask(router, times=3) == {"openai"}
        assert simulator.count("groq") == asked + 1
    simulator.clear()
    clock.advance(DAY + 1)
    assert ask(router, times=3) == {"groq"}
    assert kinds(router)[-1] == "recovered"
    simulator.fault("groq", times=1, **PASSING["401"])
    assert ask(router) == {"openai"}
    clock.advance(301)
    assert ask(router) == {"groq"}, "a success forgets the refusals before it"


@pytest.mark.parametrize("told", ["This API key has been revoked.", "The model `m` has been decommissioned."])
def test_what_proves_that_it_lasts_is_asked_again_after_six_hours_and_then_daily(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock, told: str
) -> None:
    simulator.fault("groq", status=401 if "key" in told else 404, body={"error": {"message": told}})
    router = make_router(providers=two())
    for _ in range(int(10 * DAY / 1800)):
        assert ask(router) == {"openai"}
        clock.advance(1800)
    assert 10 <= simulator.count("groq") <= 12


@pytest.mark.parametrize(
    ("told", "status"), [("Slow down", "rate_limited"), ("Your weekly limit is reached", "exhausted")]
)
def test_a_429_without_an_end_is_asked_again_after_one_five_and_thirty_minutes_and_six_hours(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock, store: str, told: str, status: str
) -> None:
    simulator.fault("groq", status=429, body={"error": {"message": told}})
    router = make_router(providers=two(), state=store)
    for _ in range(int(DAY / 60)):
        assert ask(router) == {"openai"}
        clock.advance(60)
    assert router.status()["providers"][0]["status"] in (status, "probing")
    assert 6 <= simulator.count("groq") <= 8


def test_the_reason_says_where_to_go_and_holds_no_key(make_router: MakeRouter, simulator: Simulator) -> None:
    break_groq(simulator, "bad key")
    router = make_router(providers=two())
    ask(router)
    shown = router.status()["providers"][0]
    assert "https://console.groq.com/keys" in shown["reason"]
    assert shown["last_error"]["kind"] == "bad_key"
    assert simulator.env()["GROQ_API_KEY"] not in str(router.status())
