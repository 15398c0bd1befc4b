"""What LiteLLM loses or rewrites on the way, read right: the traps of 1.106.2, one by one over HTTP."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest
from rig import MODELS, NOON, MakeRouter, message

from router_config import Router, route_of
from router_config.clock import VirtualClock
from router_config.simulator import Simulator

pytestmark = pytest.mark.contract

BOTH = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


LIMITED = {"code": 429, "message": "Rate limited upstream.", "metadata": {"provider_name": "Somebody"}}
BEGUN = json.dumps(
    {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Buy"}}],
        "candidates": [{"content": {"role": "model", "parts": [{"text": "Buy"}]}, "index": 0}],
    }
).encode()
"""The beginning of an answer, for whoever reads it: an OpenAI-compatible client or Gemini's."""


def only(*names: str) -> dict[str, Any]:
    """The reference table with these providers alone, asked in this order."""
    others: dict[str, Any] = {name: None for name in MODELS if name not in names}
    return others | {name: {"priority": place} for place, name in enumerate(names, start=1)}


def ask(router: Router, *, stream: bool = False, text: str = "Buy or sell?") -> list[tuple[str, str]]:
    """Provider and outcome of each attempt. A stream's failover is over before the caller reads its first chunk."""
    reply = router.completion(model="default", messages=message(text), stream=stream)
    attempts = [(each.provider, each.outcome) for each in route_of(reply).attempts]
    if stream:
        assert "".join(chunk.choices[0].delta.content or "" for chunk in reply if chunk.choices)
    return attempts


def status_of(router: Router, provider: str) -> dict[str, Any]:
    return next(each for each in router.status()["providers"] if each["name"] == provider)


@BOTH
def test_the_digits_403_in_a_gemini_message_do_not_make_a_forbidden_of_a_429(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock, stream: bool
) -> None:
    router = make_router(providers=only("gemini", "openai"))
    text = "Quota exceeded for metric: requests per minute, limit: 5\nPlease retry in 12.403182s."
    body = {"error": {"code": 429, "message": text, "status": "RESOURCE_EXHAUSTED"}}
    simulator.fault("gemini", status=429, body=body, model="gemini-1.5-flash")
    assert ask(router, stream=stream) == [("gemini", "rate_limit"), ("gemini", "ok")]
    simulator.clear()
    clock.advance(12)
    assert ask(router, stream=stream) == [("gemini", "ok")]
    clock.advance(1)
    ask(router, stream=stream)
    assert [call.model for call in simulator.calls("gemini")] == [
        "gemini-1.5-flash", "gemini-2.5-pro", "gemini-2.5-pro", "gemini-1.5-flash",
    ]  # fmt: skip


@BOTH
def test_the_headers_of_a_groq_answer_reach_the_ledger(
    make_router: MakeRouter, simulator: Simulator, stream: bool
) -> None:
    simulator.set_limits({"groq": {"each_model": {"rpd": 1000, "tpm": 8000}}})
    router = make_router(providers=only("groq"))
    ask(router, stream=stream)
    limits = status_of(router, "groq")["models"][0]["limits"]
    assert (limits["rpd"]["limit"], limits["rpd"]["remaining"], limits["rpd"]["source"]) == (1000, 999, "upstream")
    assert (limits["tpm"]["limit"], limits["tpm"]["source"]) == (8000, "upstream")


@BOTH
def test_a_request_that_groq_finds_too_large_goes_to_the_next_provider_and_puts_nobody_in_cooldown(
    make_router: MakeRouter, simulator: Simulator, stream: bool
) -> None:
    simulator.set_limits({"groq": {"each_model": {"tpm": 500}}})
    router = make_router(providers=only("groq", "gemini"))
    assert ask(router, stream=stream, text="word " * 600) == [("groq", "too_large"), ("gemini", "ok")]
    assert ask(router, stream=stream) == [("groq", "ok")]
    assert [call.status for call in simulator.calls("groq")] == [413, 200]


def test_with_no_other_provider_a_request_too_large_for_one_model_is_tried_with_the_next(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    simulator.set_limits({"groq": {"models": {"llama-3.3-70b-versatile": {"tpm": 500}}}})
    assert ask(make_router(providers=only("groq")), text="word " * 600) == [("groq", "too_large"), ("groq", "ok")]


@BOTH
@pytest.mark.parametrize("fault", [{"status": 500}, {"fixture": "rpm"}, {"reset": True}, {"status": 408}], ids=str)
@pytest.mark.parametrize("provider", MODELS)
def test_an_attempt_is_one_http_request(
    make_router: MakeRouter, simulator: Simulator, provider: str, fault: dict[str, Any], stream: bool
) -> None:
    names = {"openrouter": "free_rpm", "together": "rps_dynamic"}
    if "fixture" in fault:
        fault = {"fixture": names.get(provider, "rpm")}
    other = "openai" if provider != "openai" else "gemini"
    router = make_router(providers=only(provider, other) | {provider: {"priority": 1, "models": ["m"]}})
    simulator.fault(provider, **fault)
    first, last = ask(router, stream=stream)
    assert (first[0], last) == (provider, (other, "ok"))
    assert simulator.count(provider) == 1


@BOTH
def test_an_error_in_the_body_of_a_200_is_an_error(make_router: MakeRouter, simulator: Simulator, stream: bool) -> None:
    router = make_router(providers=only("openrouter", "openai"))
    simulator.fault("openrouter", error_body=True)
    assert ask(router, stream=stream) == [("openrouter", "overloaded"), ("openai", "ok")]
    assert status_of(router, "openrouter")["status"] == "cooldown"
    assert simulator.count("openrouter") == 1


@pytest.mark.parametrize("provider", MODELS)
def test_an_error_event_before_any_content_of_a_stream_goes_on_with_the_next_provider(
    make_router: MakeRouter, simulator: Simulator, provider: str
) -> None:
    other = "openai" if provider != "openai" else "gemini"
    router = make_router(providers=only(provider, other))
    simulator.fault(provider, error_event=0)
    assert ask(router, stream=True) == [(provider, "overloaded"), (other, "ok")]
    assert status_of(router, provider)["status"] == "cooldown"


@pytest.mark.parametrize("event", [{"error": LIMITED}, {"choices": [{"index": 0, "delta": {}, "error": LIMITED}]}])
def test_a_rate_limit_told_in_a_stream_rests_the_model_and_no_more(make_router: MakeRouter, event: object) -> None:
    with streaming(json.dumps(event).encode()) as address:
        changes = {"openrouter": {"priority": 1, "api_base": address, "models": ["m"]}}
        router = make_router(providers=only("openrouter", "openai") | changes)
        assert ask(router, stream=True) == [("openrouter", "rate_limit"), ("openai", "ok")]
    assert status_of(router, "openrouter")["models"][0]["status"] == "rate_limited"


def test_an_error_in_the_last_choice_of_a_stream_is_raised_not_passed_on_as_its_end(make_router: MakeRouter) -> None:
    """LiteLLM takes it for a stop."""
    error = {"code": 502, "message": "Provider disconnected mid-stream"}
    choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error", "error": error}
    broken = {**json.loads(BEGUN), "choices": [choice]}
    with streaming(BEGUN, json.dumps(broken).encode(), ends=True) as address:
        router = make_router(providers=only("openrouter") | {"openrouter": {"priority": 1, "api_base": address}})
        stream = router.completion(model="default", messages=message(), stream=True)
        with pytest.raises(openai.APIError):
            list(stream)
    assert status_of(router, "openrouter")["last_error"]["kind"] == "overloaded"


def test_a_prompt_that_gemini_blocks_goes_to_the_next_provider(make_router: MakeRouter) -> None:
    blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 8}}
    with streaming(json.dumps(blocked).encode(), ends=True) as address:
        router = make_router(providers=only("gemini", "openai") | {"gemini": {"priority": 1, "api_base": address}})
        assert ask(router, stream=True) == [("gemini", "content_policy"), ("openai", "ok")]
    assert status_of(router, "gemini")["status"] == "available"


@pytest.mark.parametrize("provider", MODELS)
def test_an_error_event_after_some_content_of_a_stream_is_raised_and_rests_the_provider(
    make_router: MakeRouter, simulator: Simulator, provider: str
) -> None:
    router = make_router(providers=only(provider))
    simulator.fault(provider, error_event=3)
    stream = router.completion(model="default", messages=message(), stream=True)
    with pytest.raises(openai.APIError):
        list(stream)
    assert status_of(router, provider)["status"] == "cooldown"
    assert simulator.count(provider) == 1


def test_geminis_refusal_of_a_stream_comes_before_the_caller_has_it(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    """LiteLLM sends nothing before the first chunk is asked for."""
    router = make_router(providers=only("gemini", "openai") | {"gemini": {"priority": 1, "models": ["m"]}})
    simulator.fault("gemini", fixture="rpd")

    async def main() -> None:
        stream: Any = await router.acompletion(model="default", messages=message(), stream=True)
        assert [(each.provider, each.outcome) for each in route_of(stream).attempts] == [
            ("gemini", "daily_limit"), ("openai", "ok"),
        ]  # fmt: skip
        await stream.aclose()

    asyncio.run(main())


@pytest.mark.parametrize("provider", ["gemini", "groq", "openai"])
def test_a_stream_that_stalls_before_its_first_chunk_times_out_and_goes_on(
    make_router: MakeRouter, simulator: Simulator, provider: str
) -> None:
    router = make_router(providers=only(provider, "openrouter"), defaults={"timeout": 0.5})
    simulator.fault(provider, timeout=True)
    assert ask(router, stream=True) == [(provider, "timeout"), ("openrouter", "ok")]
    assert status_of(router, provider)["status"] == "cooldown"


@pytest.mark.parametrize("provider", ["gemini", "groq", "openai"])
def test_a_stream_that_stalls_after_its_first_chunk_times_out(make_router: MakeRouter, provider: str) -> None:
    with streaming(BEGUN) as address:
        changes = {provider: {"priority": 1, "api_base": address}}
        router = make_router(providers=only(provider) | changes, defaults={"timeout": 0.5})
        stream = router.completion(model="default", messages=message(), stream=True)
        with pytest.raises(openai.APIError):
            list(stream)
    shown = status_of(router, provider)
    assert shown["status"] == "cooldown"
    assert shown["last_error"]["kind"] == "timeout"


@pytest.mark.parametrize(("seconds", "cooldown"), [("-1", 60), ("0", 60), ("315360000", 3600), ("NaN", 60)])
def test_an_absurd_wait_is_not_believed(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock, seconds: str, cooldown: float
) -> None:
    router = make_router(providers=only("groq", "openai") | {"groq": {"priority": 1, "models": ["m"]}})
    headers = {"retry-after": seconds}
    body = {"error": {"message": "Slow down.", "type": "x", "code": "y"}}
    simulator.fault("groq", status=429, headers=headers, body=body, times=1)
    assert ask(router) == [("groq", "rate_limit"), ("openai", "ok")]
    clock.advance(cooldown - 1)
    assert ask(router) == [("openai", "ok")]
    clock.advance(2)
    assert ask(router) == [("groq", "ok")]


def test_a_retry_after_in_2037_of_a_failing_provider_is_an_hour_at_most(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router(providers=only("groq", "openai"))
    headers = {"retry-after": "Thu, 01 Jan 2037 00:00:00 GMT"}
    simulator.fault("groq", status=503, headers=headers, times=1)
    assert ask(router)[-1] == ("openai", "ok")
    assert status_of(router, "groq")["available_at"] == "2026-11-23T13:00:00Z"
    assert clock.now() == NOON
    clock.advance(3601)
    assert ask(router) == [("groq", "ok")]


@contextmanager
def streaming(*events: bytes, ends: bool = False) -> Iterator[str]:
    """A server that answers every request with a stream of these events, and then says nothing more, or ends it."""
    body = b"".join(b"data: " + event + b"\n\n" for event in events)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    answer = head + b"%x\r\n%s\r\n" % (len(body), body) + (b"0\r\n\r\n" if ends else b"")
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                held.append(client)
                client.recv(65536)
                client.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for client in held:
                client.close()
