"""An error event in a stream, noted as it passes by: LiteLLM keeps its words at best, seldom its code (1.106.2)."""

from collections.abc import AsyncIterator, Callable
from typing import Final

import httpx

SIGNS: Final = (b'"error"', b'"promptFeedback"')
"""What the JSON of a failure inside a 200 holds somewhere."""

_LONGEST_EVENT: Final = 65_536


def may_hold_an_error(body: bytes) -> bool:
    return any(sign in body for sign in SIGNS)


class Overheard(httpx.AsyncByteStream):
    """A stream of server-sent events that tells of each one that may be an error, and passes all of them on."""

    def __init__(self, stream: httpx.AsyncByteStream, tell: Callable[[bytes], None]) -> None:
        self._stream = stream
        self._tell = tell
        self._begun = b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            self._listen(part)
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()

    def _listen(self, part: bytes) -> None:
        text = self._begun + part
        *lines, self._begun = text.split(b"\n")
        self._begun = self._begun[:_LONGEST_EVENT]
        if may_hold_an_error(text):
            for line in lines:
                if may_hold_an_error(line):
                    self._tell(line.removeprefix(b"data:").strip())
