"""A chat that goes the fast way is, to its provider and to its caller, the one that LiteLLM's public way sends."""

import asyncio
import json
from typing import Any

import litellm
import openai
import pytest
from litellm.exceptions import UnsupportedParamsError
from litellm.integrations.custom_logger import CustomLogger
from litellm.llms.vertex_ai.common_utils import VertexAIError
from rig import MODELS, MakeRouter, message
from rig_callbacks import callbacks_put_back

from router_config import Router
from router_config.simulator import Simulator
from router_config.transport import endpoints
from router_config.transport.fast import fast_way

pytestmark = pytest.mark.contract

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
    "with settings": {"temperature": 0.2, "max_tokens": 50, "stop": ["END"], "user": "u1", "top_p": 0.9, "timeout": 20},
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
}
FLEETING = {"id", "created", "x_groq"}
TIMES = {
    "optional_params",
    "_response_ms",
    "litellm_overhead_time_ms",
    "callback_duration_ms",
    "litellm_call_id",
    "route",
}
CLOCK_HEADERS = ("date", "reset", "request-id", "remaining", "ms", "ray", "generation-id")


@pytest.fixture(autouse=True)
def _proofs_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is."""
    monkeypatch.setattr(fast_way, "LASTS", 3600.0)


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The model of each chat that LiteLLM's own function was asked for."""
    calls: list[str] = []
    ask = endpoints.function

    def noting(endpoint: str) -> Any:
        calls.append(endpoint)
        return ask(endpoint)

    monkeypatch.setattr(endpoints, "function", noting)
    return calls


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
    dump = reply.model_dump()
    (dump.get("usage") or {}).pop("cost", None)
    return {name: value for name, value in dump.items() if name not in FLEETING}, hidden


def alone(make_router: MakeRouter, provider: str, **settings: Any) -> Router:
    """A router of one provider's first model."""
    others: dict[str, Any] = {name: None for name in MODELS if name != provider}
    return make_router(providers={provider: {"models": MODELS[provider][:1], **settings}, **others})


@pytest.mark.parametrize("asked", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("provider", MODELS)
def test_request_and_answer_are_those_of_the_public_way(
    make_router: MakeRouter, simulator: Simulator, public: list[str], provider: str, asked: dict[str, Any]
) -> None:
    simulator.set_options(keep_bodies=True)
    router = alone(make_router, provider)
    first, second = answered(router, asked), answered(router, asked)
    assert len(public) == 2
    third, fourth = answered(router, asked), answered(router, asked)
    # What Gemini is asked after a tool's answer is not written from the messages' texts alone.
    fast = not (provider == "gemini" and "tool_calls" in str(asked))
    assert len(public) == (2 if fast else 4)

    assert first[0] == second[0] == third[0] == fourth[0]
    if provider != "openai":  # For together_ai LiteLLM takes its own price list's word over the free deployment's.
        for _, hidden in (first, second, third, fourth):
            hidden.pop("response_cost")
    assert first[1] == second[1] == third[1] == fourth[1]
    calls = simulator.calls(provider)
    assert len(calls) == 4
    assert all(each.body == calls[0].body for each in calls)
    assert all(each.key == calls[0].key for each in calls)


def test_the_status_says_whether_it_is_in_use(make_router: MakeRouter) -> None:
    router = alone(make_router, "groq")
    assert router.status()["fast_path"] is False
    for _ in range(3):
        router.completion("default", message())
    assert router.status()["fast_path"] is True


@pytest.mark.parametrize(
    "setting",
    [
        {"cache": {"no-cache": True}}, {"mock_response": "hello"}, {"api_key": "simulated-another"}, {"tags": ["a"]},
        {"logger_fn": print}, {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]},
    ],
    ids=lambda setting: next(iter(setting)),
)  # fmt: skip
def test_what_is_not_known_goes_the_public_way(
    make_router: MakeRouter, public: list[str], setting: dict[str, Any]
) -> None:
    router = alone(make_router, "openrouter")
    for number in range(1, 5):
        router.completion(**{"model": "default", "messages": message(), **setting})
        assert len(public) == (number if "api_key" not in setting else min(number, 2))


def test_a_parameter_that_the_provider_gets_under_its_own_name_is_no_obstacle(
    make_router: MakeRouter, simulator: Simulator, public: list[str]
) -> None:
    simulator.set_options(keep_bodies=True)
    router = alone(make_router, "openrouter")
    for _ in range(4):
        router.completion("default", message(), provider={"order": ["a"]})
    assert len(public) == 2
    assert all((call.body or {})["provider"] == {"order": ["a"]} for call in simulator.calls("openrouter"))


@pytest.mark.parametrize(
    ("name", "value"),
    [("cache", object()), ("max_budget", 1.0), ("model_fallbacks", ["gpt-4o"]), ("pre_call_rules", [print])],
)
def test_a_setting_of_the_litellm_module_is_heeded(
    make_router: MakeRouter, monkeypatch: pytest.MonkeyPatch, name: str, value: Any
) -> None:
    router = alone(make_router, "groq")
    asked = {"model": "groq/m", "messages": message(), "timeout": 1.0}
    takes = router._transport._fast.takes  # type: ignore[union-attr]
    assert takes(asked) is not None
    monkeypatch.setattr(litellm, name, value)
    assert takes(asked) is None


def test_instrumentation_of_litellms_own_function_sees_every_chat(
    make_router: MakeRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    own = litellm.acompletion

    async def traced(*args: Any, **kwargs: Any) -> Any:
        seen.append(kwargs["model"])
        return await own(*args, **kwargs)

    monkeypatch.setattr(litellm, "acompletion", traced)
    router = make_router()
    for _ in range(4):
        router.completion("default", message())
    assert seen == ["groq/llama-3.3-70b-versatile"] * 4


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_errors_are_those_of_the_public_way(
    make_router: MakeRouter, simulator: Simulator, provider: str, status: int
) -> None:
    router = alone(make_router, provider)

    def failure() -> Exception:
        simulator.fault(provider, status=status, times=1)
        with pytest.raises((openai.APIError, VertexAIError)) as raised:
            router.completion(model="default", messages=message(), ignore_cooldowns=True)
        return raised.value.__cause__ if isinstance(raised.value.__cause__, Exception) else raised.value

    through = failure()
    for _ in range(3):
        router.completion("default", message(), ignore_cooldowns=True)
    assert router.status()["fast_path"] is True
    past, arrived = failure(), simulator.count(provider)
    assert arrived == 5
    assert getattr(past, "status_code", None) == getattr(through, "status_code", None)
    assert type(past) is type(through)
    assert str(past) == str(through)
    assert getattr(past, "llm_provider", None) == getattr(through, "llm_provider", None)


@pytest.mark.parametrize("fault", [{"refused": True}, {"reset": True}], ids=repr)
def test_a_connection_that_fails_is_the_error_of_the_public_way(
    make_router: MakeRouter, simulator: Simulator, fault: dict[str, Any]
) -> None:
    router = alone(make_router, "groq")

    def failure() -> Exception:
        simulator.fault("groq", times=2, **fault)  # A kept connection is made anew once.
        with pytest.raises(openai.APIError) as raised:
            router.completion(model="default", messages=message(), ignore_cooldowns=True)
        simulator.clear()
        return raised.value

    through = failure()
    for _ in range(3):
        router.completion("default", message(), ignore_cooldowns=True)
    past = failure()
    assert type(past) is type(through)
    kinds = [each["outcome"] for each in router._background.run(router.adecision_log())["decisions"]]
    assert (kinds[0], kinds[-1]) == ("refused", "refused")


def test_an_answer_unlike_any_before_is_read_by_litellm(
    make_router: MakeRouter, simulator: Simulator, public: list[str]
) -> None:
    router = alone(make_router, "groq")
    for _ in range(3):
        router.completion("default", message(), tools=[TOOL])
    assert len(public) == 2
    simulator.fault("groq", tool_call=True)
    called = [router.completion("default", message(), tools=[TOOL]) for _ in range(3)]
    assert all(reply.choices[0].message.tool_calls[0].function.name == "price" for reply in called)
    assert len(public) in (3, 5)  # LiteLLM 1.84 reads a tool call in a way of its own each time.
    assert simulator.count("groq") == 6


SAID = b'{"choices":[{"finish_reason":"stop","message":{"content":"a \\"reason\\":"}}],"model":"m"}'


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (SAID.replace(b'"a ', b'"b '), True),
        (SAID.replace(b'"m"', b'"n"'), True),
        (SAID.replace(b'"stop"', b'"length"'), False),
        (SAID.replace(b'"stop"', b"null"), False),
        (SAID.replace(b'{"content"', b'{"refusal":null,"content"'), False),
        (SAID.replace(b'"m"', b"null"), False),
        (SAID.replace(b'"m"', b"[]"), False),
    ],
)
def test_the_shape_of_an_answer_is_its_keys_their_values_kinds_and_why_it_ended(other: bytes, same: bool) -> None:
    shapes = [frozenset(fast_way.KEYS_IN_JSON.findall(each)) for each in (SAID, other)]
    assert (shapes[0] == shapes[1]) is same


def test_who_answered_is_told_of_each_answer(make_router: MakeRouter, simulator: Simulator, public: list[str]) -> None:
    """OpenRouter names the host behind a model, and the model that it chose."""
    router = alone(make_router, "openrouter")
    for _ in range(3):
        router.completion("default", message())
    body = {
        "id": "gen-1", "object": "chat.completion", "created": 1, "model": "another/model", "provider": "Another",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }  # fmt: skip
    simulator.fault("openrouter", status=200, body=body)
    replies = [router.completion("default", message()) for _ in range(3)]
    assert len(public) == 3
    expected = {"upstream_provider": "Another", "provider_response_model": "another/model"}
    for name, value in expected.items():
        assert {reply._hidden_params.get(name, value) for reply in replies} == {value}


@pytest.mark.parametrize("provider", MODELS)
def test_chats_that_differ_in_words_share_a_template_and_nothing_else(
    make_router: MakeRouter, simulator: Simulator, provider: str
) -> None:
    simulator.set_options(keep_bodies=True)
    keys = [f"simulated-{provider}-{number}" for number in range(3)]
    router = alone(make_router, provider, api_key=keys)

    async def ask(number: int) -> Any:
        metadata = {"agent": f"agent {number}", "run": number}
        return await router.acompletion("default", message(f"Share {number}?"), metadata=metadata)

    async def all_of_them() -> list[Any]:
        first = [await ask(number) for number in range(4)]
        return first + await asyncio.gather(*(ask(number) for number in range(4, 20)))

    replies = asyncio.run(all_of_them())
    assert router.status()["fast_path"] is True
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
        {"response_format": {"type": "json_object"}}, {"extra_headers": {"x-desk": "7"}},
        {"messages": [{"role": "developer", "content": "Trade."}, *message()]}, {"messages": message("")},
    ],
    ids=repr,
)  # fmt: skip
def test_a_chat_of_another_kind_is_learned_anew(
    make_router: MakeRouter, public: list[str], other: dict[str, Any]
) -> None:
    router = alone(make_router, "groq")
    for _ in range(3):
        router.completion(model="default", messages=message(), temperature=True)
    assert len(public) == 2
    router.completion(**{"model": "default", "messages": message(), **other})
    assert len(public) == 3


@pytest.mark.parametrize("setting", [{"LASTS": -1.0}, {"KINDS": 1}, {"CHARACTERS": 150}], ids=repr)
def test_what_was_learned_is_not_kept_for_good(
    make_router: MakeRouter, public: list[str], monkeypatch: pytest.MonkeyPatch, setting: dict[str, Any]
) -> None:
    for name, value in setting.items():
        monkeypatch.setattr(fast_way, name, value)
    router = alone(make_router, "groq")
    for number in range(4):
        router.completion("default", message(), temperature=0.5)
        router.completion("default", message(), temperature=0.5 if "LASTS" in setting else number / 10)
    assert len(public) == 8


def test_a_setting_of_litellm_is_heeded_by_the_next_chat(
    make_router: MakeRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    router = alone(make_router, "openai")
    unknown: dict[str, Any] = {"model": "default", "messages": message(), "reasoning_effort": "low"}
    with pytest.raises(UnsupportedParamsError):
        router.completion(**unknown)
    monkeypatch.setattr(litellm, "drop_params", True)
    for _ in range(4):
        router.completion(**unknown)
    monkeypatch.setattr(litellm, "drop_params", False)
    with pytest.raises(UnsupportedParamsError):
        router.completion(**unknown)


def test_callbacks_are_called(make_router: MakeRouter) -> None:
    with callbacks_put_back():
        litellm.callbacks.append(CustomLogger())
        router = alone(make_router, "groq")
        for _ in range(4):
            router.completion("default", message())


def test_one_chat_of_many_proves_anew_what_was_learned(
    make_router: MakeRouter, public: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    router = alone(make_router, "openrouter")
    monkeypatch.setattr(fast_way, "LASTS", 0.0)
    for _ in range(3):
        router.completion("default", message())
    monkeypatch.setattr(fast_way, "LASTS", 3600.0)
    before = len(public)

    async def all_of_them() -> None:
        await asyncio.gather(*(router.acompletion("default", message()) for _ in range(20)))

    asyncio.run(all_of_them())
    assert len(public) == before + 1


def test_a_conversation_that_grows_goes_on_the_fast_way(make_router: MakeRouter, public: list[str]) -> None:
    router = alone(make_router, "groq")
    asked = [{"role": "system", "content": "Trade."}, *message()]
    for number in range(10):
        reply: Any = router.completion("default", asked)
        asked = [*asked, {"role": "assistant", "content": reply.choices[0].message.content}, *message(str(number))]
    assert len(public) <= 3
