"""What an endpoint besides chats fails is kept for it alone: chats go on, and a success there ends it."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import openai
import pytest
from litellm.llms.base_llm.chat.transformation import BaseLLMException
from rig import NOON, message
from rig_endpoints import NO_RESPONSES
from rig_upstream import ANSWER, ANTHROPICS, FORMATS, GEMINIS, STREAMS, Asked, answer, entry, upstream
from test_other_endpoints import SUCCESSES

from router_config import NoProviderAvailable, Router
from router_config.clock import VirtualClock
from router_config.transport.endpoints import CHATS, POSITIONAL, SCOPE_NAMES

pytestmark = pytest.mark.contract

FAILURES = (openai.APIError, NoProviderAvailable, BaseLLMException)
"""The last is LiteLLM's, of messages and generate_content (1.84)."""

IMAGE = b"\x89PNG\r\n\x1a\n" + b"0" * 64
EMBEDDED = {
    "object": "list", "model": "played", "data": [{"object": "embedding", "index": 0, "embedding": [0.1]}],
    "usage": {"prompt_tokens": 8, "total_tokens": 8},
}  # fmt: skip
COMPLETED = {**ANSWER, "object": "text_completion", "choices": [{"index": 0, "text": "Hold.", "finish_reason": "stop"}]}

ENDPOINTS: dict[str, tuple[str, dict[str, Any], bytes]] = {
    "atext_completion": ("openai", {"prompt": "hello"}, answer(COMPLETED)),
    "aembedding": ("openai", {"input": ["hello"]}, answer(EMBEDDED)),
    "aimage_generation": ("openai", {"prompt": "a chart"}, answer(SUCCESSES["images"])),
    "aimage_edit": ("openai", {"image": IMAGE, "prompt": "a chart"}, answer(SUCCESSES["images"])),
    "amoderation": ("openai", {"input": "hello"}, answer(SUCCESSES["moderation"])),
    "aspeech": ("openai", {"input": "hello", "voice": "alloy"}, answer(b"RIFF", content_type="audio/wav")),
    "atranscription": ("openai", {"file": ("a.wav", b"RIFF")}, answer(SUCCESSES["transcription"])),
    "arerank": ("cohere", {"query": "q", "documents": ["a", "b"]}, answer(SUCCESSES["rerank"])),
    "aresponses": ("openai", {"input": "hello"}, answer(SUCCESSES["responses"])),
    "anthropic_messages": ("anthropic", {"max_tokens": 10, "messages": message()}, answer(ANTHROPICS)),
    "agenerate_content": ("gemini", {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}, answer(GEMINIS)),
    "agenerate_content_stream": (
        "gemini",
        {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
        answer(STREAMS["gemini"], content_type="text/event-stream"),
    ),
}
"""By LiteLLM's function: the wire format that is spoken, the arguments, and an answer."""


USABLE = [
    each
    for each in ENDPOINTS
    if not (each.startswith("agenerate") and find_spec("orjson") is None)
    and not (each == "aresponses" and NO_RESPONSES)
]
"""LiteLLM imports orjson for agenerate_content, and does not ask for it."""


def error(status: int, told: str = "It failed", headers: dict[str, str] | None = None) -> bytes:
    return answer({"error": {"message": told}}, status, headers)


REMEMBERED: dict[str, bytes | None] = {
    "401": error(401),
    "402": error(402),
    "403": error(403),
    "404": error(404, "The model `played` does not exist"),
    "404 of the address": answer({"detail": "Not Found"}, 404),
    "405": answer({"detail": "Method Not Allowed"}, 405),
    "410": error(410),
    "429": error(429),
    "429 for 20 s": error(429, "Rate limit reached", {"retry-after": "20", "x-ratelimit-remaining-requests": "0"}),
    "451": error(451),
    "500": error(500),
    "501": error(501, "Not implemented"),
    "503": error(503),
    "a cut": None,
}
OF_ONE_REQUEST: dict[str, bytes | None] = {"415": error(415), "422": error(422, "Images are not supported")}


@dataclass
class Place:
    """A router with one provider. `chat`: its answer to chats. `says`: to anything else."""

    router: Router
    clock: VirtualClock
    endpoint: str
    says: bytes | None
    chat: bytes | None
    asked: list[Asked] = field(default_factory=list)
    chats: bool = False

    def ask(self) -> Any:
        async def asking() -> Any:
            reply = await getattr(self.router, self.endpoint)(model="default", **ENDPOINTS[self.endpoint][1])
            return [each async for each in reply] if hasattr(reply, "__aiter__") else reply

        return asyncio.run(asking())

    def fail(self) -> None:
        with pytest.raises(FAILURES):
            self.ask()

    def serves_chats(self) -> bool:
        self.chats = True
        try:
            reply = self.router.completion(model="default", messages=message())
            return bool(reply.choices[0].message.content == "Hold.")
        finally:
            self.chats = False

    @property
    def shown(self) -> dict[str, Any]:
        (provider,) = self.router.status()["providers"]
        return dict(provider)


COHERES = {
    "id": "1", "finish_reason": "COMPLETE",
    "message": {"role": "assistant", "content": [{"type": "text", "text": "Hold."}]},
    "usage": {"tokens": {"input_tokens": 8, "output_tokens": 2}},
}  # fmt: skip


@contextmanager
def place(endpoint: str, says: bytes | None, timeout: float = 10.0, prefix: str = "") -> Iterator[Place]:
    prefix = prefix or ENDPOINTS[endpoint][0]

    def script(asked: Asked) -> bytes | None:
        if made.chats:
            return made.chat
        made.asked.append(asked)
        if timeout < 1.0:
            time.sleep(2 * timeout)
        return made.says

    clock = VirtualClock(NOON)
    with upstream(script) as provider:
        router = Router([entry(prefix, provider.address)], clock=clock, timeout=timeout)
        made = Place(router, clock, endpoint, says, answer({**FORMATS, "cohere": COHERES}[prefix]))
        try:
            yield made
        finally:
            router.close()


def test_every_endpoint_is_tried_here() -> None:
    assert ENDPOINTS.keys() == POSITIONAL.keys() - {CHATS}


@pytest.mark.parametrize("failure", REMEMBERED)
@pytest.mark.parametrize("endpoint", USABLE)
def test_what_an_endpoint_refuses_is_remembered_for_it_alone_and_heals(endpoint: str, failure: str) -> None:
    with place(endpoint, REMEMBERED[failure]) as at:
        for _ in range(4):
            at.fail()
            assert at.serves_chats()
        assert len(at.asked) <= 2, "one, and where nobody else could be asked one more in spite of a cooldown"
        assert at.shown["status"] == "available"
        assert {each["endpoint"] for each in at.shown["endpoints"]} == {SCOPE_NAMES[endpoint]}
        (explained,) = at.router.explain()["providers"][0]["candidates"]
        assert explained["endpoints"] == at.shown["endpoints"]
        at.says = ENDPOINTS[endpoint][2]
        at.clock.advance(1000)
        assert at.ask() is not None
        assert at.shown["endpoints"] == []


@pytest.mark.parametrize("failure", OF_ONE_REQUEST)
@pytest.mark.parametrize("endpoint", USABLE)
def test_a_fault_of_one_request_is_remembered_of_nobody(endpoint: str, failure: str) -> None:
    with place(endpoint, OF_ONE_REQUEST[failure]) as at:
        at.fail()
        at.says = ENDPOINTS[endpoint][2]
        assert at.ask() is not None
        assert at.shown["endpoints"] == []


@pytest.mark.parametrize("endpoint", USABLE)
def test_an_endpoint_that_is_late_leaves_chats_alone(endpoint: str) -> None:
    with place(endpoint, b"", timeout=0.2) as at:
        at.fail()
        assert at.serves_chats()
        assert at.shown["status"] == "available"


FILES = {"aimage_edit": "image", "atranscription": "file"}
NO_FILE: dict[str, Any] = {
    "a number": 5,
    "a tuple": ("a.png", b"-"),
    "an object": object(),
    "a dictionary": {"a": b"-"},
}


@pytest.mark.parametrize("no_file", NO_FILE)
@pytest.mark.parametrize("endpoint", FILES)
def test_a_file_that_is_none_is_nobody_s_fault(endpoint: str, no_file: str) -> None:
    with place(endpoint, ENDPOINTS[endpoint][2]) as at:
        arguments = {**ENDPOINTS[endpoint][1], FILES[endpoint]: NO_FILE[no_file]}
        with suppress(Exception):
            asyncio.run(getattr(at.router, endpoint)(model="default", **arguments))
        assert (at.shown["status"], at.shown["endpoints"]) == ("available", [])
        assert at.ask() is not None


@pytest.mark.parametrize(
    "failure", sorted(REMEMBERED.keys() - {"429 for 20 s"})
)  # It tells of a limit, which all count by.
def test_what_chats_fail_leaves_another_endpoint_alone(failure: str) -> None:
    with place("aembedding", ENDPOINTS["aembedding"][2]) as at:
        at.chat = REMEMBERED[failure]
        with pytest.raises(FAILURES):
            at.serves_chats()
        assert at.ask() is not None


SHARED = {
    "a key that is gone for good": error(401, "This API key has been revoked."),
    "a credit that is gone for good": error(402, "This account was terminated."),
    "an account's day": error(429, "Rate limit exceeded: free-models-per-day", {"x-ratelimit-reset": "1795442400000"}),
}
"""What is about the key or the account itself, whoever asks."""


@pytest.mark.parametrize("failure", SHARED)
def test_what_is_proven_of_a_key_or_account_holds_at_every_endpoint(failure: str) -> None:
    for chats_first in (True, False):
        with place("aembedding", SHARED[failure], prefix="openrouter") as at:
            if chats_first:
                at.chat = SHARED[failure]
                with pytest.raises(FAILURES):
                    at.serves_chats()
                at.fail()
            else:
                at.fail()
                with pytest.raises(NoProviderAvailable):
                    at.serves_chats()
            assert len(at.asked) == (not chats_first)
            assert at.shown["status"] in ("disabled", "exhausted")
            assert at.shown["endpoints"] == []
