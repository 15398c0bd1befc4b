"""An answer's body as it arrives: decompressed in small steps, and cut off where it grows past a limit.

httpx decompresses whatever came in one step, and LiteLLM reads every body to its end: 60 kB of gzip become 60 MB.
"""

import json
import zlib
from collections.abc import AsyncIterator
from typing import Final

import httpx

from router_config.transport.exchange import Exchange

SHARE_OF_A_LINE: Final = 4
"""One line of a stream of events may take this part of the limit: whoever reads it holds it several times over."""

STEP: Final = 65_536
"""Bytes that are decompressed at a time."""

ENCODINGS: Final = "gzip, deflate"
"""What we can decompress in steps, and so ask for."""

_WINDOWS: Final = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}
_MOST_ENCODINGS: Final = 3


class TooLarge(httpx.ReadError):
    """The body is larger than the limit."""


def bound(response: httpx.Response, exchange: Exchange) -> None:
    """Have a response read no more than the exchange's `largest` bytes of its body, after decompression.

    Its encoding is taken off: who reads the response gets plain bytes. Reading raises TooLarge, or
    httpx.DecodingError for an encoding that was not asked for.
    """
    stream = response.stream
    if not isinstance(stream, httpx.AsyncByteStream):
        return
    told = response.headers.get("content-encoding", "")
    encodings = [
        each.strip().lower() for each in told.split(",") if each.strip() and each.strip().lower() != "identity"
    ]
    if told:
        del response.headers["content-encoding"]
        response.headers.pop("content-length", None)
    lines = "event-stream" in response.headers.get("content-type", "")
    longest = exchange.largest // SHARE_OF_A_LINE if lines else exchange.largest
    response.stream = BoundedStream(stream, encodings, longest, exchange)


class BoundedStream(httpx.AsyncByteStream):
    """A body's bytes without their encodings. longest: bytes of one line."""

    def __init__(self, stream: httpx.AsyncByteStream, encodings: list[str], longest: int, exchange: Exchange) -> None:
        self._stream, self._encodings = stream, encodings
        self._longest, self._exchange = longest, exchange

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts = aiter(self._stream)
        if len(self._encodings) > _MOST_ENCODINGS:
            raise httpx.DecodingError("the answer is compressed many times over")
        for encoding in reversed(self._encodings):
            if encoding not in _WINDOWS:
                raise httpx.DecodingError("the answer is compressed in a way that was not asked for")
            parts = _decompressed(parts, _WINDOWS[encoding])
        total = line = 0
        try:
            async for part in parts:
                total += len(part)
                at = part.rfind(b"\n")
                line = line + len(part) if at < 0 else len(part) - at - 1
                if total > self._exchange.largest or line > self._longest:
                    raise self._too_large(total)
                yield part
        except httpx.TimeoutException:
            self._exchange.late = True
            raise

    def _too_large(self, total: int) -> TooLarge:
        what, most = "The answer", ""
        if total <= self._exchange.largest:
            what, most = "A line of the answer", f"{self._longest / 1e6:.3g} of "
        limit = f"{most}{self._exchange.largest / 1e6:.3g} MB, the limit `defaults.max_response`"
        told = f"{what} is larger than {limit}, and was not read to its end."
        self._exchange.body = json.dumps({"error": {"message": told}}).encode()
        return TooLarge(told)

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _decompressed(parts: AsyncIterator[bytes], window: int) -> AsyncIterator[bytes]:
    decoder = zlib.decompressobj(window)
    first = True
    async for part in parts:
        try:
            try:
                piece = decoder.decompress(part, STEP)
            except zlib.error:
                if not first or window != zlib.MAX_WBITS:
                    raise
                decoder = zlib.decompressobj(-zlib.MAX_WBITS)  # Some servers call raw deflate so, too.
                piece = decoder.decompress(part, STEP)
            first = False
            while piece:
                yield piece
                piece = decoder.decompress(decoder.unconsumed_tail, STEP)
        except zlib.error as error:
            raise httpx.DecodingError(str(error)) from error
