"""The status of classes of agents: what each used today and was refused, and what is kept for it where."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rig import MakeRouter, message
from rig_redis import RedisServer

from monitoring.documents import StatusDocument
from router_config import NoProviderAvailable, Router
from router_config.cli.overview import overview
from router_config.clock import VirtualClock

ALONE: dict[str, Any] = dict.fromkeys(("gemini", "openrouter", "together", "openai"))
GROQ = {"limits": {"rpm": 10, "tpd": 100_000}, "models": ["llama-3.3-70b-versatile"], "day": {"window": "calendar"}}
CLASSES = {
    "trader": {"reserve": "30%", "agents": ["TradingAgent"]},
    "batch": {"share": "20%", "use": "leftover"},
    "default": {},
}


@pytest.fixture
def ask(make_router: MakeRouter) -> Callable[..., Router]:
    def make(**changes: Any) -> Router:
        return make_router(classes=CLASSES, providers={"groq": {**GROQ, **changes}, **ALONE})

    return make


def classes(router: Router) -> dict[str, dict[str, Any]]:
    status = router.status()
    StatusDocument.model_validate(status)
    return {each["name"]: each for each in status["classes"]}


def answered(router: Router, agent: str) -> None:
    router.completion(model="default", messages=message(), metadata={"agent": agent})


def test_each_class_tells_what_it_used_today_and_how_often_it_was_refused(ask: Callable[..., Router]) -> None:
    router = ask()
    for _ in range(2):
        answered(router, "TradingAgent")
    answered(router, "batch")
    answered(router, "batch")
    with pytest.raises(NoProviderAvailable, match="class batch has used its share"):
        answered(router, "batch")
    shown = classes(router)
    assert {name: (each["requests_today"], each["refused_today"]) for name, each in shown.items()} == {
        "trader": (2, 0),
        "batch": (2, 1),
        "default": (0, 0),
    }
    used = router.status()["providers"][0]["usage_today"]["tokens"]
    assert shown["trader"]["tokens_today"] + shown["batch"]["tokens_today"] == used
    decision = router._background.run(router._store.decisions())[0]
    assert (decision.outcome, decision.agent_class) == ("refused", "batch")


def test_what_is_kept_goes_down_as_the_class_uses_it(ask: Callable[..., Router]) -> None:
    router = ask()
    (groq,) = classes(router)["trader"]["providers"]
    assert groq["limits"]["rpm"] == {"kept": 3, "used": 0, "reserved": 0, "share": None, "released": False}
    assert groq["limits"]["tpd"]["kept"] == 30_000
    answered(router, "TradingAgent")
    (groq,) = classes(router)["trader"]["providers"]
    assert (groq["limits"]["rpm"]["kept"], groq["limits"]["rpm"]["used"]) == (2, 1)
    assert groq["limits"]["tpd"]["kept"] == 30_000 - groq["limits"]["tpd"]["used"]
    (of_batch,) = classes(router)["batch"]["providers"]
    assert (of_batch["limits"]["rpm"]["share"], of_batch["limits"]["tpd"]["share"]) == (2, 20_000)
    assert (of_batch["reserve"], of_batch["limits"]["rpm"]["kept"]) == (0, 0)


def test_what_is_released_before_the_day_ends_is_told(ask: Callable[..., Router], clock: VirtualClock) -> None:
    router = ask()
    clock.advance(86_400 - clock.now() % 86_400 - 1800)
    (groq,) = classes(router)["trader"]["providers"]
    assert groq["limits"]["tpd"] == {"kept": 0, "used": 0, "reserved": 0, "share": None, "released": True}
    assert groq["limits"]["rpm"]["released"] is False


def test_limits_of_models_are_told_by_model(ask: Callable[..., Router]) -> None:
    router = ask(limits={}, models=[{"name": "llama-3.3-70b-versatile", "limits": {"rpm": 20}}])
    (groq,) = classes(router)["trader"]["providers"]
    assert groq["limits"] == {}
    assert [(each["name"], each["limits"]["rpm"]["kept"]) for each in groq["models"]] == [
        ("llama-3.3-70b-versatile", 6)
    ]


def test_the_command_says_it_in_a_line_a_class(ask: Callable[..., Router]) -> None:
    router = ask()
    answered(router, "TradingAgent")
    shown = overview(router.status())
    assert "class trader: 1 request, " in shown
    assert "; kept for it: groq 2 rpm, " in shown
    assert "class batch: 0 requests, 0 tokens today\n" in shown


@pytest.fixture(params=["sqlite", "redis"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/state.db"
        return
    server = RedisServer()
    yield server.url
    server.stop()


def test_refusals_count_in_every_store_and_over_a_restart(make_router: MakeRouter, state: str) -> None:
    for _ in range(2):
        router = make_router(classes=CLASSES, providers={"groq": {"limits": {"rpm": 0}}, **ALONE}, state=state)
        with pytest.raises(NoProviderAvailable):
            answered(router, "batch")
    assert classes(router)["batch"]["refused_today"] == 2


def test_without_classes_the_status_has_none(make_router: MakeRouter) -> None:
    assert "classes" not in make_router().status()
