"""Streams that settle: on their end, on an error, on `aclose()`, and when they are dropped half-read."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, Self

import litellm
from litellm import exceptions

from router_config.transport.background_loop import BackgroundLoop
from router_config.transport.error_chain import LATE, causes
from router_config.transport.exchange import Exchange

Ended = Callable[["Stream", BaseException | None], Awaitable[None]]
"""Called once when a stream has ended: with None at its natural end, else with what ended it."""

CONTENT: Final = ("content", "tool_calls", "function_call", "reasoning_content", "audio", "images")

REASONS_FOR_NOTHING: Final = frozenset({"length", "content_filter"})
"""Finish reasons of an answer that may well be empty: it all went into reasoning, or was filtered."""

LITELLMS_OWN: Final[type] = litellm.CustomStreamWrapper
"""What LiteLLM's own Router returns."""

GEMINI: Final = ("gemini", "vertex_ai")
_MID_STREAM: Final = getattr(exceptions, "MidStreamFallbackError", ())


class Abandoned(Exception):
    """The caller closed or dropped a stream before its end."""


class CutStream(Exception):
    """A stream that ended before it was complete; some LiteLLM make a finished answer of it (1.84, 1.108)."""


class EmptyAnswer(Exception):
    """An answer, whole or a stream, that says that it is complete, and holds nothing."""


class EmptyStream(Exception):
    """A stream that ended without a word and without saying why; LiteLLM makes a finished answer of it (1.106.2)."""


class Opened:
    """A stream of LiteLLM's that has begun to come: its first chunks are fetched, so that it can be refused until then.

    wants_usage: whether the caller asked for the chunk that reports the tokens; we ask for it always.
    """

    def __init__(self, source: Any, exchange: Exchange, *, wants_usage: bool) -> None:
        self.source, self.exchange, self.wants_usage = source, exchange, wants_usage
        self.ahead: deque[Any] = deque()
        self.usage: Any = None
        self._finished = False
        self._reason: str | None = None
        self._calls = False

    @property
    def has_content(self) -> bool:
        """Whether something of an answer has come."""
        return any(map(carries_content, self.ahead))

    async def open(self) -> Self:
        """Fetch chunks up to the first that carries something of an answer.

        Raises EmptyStream and ServiceUnavailableError, besides what LiteLLM raises.
        """
        async for chunk in self:
            self.ahead.append(chunk)
            if carries_content(chunk):
                return self
        if not (self.exchange.finished if self.exchange.streamed else self._finished):
            raise EmptyStream("the stream ended without an answer")
        if self._reason not in REASONS_FOR_NOTHING:
            raise empty_answer(self.exchange.provider, str(getattr(self.source, "model", None) or ""))
        return self

    @property
    def is_cut(self) -> bool:
        """Whether it ended before it was complete. A call of a tool is complete only with a reason to end."""
        finished = self.exchange.finished
        return finished is False or (finished is True and self._calls and not self.exchange.reason)

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        while True:
            chunk = await anext(self.source)
            usage = getattr(chunk, "usage", None)
            if usage is not None:
                self.usage = usage
            choices = getattr(chunk, "choices", None) or ()
            for choice in choices:
                self._reason = getattr(choice, "finish_reason", None) or self._reason
                self._calls = self._calls or bool(getattr(getattr(choice, "delta", None), "tool_calls", None))
            ends = any(getattr(choice, "finish_reason", None) is not None for choice in choices)
            self._finished = self._finished or ends
            if usage is None or self.wants_usage:
                return chunk
            if ends or carries_content(chunk):
                chunk.usage = None
                return chunk

    async def aclose(self) -> None:
        close = getattr(self.source, "aclose", None)
        if close is not None:
            await close()


class Stream:
    """An answer as it comes. It stands for LiteLLM's own stream, which has everything else that is asked of it.

    ended: called once, when it has ended. watch: runs at each further chunk. dropped: settles what nobody reads.
    patience: seconds to wait for something of the answer; the time that its reader takes does not count.
    """

    def __init__(
        self,
        opened: Opened,
        ended: Ended,
        watch: Callable[[], Awaitable[None]],
        dropped: BackgroundLoop,
        patience: float,
    ) -> None:
        self._opened = opened
        self._patience = self._left = patience
        self._ended: Ended | None = ended
        self._watch, self._dropped = watch, dropped

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        # To isinstance() it is what LiteLLM's own Router returns.
        return LITELLMS_OWN

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_opened"].source, name)

    @property
    def usage_reported(self) -> Any:
        """The tokens as LiteLLM's chunks report them, if any did."""
        return self._opened.usage

    @property
    def exchange(self) -> Exchange:
        return self._opened.exchange

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        if self._opened.ahead:
            return self._opened.ahead.popleft()
        try:
            chunk = await self._next()
        except StopAsyncIteration:
            if self._opened.is_cut:
                cut = self._cut()
                await self._end(cut)
                raise cut from None
            await self._end(None)
            raise
        except _MID_STREAM as error:
            await self._end(error)
            raise self._late_or(error.original_exception or error) from error
        except BaseException as error:
            await self._end(error)
            if isinstance(error, Exception) and (told := self._late_or(error)) is not error:
                raise told from error
            raise
        await self._watch()
        return chunk

    async def _next(self) -> Any:
        """The next chunk. Those that hold nothing of the answer, such as a ping, do not end the wait for one."""
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(self._left) as limit:
                chunk = await anext(self._opened)
        except TimeoutError:
            if not limit.expired():
                raise
            raise self._late() from None
        self._left = self._patience if carries_content(chunk) else max(0.0, self._left - (clock() - began))
        return chunk

    def _late(self) -> Exception:
        model = str(getattr(self._opened.source, "model", None) or "")
        told = f"nothing more of the answer came for {self._patience:g} s"
        return exceptions.Timeout(message=told, model=model, llm_provider=self.exchange.provider)

    def _late_or(self, error: Exception) -> Exception:
        """The error; a time-out where that was behind it: LiteLLM calls some a broken connection (1.84)."""
        late = not isinstance(error, exceptions.Timeout) and any(isinstance(each, LATE) for each in causes(error))
        return self._late() if late else error

    def _cut(self) -> Exception:
        model = str(getattr(self._opened.source, "model", None) or "")
        error = exceptions.APIConnectionError(
            message="the answer broke off before its end", llm_provider=self.exchange.provider, model=model
        )
        error.__cause__ = CutStream("the stream ended without saying that it is complete")
        return error

    async def aclose(self) -> None:
        """End the stream early; what it used so far is settled."""
        try:
            await self._opened.aclose()
        finally:
            await self._end(Abandoned())

    async def _end(self, error: BaseException | None) -> None:
        ended, self._ended = self._ended, None
        if ended is not None:
            await ended(self, error)

    def __del__(self) -> None:
        ended, self._ended = self.__dict__.get("_ended"), None
        if ended is not None:
            self._dropped.submit_quietly(ended(self, Abandoned()))


class SyncStream:
    """A stream read from synchronous code; its chunks come from the background loop."""

    def __init__(self, stream: Stream, background: BackgroundLoop) -> None:
        self._stream, self._background = stream, background

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return LITELLMS_OWN

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


def carries_content(chunk: Any) -> bool:
    """Whether a chunk holds something of an answer."""
    deltas = [getattr(choice, "delta", None) for choice in getattr(chunk, "choices", None) or ()]
    return any(getattr(delta, part, None) for delta in deltas for part in CONTENT)


def empty_answer(provider: str, model: str) -> Exception:
    error = exceptions.ServiceUnavailableError("the provider's answer has nothing in it", provider, model)
    error.__cause__ = EmptyAnswer("no content, no call of a tool, and no reason for that")
    return error


def is_empty(reply: Any, exchange: Exchange) -> bool:
    """Whether a whole chat answer that came over the wire holds nothing, and does not say why."""
    if exchange.status is None:
        return False
    choices = getattr(reply, "choices", None)
    if not choices or (exchange.provider in GEMINI and b'"MALFORMED_FUNCTION_CALL"' in (exchange.answer or b"")):
        return True
    for choice in choices:
        told = getattr(choice, "message", None)
        if getattr(choice, "finish_reason", None) in REASONS_FOR_NOTHING or any(
            getattr(told, part, None) for part in (*CONTENT, "refusal", "thinking_blocks")
        ):
            return False
    return True
