"""GET /api/llm-providers and its relatives, over HTTP, with a real Router and real traffic."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from rig import MakeRouter, message
from rig_monitoring import STATUS, Api, Serve

import monitoring
from monitoring.documents import Explanation, ProviderState, StatusDocument
from monitoring.http.answer import Answer
from router_config import load_config
from router_config.clock import VirtualClock
from router_config.ledger.opening import open_store
from router_config.simulator import Simulator
from router_config.status.source import ConfiguredSource

LIMIT = {"limit": 30, "used": 12, "reserved": 1, "remaining": 17, "resets_at": "...", "source": "config"}
BAND = {"p10": 1000, "p50": 2000, "p90": 3000}
DESIGN: dict[str, Any] = {
    "generated_at": "...",
    "fast_path": True,
    "simulated": False,
    "next": {"default": "groq"},
    "config": {"path": "litellm.yaml", "loaded_at": "...", "error": None},
    "state": {"store": "sqlite", "shared": True},
    "providers": [
        {
            "name": "groq",
            "priority": 1,
            "tier": "free",
            "status": "available",
            "reason": None,
            "available_at": None,
            "refused_since": None,
            "endpoints": [],
            "limits": {"rpm": LIMIT, "tpd": LIMIT},
            "limits_changed": [],
            "usage_today": {
                "requests": 61,
                "tokens": 41200,
                "cost_usd": 0.0,
                "errors": 2,
                "prompt_tokens": 30000,
                "cached_tokens": 12000,
            },
            "latency_ms": {"p50": 410, "p95": 900},
            "last_error": {"at": "...", "kind": "timeout", "message": "..."},
            "models": [
                {
                    "name": "...",
                    "status": "available",
                    "reason": None,
                    "available_at": None,
                    "refused_since": None,
                    "limits": {},
                    "estimate": None,
                    "lacks": [],
                    "retired": None,
                    "answers_as": None,
                    "instead_of": [],
                },
                {
                    "name": "...",
                    "status": "available",
                    "reason": None,
                    "available_at": None,
                    "refused_since": None,
                    "limits": {},
                    "estimate": None,
                    "lacks": [],
                    "retired": None,
                    "answers_as": None,
                    "instead_of": [],
                },
            ],
        }
    ],
    "capacity": {
        "tokens_remaining_today": 15080000,
        "unlimited": [],
        "burn_tokens_per_hour": 5200,
        "exhausted_at": None,
        "binding": None,
        "basis": "profile",
        "history_days": 12.5,
        "windows": {
            "day": {
                "tokens_remaining": 15080000,
                "requests_remaining": 9000,
                "unlimited": [],
                "exhausted_at": None,
                "binding": None,
                "ends_at": "...",
                "running_out": False,
                "exhausted": {"p10": None, "p50": None, "p90": None},
                "expected": {"tokens": BAND, "requests": BAND, "cost_usd": BAND},
            }
        },
        "providers": {
            "groq": {
                "day": {
                    "limit": "tpd",
                    "remaining": 57900,
                    "unit": "tokens",
                    "ends_at": "...",
                    "running_out": False,
                    "exhausted": {"p10": None, "p50": None, "p90": None},
                    "expected": {"tokens": BAND, "requests": BAND, "cost_usd": BAND},
                }
            },
            "openai": {
                "day": {
                    "limit": "tpd",
                    "remaining": 1000000,
                    "unit": "tokens",
                    "ends_at": "...",
                    "running_out": False,
                    "exhausted": {"p10": None, "p50": None, "p90": None},
                    "expected": {"tokens": BAND, "requests": BAND, "cost_usd": BAND},
                }
            },
        },
    },
}


def keys_of(document: Any) -> Any:
    """The names in a document, nested as they are."""
    if isinstance(document, dict):
        return {name: keys_of(value) for name, value in document.items()}
    return [keys_of(each) for each in document] if isinstance(document, list) else None


def provider(client: httpx.Client, name: str) -> dict[str, Any]:
    answer = client.get(f"{STATUS}/{name}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_the_document_has_the_names_of_the_design(make_router: MakeRouter, api: Api, simulator: Simulator) -> None:
    router = make_router(providers={"gemini": None, "openrouter": None, "together": None})
    simulator.fault("groq", status=503, times=1)
    router.completion(model="default", messages=message())
    client = api(router)
    document = client.get(STATUS).json()
    assert document["providers"].pop()["name"] == "openai"
    assert keys_of(document) == keys_of(DESIGN)


def test_the_document_is_of_the_types_in_the_schema(make_router: MakeRouter, api: Api) -> None:
    router = make_router()
    router.completion(model="default", messages=message())
    StatusDocument.model_validate(api(router).get(STATUS).json(), strict=False)


def test_it_counts_what_was_asked(make_router: MakeRouter, api: Api) -> None:
    router = make_router()
    replies = [router.completion(model="default", messages=message()) for _ in range(3)]
    tokens = sum(reply.usage.total_tokens for reply in replies)
    client = api(router)
    groq = provider(client, "groq")
    assert groq["status"] == "available"
    assert groq["limits"]["rpm"]["used"] == 3
    assert groq["limits"]["rpm"]["remaining"] == 27
    assert groq["limits"]["tpd"]["used"] == tokens
    prompts = sum(reply.usage.prompt_tokens for reply in replies)
    assert groq["usage_today"] == {
        "requests": 3, "tokens": tokens, "cost_usd": 0.0, "errors": 0, "prompt_tokens": prompts, "cached_tokens": 0,
    }  # fmt: skip
    assert groq["latency_ms"]["p95"] >= groq["latency_ms"]["p50"] >= 0
    assert groq["last_error"] is None
    document = client.get(STATUS).json()
    assert document["next"] == {"default": "groq"}
    assert document["capacity"]["burn_tokens_per_hour"] == tokens
    assert document["generated_at"] == "2026-11-23T12:00:00Z"


def test_a_spent_minute_is_a_rate_limit_with_its_end(make_router: MakeRouter, api: Api, clock: VirtualClock) -> None:
    router = make_router()
    for _ in range(30):
        router.completion(model="default", messages=message())
    client = api(router)
    groq = provider(client, "groq")
    assert groq["status"] == "rate_limited"
    assert groq["reason"].startswith("rpm: 30 used")
    assert "2026-11-23T12:01:00Z" <= groq["available_at"] <= "2026-11-23T12:01:05Z"
    assert [model["status"] for model in groq["models"]] == ["rate_limited", "rate_limited"]
    assert client.get(STATUS).json()["next"] == {"default": "gemini"}
    clock.advance(66)
    assert provider(client, "groq")["status"] == "available"


def test_a_failure_is_a_cooldown_with_its_reason(make_router: MakeRouter, api: Api, simulator: Simulator) -> None:
    router = make_router()
    simulator.fault("groq", status=500, times=1)
    router.completion(model="default", messages=message())
    groq = provider(api(router), "groq")
    assert groq["status"] == "cooldown"
    assert groq["available_at"] == "2026-11-23T12:05:00Z"
    assert groq["last_error"]["kind"] == "server_error"
    assert groq["last_error"]["at"] == "2026-11-23T12:00:00Z"
    assert groq["usage_today"]["errors"] == 1


def test_providers_without_a_key_are_listed_and_say_what_is_missing(
    simulator: Simulator, api: Api, make_router: MakeRouter
) -> None:
    router = make_router(
        providers={
            "groq": {"api_key": "os.environ/A_KEY_THAT_NOBODY_SET"},
            "gemini": {"enabled": False},
        }
    )
    client = api(router)
    document = client.get(STATUS).json()
    StatusDocument.model_validate(document)
    assert [each["name"] for each in document["providers"]] == ["groq", "gemini", "openrouter", "together", "openai"]
    groq, gemini = document["providers"][:2]
    assert groq["status"] == "unconfigured"
    assert "A_KEY_THAT_NOBODY_SET" in groq["reason"]
    assert {model["status"] for model in groq["models"]} == {"unconfigured"}
    assert gemini["status"] == "disabled"
    assert document["next"] == {"default": "openrouter"}


def test_one_provider_by_name_is_the_same_as_in_the_list(make_router: MakeRouter, api: Api) -> None:
    client = api(make_router())
    for each in client.get(STATUS).json()["providers"]:
        assert provider(client, each["name"]) == each
        ProviderState.model_validate(each)


def test_an_unknown_provider_is_a_problem_document(make_router: MakeRouter, api: Api) -> None:
    answer = api(make_router()).get(f"{STATUS}/grog")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "No provider is called 'grog'. There are: groq, gemini, openrouter, together, openai.",
    }


def test_an_unchanged_document_is_not_sent_again(make_router: MakeRouter, api: Api, clock: VirtualClock) -> None:
    router = make_router()
    client = api(router)
    tag = client.get(STATUS).headers["etag"]
    clock.advance(1)  # another moment is no change
    again = client.get(STATUS, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    router.completion(model="default", messages=message())
    changed = client.get(STATUS, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


def test_a_message_cut_in_the_middle_of_a_character_is_told() -> None:
    half = Answer.of({"message": "cut \ud83d", "price": 1e-9})
    assert json.loads(half.body) == {"message": "cut \ud83d", "price": 1e-9}
    whole = Answer.of({"message": "Grüße \u2028\n", "price": 1e-9})
    assert json.loads(whole.body) == {"message": "Grüße \u2028\n", "price": 1e-9}
    assert b"\n" not in whole.body, "a line of an event stream"


def test_explain_says_who_would_serve_and_changes_nothing(make_router: MakeRouter, api: Api) -> None:
    router = make_router()
    for _ in range(30):
        router.completion(model="default", messages=message())
    client = api(router)
    before = client.get(STATUS).json()
    answer = client.post(f"{STATUS}/explain", json={"group": "gpt-4o", "tokens": 1500})
    assert answer.status_code == 200
    explanation = answer.json()
    Explanation.model_validate(explanation)
    assert (explanation["group"], explanation["tokens"], explanation["next"]) == ("default", 1500, "gemini")
    gates = {gate["name"]: gate for gate in explanation["providers"][0]["candidates"][0]["gates"]}
    assert gates["rpm"]["blocks"]
    assert gates["rpm"]["used"] == 30
    assert not gates["tpd"]["blocks"]
    assert gates["tpd"]["needed"] == 1500
    assert client.get(STATUS).json() == before


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"tokens": 0}, "tokens"),
        ({"tokens": "many"}, "tokens"),
        ({"group": ""}, "group"),
        ({"grup": "default"}, "grup"),
        ([], "dictionary"),
    ],
)
def test_a_wrong_question_is_a_problem_document(make_router: MakeRouter, api: Api, body: Any, told: str) -> None:
    answer = api(make_router()).post(f"{STATUS}/explain", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert told in answer.json()["detail"]


def test_a_group_that_nobody_serves_is_a_problem_document(make_router: MakeRouter, api: Api) -> None:
    router = make_router(aliases={})
    answer = api(router).post(f"{STATUS}/explain", json={"group": "no-such-group"})
    assert answer.status_code == 422
    assert "no-such-group" in answer.json()["detail"]


def test_the_routes_work_under_a_prefix_and_as_a_sub_app(make_router: MakeRouter, serve: Serve) -> None:
    router = make_router()
    app, inner = FastAPI(), FastAPI()
    app.include_router(monitoring.router_for(router), prefix="/llm")
    inner.include_router(monitoring.router_for(router))
    app.mount("/inner", inner)
    client = serve(app)
    for prefix in ("/llm", "/inner"):
        assert client.get(f"{prefix}{STATUS}").json()["next"] == {"default": "groq"}
        assert client.get(f"{prefix}/healthz").json() == {"status": "ok"}
        assert "page.js" in client.get(f"{prefix}/").text
        assert client.get(f"{prefix}/dashboard/scripts/page.js").status_code == 200
        assert client.get(f"{prefix}{STATUS}/nobody").headers["content-type"] == "application/problem+json"


def test_the_schema_names_every_route_and_document(make_router: MakeRouter, api: Api) -> None:
    schema = api(make_router()).get("/openapi.json").json()
    below = ("{name}", "explain", "history", "decisions", "events", "changes", "reload", "plan", "plan/progress")
    assert set(schema["paths"]) == {STATUS, *(f"{STATUS}/{each}" for each in below), "/healthz"}
    answered = schema["paths"][STATUS]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert answered == {"$ref": "#/components/schemas/StatusDocument"}
    assert set(schema["components"]["schemas"]["StatusDocument"]["required"]) == set(DESIGN)


def test_a_store_alone_tells_what_a_router_of_another_process_did(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock, tmp_path: Path
) -> None:
    router = make_router(state="sqlite:///state.db")
    for _ in range(30):
        router.completion(model="default", messages=message())
    config = load_config(tmp_path / "litellm.yaml", simulator.env())
    store = open_store(config.state)
    router.status()  # It tells the store what it has learned in the last second.

    async def told() -> tuple[dict[str, Any], dict[str, Any]]:
        source = ConfiguredSource(config, store, clock=clock)
        try:
            return await source.astatus(), await source.aexplain("gpt-4o", 100)
        finally:
            await store.aclose()

    status, explanation = asyncio.run(told())
    assert status == {**router.status(), "fast_path": None}  # It asks no provider.
    assert explanation == router.explain("gpt-4o", 100)
