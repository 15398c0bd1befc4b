"""Never hammer: what will not change by itself costs one request, until a key, an address or a model is changed."""

from typing import Any

import pytest
from rig import MODELS, MakeRouter, message

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
def test_it_costs_one_request_and_none_after_a_restart(
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


def test_credit_that_is_gone_is_looked_for_again_four_times_a_day_with_one_request_each(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    break_groq(simulator, "no credit")
    router = make_router(providers=two(), state=STATE)
    for _ in range(48):
        assert ask(router) == {"openai"}
        clock.advance(3600)
    assert 7 <= simulator.count("groq") <= 9
    simulator.clear()
    clock.advance(6 * 3600)
    assert ask(router) == {"groq"}


@pytest.mark.parametrize("problem", ["bad key", "retired model", "wrong country"])
def test_time_alone_does_not_bring_it_back(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock, problem: str
) -> None:
    break_groq(simulator, problem)
    router = make_router(providers=two())
    for _ in range(10):
        assert ask(router) == {"openai"}
        clock.advance(10 * DAY)
    assert simulator.count("groq") == 1


def test_the_reason_says_where_to_go_and_holds_no_key(make_router: MakeRouter, simulator: Simulator) -> None:
    break_groq(simulator, "bad key")
    router = make_router(providers=two())
    ask(router)
    shown = router.status()["providers"][0]
    assert "https://console.groq.com/keys" in shown["reason"]
    assert shown["last_error"]["kind"] == "bad_key"
    assert simulator.env()["GROQ_API_KEY"] not in str(router.status())
