"""LiteLLM as the client: what the package is made for."""

import asyncio
import os
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import pytest

from router_config.simulator import PROVIDERS, Simulator
from router_config.simulator.fixtures import fixtures

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
litellm: Any = pytest.importorskip("litellm")

# LiteLLM's own types warn, and coroutines of its logging are never awaited.
pytestmark = pytest.mark.filterwarnings("ignore")

litellm.disable_hf_tokenizer_download = True  # for Llama models it asks a hub for a tokenizer, at every call

MODELS = {
    "groq": "groq/llama-3.3-70b-versatile",
    "gemini": "gemini/gemini-2.5-flash",
    "openrouter": "openrouter/deepseek/deepseek-r1:free",
    "together": "together_ai/mistralai/Mixtral-8x7B-Instruct-v0.1",
    "openai": "openai/gpt-4o-mini",
}
HELLO = [{"role": "user", "content": "hello"}]
# Errors that LiteLLM does not raise: an error inside a 200.
SILENT = {("openrouter", "200_choice_error")}
FIXTURES = [(provider, name) for provider in PROVIDERS for name in fixtures(provider)]

T = TypeVar("T")


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """One loop for all: LiteLLM keeps a client, with its connections, for every loop it meets."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.run_until_complete(litellm.close_litellm_async_clients())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


class Caller:
    def __init__(self, simulator: Simulator, loop: asyncio.AbstractEventLoop) -> None:
        self.simulator = simulator
        self.loop = loop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def call(self, provider: str, **extra: Any) -> Any:
        return self.run(self.acall(provider, **extra))

    async def acall(self, provider: str, **extra: Any) -> Any:
        given = {"model": MODELS[provider], "messages": HELLO, "max_retries": 0, "timeout": 10}
        where = {"api_base": self.simulator.api_base(provider), "api_key": "a-key"}
        return await litellm.acompletion(**(given | where | extra))

    def stream(self, provider: str, **extra: Any) -> tuple[str, Any]:
        async def collect() -> tuple[str, Any]:
            text, usage = "", None
            options = {"stream": True, "stream_options": {"include_usage": True}}
            async for chunk in await self.acall(provider, **options, **extra):
                if chunk.choices:
                    text += chunk.choices[0].delta.content or ""
                usage = getattr(chunk, "usage", None) or usage
            return text, usage

        return self.run(collect())


@pytest.fixture
def caller(simulator: Simulator, loop: asyncio.AbstractEventLoop) -> Caller:
    return Caller(simulator, loop)


def test_a_completion_brings_text_and_usage(caller: Caller, provider: str) -> None:
    reply = caller.call(provider)
    assert reply.choices[0].message.content.startswith("Simulated answer of ")
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (9, 40)
    (call,) = caller.simulator.calls()
    assert (call.provider, call.tokens) == (provider, 49)


def test_a_stream_brings_the_same(caller: Caller, provider: str) -> None:
    text, usage = caller.stream(provider)
    assert text == caller.call(provider).choices[0].message.content
    assert (usage.prompt_tokens, usage.completion_tokens) == (9, 40)
    assert [call.stream for call in caller.simulator.calls(provider)] == [True, False]


def test_a_tool_is_called(caller: Caller, provider: str) -> None:
    parameters = {"type": "object", "properties": {"symbol": {"type": "string"}}}
    tool = {"type": "function", "function": {"name": "trade", "description": "-", "parameters": parameters}}
    caller.simulator.fault(provider, tool_call=True)
    # Without the flag LiteLLM imports a package that it does not depend on, whenever there are tools.
    reply = caller.call(provider, tools=[tool], _skip_mcp_handler=True)
    (call,) = reply.choices[0].message.tool_calls
    assert (call.function.name, call.function.arguments) == ("trade", '{"symbol": "simulated"}')


def test_json_is_answered(caller: Caller, provider: str) -> None:
    reply = caller.call(provider, response_format={"type": "json_object"})
    assert reply.choices[0].message.content.startswith("{")


@pytest.mark.parametrize(("provider", "name"), FIXTURES)
def test_every_recorded_error_surfaces(caller: Caller, provider: str, name: str) -> None:
    caller.simulator.fault(provider, fixture=name)
    if (provider, name) in SILENT:
        caller.call(provider)
        return
    with pytest.raises(Exception) as raised:  # noqa: PT011 - LiteLLM has a class for each
        caller.call(provider)
    message = fixtures(provider)[name].body["error"]["message"]
    assert message.split("\n")[0][:40] in str(raised.value)
    assert caller.simulator.count() == 1


def test_a_spent_quota_surfaces(caller: Caller, provider: str) -> None:
    caller.simulator.set_limits({provider: {"rpm": 1}})
    caller.call(provider)
    with pytest.raises(litellm.RateLimitError):
        caller.call(provider)


@pytest.mark.parametrize("fault", [{"timeout": True}, {"reset": True}, {"refused": True}, {"malformed": True}])
def test_a_broken_provider_surfaces(caller: Caller, provider: str, fault: dict[str, Any]) -> None:
    caller.simulator.fault(provider, **fault)
    with pytest.raises(Exception):  # noqa: B017, PT011 - a class for each, and not the point here
        caller.call(provider, timeout=0.3)
    caller.simulator.clear()
    assert caller.call(provider).usage.total_tokens == 49


@pytest.mark.parametrize("fault", [{"cut": 2}, {"error_event": 2}])
def test_a_broken_stream_surfaces(caller: Caller, provider: str, fault: dict[str, Any]) -> None:
    caller.simulator.fault(provider, **fault)
    with pytest.raises(Exception):  # noqa: B017, PT011 - a class for each, and not the point here
        caller.stream(provider)


def test_the_variables_aim_litellm_at_the_simulator(
    caller: Caller, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in caller.simulator.env().items():
        monkeypatch.setenv(name, value)
    caller.run(litellm.acompletion(model=MODELS[provider], messages=HELLO))
    assert [call.provider for call in caller.simulator.calls()] == [provider]


def test_embeddings_are_served(caller: Caller) -> None:
    for provider, model in (
        ("openai", "openai/text-embedding-3-small"),
        ("gemini", "gemini/gemini-embedding-001"),
    ):
        base = caller.simulator.api_base(provider)
        reply = caller.run(litellm.aembedding(model=model, input=["one", "two"], api_base=base, api_key="k"))
        assert len(reply.data) == 2
