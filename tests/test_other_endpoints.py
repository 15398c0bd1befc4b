"""Endpoints besides chats: one request each over clients of ours, all counted, none sent elsewhere, answers bounded.

LiteLLM takes a `client=` for most of them, of a kind that differs. For the others it looks for one of its own.
"""

import gzip
import json
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import litellm
import openai
import pytest
from litellm.integrations.custom_logger import CustomLogger
from litellm.llms.custom_httpx.http_handler import get_async_httpx_client
from litellm.types.llms.custom_http import httpxSpecialProvider
from rig_endpoints import ENDPOINTS, HELLO, NO_RESPONSES, REFUSAL, asking
from rig_upstream import ANSWER, Asked, answer, entry, upstream

from router_config import Router
from router_config.transport.client_lookup import serving

pytestmark = pytest.mark.contract

FAILURES: dict[str, Callable[[Asked], bytes | None]] = {
    "an error": lambda _: answer({"error": {"message": "down"}}, 500),
    "a limit": lambda _: answer({"error": {"message": "slow down"}}, 429),
    "a cut": lambda _: None,
}


@pytest.fixture(autouse=True)
def _importable(request: pytest.FixtureRequest) -> None:
    if "responses" in request.node.name and NO_RESPONSES:
        pytest.skip("this LiteLLM imports mcp for responses, and does not ask for it")


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


ELSEWHERE = "http://localhost:{own}/v1", "http://127.0.0.1:{other}/v1", "https://127.0.0.1:{own}/v1"


def _first(told: list[bytes], _: Asked) -> bytes:
    return told[0]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_no_redirect_leads_elsewhere(endpoint: str) -> None:
    with upstream(lambda _: answer(ANSWER)) as elsewhere:
        other = elsewhere.address.rpartition(":")[2]
        for status, target in zip((301, 302, 303, 307, 308), (*ELSEWHERE, *ELSEWHERE[1:]), strict=True):
            told: list[bytes] = []
            with asking(endpoint, partial(_first, told)) as (provider, router, failing):
                location = target.format(own=provider.address.rpartition(":")[2], other=other)
                told.append(answer(b"", status, {"location": location}))
                failing()
                assert (len(provider.asked), used(router)) == (1, 1)
        assert not elsewhere.connections


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_two_redirects_within_a_host_are_followed_and_counted(endpoint: str) -> None:
    def script(asked: Asked) -> bytes:
        at = int(asked.line.partition("hop=")[2].partition(" ")[0] or 0)
        return answer(b"", 307, {"location": f"/moved?hop={at + 1}"}) if at < 2 else REFUSAL

    with asking(endpoint, script) as (provider, router, failing):
        failing()
        assert (len(provider.asked), used(router)) == (3, 3)
        assert provider.asked[0].body == provider.asked[2].body != b""


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_connection_that_the_server_closed_is_made_anew_once(endpoint: str) -> None:
    with asking(endpoint, lambda asked: None if asked.before else REFUSAL) as (provider, router, failing):
        failing()
        failing()
        assert (len(provider.asked), provider.connections, used(router)) == (3, 2, 3)
        assert provider.asked[1].body == provider.asked[2].body != b""
        (shown,) = router.status()["providers"]
        assert shown["status"] == "available"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_headers_of_64_kb_are_accepted(endpoint: str) -> None:
    told = REFUSAL.replace(b"\r\n\r\n", b"\r\nx-long: " + b"-" * 65_000 + b"\r\n\r\n", 1)
    with asking(endpoint, lambda _: told) as (provider, router, failing):
        failing()
        (shown,) = router.status()["providers"]
        assert (len(provider.asked), shown["status"]) == (1, "available")


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


@pytest.mark.parametrize("body", ["plain", "gzip", "an error"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_answer_is_read_up_to_the_limit(endpoint: str, body: str) -> None:
    large = json.dumps({"padding": "-" * 1_000_000}).encode()
    told = answer(large) if body == "plain" else answer(gzip.compress(large), headers={"content-encoding": "gzip"})
    if body == "an error":
        told = told.replace(b" 200 ", b" 500 ", 1)
    with asking(endpoint, lambda _: told, max_response=100_000) as (provider, router, failing):
        failing()
        assert (len(provider.asked), used(router)) == (1, 1)
        (shown,) = router.status()["providers"]
        assert "larger than 0.1 MB, the limit `defaults.max_response`" in shown["last_error"]["message"]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_requests_of_others_in_the_process_are_as_before(endpoint: str) -> None:
    """A process may use LiteLLM besides a Router, also while a Router's request runs."""
    cache: Any = litellm.in_memory_llm_clients_cache
    theirs: list[int] = []

    def script(asked: Asked) -> bytes:
        theirs.append(others())
        return REFUSAL

    def others() -> int:
        with upstream(lambda _: answer({"error": {"message": "down"}}, 500, {"retry-after-ms": "1"})) as another:
            with pytest.raises(openai.APIError):
                litellm.moderation(input="hello", model="openai/other", api_key="none", api_base=another.address)
            with pytest.raises(openai.APIError):
                litellm.completion("groq/other", HELLO, api_key="none", api_base=another.address)
            return len(another.asked)

    before = others()
    kept = dict(cache.cache_dict)
    with asking(endpoint, script) as (_, router, failing):
        failing()
        assert (theirs, used(router)) == ([before], 1)
    assert litellm.in_memory_llm_clients_cache is cache
    assert "get_cache" not in vars(cache)
    assert not [each for name, each in cache.cache_dict.items() if name not in kept and "Watched" in repr(each)]


@pytest.mark.parametrize("endpoint", ["chats of cohere", "images of gemini", "moderation"])
def test_what_a_logger_sends_is_none_of_the_requests(endpoint: str) -> None:
    """LiteLLM's loggers send with its clients, in the request's context."""

    class Sending(CustomLogger):
        async def async_log_failure_event(self, *_: Any, **__: Any) -> None:
            client = get_async_httpx_client(httpxSpecialProvider.LoggingCallback)
            await client.post(log.address, json={})
            sent.set()

    sent = threading.Event()
    with upstream(lambda _: answer({})) as log, asking(endpoint, lambda _: REFUSAL) as (provider, router, failing):
        litellm.callbacks = [Sending()]
        failing()
        assert sent.wait(10)
        assert (len(log.asked), len(provider.asked), used(router)) == (1, 1, 1)


def test_the_client_that_litellm_keeps_for_the_process_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes that one when it is first used (1.84 to 1.110), here while our request runs."""
    monkeypatch.delitem(vars(litellm), "module_level_aclient", raising=False)
    with asking("chats of cohere", lambda _: REFUSAL) as (_, _router, failing):
        with serving(lambda _: pytest.fail("a client of ours was given away")):
            kept = litellm.module_level_aclient
        failing()
    assert kept is litellm.module_level_aclient
    assert "Watched" not in repr(kept)
