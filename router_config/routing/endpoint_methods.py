"""What a caller asks of a Router: LiteLLM's functions of those names, each asked at a deployment.

The kept answers and the fallbacks to other groups are around that.
"""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any

import litellm
from litellm import main as litellm_main

from router_config.routing import fallbacks
from router_config.routing.request import ROUTE_KEY, Route
from router_config.transport import endpoints, response_cache
from router_config.transport.background_loop import BackgroundLoop
from router_config.transport.callbacks import hear_synchronous_callbacks
from router_config.transport.held.litellm_router import HoldsLiteLLMRouter
from router_config.transport.messages.contents import is_filtered
from router_config.transport.streams import Stream, SyncStream


class Endpoints(HoldsLiteLLMRouter):
    """The part of a Router that is called. Its heart answers (`_serve`)."""

    _background: BackgroundLoop

    async def _serve(self, endpoint: str, asked: dict[str, Any]) -> Any:
        raise NotImplementedError

    async def _call(self, endpoint: str, asked: dict[str, Any]) -> Any:
        caches = litellm.cache is not None
        if caches and (kept := await response_cache.kept(endpoint, asked, self._settings)) is not None:
            kept._hidden_params[ROUTE_KEY] = Route("cache", asked["model"], ())
            return kept
        reply: Any = None
        failure: Exception | None = None
        try:
            if not fallbacks.MOCKED.keys().isdisjoint(asked):
                fallbacks.fail_if_mocked(asked)
            reply = await self._serve(endpoint, asked)
        except Exception as error:
            failure = error
        if failure is not None or is_filtered(reply):
            reply = await fallbacks.instead(reply, failure, partial(self._serve, endpoint), asked, self._settings)
        if caches:
            await response_cache.keep(endpoint, asked, self._settings, reply)
        return reply

    async def acompletion(  # type: ignore[override]
        self, model: str, messages: list[Any], stream: bool = False, **kwargs: Any
    ) -> Any:
        """An answer to a chat: LiteLLM's ModelResponse, or with `stream=True` a stream of its chunks.

        max_wait: seconds that this request may wait for room. Raises NoProviderAvailable, or LiteLLM's error where the
        request itself is at fault.
        """
        if stream:
            kwargs["stream"] = stream
        return await self._call("acompletion", {"model": model, "messages": messages, **kwargs})

    def completion(  # type: ignore[override]
        self, model: str, messages: list[Any], **kwargs: Any
    ) -> Any:
        """`acompletion` for synchronous callers."""
        return self._synchronously(self.acompletion(model=model, messages=messages, **kwargs))

    def text_completion(  # type: ignore[override]
        self, model: str, prompt: str, *_: bool | None, **kwargs: Any
    ) -> Any:
        return self._synchronously(self.atext_completion(model=model, prompt=prompt, **kwargs))

    def embedding(self, model: str, input: str | list[Any], *_: bool | None, **kwargs: Any) -> Any:
        return self._synchronously(self.aembedding(model=model, input=input, **kwargs))

    def __getattr__(self, name: str) -> Any:
        if name in endpoints.POSITIONAL or name in endpoints.ALSO_CALLED:
            return partial(self._named_call, endpoints.ALSO_CALLED.get(name, name))
        if name in endpoints.SYNCHRONOUS:
            return partial(self._synchronous_call, endpoints.SYNCHRONOUS[name])
        return super().__getattr__(name)

    @property
    def chat(self) -> Any:
        """`router.chat.completions.create(...)`, as of an OpenAI client."""
        return litellm_main.Chat(params=self._settings.get("default_litellm_params") or {}, router_obj=self)

    async def abatch_completion(self, models: list[str], messages: list[Any], **kwargs: Any) -> list[Any]:
        """One chat, or each of several, at each of several groups. An answer that failed is its exception."""
        several = bool(messages) and isinstance(messages[0], list)
        chats = messages if several else [messages]
        calls = [self.acompletion(model=model, messages=chat, **kwargs) for chat in chats for model in models]
        replies = await asyncio.gather(*calls, return_exceptions=True)
        if not several:
            return list(replies)
        return [list(replies[at : at + len(models)]) for at in range(0, len(replies), len(models))]

    async def abatch_completion_one_model_multiple_requests(
        self, model: str, messages: list[Any], **kwargs: Any
    ) -> list[Any]:
        """Several chats at one group. An answer that failed is its exception."""
        calls = [self.acompletion(model=model, messages=chat, **kwargs) for chat in messages]
        return list(await asyncio.gather(*calls, return_exceptions=True))

    async def abatch_completion_fastest_response(self, model: str, messages: list[Any], **kwargs: Any) -> Any:
        """The first answer of several groups, named with commas between; the others are cancelled, and settled."""
        names = [name.strip() for name in model.split(",")]
        waiting = {asyncio.create_task(self.acompletion(model=name, messages=messages, **kwargs)) for name in names}
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for each in done:
                    if each.exception() is None:
                        return each.result()
        finally:
            for each in waiting:
                each.cancel()
        raise RuntimeError("All tasks failed")

    async def _named_call(self, endpoint: str, *args: Any, **kwargs: Any) -> Any:
        return await self._call(endpoint, endpoints.named(endpoint, args, kwargs))

    def _synchronous_call(self, endpoint: str, *args: Any, **kwargs: Any) -> Any:
        return self._synchronously(self._named_call(endpoint, *args, **kwargs))

    def _synchronously(self, work: Coroutine[Any, Any, Any]) -> Any:
        """On one background loop, through the same code."""
        hear_synchronous_callbacks()
        reply: Any = self._background.run(work)
        return SyncStream(reply, self._background) if type(reply) is Stream else reply
