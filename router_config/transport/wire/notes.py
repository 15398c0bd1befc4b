"""What is noted of the wire in the exchange of each attempt: when it left, status, headers, and what a stream says."""

from collections.abc import AsyncIterator, Callable
from functools import lru_cache, partial
from typing import Final

import httpx

from router_config.signals import Reply, read
from router_config.transport.exchange import CURRENT, Exchange
from router_config.transport.wire.readable_usage import ReadableStream, make_readable

ERROR_SIGNS: Final = (b'"error"', b'"promptFeedback"')
"""What the JSON of a failure inside a 200 holds somewhere."""

USAGE_SIGNS: Final = (b'"usage":{', b'"usage": {', b'"usageMetadata"')
REASON_SIGNS: Final = (b'"finish_reason":"', b'"finish_reason": "', b'"finishReason"', b'"message_stop"')
FINISH_SIGNS: Final = (*REASON_SIGNS, b"[DONE]", b'"response.completed"', b'"response.incomplete"')
FINISHING_SIGNS: Final = (b'"choices"', b'"candidates"', b'"content_block_delta"', b'"response.created"')
"""What the events of OpenAI's, Gemini's, Anthropic's and Responses' wire formats hold, whose streams say that they are
complete."""

LONGEST_EVENT: Final = 65_536

COST: Final = "x-litellm-response-cost"
"""In which LiteLLM's proxy tells what an answer costs: LiteLLM then does not compute it, a tenth of its time."""


async def sending(request: httpx.Request) -> None:
    """Note a request in the exchange that it belongs to."""
    exchange = CURRENT.get()
    if exchange is None:
        return
    exchange.sent = True
    exchange.requests += 1
    recording = exchange.recording
    if recording is not None:
        recording.requests += 1
        recording.method, recording.url = request.method, str(request.url)
        recording.headers, recording.request = request.headers.raw, await request.aread()


@lru_cache(512)
def _lower_case(name: bytes) -> str:
    return name.decode("latin-1").lower()


async def arriving(response: httpx.Response) -> None:
    """Note an answer in its exchange: status, headers, and the body of an error; a stream is watched as it is read."""
    exchange = CURRENT.get()
    if exchange is None:
        return
    now = exchange.arrived_at = exchange.now()
    exchange.status = response.status_code
    # As httpx reads them, in a fifth of its time.
    exchange.headers = {_lower_case(name): value.decode("latin-1") for name, value in response.headers.raw}
    if response.status_code >= 400 or "event-stream" not in exchange.headers.get("content-type", ""):
        body = make_readable(exchange, response, await response.aread())
        if response.status_code >= 400 or b'"error"' in body or b'"promptFeedback"' in body:
            exchange.body = body
        if response.status_code < 300:
            exchange.answer = body
            if exchange.free and b'"cost"' not in body:
                response.headers[COST] = "0.0"
        if exchange.recording is not None:
            exchange.recording.status = response.status_code
            exchange.recording.answer_headers = response.headers.raw
            exchange.recording.answer = body
    elif isinstance(response.stream, httpx.AsyncByteStream):
        exchange.streamed, exchange.close = True, response.aclose
        response.stream = ReadableStream(WatchedStream(response.stream, partial(_note_event, exchange, now)), exchange)


def _note_event(exchange: Exchange, now: float, event: bytes) -> None:
    """One event of a stream: an error in it, the usage it reports, and whether it ends the answer."""
    if any(sign in event for sign in ERROR_SIGNS):
        reply = Reply(exchange.status, exchange.headers, event)
        if read(exchange.provider, reply, now).verdict is not None:
            exchange.body = event
    if any(sign in event for sign in USAGE_SIGNS):
        exchange.usage = event
        exchange.first_usage = exchange.first_usage or event
    if not exchange.reason:
        exchange.reason = any(sign in event for sign in REASON_SIGNS)
    if not exchange.finished:
        if any(sign in event for sign in FINISH_SIGNS):
            exchange.finished = True
        elif any(sign in event for sign in FINISHING_SIGNS):
            exchange.finished = False


class WatchedStream(httpx.AsyncByteStream):
    """A stream of server-sent events that tells of each event of note, and passes all of them on."""

    _SIGNS: Final = (*ERROR_SIGNS, *USAGE_SIGNS, *FINISH_SIGNS, *FINISHING_SIGNS)

    def __init__(self, stream: httpx.AsyncByteStream, tell: Callable[[bytes], None]) -> None:
        self._stream = stream
        self._tell = tell
        self._begun = b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            self._watch(part)
            yield part
        self._watch(b"\n")

    async def aclose(self) -> None:
        await self._stream.aclose()

    def _watch(self, part: bytes) -> None:
        text = self._begun + part
        *lines, self._begun = text.split(b"\n")
        self._begun = self._begun[:LONGEST_EVENT]
        for line in lines:
            if any(sign in line for sign in self._SIGNS):
                self._tell(line.removeprefix(b"data:").strip())
