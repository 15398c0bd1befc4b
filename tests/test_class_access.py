"""Which providers a class of agents may ask, and in which order: `providers` and `paid`."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import openai
import pytest
import yaml
from rig import MakeRouter, message
from rig_upstream import ANSWER, Asked, answer, upstream

from router_config import NoProviderAvailable, Router, route_of
from router_config.clock import VirtualClock
from router_config.simulator import Simulator

FEW: dict[str, Any] = {"openrouter": None, "together": None}


def served(router: Router, agent: str = "somebody", **kwargs: Any) -> str:
    reply = router.completion("default", message(), metadata={"agent": agent}, **kwargs)
    return route_of(reply).provider


def refused(router: Router, agent: str = "somebody") -> NoProviderAvailable:
    with pytest.raises(NoProviderAvailable) as caught:
        served(router, agent)
    return caught.value


def test_a_class_asks_the_providers_that_it_names_alone(make_router: MakeRouter) -> None:
    router = make_router(classes={"batch": {"providers": ["gemini", "openai"]}})
    assert [served(router), served(router, "batch")] == ["groq", "gemini"]


def test_a_provider_that_costs_money_is_asked_by_some_classes_only(make_router: MakeRouter) -> None:
    providers = {"openai": {"priority": 1}, "groq": {"priority": 2, "limits": {"rpm": 1}}, "gemini": None, **FEW}
    router = make_router(providers=providers, classes={"saving": {"paid": "never"}, "careful": {"paid": "last"}})
    assert served(router) == "openai"
    assert [served(router, "careful"), served(router, "careful")] == ["groq", "openai"]
    told = refused(router, "saving")
    assert told.verdicts["groq"].status == "rate_limited"
    assert told.verdicts["openai"].status == "not_allowed"
    assert told.verdicts["openai"].reason == "class saving may ask no provider that costs money (paid: never)"


def test_a_class_that_may_ask_nobody_is_told_so_at_once(make_router: MakeRouter) -> None:
    only_paid = {"groq": None, "gemini": None, **FEW}
    router = make_router(providers=only_paid, classes={"saving": {"paid": "never", "max_wait": "1h"}})
    told = refused(router, "saving")
    assert told.retry_after is None
    assert str(told) == (
        "no provider can serve 'default' for class saving now. Waiting will not change that.\n"
        "  openai: not_allowed: class saving may ask no provider that costs money (paid: never)"
    )
    assert (told.agent_class, served(router)) == ("saving", "openai")


ENDPOINTS: dict[str, Callable[..., Any]] = {
    "a chat": lambda router, **who: router.completion("default", message(), **who),
    "a stream": lambda router, **who: list(router.completion("default", message(), stream=True, **who)),
    "embeddings": lambda router, **who: router.embedding("default", "text", **who),
    "text": lambda router, **who: router.text_completion("default", "text", **who),
    "responses": lambda router, **who: router.responses(model="default", input="text", **who),
    "messages": lambda router, **who: router._background.run(
        router.anthropic_messages(10, message(), "default", **who)
    ),
    "images": lambda router, **who: router.image_generation(prompt="a chart", model="default", **who),
    "speech": lambda router, **who: router.speech(model="default", input="hello", voice="alloy", **who),
    "transcription": lambda router, **who: router.transcription(file=("a.wav", b"RIFF"), model="default", **who),
    "moderation": lambda router, **who: router.moderation(input="hello", model="default", **who),
}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("said_in", ["metadata", "litellm_metadata"])
def test_every_endpoint_goes_by_the_class(
    make_router: MakeRouter, simulator: Simulator, endpoint: str, said_in: str
) -> None:
    router = make_router(classes={"batch": {"providers": ["openai"]}})
    with suppress(openai.APIError):  # The simulated provider does not serve all of them.
        ENDPOINTS[endpoint](router, **{said_in: {"agent": "batch"}})
    with suppress(openai.APIError):
        ENDPOINTS[endpoint](router)
    of_default, of_batch = router._background.run(router.adecision_log())["decisions"]
    assert (of_batch["class"], of_default["class"]) == ("batch", "default")
    assert {each["provider"] for each in of_batch["attempts"]} == {"openai"}
    assert of_default["attempts"][0]["provider"] == "groq"


def test_a_group_that_is_fallen_back_to_is_seen_by_the_class_too(make_router: MakeRouter) -> None:
    in_other = {"models": [{"name": "m", "groups": ["other"]}]}
    router = make_router(
        providers={"groq": {"limits": {"rpm": 1}}, "gemini": in_other, "openai": {**in_other, "priority": 9}, **FEW},
        classes={"batch": {"providers": ["groq", "openai"]}},
        router_settings={"fallbacks": [{"default": ["other"]}]},
    )
    assert [served(router, "batch"), served(router, "batch"), served(router)] == ["groq", "openai", "gemini"]


def test_explain_and_the_available_deployment_go_by_the_class(make_router: MakeRouter) -> None:
    router = make_router(classes={"batch": {"providers": ["gemini"], "max_wait": "5s"}})
    told = router.explain(agent="batch")
    assert (told["agent"], told["class"], told["next"], told["max_wait_seconds"]) == ("batch", "batch", "gemini", 5)
    absent = {each["name"]: each["absent"] for each in told["providers"] if each["absent"] is not None}
    assert absent["groq"] == {"status": "not_allowed", "reason": "class batch may ask gemini alone"}
    assert (router.explain()["next"], router.explain()["class"]) == ("groq", "default")
    entry = router.get_available_deployment("default", request_kwargs={"metadata": {"agent": "batch"}})
    assert entry["model_info"]["provider"] == "gemini"


def test_without_classes_explain_tells_none(make_router: MakeRouter) -> None:
    assert "class" not in make_router().explain(agent="batch")


def test_the_models_of_a_class_are_judged_apart_from_those_of_another(make_router: MakeRouter) -> None:
    limited = {"groq": {"models": [{"name": "m", "supports": {"tools": False}}]}, **FEW}
    router = make_router(providers=limited, classes={"a": {"providers": ["groq"]}, "b": {"providers": ["gemini"]}})
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]
    for _ in range(3):
        with pytest.raises(Exception, match="none meets tools"):
            served(router, "a", tools=tools)
        assert served(router, "b", tools=tools) == "gemini"


def test_a_cooldown_holds_for_every_class_and_the_probe_of_one_ends_it_for_all(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router(classes={"trader": {"reserve": "30%"}, "batch": {"providers": ["groq", "gemini"]}})
    simulator.fault("groq", status=500, times=1)
    assert [served(router, "trader"), served(router, "batch"), served(router)] == ["gemini"] * 3
    clock.advance(301)
    assert [served(router, "batch"), served(router, "trader"), served(router)] == ["groq"] * 3


def test_a_class_whose_only_provider_is_in_cooldown_asks_it_all_the_same_now_and_then(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router(classes={"batch": {"providers": ["groq"]}})
    simulator.fault("groq", status=500, times=1)
    assert served(router) == "gemini"
    clock.advance(30)
    assert served(router, "batch") == "groq"  # Nobody else is left to it, so it is the probe.
    assert served(router) == "groq"


def test_a_request_that_a_provider_failed_goes_on_within_its_class(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    router = make_router(classes={"batch": {"providers": ["groq", "together"]}})
    simulator.fault("groq", status=500, times=1)
    reply = router.completion("default", message(), metadata={"agent": "batch"})
    assert [(each.provider, each.outcome) for each in route_of(reply).attempts] == [
        ("groq", "server_error"),
        ("together", "ok"),
    ]


def test_the_successor_of_a_model_that_is_gone_is_kept_room_at_for_a_class_too(tmp_path: Path) -> None:
    def serve(asked: Asked) -> bytes:
        told = "The model `old-1` has been decommissioned. Please use `new-1` instead."
        gone = answer({"error": {"message": told}}, 404)
        return gone if b'"old-1"' in asked.body else answer(ANSWER)

    with upstream(serve) as at:
        acme = {
            "litellm_provider": "groq", "api_base": at.address, "api_key": "k", "models": ["old-1"],
            "on_retired": "successor", "limits": {"rpm": 10},
        }  # fmt: skip
        path = tmp_path / "litellm.yaml"
        document = {"state": "memory://", "providers": {"acme": acme}, "classes": {"trader": {"reserve": "30%"}}}
        path.write_text(yaml.safe_dump(document), "utf-8")
        router = Router.from_yaml(path, env={}, watch=False)
        try:
            replies = [router.completion("default", message()) for _ in range(6)]  # One room went to the old model.
            assert {route_of(each).model for each in replies} == {"new-1"}
            with pytest.raises(NoProviderAvailable, match="3 of 10 are kept for class trader"):
                router.completion("default", message())
            assert route_of(router.completion("default", message(), metadata={"agent": "trader"})).model == "new-1"
        finally:
            router.close()
