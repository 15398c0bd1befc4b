"""Endpoints that LiteLLM asks over clients of its own: one request each, all counted, none sent elsewhere."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import litellm
import openai
import pytest
from packaging.version import Version
from rig_upstream import ANSWER, Asked, answer, entry, upstream

from router_config import NoProviderAvailable, Router

pytestmark = pytest.mark.contract

ENDPOINTS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "images": ("openai", lambda router: router.image_generation(prompt="a chart", model="default")),
    "moderation": ("openai", lambda router: router.moderation(input="hello", model="default")),
    "speech": ("openai", lambda router: router.speech(model="default", input="hello", voice="alloy")),
    "transcription": ("openai", lambda router: router.transcription(file=("a.wav", b"RIFF"), model="default")),
    "responses": ("openai", lambda router: router.responses(input="hello", model="default")),
    "rerank": ("cohere", lambda router: router.rerank(model="default", query="q", documents=["a", "b"])),
    "images of another": ("together_ai", lambda router: router.image_generation(prompt="a chart", model="default")),
    "images of gemini": ("gemini", lambda router: router.image_generation(prompt="a chart", model="default")),
    "text": ("openai", lambda router: router.text_completion(model="default", prompt="hello")),
    "embeddings": ("openai", lambda router: router.embedding(model="default", input=["hello"])),
    "messages": (
        "anthropic",
        lambda router: router._background.run(
            router.anthropic_messages(10, [{"role": "user", "content": "hello"}], "default")
        ),
    ),
}
FAILURES: dict[str, Callable[[Asked], bytes | None]] = {
    "an error": lambda _: answer({"error": {"message": "down"}}, 500),
    "a limit": lambda _: answer({"error": {"message": "slow down"}}, 429),
    "a cut": lambda _: None,
}


def used(router: Router) -> int:
    (shown,) = router.status()["providers"]
    return int(shown["usage_today"]["requests"])


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_request_that_fails_was_made_once_and_is_counted(endpoint: str, failure: str) -> None:
    prefix, ask = ENDPOINTS[endpoint]
    with upstream(FAILURES[failure]) as provider:
        router = Router([entry(prefix, provider.address)], timeout=10.0)
        try:
            with pytest.raises(openai.APIError):
                ask(router)
            assert (len(provider.asked), used(router)) == (1, 1)
        finally:
            router.close()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_no_redirect_leads_elsewhere(endpoint: str) -> None:
    prefix, ask = ENDPOINTS[endpoint]
    with upstream(lambda _: answer(ANSWER)) as elsewhere:
        sent_on = answer(b"", 307, {"location": elsewhere.address + "/v1"})
        with upstream(lambda _: sent_on) as provider:
            router = Router([entry(prefix, provider.address)], timeout=10.0)
            try:
                with pytest.raises(openai.APIError):
                    ask(router)
                assert not elsewhere.connections
                assert (len(provider.asked), used(router)) == (1, 1)
            finally:
                router.close()


SUCCESSES: dict[str, Any] = {
    "images": {"created": 1, "data": [{"url": "http://here"}]},
    "moderation": {
        "id": "1", "model": "played", "results": [{"flagged": False, "categories": {}, "category_scores": {}}],
    },
    "transcription": {"text": "hello"},
    "responses": {
        "id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "played", "error": None,
        "incomplete_details": None, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
        "output": [{
            "id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "Hold.", "annotations": []}],
        }],
        "usage": {
            "input_tokens": 8, "output_tokens": 2, "total_tokens": 10, "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
    },
    "rerank": {
        "id": "1", "results": [{"index": 0, "relevance_score": 0.9}], "meta": {"billed_units": {"search_units": 1}},
    },
}  # fmt: skip


@pytest.mark.parametrize("endpoint", SUCCESSES)
def test_an_answer_is_counted_once_and_the_provider_stays_available(endpoint: str) -> None:
    prefix, ask = ENDPOINTS[endpoint]
    with upstream(lambda _: answer(SUCCESSES[endpoint], headers={"x-ratelimit-limit-requests": "500"})) as provider:
        router = Router([entry(prefix, provider.address)], timeout=10.0)
        try:
            assert ask(router) is not None
            assert (len(provider.asked), used(router)) == (1, 1)
            (shown,) = router.status()["providers"]
            assert shown["status"] == "available"
        finally:
            router.close()


@pytest.mark.parametrize("end", ["response.failed", "error", "nothing"])
def test_a_stream_of_responses_that_fails_is_an_error_is_counted_and_puts_nobody_into_cooldown(end: str) -> None:
    failure = {"code": "server_error", "message": "The server failed"}
    begun = {**SUCCESSES["responses"], "status": "in_progress", "output": [], "usage": None}
    events: list[dict[str, Any]] = [{"type": "response.created", "response": begun}]
    if end == "response.failed":
        events.append({"type": end, "response": {**begun, "status": "failed", "error": failure}})
    elif end == "error":
        events.append({"type": end, "param": None, **failure})
    lines = [f"data: {json.dumps({'sequence_number': at, **each})}\n\n" for at, each in enumerate(events)]

    async def read(router: Router) -> None:
        stream: Any = await router.aresponses(model="default", input="hello", stream=True)
        async for _ in stream:
            pass

    stream = answer("".join(lines).encode(), headers={"content-type": "text/event-stream"})
    with upstream(lambda _: stream) as provider:
        router = Router([entry("openai", provider.address)], timeout=10.0)
        try:
            if Version(version("litellm")) < Version("1.109"):  # LiteLLM passes what failed on as it is.
                with contextlib.suppress(openai.APIError):
                    asyncio.run(read(router))
            else:
                with pytest.raises(openai.APIError):
                    asyncio.run(read(router))
            assert (len(provider.asked), used(router)) == (1, 1)
            (shown,) = router.status()["providers"]
            assert shown["status"] == "available"
        finally:
            router.close()


SYNCHRONOUS = {"images of gemini"}
"""What LiteLLM asks in a thread, over a client that our wire does not lie under."""


@pytest.mark.parametrize("endpoint", sorted(ENDPOINTS.keys() - SYNCHRONOUS))
def test_an_answer_is_read_up_to_the_limit(endpoint: str) -> None:
    prefix, ask = ENDPOINTS[endpoint]
    with upstream(lambda _: answer({"padding": "-" * 1_000_000})) as provider:
        router = Router([entry(prefix, provider.address)], timeout=10.0, max_response=100_000)
        try:
            with pytest.raises(NoProviderAvailable):
                ask(router)
            assert (len(provider.asked), used(router)) == (1, 1)
        finally:
            router.close()


def test_requests_of_others_are_as_before() -> None:
    """A process may use LiteLLM besides a Router."""
    with upstream(lambda _: answer({"error": {"message": "down"}}, 500, {"retry-after-ms": "1"})) as provider:
        Router([entry("openai", provider.address)]).close()
        with pytest.raises(openai.APIError):
            litellm.moderation(input="hello", model="openai/other", api_key="none", api_base=provider.address)
        assert len(provider.asked) > 1
