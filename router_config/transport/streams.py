"""Streams that settle: on their end, on an error, on `aclose()`, and when they are dropped half-read."""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Self, cast

from litellm import CustomStreamWrapper
from litellm.exceptions import MidStreamFallbackError

from router_config.transport.background_loop import BackgroundLoop

Ended = Callable[["SettlingStream", BaseException | None], Awaitable[None]]
"""Called once when a stream has ended: with None at its natural end, else with what ended it."""


class Abandoned(Exception):
    """The caller closed or dropped a stream before its end."""


class SettlingStream(CustomStreamWrapper):  # type: ignore[misc]
    """LiteLLM's stream with its beginning already fetched, which tells its Router how it ended."""

    _ahead: deque[Any]
    _ended: Ended | None
    _watch: Callable[[], Awaitable[None]]
    _dropped: BackgroundLoop

    @classmethod
    def adopt(
        cls,
        stream: CustomStreamWrapper,
        ahead: deque[Any],
        ended: Ended,
        watch: Callable[[], Awaitable[None]],
        dropped: BackgroundLoop,
    ) -> Self:
        """Turn a stream of LiteLLM into one of ours in place, so that everything a caller reads from it stays.

        `ahead` are chunks already fetched, `watch` runs at each further chunk, `dropped` settles what nobody reads.
        """
        stream.__class__ = cls
        ours = cast(Self, stream)
        ours._ahead, ours._ended, ours._watch, ours._dropped = ahead, ended, watch, dropped
        return ours

    def usage(self) -> Any | None:
        """The provider's own account of the tokens, if it came."""
        return next((chunk.usage for chunk in reversed(self.chunks) if getattr(chunk, "usage", None)), None)

    async def __anext__(self) -> Any:
        if self._ahead:
            return self._ahead.popleft()
        try:
            chunk = await super().__anext__()
        except StopAsyncIteration:
            await self._end(None)
            raise
        except MidStreamFallbackError as error:
            await self._end(error)
            raise (error.original_exception or error) from error
        except BaseException as error:
            await self._end(error)
            raise
        await self._watch()
        return chunk

    async def aclose(self) -> None:
        try:
            await super().aclose()
        finally:
            await self._end(Abandoned())

    async def _end(self, error: BaseException | None) -> None:
        ended, self._ended = self._ended, None
        if ended is not None:
            await ended(self, error)

    def __del__(self) -> None:
        ended, self._ended = getattr(self, "_ended", None), None
        if ended is not None:
            self._dropped.submit_quietly(ended(self, Abandoned()))
        super().__del__()


class EmptyStream(Exception):
    """A stream that ended without a word and without saying why; LiteLLM makes a finished answer of it (1.106.2)."""


async def until_content(stream: CustomStreamWrapper) -> deque[Any]:
    """Fetch chunks up to the first that carries something of an answer; until then another provider can take over.

    Raises EmptyStream, besides what LiteLLM raises.
    """
    ahead: deque[Any] = deque()
    async for chunk in stream:
        ahead.append(chunk)
        if carries_content(chunk):
            return ahead
    if stream.received_finish_reason is None:
        raise EmptyStream("the stream ended without an answer")
    return ahead


def carries_content(chunk: Any) -> bool:
    deltas = [getattr(choice, "delta", None) for choice in getattr(chunk, "choices", None) or ()]
    parts = ("content", "tool_calls", "function_call", "reasoning_content", "audio", "images")
    return any(getattr(delta, part, None) for delta in deltas for part in parts)


class SyncStream(CustomStreamWrapper):  # type: ignore[misc]
    """A stream read from synchronous code; its chunks come from the background loop."""

    def __init__(self, stream: SettlingStream, background: BackgroundLoop) -> None:
        # No super().__init__: every attribute but these two is read from the stream itself.
        self._stream = stream
        self._background = background

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_stream"], name)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        try:
            return self._background.run(self._stream.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None

    def close(self) -> None:
        """End the stream early; what it used so far is settled."""
        self._background.run(self._stream.aclose())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        """The stream settles itself when it is dropped."""
