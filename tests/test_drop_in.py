"""Whatever takes a litellm.Router takes ours: what its users call, set and catch besides plain chats."""

import asyncio
import json
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import litellm
import openai
import pytest
from litellm.exceptions import BadRequestError, InternalServerError
from rig import MODELS, MakeRouter, message

from router_config import NoProviderAvailable, Router, route_of
from router_config.simulator import Simulator

GROQ: dict[str, Any] = {name: None for name in MODELS if name != "groq"}


def limited(make_router: MakeRouter) -> Router:
    """Room for one request."""
    return make_router(providers={**GROQ, "groq": {"limits": {"rpm": 1}}})


CALLS: dict[str, Any] = {
    "chat.completions.create": lambda router: router.chat.completions.create(model="default", messages=message()),
    "abatch_completion": lambda router: asyncio.run(router.abatch_completion(["default"], message()))[0],
    "abatch_completion_one_model_multiple_requests": lambda router: asyncio.run(
        router.abatch_completion_one_model_multiple_requests("default", [message()])
    )[0],
    "abatch_completion_fastest_response": lambda router: asyncio.run(
        router.abatch_completion_fastest_response("default, default", message())
    ),
    "schedule_acompletion": lambda router: asyncio.run(
        router.schedule_acompletion(model="default", messages=message(), priority=0)
    ),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_way_to_chat_is_counted(make_router: MakeRouter, simulator: Simulator, call: Any) -> None:
    router = limited(make_router)
    assert call(router).choices[0].message.content
    assert simulator.count() == 1
    with pytest.raises(NoProviderAvailable):
        router.completion("default", message())
    assert simulator.count() == 1


def test_one_chat_at_two_groups_and_two_chats_at_one(make_router: MakeRouter) -> None:
    router = make_router()
    both = asyncio.run(router.abatch_completion(["default", "gpt-4o"], message()))
    assert len(both) == 2
    table = asyncio.run(router.abatch_completion(["default", "no such"], [message("a"), message("b")]))
    assert [len(row) for row in table] == [2, 2]


def test_what_failed_among_several_is_its_exception(make_router: MakeRouter) -> None:
    router = make_router(aliases={})
    fine, failed = asyncio.run(router.abatch_completion(["default", "no such"], message()))
    assert fine.choices
    assert isinstance(failed, BadRequestError)


SMART: dict[str, Any] = {
    **{name: None for name in MODELS if name not in ("groq", "gemini")},
    "gemini": {"models": [{"name": "gemini-2.5-pro", "groups": ["smart"]}]},
}


@pytest.mark.parametrize(
    ("asked", "settings"),
    [
        ({"mock_testing_fallbacks": True}, {"fallbacks": [{"default": ["smart"]}]}),
        ({"mock_testing_context_fallbacks": True}, {"context_window_fallbacks": [{"default": ["smart"]}]}),
        ({"mock_testing_content_policy_fallbacks": True}, {"content_policy_fallbacks": [{"default": ["smart"]}]}),
        ({"mock_testing_fallbacks": True}, {"fallbacks": [{"*": ["smart"]}]}),
        ({"mock_testing_fallbacks": True}, {"default_fallbacks": ["smart"]}),
        ({"mock_testing_fallbacks": True, "fallbacks": ["smart"]}, {}),
        ({"mock_testing_fallbacks": True, "fallbacks": [{"model": "smart", "messages": message("other")}]}, {}),
    ],
)
def test_a_fallback_answers(
    make_router: MakeRouter, simulator: Simulator, asked: dict[str, Any], settings: dict[str, Any]
) -> None:
    simulator.set_options(keep_bodies=True)
    router = make_router(providers=SMART, router_settings=settings)
    reply = router.completion("default", message(), **asked)
    assert route_of(reply).provider == "gemini"
    assert simulator.count("groq") == 0
    assert "mock_testing" not in str(simulator.calls()[0].body)
    assert reply._hidden_params["additional_headers"]["x-litellm-attempted-fallbacks"] == 1


FILTERED: dict[str, Any] = {
    "id": "1", "object": "chat.completion", "created": 1, "model": "m", "service_tier": "on_demand",
    "choices": [{"index": 0, "finish_reason": "content_filter", "message": {"role": "assistant", "content": ""}}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
}  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "provider"),
    [
        ({"content_policy_fallbacks": [{"default": ["smart"]}]}, "gemini"),
        ({"default_fallbacks": ["smart"]}, "gemini"),
        ({"fallbacks": [{"default": ["smart"]}]}, "groq"),
        ({}, "groq"),
    ],
)
def test_an_answer_that_was_filtered_has_fallbacks(
    make_router: MakeRouter, simulator: Simulator, settings: dict[str, Any], provider: str
) -> None:
    router = make_router(providers=SMART, router_settings=settings)
    simulator.fault("groq", status=200, body=FILTERED)
    assert route_of(router.completion("default", message())).provider == provider


def test_a_stream_that_was_filtered_before_anything_came_has_fallbacks_too(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    router = make_router(providers=SMART, router_settings={"content_policy_fallbacks": [{"default": ["smart"]}]})
    told = {**FILTERED, "object": "chat.completion.chunk"}
    told["choices"] = [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": "content_filter"}]
    parts = [f"data: {json.dumps(told)}\n\n", "data: [DONE]\n\n"]
    simulator.fault("groq", stream=True, parts=parts)
    stream = router.completion("default", message(), stream=True)
    assert route_of(stream).provider == "gemini"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    groq = router.status()["providers"][0]
    assert (groq["status"], groq["usage_today"]["tokens"]) == ("available", 10)


def test_without_a_fallback_the_first_groups_error_is_raised(make_router: MakeRouter) -> None:
    with pytest.raises(InternalServerError):
        make_router().completion("default", message(), mock_testing_fallbacks=True)


def test_a_setting_holds_from_the_next_request_on(make_router: MakeRouter, simulator: Simulator) -> None:
    simulator.set_options(keep_bodies=True)
    router: Any = make_router(providers=SMART)
    router.fallbacks = [{"default": ["smart"]}]
    assert router.fallbacks == [{"default": ["smart"]}]
    simulator.fault("groq", status=500)
    assert route_of(router.completion("default", message())).provider == "gemini"
    router.default_litellm_params = {"temperature": 0.3}
    router.completion("smart", message())
    assert "0.3" in str(simulator.calls("gemini")[-1].body)
    router.model_group_alias = {"clever": "smart"}
    assert route_of(router.completion("clever", message())).provider == "gemini"


def test_the_names_of_its_arguments_are_known() -> None:
    assert {"model_list", "fallbacks", "num_retries"} <= set(Router.get_valid_args())


def test_a_stream_is_litellms(make_router: MakeRouter) -> None:
    stream = make_router().completion("default", message(), stream=True)
    assert isinstance(stream, litellm.CustomStreamWrapper)
    assert list(stream)


def test_a_callers_own_key_is_sent_and_its_refusal_is_the_callers(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    for provider in ("groq", "openai"):
        router = make_router(providers={name: None for name in MODELS if name != provider})
        simulator.set_keys(provider, bad=["the-callers-own"])
        with pytest.raises(openai.APIError):
            router.completion("default", message(), api_key="the-callers-own")
        assert simulator.calls(provider)[-1].status == 401
        assert route_of(router.completion("default", message())).provider == provider


def test_a_synchronous_client_of_the_callers_is_used(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router(providers={name: None for name in MODELS if name != "openai"})
    own = openai.OpenAI(api_key=simulator.env()["OPENAI_API_KEY"], base_url=simulator.api_base("openai"))
    assert router.completion("default", message(), client=own).choices[0].message.content
    assert router.status()["providers"][0]["usage_today"]["requests"] == simulator.count("openai") == 1


def test_what_stands_in_for_litellm_in_a_users_test_is_no_stream(
    make_router: MakeRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in = MagicMock()  # It has every method, also those of a stream.
    monkeypatch.setattr(litellm, "aembedding", AsyncMock(return_value=stand_in))
    assert asyncio.run(make_router().aembedding("default", input=["hello"])) is stand_in


def test_an_error_of_our_own_making_is_no_providers(make_router: MakeRouter) -> None:
    router = make_router(providers={name: None for name in MODELS if name != "openai"})
    with pytest.raises(openai.APIError):
        router.completion("default", message(), client=object())
    assert router.status()["providers"][0]["status"] == "available"


def test_what_has_no_effect_here_is_said(make_router: MakeRouter, caplog: pytest.LogCaptureFixture) -> None:
    make_router(router_settings={"enable_tag_filtering": True})
    assert "enable_tag_filtering: no effect" in caplog.text
    params = {"model": "openai/m", "api_key": "k", "weight": 2, "max_parallel_requests": 1}
    Router([{"model_name": "m", "litellm_params": params}], cooldown_time=60).close()
    assert "cooldown_time, weight, max_parallel_requests: no effect" in caplog.text


@pytest.mark.skipif(not hasattr(litellm.router.Router, "apply"), reason="LiteLLM before 1.109 has no ChangeSet")
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_change_set_reaches_the_deployments_that_are_asked(
    make_router: MakeRouter, simulator: Simulator, asynchronous: bool
) -> None:
    from litellm.router_api import ChangeSet

    router = make_router(providers={**GROQ, "groq": {"models": MODELS["groq"][:1], "limits": {"rpm": 5}}})
    entry = router.entries[0]
    changed = litellm.types.router.Deployment(
        **{**entry, "litellm_params": {**entry["litellm_params"], "rpm": 1, "order": 1}, "model_info": {"id": "other"}}
    )
    changes = ChangeSet(upsert=[changed], delete=[entry["model_info"]["id"]], settings={"num_retries": 0})
    if asynchronous:
        asyncio.run(router.aapply(changes))
    else:
        router.apply(changes)
    assert router.completion("default", message())._hidden_params["model_id"] == "other"
    with pytest.raises(NoProviderAvailable):
        router.completion("default", message())
    assert simulator.count() == 1
