"""What LiteLLM offers works through our Router as without it, at each of the five providers."""

import asyncio
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import litellm
import openai
import pytest
from litellm.exceptions import RateLimitError
from rig import MODELS, MakeRouter, message
from rig_callbacks import callbacks_put_back

from router_config import ConfigError, Router, route_of
from router_config.simulator import PROVIDERS, Simulator

pytestmark = pytest.mark.contract

WAYS = pytest.mark.parametrize("way", ["sync", "async"])
STREAMS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
EMBEDDING = pytest.mark.parametrize("provider", [name for name in PROVIDERS if name != "groq"])
EACH = pytest.mark.parametrize("provider", PROVIDERS)

TRADE: dict[str, Any] = {
    "name": "trade",
    "description": "Trade.",
    "parameters": {"type": "object", "properties": {"symbol": {"type": "string"}}, "required": ["symbol"]},
}
TOOLS = [{"type": "function", "function": TRADE}]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
ACTION = {"type": "object", "properties": {"action": {"type": "string"}}, "required": ["action"]}


def only(*names: str, **changes: Any) -> dict[str, Any]:
    return {"providers": {name: None for name in MODELS if name not in names}, **changes}


def call(router: Router, method: str, way: str = "sync", **kwargs: Any) -> Any:
    """`completion`, `embedding` and the like, or their asynchronous twins."""
    if way == "sync":
        return getattr(router, method)(model="default", **kwargs)
    return asyncio.run(getattr(router, f"a{method}")(model="default", **kwargs))


def streamed(router: Router, way: str = "sync", **kwargs: Any) -> list[Any]:
    """All chunks of a stream."""
    kwargs = {"model": "default", "messages": message(), "stream": True, **kwargs}
    if way == "sync":
        return list(router.completion(**kwargs))

    async def read() -> list[Any]:
        reply: Any = await router.acompletion(**kwargs)
        return [chunk async for chunk in reply]

    return asyncio.run(read())


def text_of(chunks: list[Any]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def sent(simulator: Simulator) -> dict[str, Any]:
    """The body of the one request that arrived."""
    (arrived,) = simulator.calls()
    assert arrived.body is not None
    return dict(arrived.body)


@pytest.fixture(autouse=True)
def _bodies_kept(simulator: Simulator) -> None:
    simulator.set_options(keep_bodies=True)


@WAYS
@EACH
def test_a_tool_is_called(make_router: MakeRouter, simulator: Simulator, provider: str, way: str) -> None:
    simulator.fault(provider, tool_call=True)
    reply = call(make_router(**only(provider)), "completion", way, messages=message(), tools=TOOLS)
    (called,) = reply.choices[0].message.tool_calls
    assert (called.function.name, json.loads(called.function.arguments)) == ("trade", {"symbol": "simulated"})
    assert reply.choices[0].finish_reason == "tool_calls"


@WAYS
@EACH
def test_a_tool_is_called_in_a_stream(make_router: MakeRouter, simulator: Simulator, provider: str, way: str) -> None:
    simulator.fault(provider, tool_call=True)
    # Without the usage LiteLLM counts tokens itself, with an encoding that it fetches (1.110).
    chunks = streamed(make_router(**only(provider)), way, tools=TOOLS, stream_options={"include_usage": True})
    built: Any = litellm.stream_chunk_builder(chunks)
    (called,) = built.choices[0].message.tool_calls
    assert (called.function.name, json.loads(called.function.arguments)) == ("trade", {"symbol": "simulated"})
    assert built.choices[0].finish_reason == "tool_calls"


def test_what_a_tool_answered_is_sent_back(make_router: MakeRouter, simulator: Simulator) -> None:
    simulator.fault("groq", tool_call=True, times=1)
    router = make_router(**only("groq"))
    asked = call(router, "completion", messages=message(), tools=TOOLS).choices[0].message
    answer = {"role": "tool", "tool_call_id": asked.tool_calls[0].id, "content": "sold"}
    reply = call(router, "completion", messages=[*message(), asked, answer], tools=TOOLS)
    assert reply.choices[0].message.content.startswith("Simulated answer")
    body = simulator.calls()[-1].body
    assert body is not None
    assert [each["role"] for each in body["messages"]] == ["user", "assistant", "tool"]


@EACH
def test_a_picture_reaches_the_provider(make_router: MakeRouter, simulator: Simulator, provider: str) -> None:
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    content = [{"type": "text", "text": "What is it?"}, picture]
    call(make_router(**only(provider)), "completion", messages=[{"role": "user", "content": content}])
    assert PIXEL in json.dumps(sent(simulator))


@WAYS
@EACH
def test_json_follows_the_schema(make_router: MakeRouter, provider: str, way: str) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "action", "schema": ACTION}}
    models = {"gemini": {"models": ["gemini-2.5-pro"]}} if provider == "gemini" else {}  # 1.5 has it in the prompt.
    router = make_router(providers={**only(provider)["providers"], **models})
    reply = call(router, "completion", way, messages=message(), response_format=wanted)
    assert json.loads(reply.choices[0].message.content) == {"action": "simulated"}


@WAYS
@EMBEDDING
def test_texts_are_embedded(make_router: MakeRouter, provider: str, way: str) -> None:
    router = make_router(**only(provider))
    reply = call(router, "embedding", way, input=["one", "two"])
    assert len(reply.data) == 2
    assert route_of(reply).provider == provider
    assert router.status()["providers"][0]["usage_today"]["requests"] == 1


@WAYS
@pytest.mark.parametrize("provider", ["groq", "gemini", "openrouter", "openai"])
def test_a_text_is_completed(make_router: MakeRouter, provider: str, way: str) -> None:
    reply = call(make_router(**only(provider)), "text_completion", way, prompt="Buy or")
    assert reply.choices[0].text.startswith("Simulated answer")
    assert reply.usage.total_tokens > 40


@pytest.mark.parametrize("provider", ["groq", "gemini", "together"])
def test_the_responses_api_works_without_the_mcp_package(
    make_router: MakeRouter, simulator: Simulator, provider: str
) -> None:
    router = make_router(**only(provider))
    params = router.entries[0]["litellm_params"]
    try:
        asyncio.run(litellm.aresponses(input="Buy or sell?", **params))
    except Exception as error:
        if "No module named" in str(error):
            pytest.skip(f"this LiteLLM does not do it either: {error}")
        raise
    reply: Any = asyncio.run(router.aresponses(model="default", input="Buy or sell?"))
    assert reply.output_text.startswith("Simulated answer")
    assert router.status()["providers"][0]["usage_today"] == {
        "requests": 1, "tokens": reply.usage.total_tokens, "cost_usd": 0.0, "errors": 0,
        "prompt_tokens": reply.usage.input_tokens, "cached_tokens": 0,
    }  # fmt: skip


@WAYS
def test_the_answer_bears_its_cost(make_router: MakeRouter, way: str) -> None:
    model = {"name": "gpt-4o-mini", "price": {"input": 1.0, "output": 10.0}}
    router = make_router(**only("openai", providers={**only("openai")["providers"], "openai": {"models": [model]}}))
    reply = call(router, "completion", way, messages=message())
    cost = reply.usage.prompt_tokens * 1e-6 + reply.usage.completion_tokens * 1e-5
    assert reply._hidden_params["response_cost"] == pytest.approx(cost)
    assert litellm.completion_cost(reply, model="openai/gpt-4o-mini") > 0


@EACH
def test_a_free_answer_costs_nothing_either_way(
    make_router: MakeRouter, simulator: Simulator, provider: str, tmp_path: Path
) -> None:
    model = {"name": MODELS[provider][0], "price": {"input": 0.0, "output": 0.0}}
    make_router(**only(provider, providers={**only(provider)["providers"], provider: {"models": [model]}}))
    for fast_path in (True, False):
        with closing(Router.from_yaml(tmp_path / "litellm.yaml", env=simulator.env(), fast_path=fast_path)) as router:
            replies = [router.completion("default", message()) for _ in range(3)]
        hidden = replies[-1]._hidden_params
        # For together_ai LiteLLM's own price list goes first (1.110).
        assert hidden["response_cost"] == 0.0 or provider == "together"
        assert "x-litellm-response-cost" not in str(hidden)


@WAYS
def test_a_streams_usage_comes_when_it_is_asked_for(make_router: MakeRouter, way: str) -> None:
    router = make_router(**only("groq"))
    assert all(getattr(chunk, "usage", None) is None for chunk in streamed(router, way))
    chunks = streamed(router, way, stream_options={"include_usage": True})
    assert chunks[-1].usage.completion_tokens == 40
    built: Any = litellm.stream_chunk_builder(chunks, messages=message())
    assert built.usage.total_tokens == chunks[-1].usage.total_tokens
    assert built.choices[0].message.content == text_of(chunks)


@WAYS
def test_an_answer_is_cached(make_router: MakeRouter, simulator: Simulator, way: str) -> None:
    with callbacks_put_back():
        router = make_router(router_settings={"cache_responses": True})
        first, second = (call(router, "completion", way, messages=message()) for _ in range(2))
        assert first.choices[0].message.content == second.choices[0].message.content
        assert (first.id, second._hidden_params["cache_hit"]) == (second.id, True)
        assert route_of(second).provider == "cache"
        assert simulator.count() == 1
        assert router.status()["providers"][0]["usage_today"]["requests"] == 1


def test_the_file_switches_litellms_cache_on(make_router: MakeRouter, simulator: Simulator) -> None:
    before = litellm.cache
    try:
        with callbacks_put_back():
            router = make_router(litellm_settings={"cache": True, "cache_params": {"type": "local", "ttl": 60}})
            replies = [router.completion("default", message("Buy?")) for _ in range(3)]
        assert len({reply.id for reply in replies}) == simulator.count() == 1
        with pytest.raises(ConfigError, match="no-such-cache"):
            make_router(litellm_settings={"cache": True, "cache_params": {"type": "no-such-cache"}})
        with pytest.raises(ConfigError, match="neither true nor false"):
            make_router(litellm_settings={"cache": {"type": "local"}})
    finally:
        litellm.cache = before


@WAYS
@STREAMS
def test_a_mock_response_is_answered_without_a_request(
    make_router: MakeRouter, simulator: Simulator, stream: bool, way: str
) -> None:
    router = make_router()
    if stream:
        text = text_of(streamed(router, way, mock_response="mocked"))
    else:
        reply = call(router, "completion", way, messages=message(), mock_response="mocked")
        text = reply.choices[0].message.content
    assert (text, simulator.count()) == ("mocked", 0)


def test_parameters_reach_the_provider_and_what_is_for_litellm_does_not(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    asked: dict[str, Any] = {"temperature": 0.1, "seed": 4, "stop": ["x"], "max_tokens": 30, "user": "u1", "n": 2}
    call(make_router(**only("openai")), "completion", messages=message(), **asked, metadata={"agent": "a"}, tags=["t"])
    assert {name: value for name, value in sent(simulator).items() if name not in ("messages", "model")} == asked


@WAYS
@STREAMS
def test_a_requests_own_timeout_holds(make_router: MakeRouter, simulator: Simulator, stream: bool, way: str) -> None:
    simulator.fault("groq", timeout=True)
    router = make_router()
    # The next provider has as long, which is not much for a busy machine that loads LiteLLM meanwhile.
    if stream:
        assert text_of(streamed(router, way, timeout=1.0)).startswith("Simulated answer")
    else:
        reply = call(router, "completion", way, messages=message(), timeout=1.0)
        first, *later, last = [each.outcome for each in route_of(reply).attempts]
        assert (first, last) == ("timeout", "ok")
        assert set(later) <= {"timeout"}
    assert router.status()["providers"][0]["last_error"]["kind"] == "timeout"


@WAYS
def test_fallbacks_to_another_group_are_taken(make_router: MakeRouter, simulator: Simulator, way: str) -> None:
    simulator.fault("groq", status=500)
    smart = {"models": [{"name": "gemini-2.5-pro", "groups": ["smart"]}]}
    changes = only("groq", "gemini")
    router = make_router(
        providers={**changes["providers"], "gemini": smart}, router_settings={"fallbacks": [{"default": ["smart"]}]}
    )
    reply = call(router, "completion", way, messages=message())
    assert route_of(reply).model == "gemini-2.5-pro"


@WAYS
def test_retries_do_not_hammer_a_provider_in_cooldown(make_router: MakeRouter, simulator: Simulator, way: str) -> None:
    simulator.fault("groq", status=500)
    router = make_router(**only("groq"), router_settings={"num_retries": 2, "retry_after": 0})
    with pytest.raises(RateLimitError):
        call(router, "completion", way, messages=message())
    assert simulator.count() == 2  # The first retry is sent in spite of the cooldown, for nobody else is there.


@EACH
def test_the_answer_tells_where_it_came_from(make_router: MakeRouter, simulator: Simulator, provider: str) -> None:
    reply = call(make_router(**only(provider)), "completion", messages=message())
    hidden = reply._hidden_params
    assert hidden["api_base"].startswith(simulator.api_base(provider))
    assert hidden["model_id"] == f"{provider}/{MODELS[provider][0]}#1".replace(":", "~")
    assert hidden["additional_headers"]["x-litellm-model-group"] == "default"
    assert reply.model.endswith(MODELS[provider][0])


def test_the_providers_headers_are_on_the_answer(make_router: MakeRouter) -> None:
    reply = call(make_router(**only("openai")), "completion", messages=message())
    assert reply._hidden_params["additional_headers"]["llm_provider-openai-version"] == "2020-10-01"


def test_what_only_an_endpoint_lacks_leaves_the_provider_to_those_who_chat(make_router: MakeRouter) -> None:
    """The simulator's OpenAI has no /responses."""
    router = make_router(**only("openai"))
    with pytest.raises(openai.APIError):
        asyncio.run(router.aresponses(model="default", input="hello"))
    assert route_of(router.completion(model="default", messages=message())).provider == "openai"
