"""A chat that goes past LiteLLM's wrappers is, to its provider and to its caller, the one that goes through them."""

from collections.abc import Iterator
from typing import Any

import litellm
import openai
import pytest
from litellm.integrations.custom_logger import CustomLogger
from litellm.llms.vertex_ai.common_utils import VertexAIError
from rig import MODELS, MakeRouter, message

from router_config import Router, direct
from router_config.callbacks import LISTS
from router_config.simulator import Simulator

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


def _lasting(dump: dict[str, Any]) -> dict[str, Any]:
    (dump.get("usage") or {}).pop("cost", None)
    return {name: value for name, value in dump.items() if name not in FLEETING}


@pytest.mark.parametrize("asked", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("provider", MODELS)
def test_request_and_answer_are_those_of_litellms_own_way(
    make_router: MakeRouter,
    simulator: Simulator,
    passed: list[bool],
    request: pytest.FixtureRequest,
    provider: str,
    asked: dict[str, Any],
) -> None:
    simulator.set_options(keep_bodies=True)
    others: dict[str, Any] = {name: None for name in MODELS if name != provider}
    router = make_router(providers={provider: {"models": MODELS[provider][:1]}, **others})

    past = answered(router, asked)
    assert passed == [True]
    request.getfixturevalue("listener")
    through = answered(router, asked)
    assert passed == [True]

    assert past[0] == through[0]
    if provider != "openai":  # For together_ai LiteLLM takes its own price list's word over the free deployment's.
        assert past[1].pop("response_cost") == 0.0
        through[1].pop("response_cost")
    assert past[1] == through[1]
    first, second = simulator.calls(provider)
    assert first.body == second.body
    assert first.key == second.key


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
    request: pytest.FixtureRequest,
    provider: str,
    stream: bool,
    status: int,
) -> None:
    others: dict[str, Any] = {name: None for name in MODELS if name != provider}
    router = make_router(providers={provider: {"models": MODELS[provider][:1]}, **others})

    def failure() -> Exception:
        simulator.fault(provider, status=status, times=1)
        with pytest.raises((openai.APIError, VertexAIError)) as raised:
            router.completion(model="default", messages=message(), stream=stream, despite_rests=True)
        return raised.value.__cause__ if isinstance(raised.value.__cause__, Exception) else raised.value

    past = failure()
    assert passed == [True]
    request.getfixturevalue("listener")
    through = failure()
    assert passed == [True]
    assert getattr(past, "status_code", None) == getattr(through, "status_code", None) == status
    if not (provider == "gemini" and stream):  # LiteLLM's Router passes its handler's own error on (1.106.2).
        assert type(past) is type(through)
        assert getattr(past, "llm_provider", None) == getattr(through, "llm_provider", None)
