"""LiteLLM's callbacks through our Router: what loggers such as langfuse are told of answers and failures."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import litellm
import pytest
from litellm.exceptions import InternalServerError
from rig import MODELS, MakeRouter, message
from rig_callbacks import Listener, SynchronousListener, Told, callbacks_put_back

from router_config import NoProviderAvailable, Router
from router_config.simulator import PROVIDERS, Simulator

pytestmark = pytest.mark.contract

PREFIXES = {"together": "together_ai"}


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Registered as users do it, in `litellm.callbacks`."""
    with callbacks_put_back():
        listener = Listener()
        litellm.callbacks.append(listener)
        yield listener


def only(*names: str) -> dict[str, Any]:
    return {"providers": {name: None for name in MODELS if name not in names}}


def ask(
    router: Router, heard: SynchronousListener, *, way: str, stream: bool = False, events: int = 1, **kwargs: Any
) -> list[Told]:
    """One request, a stream to its end, synchronously or on an event loop that goes on until all is logged."""
    kwargs = {"model": "default", "messages": message(), "stream": stream, **kwargs}
    if way == "sync":
        with suppress(NoProviderAvailable):
            reply: Any = router.completion(**kwargs)
            assert not stream or list(reply)
        return heard.wait(events)

    async def asked() -> list[Told]:
        with suppress(NoProviderAvailable):
            reply: Any = await router.acompletion(**kwargs)
            assert not stream or [chunk async for chunk in reply]
        return await asyncio.to_thread(heard.wait, events)

    return asyncio.run(asked())


WAYS = pytest.mark.parametrize("way", ["sync", "async"])
STREAMS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@WAYS
@STREAMS
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_logger_hears_of_each_answer_once(
    make_router: MakeRouter, listener: Listener, provider: str, stream: bool, way: str
) -> None:
    router = make_router(**only(provider))
    metadata = {"agent": "trader", "tags": ["live"]}
    ((event, told, answer),) = ask(router, listener, stream=stream, way=way, metadata=metadata, user="u1")
    assert event == "success"
    assert told["model"] == MODELS[provider][0]
    assert told["messages"] == message()
    assert told["custom_llm_provider"] == PREFIXES.get(provider, provider)
    assert told["user"] == "u1"
    assert isinstance(told["response_cost"], float)
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 40
    metadata = told["litellm_params"]["metadata"]
    assert (metadata["agent"], metadata["tags"], metadata["model_group"]) == ("trader", ["live"], "default")
    assert metadata["deployment"].endswith(MODELS[provider][0])
    record = told["standard_logging_object"]
    assert (record["status"], record["model_group"]) == ("success", "default")
    assert record["total_tokens"] == answer.usage.total_tokens
    assert record["response_cost"] == told["response_cost"]
    assert record["model_id"] == f"{provider}/{MODELS[provider][0]}#1".replace(":", "~")
    assert "live" in record["request_tags"]


@WAYS
@STREAMS
def test_a_logger_hears_of_the_failure_and_of_the_answer_that_came_instead(
    make_router: MakeRouter, simulator: Simulator, listener: Listener, stream: bool, way: str
) -> None:
    simulator.fault("groq", status=500)
    heard = ask(make_router(), listener, stream=stream, way=way, events=2)
    (failed, why, _), (succeeded, told, _) = sorted(heard, key=lambda each: each[0])
    assert (failed, succeeded) == ("failure", "success")
    assert isinstance(why["exception"], InternalServerError)
    assert why["standard_logging_object"]["status"] == "failure"
    assert (why["custom_llm_provider"], told["custom_llm_provider"]) == ("groq", "gemini")


@WAYS
def test_a_logger_hears_of_a_failure_that_nobody_made_good(
    make_router: MakeRouter, simulator: Simulator, listener: Listener, way: str
) -> None:
    simulator.fault("groq", status=503)
    heard = ask(make_router(**only("groq")), listener, way=way)
    assert [event for event, _, _ in heard] == ["failure"]


@WAYS
@STREAMS
def test_a_function_in_success_callback_is_called(make_router: MakeRouter, stream: bool, way: str) -> None:
    heard = Listener()

    async def log(kwargs: Any, response: Any, start: Any, end: Any) -> None:
        heard.hear("function", kwargs, response)

    with callbacks_put_back():
        litellm.success_callback.append(log)
        ((event, told, _),) = ask(make_router(), heard, stream=stream, way=way)
    assert (event, told["custom_llm_provider"]) == ("function", "groq")


@WAYS
def test_a_function_in_failure_callback_is_called(make_router: MakeRouter, simulator: Simulator, way: str) -> None:
    heard = Listener()

    def log(kwargs: Any, response: Any, start: Any, end: Any) -> None:
        heard.hear("function", kwargs, response)

    simulator.fault("groq", status=500)
    with callbacks_put_back():
        litellm.failure_callback.append(log)
        ((event, told, _),) = ask(make_router(), heard, way=way)
    assert (event, told["custom_llm_provider"]) == ("function", "groq")


@STREAMS
def test_a_plain_function_in_success_callback_hears_of_synchronous_requests(
    make_router: MakeRouter, stream: bool
) -> None:
    heard = Listener()

    def log(kwargs: Any, response: Any, start: Any, end: Any) -> None:
        heard.hear("function", kwargs, response)

    with callbacks_put_back():
        litellm.success_callback.append(log)
        ((_, told, answer),) = ask(make_router(), heard, stream=stream, way="sync")
    assert told["custom_llm_provider"] == "groq"
    assert answer.usage.completion_tokens == 40


@STREAMS
@pytest.mark.parametrize("place", ["callbacks", "success_callback"])
def test_a_synchronous_logger_hears_of_synchronous_requests(make_router: MakeRouter, stream: bool, place: str) -> None:
    with callbacks_put_back():
        listener = SynchronousListener()
        getattr(litellm, place).append(listener)
        ((event, told, _),) = ask(make_router(), listener, stream=stream, way="sync")
    assert (event, told["custom_llm_provider"]) == ("sync success", "groq")


def test_a_synchronous_logger_hears_of_failures_of_synchronous_requests(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    simulator.fault("groq", status=500)
    with callbacks_put_back():
        listener = SynchronousListener()
        litellm.callbacks.append(listener)
        heard = ask(make_router(), listener, way="sync", events=2)
    assert [(event, told["custom_llm_provider"]) for event, told, _ in heard] == [
        ("sync failure", "groq"),
        ("sync success", "gemini"),
    ]


def test_a_callback_that_fails_is_not_the_requests_failure(make_router: MakeRouter) -> None:
    heard = Listener()

    def fail(*_: Any) -> None:
        raise ValueError("the logger is broken")

    def log(kwargs: Any, response: Any, start: Any, end: Any) -> None:
        heard.hear("function", kwargs, response)

    with callbacks_put_back():
        litellm.success_callback += [fail, log]
        assert ask(make_router(), heard, way="sync")
