"""Router: a litellm.Router that chooses by what is left of every limit.

A request becomes candidates, one of which is reserved; it is called; a verdict says what a failure means; the
reservation is settled with what was really used. All of it happens in `make_call`, LiteLLM's one choke point of every
endpoint, synchronous or not.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import litellm
from litellm.exceptions import BadRequestError
from litellm.router import Router as LiteLLMRouter

from router_config.clock import Clock, Moments, SystemClock, boot_id
from router_config.config import loading
from router_config.config.models import Config, reveal
from router_config.deployments.catalog import Catalog, Group
from router_config.deployments.model_list import generate
from router_config.ledger.interfaces import Store
from router_config.ledger.opening import open_store
from router_config.ledger.rules.gates import Need
from router_config.routing.decision import decided_by
from router_config.routing.errors import NoProviderAvailable
from router_config.routing.estimate import need_of
from router_config.routing.event_loop_lag import Pulse
from router_config.routing.inspection import Inspection
from router_config.routing.refusals import lies_in_the_request, refusal
from router_config.routing.request import CURRENT, ROUTE_KEY, Flight, Request, Tried, agent_of
from router_config.routing.reservation import Reserving
from router_config.routing.settlement import Settling
from router_config.status.explanation import absent_from
from router_config.transport import direct
from router_config.transport.background_loop import BackgroundLoop
from router_config.transport.callbacks import hear_synchronous_callbacks
from router_config.transport.prepared import PreparedCalls
from router_config.transport.quirks import quieten
from router_config.transport.streams import SettlingStream, SyncStream, carries_content, until_content
from router_config.transport.wire import Wire

T = TypeVar("T")

GRACE: Final = 1.0
"""Seconds past its timeout after which an attempt is cut off, where LiteLLM does not heed the timeout."""


class Router(Inspection, LiteLLMRouter):
    """Routes each request to the first deployment, by priority, with room in all of its windows.

    Takes what `litellm.Router` takes; priority and limits are read from each deployment's `model_info`. Besides:
    state: where counts are kept (`memory://`, `sqlite:///path`). cooldown: seconds that a failing provider is left
    alone. soft_limit: share of a daily limit past which others are preferred. max_wait: seconds that a request may
    wait for room. output_tokens: expected answer to a request without max_tokens. clock: for tests and planning.

    Raises StoreError when the store cannot be opened.
    """

    def __init__(
        self,
        model_list: list[dict[str, Any]] | None = None,
        *,
        state: str = "memory://",
        cooldown: float = 300.0,
        soft_limit: float = 0.95,
        max_wait: float = 0.0,
        output_tokens: int = 500,
        clock: Clock | None = None,
        config: Config | None = None,
        simulated: bool = False,
        **settings: Any,
    ) -> None:
        self.config = config
        self.simulated = simulated
        self._soft_limit = soft_limit
        self._max_wait, self._output_tokens = max_wait, output_tokens
        self._clock: Clock = clock or SystemClock()
        self._store: Store = open_store(state)
        if isinstance(self._clock, SystemClock):
            self._clock.follow(self._store.boot_epoch(boot_id(), self._clock.boot_epoch))
        self._wire, self._pulse, self._prepared = Wire(self._clock), Pulse(), PreparedCalls()
        self._background = BackgroundLoop("router-config")
        moments = Moments(self._clock)
        self._reserving = Reserving(self._store, self._clock, moments)
        self._settling = Settling(
            self._store,
            self._clock,
            moments,
            self._background,
            cooldown,
            self._reserving.room_came_free,
            lambda deployment: self.catalog.serves_one_model(deployment),
        )
        self._requests = count()
        self._catalog: Catalog | None = None
        self._shown = None
        self._loaded_at = self._clock.now()
        quieten()
        settings = {"num_retries": 0, "disable_cooldowns": True, **settings}
        super().__init__(model_list=[_ours(entry) for entry in model_list or []], **settings)
        self._unhook()
        self._store.register_meters(self.catalog.meters)

    @classmethod
    def from_yaml(
        cls,
        path: str | Path = "litellm.yaml",
        *,
        env: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        simulated: bool = False,
        **settings: Any,
    ) -> Self:
        """The router of a litellm.yaml. `env` replaces the environment; `settings` go to litellm.Router.

        Raises ConfigError, with file, line and column, when the file cannot be used.
        """
        config = loading.load_config(path, env)
        for name, value in reveal(config.litellm_settings).items():
            setattr(litellm, name, value)
        generated = generate(config)
        return cls(
            generated.model_list,
            state=config.state,
            cooldown=config.defaults.cooldown,
            soft_limit=config.defaults.soft_limit,
            max_wait=config.defaults.max_wait,
            output_tokens=config.defaults.output_tokens,
            clock=clock,
            config=config,
            simulated=simulated,
            **{**generated.settings, **settings},
        )

    # The heart: request -> candidates -> reserve -> call -> verdict -> settle.

    async def make_call(self, original_function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Answer one request: reserve room, call, and on a provider's failure go on with the next candidate."""
        request = self._request(kwargs)
        if request is None:
            return await super().make_call(original_function, *args, **kwargs)
        tried = Tried()
        failure: Exception | None = None
        while True:
            flight = await self._reserving.reserve(request, tried)
            if flight is None:
                raise await self._refusal(request, tried, failure) from failure
            try:
                reply = await self._call(flight, original_function, args, dict(kwargs))
            except Exception as error:
                verdict = await self._settling.failed(flight, error)
                if verdict is None or not verdict.retry:
                    raise
                failure = error
            except BaseException as error:
                await self._settling.broken_off(flight, error)
                raise
            else:
                return await self.set_response_headers(reply, request.model, kwargs)

    def _request(self, kwargs: dict[str, Any]) -> Request | None:
        max_wait = kwargs.pop("max_wait", self._max_wait)
        despite_rests = kwargs.pop("despite_rests", False)
        model = kwargs.get("model")
        group = self._group(model) if isinstance(model, str) else None
        if group is None:
            return None
        need, now, agent = need_of(kwargs, self._output_tokens), self._clock.now(), agent_of(kwargs)
        return Request(group.name, group, need, now, now + max_wait, next(self._requests), despite_rests, agent)

    async def _refusal(self, request: Request, tried: Tried, failure: Exception | None) -> Exception:
        """The error of a request that no candidate can take: its own failure where the request is at fault."""
        deployments, now = request.group.deployments, self._clock.now()
        examined = await self._store.explain(deployments, request.need, now)
        if failure is None or not lies_in_the_request(tried.attempts, examined):
            absent = self._absent(request.group.name)
            failure = refusal(request.model, deployments, examined, tried.attempts, absent, now)
        await self._store.record(decided_by(failure, request, tried, now), now)
        return failure

    def _absent(self, group: str) -> dict[str, str]:
        """The group's providers that the configuration leaves out, and why."""
        return {name: reason for name, (_, reason) in absent_from(self.config, group).items()}

    async def _call(
        self,
        flight: Flight,
        original_function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """One HTTP request at the reserved deployment. A stream comes back with its first content fetched."""
        timeout = self._timeout(flight, kwargs)
        name = flight.call = getattr(original_function, "__name__", "")
        if kwargs.get("client") is None:
            client = self._wire.client_for(flight, name, timeout)
            if client is not None:
                kwargs["client"], flight.sent = client, False
        wants_usage = (kwargs.get("stream_options") or {}).get("include_usage") is True
        if kwargs.get("stream") is True and name == "_acompletion" and flight.sent is not None:
            kwargs["stream_options"] = {**(kwargs.get("stream_options") or {}), "include_usage": True}
        if name == "_acompletion" and not any(_is_mcp(tool) for tool in kwargs.get("tools") or ()):
            kwargs["_skip_mcp_handler"] = True  # LiteLLM imports the mcp package for any tool, and fails without it.
        token, flight.stood_still = CURRENT.set(flight), self._pulse.watch(timeout)
        try:
            async with asyncio.timeout(timeout + GRACE):
                reply = await self._invoke(original_function, args, kwargs)
                ahead = await until_content(reply) if isinstance(reply, litellm.CustomStreamWrapper) else None
        finally:
            CURRENT.reset(token)
        begun = ahead is not None and any(carries_content(chunk) for chunk in ahead)
        if not begun and (inside := self._settling.error_inside(flight)) is not None:
            raise inside
        if ahead is not None:
            reply.send_stream_usage = wants_usage
            return self._stream(flight, reply, ahead)
        await self._settling.succeeded(flight, reply)
        return reply

    async def _invoke(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if asyncio.iscoroutinefunction(function):
            return await function(*args, **kwargs)
        reply = await asyncio.to_thread(function, *args, **kwargs)
        return await reply if asyncio.iscoroutine(reply) else reply

    def _stream(self, flight: Flight, stream: Any, ahead: Any) -> SettlingStream:
        stream._hidden_params[ROUTE_KEY] = self._settling.route(flight)
        watch = partial(self._settling.renew, flight)
        return SettlingStream.adopt(
            stream, ahead, partial(self._settling.stream_ended, flight), watch, self._background
        )

    # A chat that uses nothing of LiteLLM's wrappers goes past them.

    async def acompletion(self, model: str, messages: list[Any], stream: bool = False, **kwargs: Any) -> Any:
        group = self._group(model)
        known = group is not None and not direct.PROVIDERS.isdisjoint(group.litellm_providers)
        if not known or not direct.takes_request(self, messages, kwargs):
            return await super().acompletion(model, messages, stream=stream, **kwargs)
        metadata = {**(kwargs.pop("metadata", None) or {}), "model_group": model}
        call = {"model": model, "messages": messages, "stream": stream, "metadata": metadata, **kwargs}
        return direct.with_headers(await self.make_call(self._acompletion, **call))

    async def _acompletion(self, model: str, messages: list[Any], **kwargs: Any) -> Any:
        flight = CURRENT.get()
        if flight is None or not direct.takes_call(flight, kwargs):
            return await super()._acompletion(model, messages, **kwargs)
        timeout = self._get_timeout(kwargs=kwargs, data=flight.entry["litellm_params"])
        return await direct.complete(flight, {**kwargs, "messages": messages, "timeout": timeout}, self._prepared)

    async def _acompletion_streaming_iterator(self, model_response: Any, *_: Any, **__: Any) -> Any:
        """LiteLLM would wrap the stream in fallbacks of its own; `_call` needs it as it is."""
        return model_response

    # Where LiteLLM asks for a deployment, it gets the one that was reserved.

    async def async_get_available_deployment(self, model: str, *args: Any, **kwargs: Any) -> Any:
        flight = CURRENT.get()
        return flight.entry if flight is not None else self._peek(model, await self._rooms(model))

    def get_available_deployment(self, model: str, *args: Any, **kwargs: Any) -> Any:
        flight = CURRENT.get()
        return flight.entry if flight is not None else self._peek(model, self._background.run(self._rooms(model)))

    async def _rooms(self, model: str) -> dict[str, float]:
        group = self._group(model)
        if group is None:
            return {}
        rooms = await self._store.rooms(group.deployments, Need(1, 1), self._clock.now())
        return {each.id: room for each, room in zip(group.deployments, rooms, strict=True)}

    def _peek(self, model: str, rooms: dict[str, float]) -> Any:
        """The deployment that would be asked, for callers who only look: nothing is reserved."""
        group = self._group(model)
        first = next((each for each in rooms if rooms[each] >= 1), None)
        if group is None:
            raise BadRequestError(f"no group, alias or deployment is called {model!r}", model, "")
        if first is None:
            raise NoProviderAvailable(model, None, {}, ())
        return group.entries[first]

    def get_model_from_alias(self, model: str) -> str | None:
        alias: str | None = super().get_model_from_alias(model)
        if alias is None and self.config is not None and self.catalog.group(model) is None:
            return self.config.aliases.get("*")
        return alias

    def _group(self, model: str) -> Group | None:
        alias = self.get_model_from_alias(model)
        name = alias if alias is not None else model
        group = self.catalog.group(name)
        if group is None and self.config is not None and name in self.config.groups:
            return Group(name, (), {})  # Everyone who serves it lacks a key.
        return group

    @property
    def catalog(self) -> Catalog:
        """The deployments by group; made anew after LiteLLM changed its model list, or the wall clock was set."""
        if self._catalog is None or self._catalog.correction != self._clock.correction:
            self._catalog = Catalog(self.model_list, self._soft_limit, self._clock.correction)
            self._store.register_meters(self._catalog.meters)
        return self._catalog

    def _invalidate_model_group_info_cache(self) -> None:
        # LiteLLM calls this at every change of its model list (1.106.2).
        super()._invalidate_model_group_info_cache()
        self._catalog = None

    def _unhook(self) -> None:
        """Take out LiteLLM's own usage counting, a third of its Router's time (1.106.2); the ledger counts."""
        remove = litellm.logging_callback_manager.remove_callback_from_list_by_object
        for callbacks in (
            litellm.success_callback,
            litellm._async_success_callback,
            litellm.failure_callback,
            litellm._async_failure_callback,
        ):
            remove(callbacks, self)  # type: ignore[no-untyped-call]

    async def get_remaining_model_group_usage(self, model_group: str) -> dict[str, int]:
        """Nothing, for LiteLLM's counts of usage are not kept; `status()` has what remains."""
        return {}

    def _timeout(self, flight: Flight, kwargs: dict[str, Any]) -> float:
        timeout = self._get_timeout(kwargs=kwargs, data=flight.entry["litellm_params"])
        return float(timeout) if isinstance(timeout, (int, float)) else float(self.timeout)

    # Synchronous calls run on one background loop, through the same code.

    def completion(self, model: str, messages: list[Any], **kwargs: Any) -> Any:
        return self._synchronously(self.acompletion(model=model, messages=messages, **kwargs))

    def text_completion(self, model: str, prompt: str, *_: bool | None, **kwargs: Any) -> Any:
        return self._synchronously(self.atext_completion(model=model, prompt=prompt, **kwargs))

    def embedding(self, model: str, input: str | list[Any], *_: bool | None, **kwargs: Any) -> Any:
        return self._synchronously(self.aembedding(model=model, input=input, **kwargs))

    def function_with_fallbacks(self, *args: Any, **kwargs: Any) -> Any:
        return self._synchronously(self.async_function_with_fallbacks(*args, **kwargs))

    def _synchronously(self, work: Coroutine[Any, Any, T]) -> T | SyncStream:
        hear_synchronous_callbacks()
        reply = self._background.run(work)
        return SyncStream(reply, self._background) if isinstance(reply, SettlingStream) else reply

    async def wake(self, deployment: str) -> None:
        """End the rests of a deployment's provider, account, key and model: it was seen to work again."""
        for scope in self.catalog.deployments[deployment].scopes:
            await self._store.end_cooldown(scope)

    def close(self) -> None:
        """Settle what is abandoned, close the store, the connections and the background thread."""
        self._background.run(self._close())
        self._background.close()

    async def aclose(self) -> None:
        """`close()` for callers on an event loop; also closes that loop's connections."""
        await self._wire.aclose()
        await asyncio.to_thread(self.close)

    async def _close(self) -> None:
        await self._wire.aclose()
        await self._store.aclose()
        self.discard()  # type: ignore[no-untyped-call]


def _ours(entry: dict[str, Any]) -> dict[str, Any]:
    """A copy of a model list's entry with what the router decides by moved out of `litellm_params`."""
    params, info = dict(entry["litellm_params"]), dict(entry.get("model_info") or {})
    for theirs, ours in (("order", "priority"), ("rpm", "rpm"), ("tpm", "tpm")):
        value = params.pop(theirs, None)
        if value is not None:
            info.setdefault(ours, value)
    return {**entry, "litellm_params": params, "model_info": info}


def _is_mcp(tool: Any) -> bool:
    return isinstance(tool, Mapping) and tool.get("type") == "mcp"
