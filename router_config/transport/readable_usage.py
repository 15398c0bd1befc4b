"""Answers whose usage is nonsense, made readable for LiteLLM, which would fail the whole answer for it (1.110).

What came over the wire is noted before that: the exchange tells what the provider really said.
"""

from collections.abc import AsyncIterator
from typing import Final

import httpx

from router_config.signals.usage import readable
from router_config.transport.exchange import Exchange

LONGEST_LINE: Final = 65_536


def make_readable(exchange: Exchange, response: httpx.Response, body: bytes) -> bytes:
    """The body of an answer as it is to be read. Where it differs, the exchange keeps the usage as it came."""
    mended = readable(body, whole=True)
    if mended is not body:
        exchange.usage = body
        response._content = mended
    return mended


class ReadableStream(httpx.AsyncByteStream):
    """A stream of events, line by line, each with a usage that can be read."""

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        begun = b""
        async for part in self._stream:
            lines, end, begun = (begun + part).rpartition(b"\n")
            if len(begun) > LONGEST_LINE:
                lines, end, begun = lines + end, begun, b""
            if lines or end:
                yield _readable_lines(lines) + end
        if begun:
            yield _readable_lines(begun)

    async def aclose(self) -> None:
        await self._stream.aclose()


def _readable_lines(lines: bytes) -> bytes:
    if b'"usage' not in lines:
        return lines
    return b"\n".join(map(_readable_line, lines.split(b"\n")))


def _readable_line(line: bytes) -> bytes:
    field, colon, value = line.partition(b":")
    if field != b"data" or not colon:
        return line
    return b"data:" + readable(value)
