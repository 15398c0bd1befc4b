"""A chat that goes past LiteLLM's wrappers is, to its provider and to its caller, the one that goes through them."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import litellm
import openai
import pytest
from litellm.exceptions import UnsupportedParamsError
from litellm.integrations.custom_logger import CustomLogger
from litellm.llms.vertex_ai.common_utils import VertexAIError
from rig import MODELS, MakeRouter, message

from router_config import Router
from router_config.simulator import Simulator
from router_config.transport import direct
from router_config.transport import prepared as preparing
from router_config.transport.callbacks import LISTS

TOOL = {
    "type": "function",
    "function": {
        "name": "price",
        "description": "The price of a share",
        "parameters": {"type": "object", "properties": {"symbol": {"type": "string"}}, "required": ["symbol"]},
    },
}
REQUESTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "with metadata": {"metadata": {"agent": "trader"}},
    "with settings": {"temperature": 0.2, "max_tokens": 50, "stop": ["END"], "user": "u1", "seed": 7, "timeout": 20},
    "with tools": {"tools": [TOOL], "tool_choice": "auto"},
    "of an answer in JSON": {"response_format": {"type": "json_object"}},
    "after a tool's answer": {
        "messages": [
            {"role": "system", "content": "You trade."},
            {"role": "user", "content": "Price?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "price", "arguments": '{"symbol": "X"}'}}
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "104.20"},
        ],
        "tools": [TOOL],
    },
    "stream": {"stream": True},
    "stream with usage": {"stream": True, "stream_options": {"include_usage": True}},
    "stream with tools": {"stream": True, "tools": [TOOL]},
}
FLEETING = {"id", "created", "x_groq"}
TIMES = {"_response_ms", "litellm_overhead_time_ms", "litellm_call_id", "route"}
CLOCK_HEADERS = ("date", "reset", "request-id", "remaining", "ms", "ray", "generation-id")


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """One entry for each call that went past the wrappers."""
    calls: list[bool] = []
    complete = direct.complete

    async def counted(*args: Any) -> Any:
        calls.append(True)
        return await complete(*args)

    monkeypatch.setattr(direct, "complete", counted)
    return calls


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """One entry for each call of LiteLLM's own `completion`, which a prepared chat does without."""
    calls: list[bool] = []
    completion = litellm.completion

    def counted(*args: Any, **kwargs: Any) -> Any:
        calls.append(True)
        return completion(*args, **kwargs)

    monkeypatch.setattr(litellm, "completion", counted)
    return calls


@pytest.fixture
def listener() -> Iterator[None]:
    """Somebody who listens, for whom LiteLLM goes its own way."""
    lists = [getattr(litellm, name) for name in LISTS]
    before = [list(each) for each in lists]
    litellm.callbacks.append(CustomLogger())
    yield
    for each, old in zip(lists, before, strict=True):
        each[:] = old


def answered(router: Router, asked: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """What a caller sees of the answer, but for what no two answers share."""
    reply: Any = router.completion(**{"model": "default", "messages": message(), **asked})
    hidden = {name: value for name, value in reply._hidden_params.items() if name not in TIMES}
    for headers in ("headers", "additional_headers"):
        hidden[headers] = {
            name: value
            for name, value in dict(hidden.get(headers) or {}).items()
            if not any(part in name for part in CLOCK_HEADERS)
        }
    if not asked.get("stream"):
        return _lasting(reply.model_dump()), hidden
    return [_lasting(chunk.model_dump()) for chunk in reply], hidden


def alone(make_router: MakeRouter, provider: str, **settings: Any) -> Router:
    """A router of one provider's first model."""
    others: dict[str, Any] = {name: None for name in MODELS if name != provider}
    return make_router(providers={provider: {"models": MODELS[provider][:1], **settings}, **others})


def _lasting(dump: dict[str, Any]) -> dict[str, Any]:
    (dump.get("usage") or {}).pop("cost", None)
    return {name: value for name, value in dump.items() if name not in FLEETING}


@pytest.mark.parametrize("asked", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("provider", MODELS)
def test_request_and_answer_are_those_of_litellms_own_way(
    make_router: MakeRouter,
    simulator: Simulator,
    passed: list[bool],
    prepared: list[bool],
    request: pytest.FixtureRequest,
    provider: str,
    asked: dict[str, Any],
) -> None:
    simulator.set_options(keep_bodies=True)
    router = alone(make_router, provider)

    past = answered(router, asked)
    noted = answered(router, asked)
    repeated = answered(router, asked)
    assert passed == [True] * 3
    assert prepared == [True] * 2
    request.getfixturevalue("listener")
    through = answered(router, asked)
    assert passed == [True] * 3

    for each in (past, noted, repeated):
        assert each[0] == through[0]
        if provider != "openai":  # For together_ai LiteLLM takes its own price list's word over the free deployment's.
            assert each[1].pop("response_cost") == 0.0
    if provider != "openai":
        through[1].pop("response_cost")
    assert past[1] == noted[1] == repeated[1] == through[1]
    calls = simulator.calls(provider)
    assert len(calls) == 4
    assert all(each.body == calls[3].body for each in calls)
    assert all(each.key == calls[3].key for each in calls)


@pytest.mark.parametrize("asked", REQUESTS.values(), ids=REQUESTS)
def test_openai_answers_as_through_the_sdks_own_chat(
    make_router: MakeRouter, simulator: Simulator, asked: dict[str, Any]
) -> None:
    simulator.set_options(keep_bodies=True)
    router = make_router(providers={name: None for name in MODELS if name != "openai"})
    ours, _ = answered(router, asked)
    theirs: Any = litellm.completion(
        model="openai/gpt-4o-mini",
        api_base=simulator.api_base("openai"),
        api_key="simulated-openai",
        **{"messages": message(), "_skip_mcp_handler": True, **asked},
    )
    if asked.get("stream"):
        assert [each["choices"] for each in ours] == [each.model_dump()["choices"] for each in theirs]
    else:
        assert ours == _lasting(theirs.model_dump())
        first, second = simulator.calls("openai")
        assert first.body == second.body


@pytest.mark.parametrize(
    "setting",
    [
        {"cache": {"no-cache": True}}, {"mock_response": "hello"}, {"fallbacks": []}, {"num_retries": 1},
        {"api_key": "simulated-another"}, {"tags": ["a"]}, {"logger_fn": print},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]},
    ],
    ids=lambda setting: next(iter(setting)),
)  # fmt: skip
def test_what_the_wrappers_serve_goes_through_them(
    make_router: MakeRouter, simulator: Simulator, passed: list[bool], setting: dict[str, Any]
) -> None:
    router = make_router()
    router.completion(**{"model": "default", "messages": message(), **setting})
    assert not passed


@pytest.mark.parametrize(
    ("name", "value"),
    [("cache", object()), ("success_callback", ["langfuse"]), ("max_budget", 1.0), ("model_fallbacks", ["gpt-4o"])],
)
def test_a_setting_of_the_litellm_module_that_the_wrappers_serve_is_heeded(
    make_router: MakeRouter, monkeypatch: pytest.MonkeyPatch, name: str, value: Any
) -> None:
    router = make_router()
    assert direct.takes_request(router, message(), {})
    monkeypatch.setattr(litellm, name, value)
    assert not direct.takes_request(router, message(), {})


def test_instrumentation_of_litellms_own_function_sees_every_chat(
    make_router: MakeRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    own = litellm.acompletion

    async def traced(*args: Any, **kwargs: Any) -> Any:
        seen.append(kwargs["model"])
        return await own(*args, **kwargs)

    monkeypatch.setattr(litellm, "acompletion", traced)
    make_router().completion("default", message())
    assert seen == ["groq/llama-3.3-70b-versatile"]


def test_a_setting_of_the_router_that_the_wrappers_serve_is_heeded(make_router: MakeRouter) -> None:
    router = make_router(router_settings={"fallbacks": [{"default": ["fast"]}]})
    assert not direct.takes_request(router, message(), {})


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_errors_are_those_of_litellms_own_way(
    make_router: MakeRouter,
    simulator: Simulator,
    passed: list[bool],
    prepared: list[bool],
    request: pytest.FixtureRequest,
    provider: str,
    stream: bool,
    status: int,
) -> None:
    router = alone(make_router, provider)

    def failure() -> Exception:
        simulator.fault(provider, status=status, times=1)
        with pytest.raises((openai.APIError, VertexAIError)) as raised:
            router.completion(model="default", messages=message(), stream=stream, despite_rests=True)
        return raised.value.__cause__ if isinstance(raised.value.__cause__, Exception) else raised.value

    past, noted, repeated = failure(), failure(), failure()
    assert passed == [True] * 3
    assert prepared == [True] * 2
    request.getfixturevalue("listener")
    through = failure()
    assert passed == [True] * 3
    for each in (past, noted, repeated):
        assert getattr(each, "status_code", None) == getattr(through, "status_code", None) == status
        if not (provider == "gemini" and stream):  # LiteLLM's Router passes its handler's own error on (1.106.2).
            assert type(each) is type(through)
            assert str(through).startswith(str(each))  # LiteLLM's Router adds that no fallback was attempted.
            assert getattr(each, "llm_provider", None) == getattr(through, "llm_provider", None)


@pytest.mark.parametrize("provider", MODELS)
def test_chats_that_differ_in_words_share_their_preparation_and_nothing_else(
    make_router: MakeRouter, simulator: Simulator, prepared: list[bool], provider: str
) -> None:
    simulator.set_options(keep_bodies=True)
    keys = [f"simulated-{provider}-{number}" for number in range(3)]
    router = alone(make_router, provider, api_key=keys)

    async def ask(number: int) -> Any:
        metadata = {"agent": f"agent {number}", "run": number}
        return await router.acompletion("default", message(f"Share {number}?"), metadata=metadata)

    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*(ask(number) for number in range(20)))

    replies = asyncio.run(all_of_them())
    assert prepared == [True] * 2
    calls = simulator.calls(provider)
    assert sorted(json.dumps(call.body).count(f"Share {number}?") for call in calls for number in range(20)) == (
        [0] * 380 + [1] * 20
    )
    assert len({call.key for call in calls}) == 3
    assert len({reply._hidden_params["litellm_call_id"] for reply in replies}) == 20
    assert len({reply._hidden_params["model_id"] for reply in replies}) == 3


@pytest.mark.parametrize(
    "other",
    [
        {"temperature": 1}, {"temperature": 1.0}, {"max_tokens": 7}, {"seed": 2}, {"tools": [TOOL]}, {"timeout": 9},
        {"response_format": {"type": "json_object"}}, {"extra_headers": {"x-desk": "7"}}, {"stream": True},
        {"metadata": {"session_id": "s1"}}, {"messages": [{"role": "developer", "content": "Trade."}, *message()]},
    ],
    ids=repr,
)  # fmt: skip
def test_a_chat_of_another_kind_is_prepared_anew(
    make_router: MakeRouter, prepared: list[bool], other: dict[str, Any]
) -> None:
    router = alone(make_router, "groq")
    for _ in range(3):
        router.completion(model="default", messages=message(), temperature=True)
    assert prepared == [True] * 2
    list(router.completion(**{"model": "default", "messages": message(), **other}))
    assert prepared == [True] * 3


@pytest.mark.parametrize("setting", [{"LASTS": -1.0}, {"KEPT": 10}], ids=repr)
def test_a_preparation_is_not_kept_for_good(
    make_router: MakeRouter, prepared: list[bool], monkeypatch: pytest.MonkeyPatch, setting: dict[str, Any]
) -> None:
    for name, value in setting.items():
        monkeypatch.setattr(preparing, name, value)
    router = alone(make_router, "groq")
    for _ in range(4):
        router.completion("default", message())
    assert prepared == [True] * 4


def test_a_setting_of_litellm_is_heeded_by_the_next_chat(
    make_router: MakeRouter, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.set_options(keep_bodies=True)
    router = alone(make_router, "openai")
    unknown: dict[str, Any] = {"model": "default", "messages": message(), "reasoning_effort": "low"}
    with pytest.raises(UnsupportedParamsError):
        router.completion(**unknown)
    monkeypatch.setattr(litellm, "drop_params", True)
    for _ in range(3):
        router.completion(**unknown)
    monkeypatch.setattr(litellm, "drop_params", False)
    with pytest.raises(UnsupportedParamsError):
        router.completion(**unknown)
