"""Streams of endpoints other than chats: settled when they end, by what they report; what does not end well fails."""

import asyncio
import gc
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import openai
import pytest
from packaging.version import Version
from rig_endpoints import LITELLM
from rig_upstream import FORMATS, STREAMS, Asked, answer, entry, events, upstream

from router_config import Router, route_of

pytestmark = [
    pytest.mark.contract,
    # LiteLLM's readers of Responses and of messages make pydantic complain about their own objects.
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

RESPONSE = {
    "id": "resp_1", "object": "response", "created_at": 1, "status": "in_progress", "model": "played", "error": None,
    "incomplete_details": None, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "output": [],
    "usage": None,
}  # fmt: skip
SAID = {
    "id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
    "content": [{"type": "output_text", "text": "Hold.", "annotations": []}],
}  # fmt: skip
USED = {
    "input_tokens": 8, "output_tokens": 2, "total_tokens": 10, "input_tokens_details": {"cached_tokens": 0},
    "output_tokens_details": {"reasoning_tokens": 0},
}  # fmt: skip
RESPONSES = events(
    {"type": "response.created", "response": RESPONSE},
    {"type": "response.in_progress", "response": RESPONSE},
    {"type": "response.output_item.added", "output_index": 0, "item": {**SAID, "content": []}},
    {
        "type": "response.content_part.added", "item_id": "msg_1", "output_index": 0, "content_index": 0,
        "part": {"type": "output_text", "text": "", "annotations": []},
    },
    {
        "type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0,
        "delta": "Hold.",
    },
    {"type": "response.output_item.done", "output_index": 0, "item": SAID},
    {"type": "response.completed", "response": {**RESPONSE, "status": "completed", "output": [SAID], "usage": USED}},
)  # fmt: skip
TEXT = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "played"}
TEXTS = events(
    {**TEXT, "choices": [{"index": 0, "text": "Hold.", "finish_reason": None, "logprobs": None}]},
    {**TEXT, "choices": [{"index": 0, "text": "", "finish_reason": "stop", "logprobs": None}]},
    {**TEXT, "choices": [], "usage": {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10}},
    "[DONE]",
)

ASK: dict[str, Callable[..., Any]] = {
    "responses": lambda router, **more: router.aresponses(input="hello", model="default", stream=True, **more),
    "texts": lambda router, **more: router.atext_completion(model="default", prompt="hello", stream=True, **more),
    "messages": lambda router, **more: router.aanthropic_messages(
        10, [{"role": "user", "content": "hello"}], "default", stream=True, **more
    ),
    "contents": lambda router, **more: router.agenerate_content_stream(
        "default", [{"role": "user", "parts": [{"text": "hello"}]}], **more
    ),
}


@dataclass(frozen=True)
class Kind:
    """One endpoint in one wire format. said: the stream of events. begun: how many of them come before its content."""

    endpoint: str
    prefix: str
    said: bytes
    begun: int = 0

    def events(self, first: int, last: int | None = None) -> bytes:
        return b"".join(each + b"\n\n" for each in self.said.split(b"\n\n")[:-1][first:last])

    def until_content(self) -> bytes:
        return self.events(0, self.begun + 1)


BEGUN = {"anthropic": 2}
KINDS = {
    f"{endpoint} of {prefix}": Kind(endpoint, prefix, STREAMS[prefix], BEGUN.get(prefix, 0))
    for endpoint in ASK
    for prefix in FORMATS
    if (endpoint, prefix) not in {("responses", "openai"), ("texts", "openai"), ("messages", "openai"),
                                  ("messages", "anthropic"), ("contents", "gemini"), ("contents", "anthropic"),
                                  ("responses", "openrouter")}
}  # fmt: skip
KINDS |= {
    "responses of openai": Kind("responses", "openai", RESPONSES, 4),
    "messages of openai": Kind("messages", "openai", RESPONSES, 4),
    "texts of openai": Kind("texts", "openai", TEXTS),
    "texts of together_ai": Kind("texts", "together_ai", TEXTS),
}
if find_spec("orjson") and find_spec("soundfile"):  # LiteLLM's own streams of these import its proxy.
    KINDS["messages of anthropic"] = Kind("messages", "anthropic", STREAMS["anthropic"], 2)
    KINDS["contents of gemini"] = Kind("contents", "gemini", STREAMS["gemini"])

if Version("1.92") > LITELLM:  # It asks of together's models what it says that they cannot do: tools.
    del KINDS["responses of together_ai"]

TWO = {name: kind for name, kind in KINDS.items() if kind.prefix != "gemini"}
"""Gemini's wire format says content and end in one event here."""


def sse(body: bytes, length: int | None = None, *, closes: bool = False) -> bytes:
    headers = {"content-length": str(length or len(body)), "connection": "close" if closes else ""}
    return answer(body, headers=headers, content_type="text/event-stream")


@contextmanager
def playing(kind: Kind, *scripts: Callable[[Asked], bytes | None], **settings: Any) -> Any:
    """A router over an upstream for each script, the first one first."""
    with ExitStack() as stack:
        places = [stack.enter_context(upstream(script)) for script in scripts]
        listed = [
            entry(kind.prefix, place.address, provider=f"p{at}", priority=at) for at, place in enumerate(places, 1)
        ]
        router = Router(listed, **{"timeout": 10.0, **settings})
        try:
            yield router
        finally:
            router.close()


def used(router: Router) -> list[int]:
    return [int(each["usage_today"]["tokens"]) for each in router.status()["providers"]]


def outcomes(router: Router) -> list[str]:
    return [each.outcome for each in router._background.run(router._store.decisions())]


async def begun(router: Router, kind: Kind, **more: Any) -> Any:
    try:
        return await ASK[kind.endpoint](router, **more)
    except Exception as error:
        if "No module named" in str(error):  # Responses of LiteLLM 1.106.2, say, import its proxy.
            pytest.skip(f"this LiteLLM does not do it either: {error}")
        raise


async def read(router: Router, kind: Kind, **more: Any) -> Any:
    stream = await begun(router, kind, **more)
    chunks = [chunk async for chunk in stream]
    assert chunks
    return stream


@pytest.mark.parametrize("name", KINDS)
def test_a_stream_is_settled_when_it_ends_with_what_it_reports(name: str) -> None:
    kind = KINDS[name]

    async def ask(router: Router) -> None:
        stream = await begun(router, kind)
        assert outcomes(router) == []
        assert [chunk async for chunk in stream]
        assert route_of(stream).model == "played"
        assert (used(router), outcomes(router)) == ([10], ["ok"])

    with playing(kind, lambda _: sse(kind.said)) as router:
        asyncio.run(ask(router))


@pytest.mark.parametrize("broken", [False, True], ids=["ended", "disconnected"])
@pytest.mark.parametrize("name", TWO)
def test_one_that_is_cut_is_an_error_after_content(name: str, broken: bool) -> None:
    kind = KINDS[name]
    said = sse(kind.until_content(), 100_000 if broken else None, closes=broken)
    with playing(kind, lambda _: said) as router:
        with pytest.raises(openai.APIError):
            asyncio.run(read(router, kind))
        assert outcomes(router) == ["connection"]
        assert used(router)[0] > 0
        (shown,) = router.status()["providers"]
        assert shown["usage_today"]["requests"] == 1


FAILURES: dict[str, Callable[[Kind], bytes]] = {
    "a cut": lambda kind: kind.events(0, kind.begun) or b": begun\n\n",
    "an error": lambda kind: events(
        {"type": "error", "error": {"type": "server_error", "code": 500, "message": "The server failed"}}
    ),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("name", KINDS)
def test_one_that_fails_before_content_goes_to_the_next(name: str, failure: str) -> None:
    kind = KINDS[name]
    if (kind.endpoint, failure) == ("messages", "a cut") and kind.prefix != "openai" and Version("1.98") > LITELLM:
        pytest.skip("this LiteLLM makes an empty message of a stream that ends before anything came")
    with playing(kind, lambda _: sse(FAILURES[failure](kind)), lambda _: sse(kind.said)) as router:
        stream = asyncio.run(read(router, kind))
        assert len(route_of(stream).attempts) == 2
        assert used(router)[1] == 10


@pytest.mark.parametrize("name", TWO)
def test_silence_ends_it(name: str) -> None:
    kind = KINDS[name]
    said = sse(kind.until_content() + b": ping\n\n" * 3, 100_000)
    with playing(kind, lambda _: said, stream_timeout=1) as router:
        began = time.monotonic()
        with pytest.raises(openai.APITimeoutError):
            asyncio.run(read(router, kind))
        assert time.monotonic() - began < 20
        assert outcomes(router) == ["timeout"]


@pytest.mark.parametrize("how", ["closed", "dropped"])
@pytest.mark.parametrize("name", TWO)
def test_one_that_is_broken_off_counts_as_reserved(name: str, how: str) -> None:
    kind = KINDS[name]

    async def ask(router: Router) -> None:
        stream = await begun(router, kind)
        await anext(stream)
        if how == "closed":
            await stream.aclose()
        del stream
        gc.collect()
        for _ in range(100):
            if outcomes(router):
                break
            await asyncio.sleep(0.01)

    with playing(kind, lambda _: sse(kind.until_content(), 100_000)) as router:
        asyncio.run(ask(router))
        assert outcomes(router) == ["cancelled"]
        assert used(router)[0] > 0


@pytest.mark.parametrize("end", ["response.failed", "error"])
def test_responses_that_fail_after_content_are_an_error(end: str) -> None:
    kind = KINDS["responses of openai"]
    failure = {"code": "server_error", "message": "The server failed"}
    last: dict[str, Any] = {"type": end, "param": None, **failure}
    if end == "response.failed":
        last = {"type": end, "response": {**RESPONSE, "status": "failed", "error": failure}}
    with playing(kind, lambda _: sse(kind.until_content() + events(last))) as router:
        with pytest.raises(openai.APIError):
            asyncio.run(read(router, kind))
        assert outcomes(router) == ["server_error"]


def test_synchronous_callers_read_streams_of_any_endpoint() -> None:
    kind = KINDS["texts of openai"]
    with playing(kind, lambda _: sse(kind.said)) as router:
        chunks = list(router.text_completion(model="default", prompt="hello", stream=True))
        assert "".join(chunk.choices[0].text or "" for chunk in chunks) == "Hold."
        assert (used(router), outcomes(router)) == ([10], ["ok"])


@pytest.mark.parametrize(
    "said",
    [
        b'data: {"candidates": [{"content"',
        b'data: {"candidates": [\n\ndata: {"content"\n\n',
        b'data: {"candidates": ["' + b"x" * 100_000,
        b'data: {"candidates": ["' + b"x" * 100_000 + b"\n\n",
        b"event: message\n\nService down\n\n",
    ],
    ids=["half an event", "two halves", "half of a long one", "a long one that is broken", "a text"],
)
def test_what_never_becomes_json_in_a_stream_of_geminis_is_a_failure(said: bytes) -> None:
    """LiteLLM's reader waits for the rest, and up to 1.92 it never ends (and keeps the event loop)."""

    async def ask(router: Router) -> Any:
        stream = await router.acompletion("default", [{"role": "user", "content": "hello"}], stream=True)
        return [chunk async for chunk in stream], route_of(stream)

    kind = KINDS["texts of gemini"]
    with playing(kind, lambda _: sse(said, closes=True), lambda _: sse(kind.said)) as router:
        _, route = asyncio.run(ask(router))
        assert [each.provider for each in route.attempts] == ["p1", "p2"]
