"""A success is looked at: an answer with nothing in it is a failure of the attempt, and a stream has to go on."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from litellm import exceptions
from rig import MakeRouter, message

from router_config import Router, route_of
from router_config.simulator import PROVIDERS, Simulator

pytestmark = pytest.mark.contract

MALFORMED_CALL = '"finishReason":"MALFORMED_FUNCTION_CALL"'


def choice(**fields: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": 9, "completion_tokens": 0, "total_tokens": 9}
    return {
        "id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [fields], "usage": usage,
        "service_tier": "on_demand",
    }  # fmt: skip


def said(content: Any, reason: str) -> dict[str, Any]:
    return choice(index=0, finish_reason=reason, message={"role": "assistant", "content": content})


EMPTY: dict[str, Any] = {
    "an empty object": {},
    "no choices": {**said("", "stop"), "choices": []},
    "null for choices": {**said("", "stop"), "choices": None},
    "a text without a character": said("", "stop"),
    "null for a text": said(None, "stop"),
    "an announced call of a tool": said(None, "tool_calls"),
}
EMPTY_OF_GEMINI: dict[str, Any] = {
    "an empty object": {},
    "no candidates": {"candidates": [], "usageMetadata": {"promptTokenCount": 9}},
    "a malformed call": {"candidates": [{"content": {}, "finishReason": "MALFORMED_FUNCTION_CALL", "index": 0}]},
    "no parts": {"candidates": [{"content": {"role": "model"}, "finishReason": "STOP", "index": 0}]},
    "a part without text": {"candidates": [{"content": {"parts": [{"text": ""}]}, "finishReason": "STOP"}]},
}
CASES = [(each, body) for each in PROVIDERS if each != "gemini" for body in EMPTY]
CASES += [("gemini", body) for body in EMPTY_OF_GEMINI]


@pytest.fixture
def first(make_router: MakeRouter) -> Any:
    """Makes a router that asks this provider first, with one model each."""

    def make(provider: str, **changes: Any) -> Router:
        sections = {name: {"models": ["m"], "priority": 2} for name in PROVIDERS}
        sections[provider]["priority"] = 1
        return make_router(providers=sections, **changes)

    return make


def statuses(router: Router) -> set[str]:
    return {model["status"] for provider in router.status()["providers"] for model in provider["models"]}


@pytest.mark.parametrize(("provider", "body"), CASES)
def test_an_answer_with_nothing_in_it_goes_to_the_next(
    provider: str, body: str, first: Any, simulator: Simulator
) -> None:
    router = first(provider)
    empty = (EMPTY_OF_GEMINI if provider == "gemini" else EMPTY)[body]
    simulator.fault(provider, status=200, body=empty, text="weather")
    for _ in range(3):  # The last one goes the fast way.
        route = route_of(router.completion("default", message("weather?")))
        assert [each.outcome for each in route.attempts] == ["empty_answer", "ok"]
    assert statuses(router) == {"available"}


def test_three_empty_answers_in_a_row_are_the_requests_own_fault(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router(providers={"gemini": None, "groq": {"models": ["m"]}})
    simulator.fault(status=200, body=said("", "stop"))
    with pytest.raises(exceptions.ServiceUnavailableError, match="nothing in it"):
        router.completion("default", message())
    assert simulator.count() == 3
    assert statuses(router) == {"available"}


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_an_empty_answer_that_says_why_is_one(reason: str, first: Any, simulator: Simulator) -> None:
    router = first("groq")
    simulator.fault("groq", status=200, body=said("", reason))
    reply = router.completion("default", message())
    assert (route_of(reply).provider, reply.choices[0].finish_reason) == ("groq", reason)


PLAIN = said("Hi", "stop")
UNREAD: dict[str, dict[str, Any]] = {
    "a number for a name": {**PLAIN, "model": 7},
    "an object for a time": {**PLAIN, "created": {"at": 1}},
    "a list for a text": said(["Hi"], "stop"),
    "a text for figures": {**PLAIN, "x_groq": "none"},
}


@pytest.mark.parametrize("provider", [each for each in PROVIDERS if each != "gemini"])
@pytest.mark.parametrize("learned", [0, 3], ids=["the public way", "the fast way"])
@pytest.mark.parametrize("body", UNREAD)
def test_an_answer_that_litellm_cannot_read_puts_nobody_into_cooldown(
    body: str, learned: int, provider: str, first: Any, simulator: Simulator
) -> None:
    router = first(provider)
    for _ in range(learned):
        router.completion("default", message())
    simulator.fault(provider, status=200, body=UNREAD[body], times=1)
    route = route_of(router.completion("default", message()))
    assert route.provider == provider or [each.outcome for each in route.attempts] == ["server_error", "ok"]
    assert statuses(router) == {"available"}


@pytest.mark.parametrize("learned", [0, 3], ids=["the public way", "the fast way"])
def test_groq_may_leave_out_what_litellm_looks_for(learned: int, first: Any, simulator: Simulator) -> None:
    router = first("groq")
    for _ in range(learned):
        router.completion("default", message())
    body = {name: value for name, value in PLAIN.items() if name != "service_tier"}
    simulator.fault("groq", status=200, body=body, times=3)
    for _ in range(3):
        assert route_of(router.completion("default", message())).provider == "groq"
    assert statuses(router) == {"available"}


# Streams.


def read(stream: Any) -> Iterator[str]:
    for chunk in stream:
        for each in chunk.choices:
            yield each.delta.content or ""


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("begun", [0, 2], ids=["before content", "after content"])
def test_a_stream_that_ends_unfinished_is_an_error_after_content_and_a_failover_before(
    begun: int, provider: str, first: Any, simulator: Simulator
) -> None:
    router = first(provider)
    simulator.fault(provider, parts=[{"events": [0, begun]}, ": nothing more\n\n"], times=1)
    stream = router.completion("default", message(), stream=True)
    if begun:
        with pytest.raises(exceptions.APIConnectionError):
            list(read(stream))
    else:
        assert "".join(read(stream))
        assert route_of(stream).provider != provider


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "filler", [": ping\n\n", "\n", "event: ping\ndata: {}\n\n", None], ids=["comment", "blank", "ping", "silence"]
)
def test_a_stream_that_stops_saying_anything_ends_with_a_timeout(
    filler: str | None, provider: str, first: Any, simulator: Simulator
) -> None:
    router = first(provider)
    pause = {"text": filler or " ", "repeat": 400 if filler else 2, "every_ms": 50 if filler else 5000}
    simulator.fault(provider, parts=[{"events": [0, 3]}, pause], times=1)
    stream = router.completion("default", message(), stream=True, stream_timeout=0.4)
    with pytest.raises(exceptions.Timeout):
        list(read(stream))


TOOL = {"type": "function", "function": {"name": "price", "parameters": {"type": "object", "properties": {}}}}


@pytest.mark.parametrize("provider", [each for each in PROVIDERS if each != "gemini"])
def test_a_stream_that_ends_within_a_call_of_a_tool_is_an_error(
    provider: str, first: Any, simulator: Simulator
) -> None:
    router = first(provider)
    simulator.fault(provider, tool_call=True, parts=[{"events": [0, 2]}, "data: [DONE]\n\n"], times=1)
    stream = router.completion("default", message(), stream=True, tools=[TOOL])
    if route_of(stream).provider != provider:
        pytest.skip("this LiteLLM refuses tools for the model")
    with pytest.raises(exceptions.APIConnectionError):
        list(stream)


NOISE = {
    "a block without data": [{"events": [0, 2]}, "retry: 3000\n\n", {"events": [2, None]}],
    "a name alone": [{"events": [0, 2]}, "event: ping\n\nid: 7\n\n: hello\n\n", {"events": [2, None]}],
    "nothing for data": [{"events": [0, 2]}, "data:\n\n", {"events": [2, None]}],
    "CRLF": [{"replace": {"\r\n": "\n", "\n": "\r\n"}}],
    "byte by byte": [{"write": 1}],
}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("noise", NOISE)
def test_what_carries_no_data_changes_nothing_in_a_stream(
    noise: str, provider: str, first: Any, simulator: Simulator
) -> None:
    router = first(provider)
    expected = "".join(read(router.completion("default", message(), stream=True)))
    simulator.fault(provider, parts=NOISE[noise], times=1)
    stream = router.completion("default", message(), stream=True)
    assert "".join(read(stream)) == expected
    assert route_of(stream).provider == provider
    assert statuses(router) == {"available"}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("begun", [1, 3])
def test_a_broken_event_ends_the_stream_and_no_provider_is_in_cooldown(
    begun: int, provider: str, first: Any, simulator: Simulator
) -> None:
    router = first(provider)
    broken = 'data: {"choices": [{"candidates"\n\n'
    simulator.fault(provider, parts=[{"events": [0, begun]}, broken, {"events": [begun, None]}], times=1)
    failed = False
    try:
        list(read(stream := router.completion("default", message(), stream=True)))
        assert route_of(stream).provider != provider
    except exceptions.APIConnectionError:
        failed = True
    assert failed or begun == 1
    assert statuses(router) == {"available"}


def test_an_event_of_four_megabytes_is_passed_on(first: Any, simulator: Simulator) -> None:
    router = first("groq")
    text = ": retry: " * 450_000
    event: dict[str, Any] = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    event["choices"] = [{"index": 0, "delta": {"content": text}, "finish_reason": None}]
    simulator.fault(
        "groq", parts=[{"events": [0, 1]}, f"data: {json.dumps(event)}\n\n", {"events": [1, None]}], times=1
    )
    assert text in "".join(read(router.completion("default", message(), stream=True)))
