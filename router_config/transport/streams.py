"""Streams that settle: on their end, on an error, on `aclose()`, and when they are dropped half-read.

They are those of every endpoint: chats, texts, Responses, and the bytes of Anthropic's and Gemini's own.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, Self

import aiohttp
import httpx
import litellm
import openai
from litellm import exceptions

from router_config.transport.background_loop import BackgroundLoop
from router_config.transport.errors.error_chain import causes
from router_config.transport.exchange import Exchange
from router_config.transport.messages.contents import (
    FILTERED,
    REASONS_FOR_NOTHING,
    carries_content,
    empty_answer,
    ends,
    usage_of,
)

Ended = Callable[["Stream", BaseException | None], Awaitable[None]]
"""Called once when a stream has ended: with None at its natural end, else with what ended it."""

LITELLMS_OWN: Final[type] = litellm.CustomStreamWrapper
"""What LiteLLM's own Router returns for a chat."""

NEARLY: Final = 0.9
"""Part of a time-out: LiteLLM's own may come a little before ours, and not be told (1.106.2)."""

LATE: Final = (httpx.TimeoutException, exceptions.Timeout, openai.APITimeoutError, TimeoutError)
"""Errors of a request that took too long."""

_MID_STREAM: Final = getattr(exceptions, "MidStreamFallbackError", ())
_OF_CLIENTS: Final = (httpx.HTTPError, aiohttp.ClientError)
"""What LiteLLM passes on as it is, outside of chats."""


class Abandoned(Exception):
    """The caller closed or dropped a stream before its end."""


class CutStream(Exception):
    """A stream that ended before it was complete; some LiteLLM make a finished answer of it (1.84, 1.108)."""


class EmptyStream(Exception):
    """A stream that ended without a word and without saying why; LiteLLM makes a finished answer of it (1.106.2)."""


class Opened:
    """A stream of LiteLLM's that has begun to come: its first chunks are fetched, so that it can be refused until then.

    chat: whether its chunks are those of a chat. wants_usage: whether the caller asked for the chunk that reports the
    tokens; we ask for it where that can be.
    """

    def __init__(self, source: Any, exchange: Exchange, *, chat: bool, wants_usage: bool) -> None:
        self.source, self.exchange, self.wants_usage = source, exchange, wants_usage
        self.chat = chat
        hidden = getattr(source, "_hidden_params", None)
        self.hidden: dict[str, Any] = hidden if isinstance(hidden, dict) else {}
        self.ahead: deque[Any] = deque()
        self.usage: Any = None
        self._finished = False
        self._reason: str | None = None
        self._calls = False

    @property
    def has_content(self) -> bool:
        """Whether something of an answer has come."""
        return any(map(carries_content, self.ahead))

    @property
    def was_filtered(self) -> bool:
        """Whether a filter took the whole answer."""
        return self._reason == FILTERED and not self.has_content

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
        if self.chat and self._reason not in REASONS_FOR_NOTHING:
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
            chunk = await self._fetched()
            usage = usage_of(chunk)
            if usage is not None:
                self.usage = usage
            choices = getattr(chunk, "choices", None) or ()
            for choice in choices:
                self._reason = getattr(choice, "finish_reason", None) or self._reason
                self._calls = self._calls or bool(getattr(getattr(choice, "delta", None), "tool_calls", None))
            last = ends(chunk)
            self._finished = self._finished or last
            if usage is None or self.wants_usage:
                return chunk
            if last or carries_content(chunk):
                chunk.usage = None
                return chunk

    async def _fetched(self) -> Any:
        try:
            return await anext(self.source)
        except _MID_STREAM as error:
            raise error.original_exception or error from error
        except ImportError as error:
            # LiteLLM's own record of the stream failed, for a package that it does not ask for (1.110).
            true = next((each for each in causes(error) if not isinstance(each, ImportError)), None)
            if true is not None:
                raise true from None
            if self.exchange.finished is None:
                raise
            raise StopAsyncIteration from None

    async def aclose(self) -> None:
        """Give the connection back. Not all of LiteLLM's streams can be closed: texts cannot, nor Responses of 1.84."""
        close, wire = getattr(self.source, "aclose", None), self.exchange.close
        self.exchange.close = None
        try:
            if close is not None:
                with suppress(ImportError):
                    await close()
        finally:
            if wire is not None:
                await wire()


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
        self.waited = 0.0
        self._watch, self._dropped = watch, dropped

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        # To isinstance() it is what LiteLLM's own Router returns.
        opened = self.__dict__["_opened"]
        return LITELLMS_OWN if opened.chat else type(opened.source)

    @property
    def _hidden_params(self) -> dict[str, Any]:
        return self._opened.hidden

    @property
    def was_filtered(self) -> bool:
        """Whether a filter took the whole answer."""
        return self._opened.was_filtered

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
            await self._end(None)
            raise
        except BaseException as error:
            await self._end(error)
            if isinstance(error, Exception) and (told := self._presented(error)) is not error:
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
        except StopAsyncIteration:
            if not self._opened.is_cut:
                raise
            if self.exchange.late or clock() - began >= self._left * NEARLY:  # LiteLLM keeps some errors to itself.
                raise self._late() from None
            told = "the stream ended without saying that it is complete"
            raise self._broken("the answer broke off before its end") from CutStream(told)
        self.waited += clock() - began
        self._left = self._patience if carries_content(chunk) else max(0.0, self._left - (clock() - began))
        return chunk

    @property
    def _model(self) -> str:
        return str(getattr(self._opened.source, "model", None) or "")

    def _late(self) -> Exception:
        told = f"nothing more of the answer came for {self._patience:g} s"
        return exceptions.Timeout(message=told, model=self._model, llm_provider=self.exchange.provider)

    def _presented(self, error: Exception) -> Exception:
        """As an error of LiteLLM's; a time-out where one was behind it: LiteLLM calls some a broken connection."""
        if not isinstance(error, exceptions.Timeout) and any(isinstance(each, LATE) for each in causes(error)):
            return self._late()
        return self._broken(str(error)) if isinstance(error, _OF_CLIENTS) else error

    def _broken(self, told: str) -> Exception:
        return exceptions.APIConnectionError(message=told, llm_provider=self.exchange.provider, model=self._model)

    async def aclose(self) -> None:
        """End the stream early; what it used so far is settled."""
        try:
            await self._opened.aclose()
        finally:
            await self._end(Abandoned())

    async def _end(self, error: BaseException | None) -> None:
        ended, self._ended = self._ended, None
        self.exchange.close = None
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
        return self.__dict__["_stream"].__class__  # type: ignore[no-any-return]

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
