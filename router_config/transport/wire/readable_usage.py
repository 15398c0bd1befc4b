"""Answers whose usage is nonsense, made readable for LiteLLM, which would fail the whole answer for it (1.110).

What came over the wire is noted before that: the exchange tells what the provider really said.
"""

import json
from collections.abc import AsyncIterator
from typing import Final

import httpx

from router_config.signals.usage import readable
from router_config.transport.exchange import Exchange

LONGEST_LINE: Final = 65_536

JOINS_EVENTS: Final = frozenset({"gemini", "vertex_ai", "vertex_ai_beta"})
"""Providers whose reader in LiteLLM joins what is no JSON until it is, and never ends if it never is (1.84 to 1.92)."""

BROKEN_EVENT: Final = b'{"error": {"code": "broken_event", "message": "An event of the stream is no JSON."}}'
"""What is read of a stream that ended so."""


def make_readable(exchange: Exchange, response: httpx.Response, body: bytes) -> bytes:
    """The body of an answer as it is to be read. Where it differs, the exchange keeps the usage as it came."""
    mended = readable(_with_service_tier(exchange.provider, body), whole=True)
    if mended is not body:
        exchange.usage = body
        response._content = mended
    return mended


def _with_service_tier(provider: str, body: bytes) -> bytes:
    """LiteLLM reads no chat of Groq's without this field (1.110), which may be left out."""
    end = body.rstrip()
    if provider != "groq" or b'"service_tier"' in body or b'"choices"' not in body or not end.endswith(b"}"):
        return body
    return end[:-1] + b', "service_tier": null}'


class ReadableStream(httpx.AsyncByteStream):
    """A stream of events, line by line, each with a usage that can be read.

    What carries no data (comments, `retry: 3000`, an event with a name alone) is left out, and an event that is no JSON
    ends the stream: LiteLLM's readers and the openai SDK differ in what they make of either.
    """

    def __init__(self, stream: httpx.AsyncByteStream, exchange: Exchange) -> None:
        self._stream, self._exchange = stream, exchange
        self._joins = exchange.provider in JOINS_EVENTS
        self._joined: list[bytes] = []

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for written in self._lines():
            yield written
        if self._joined:
            self._exchange.body = BROKEN_EVENT
            raise httpx.ReadError("the stream ended within an event")

    async def _lines(self) -> AsyncIterator[bytes]:
        begun, within_line = b"", False
        async for part in self._stream:
            lines, end, begun = (begun + part).rpartition(b"\n")
            lines += end
            if within_line and end:
                rest, _, lines = lines.partition(b"\n")
                self._join(rest)
                yield rest + b"\n"
                within_line = False
            last = lines.rfind(b"\n", 0, -1) + 1
            if lines.startswith(b"event:", last):  # Whether data follows is not known yet.
                lines, begun = lines[:last], lines[last:] + begun
            if lines:
                written, broken = self._readable(lines)
                yield written
                if broken:
                    self._exchange.body = BROKEN_EVENT
                    raise httpx.ReadError("an event of the stream is no JSON")
            if len(begun) > LONGEST_LINE:
                self._join(begun.removeprefix(b"data:"), ends=False)
                yield begun
                begun, within_line = b"", True
        if begun:
            begun = _readable_line(begun)
            if begun.startswith(b"data:"):
                self._join(begun[5:])
            yield begun

    async def aclose(self) -> None:
        await self._stream.aclose()

    def _readable(self, lines: bytes) -> tuple[bytes, bool]:
        """Whole lines as they are to be read, up to the first that is broken; and whether one is."""
        written: list[bytes] = []
        split = lines.split(b"\n")
        for number, line in enumerate(split):
            if line.startswith((b":", b"retry:", b"id:")):
                continue
            if self._joins and line.strip() and not line.startswith(b"data:"):
                continue
            following = split[number + 1] if number + 1 < len(split) else b""
            if line.startswith(b"event:") and not following.startswith(b"data:"):
                continue
            if line.startswith(b"data:"):
                value = line[5:].strip()
                if not value:
                    continue
                several = following.startswith(b"data:") or (number > 0 and split[number - 1].startswith(b"data:"))
                line = _readable_line(line)
                if not several and self._exchange.finished is not None and not _is_event(line[5:].strip()):
                    return b"".join(each + b"\n" for each in written), True
                self._join(line[5:].strip())
            written.append(line)
        return b"\n".join(written), False

    def _join(self, value: bytes, *, ends: bool = True) -> None:
        """Keep what is no JSON yet. ends: whether the line ends here."""
        if self._joins and value.strip():
            self._joined.append(value)
            if ends and _is_event(b"".join(self._joined)):
                self._joined.clear()


def _is_event(value: bytes) -> bool:
    if value == b"[DONE]":
        return True
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return False
    return True


def _readable_line(line: bytes) -> bytes:
    if not line.startswith(b"data:"):
        return line
    return b"data:" + readable(line[5:])
