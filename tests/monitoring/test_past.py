"""Decisions and history over HTTP: what a dashboard shows of what has happened."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from rig import MakeRouter, message
from rig_monitoring import STATUS, Api, Serve

import monitoring
from monitoring.documents import DecisionList, History
from router_config import NoProviderAvailable, Router, load_config
from router_config.clock import VirtualClock
from router_config.ledger.opening import open_store
from router_config.simulator import Simulator

ALONE = dict.fromkeys(("gemini", "openrouter", "together", "openai"))


def ask(router: Router, times: int = 1, **params: Any) -> None:
    for _ in range(times):
        router.completion(model="default", messages=message(), **params)


def decisions(client: httpx.Client, **params: Any) -> list[dict[str, Any]]:
    answer = client.get(f"{STATUS}/decisions", params=params)
    assert answer.status_code == 200
    DecisionList.model_validate(answer.json())
    found: list[dict[str, Any]] = answer.json()["decisions"]
    return found


def history(client: httpx.Client, hours: int = 1) -> dict[str, Any]:
    answer = client.get(f"{STATUS}/history", params={"hours": hours})
    assert answer.status_code == 200
    History.model_validate(answer.json())
    found: dict[str, Any] = answer.json()
    return found


def test_a_decision_has_the_names_of_the_contract(make_router: MakeRouter, api: Api, simulator: Simulator) -> None:
    router = make_router()
    simulator.fault("groq", status=500, times=1)
    ask(router, metadata={"agent": "trader"})
    (decision,) = decisions(api(router))
    assert 0 < decision.pop("tokens") < decision.pop("estimated_tokens")
    for attempt in decision["attempts"]:
        assert attempt.pop("seconds") >= 0
    assert decision == {
        "number": 1,
        "at": "2026-11-23T12:00:00.000Z",
        "agent": "trader",
        "group": "default",
        "provider": "gemini",
        "model": "gemini-1.5-flash",
        "outcome": "ok",
        "attempts": [
            {"provider": "groq", "model": "llama-3.3-70b-versatile", "outcome": "server_error"},
            {"provider": "gemini", "model": "gemini-1.5-flash", "outcome": "ok"},
        ],
        "passed": [{"provider": "groq", "model": "mixtral-8x7b-32768", "status": "cooldown", "reason": None}],
        "seconds": 0.0,
        "error": None,
    }


def test_they_come_newest_first_and_can_be_followed(make_router: MakeRouter, api: Api) -> None:
    router = make_router()
    ask(router, 5)
    client = api(router)
    assert [each["number"] for each in decisions(client)] == [5, 4, 3, 2, 1]
    assert [each["number"] for each in decisions(client, last=2)] == [5, 4]
    assert [each["number"] for each in decisions(client, after=3)] == [5, 4]
    assert decisions(client, after=5) == []


def test_they_can_be_chosen_by_provider_and_outcome(make_router: MakeRouter, api: Api, simulator: Simulator) -> None:
    router = make_router(providers={"groq": {"limits": {"rpm": 2}}, **ALONE, "gemini": {"limits": {"rpm": 1}}})
    ask(router)
    simulator.fault("groq", status=503, times=1)
    ask(router)
    with pytest.raises(NoProviderAvailable):
        ask(router)
    client = api(router)
    assert [each["number"] for each in decisions(client, provider="gemini")] == [2]
    assert [each["number"] for each in decisions(client, provider="groq")] == [2, 1]
    assert [each["number"] for each in decisions(client, provider="groq", last=1)] == [2]
    assert [each["number"] for each in decisions(client, outcome="refused")] == [3]
    assert [each["number"] for each in decisions(client, outcome="ok", provider="groq", after=1)] == [2]
    assert decisions(client, provider="nobody") == []


@pytest.mark.parametrize("wrong", ["decisions?last=0", "decisions?last=501", "history?hours=0", "history?hours=25"])
def test_a_wrong_question_is_a_problem_document(make_router: MakeRouter, api: Api, wrong: str) -> None:
    answer = api(make_router()).get(f"{STATUS}/{wrong}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert wrong.split("?")[1].split("=")[0] in answer.json()["detail"]


def test_history_is_by_the_minute_for_two_hours(make_router: MakeRouter, api: Api, clock: VirtualClock) -> None:
    router = make_router()
    ask(router, 2)
    clock.advance(61)
    ask(router)
    found = history(api(router), hours=1)
    assert (found["slot_seconds"], found["hours"], found["simulated"]) == (60, 1, False)
    assert (found["from"], found["to"]) == ("2026-11-23T11:02:00Z", "2026-11-23T12:02:00Z")
    assert (len(found["slots"]), found["slots"][0], found["slots"][-1]) == (60, found["from"], "2026-11-23T12:01:00Z")
    assert [each["name"] for each in found["providers"]] == ["groq", "gemini", "openrouter", "together", "openai"]
    groq, gemini = found["providers"][:2]
    assert groq["requests"] == [0] * 58 + [2, 1]
    assert gemini["requests"] == groq["errors"] == [0] * 60
    used = sum(each["tokens"] for each in decisions(api(router)))
    assert sum(groq["tokens"]) == used


def test_history_of_a_day_is_by_five_minutes(make_router: MakeRouter, api: Api, clock: VirtualClock) -> None:
    router = make_router()
    ask(router)
    clock.advance(3 * 3600)
    ask(router)
    found = history(api(router), hours=24)
    assert (found["slot_seconds"], len(found["slots"])) == (300, 288)
    requests = found["providers"][0]["requests"]
    assert [place for place, number in enumerate(requests) if number] == [287 - 36, 287]
    assert len(history(api(router), hours=2)["slots"]) == 120
    assert len(history(api(router), hours=3)["slots"]) == 36


def test_money_and_errors_are_in_it(make_router: MakeRouter, api: Api, simulator: Simulator) -> None:
    paid = {"models": [{"name": "gpt-4o-mini", "price": {"input": 100, "output": 100}}]}
    others = dict.fromkeys(("gemini", "openrouter", "together"))
    router = make_router(providers={**others, "openai": paid})
    simulator.fault("groq", status=500, times=1)
    ask(router)
    groq, openai = history(api(router))["providers"]
    assert (groq["errors"][-1], openai["errors"][-1]) == (1, 0)
    assert openai["cost_usd"][-1] == pytest.approx(openai["tokens"][-1] * 1e-4)


def test_failovers_and_cooldowns_are_marked(make_router: MakeRouter, api: Api, simulator: Simulator) -> None:
    router = make_router()
    simulator.fault("groq", status=500, times=1)
    ask(router)
    cooldown, failover = history(api(router))["events"]
    assert (cooldown["at"], cooldown["kind"], cooldown["provider"]) == ("2026-11-23T12:00:00Z", "cooldown", "groq")
    assert cooldown["until"] == "2026-11-23T12:05:00Z"
    assert (failover["kind"], failover["provider"], failover["reason"]) == (
        "failover",
        "groq",
        "server_error; gemini answered",
    )


def test_a_day_that_is_used_up_is_marked(make_router: MakeRouter, api: Api) -> None:
    router = make_router(providers={"groq": {"limits": {"rpd": 1}}})
    ask(router, 3)
    (event,) = history(api(router))["events"]
    assert (event["kind"], event["provider"], event["until"]) == ("exhausted", "groq", None)


def test_the_past_is_that_of_all_processes_and_survives_them(
    make_router: MakeRouter, serve: Serve, simulator: Simulator, clock: VirtualClock, tmp_path: Path
) -> None:
    for _ in range(2):
        router = make_router(state="sqlite:///state.db")
        ask(router, metadata={"agent": "gone"})
        router.close()
    config = load_config(tmp_path / "litellm.yaml", simulator.env())
    app = FastAPI()
    store = open_store(config.state)
    app.include_router(monitoring.router_for(monitoring.ConfiguredSource(config, store, clock=clock)))
    client = serve(app)
    assert [each["agent"] for each in decisions(client)] == ["gone", "gone"]
    assert history(client)["providers"][0]["requests"][-1] == 2


def test_a_provider_that_is_called_like_a_path_is_in_the_list_alone(make_router: MakeRouter, api: Api) -> None:
    others = {
        "history": {"priority": 1, "litellm_provider": "openai", "api_base": "http://127.0.0.1:9/v1", "models": ["m"]}
    }
    client = api(make_router(providers=others))
    assert "history" in [each["name"] for each in client.get(STATUS).json()["providers"]]
    assert client.get(f"{STATUS}/history").json()["slot_seconds"] == 300


def test_a_provider_that_left_the_configuration_is_still_in_the_history(make_router: MakeRouter, api: Api) -> None:
    router = make_router(state="sqlite:///state.db")
    ask(router)
    router.close()
    later = make_router(state="sqlite:///state.db", providers={"groq": None})
    assert [each["name"] for each in history(api(later))["providers"]][-1] == "groq"


def test_one_reading_serves_all_who_ask_within_its_time(make_router: MakeRouter, serve: Serve) -> None:
    router = make_router()
    app = FastAPI()
    app.include_router(monitoring.router_for(router, reading_lasts=1e9))
    client = serve(app)
    before = client.get(STATUS)
    ask(router)
    assert client.get(STATUS).content == before.content
