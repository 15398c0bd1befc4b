"""The fast way: chats whose request and answer were learned from LiteLLM's own, sent without it.

The public way asks LiteLLM to prepare every request and to read every answer, which is most of a request's time. Here
the first two chats of a kind go the public way over the wire, and are recorded. Where both show the same request around
their messages, and LiteLLM's own reading of an answer's bytes gives the answer that the public way gave, later chats of
the kind are sent from the template. What comes back unlike anything proven, errors first of all, is handed to LiteLLM
with the public way on an in-process connection that plays the answer. Every few seconds one chat of each kind goes the
public way again, and what it shows must still hold. Whatever is not known to be harmless means the public way.
"""

import json
import re
import threading
import time
from collections.abc import Mapping
from contextvars import ContextVar
from functools import partial
from hashlib import blake2b
from typing import Any, Final, NamedTuple, cast

import httpx
import litellm

from router_config.forks import taken_for_forks
from router_config.transport import endpoints
from router_config.transport.clients import Clients, WatchedHandler, WatchedSDK
from router_config.transport.exchange import Exchange, Recording
from router_config.transport.fast import listeners
from router_config.transport.fast.answers import Answers, Unlike
from router_config.transport.fast.litellm_settings import Settings
from router_config.transport.fast.templates import LASTS, SHAPES, SHORTEST_KEY, Kind, Template, shape_of, template_of

KINDS: Final = 1000
"""Kinds of chats that are remembered; an agent with a new seed for each request has no end of them."""

CHARACTERS: Final = 4_000_000
"""Characters of templates that are remembered, of all kinds together."""

MODEL_PARAMS: Final = frozenset(
    {
        "temperature", "top_p", "top_k", "n", "stop", "max_tokens", "max_completion_tokens", "presence_penalty",
        "frequency_penalty", "logit_bias", "user", "response_format", "seed", "tools", "tool_choice",
        "parallel_tool_calls", "logprobs", "top_logprobs", "reasoning_effort", "verbosity", "service_tier",
        "safety_identifier", "prompt_cache_key", "extra_headers",
    }
)  # fmt: skip
"""Arguments that a provider gets. Others count as such where they stand in the request under their own name."""

NEUTRAL: Final = frozenset(
    {
        "model", "messages", "metadata", "model_info", "api_key", "api_base", "base_url", "timeout", "stream",
        "custom_llm_provider", "organization", "max_retries", "_skip_mcp_handler",
    }
)  # fmt: skip
"""Arguments that say whom to ask, or are for callbacks alone."""

OF_ONE_REQUEST: Final = frozenset({"messages", "metadata", "model_info", "api_key"})
OF_THE_DECORATOR: Final = frozenset({"metadata", "litellm_call_id", "success_callback"})
"""What LiteLLM's decorator changes in any request."""

KEYS_IN_JSON: Final = re.compile(
    rb'(?<!\\)"(?:(\w*[rR]eason)"\s*:\s*("[^"]*"|null)|([A-Za-z_][\w-]*)"\s*:\s*(["{\[ntf]?))'
)
"""What of an answer decides how it is read: its keys, the kind of each one's value, and why it ended."""

_PLAYED: Final[ContextVar[httpx.Response | Exception | None]] = ContextVar("router_config_played", default=None)


class Name(NamedTuple):
    """What tells one kind of chats from others: a digest of whom and what is asked, and whether somebody listens."""

    digest: bytes
    listened: bool


class FastWay:
    """The kinds of chats of one Router."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._kinds: dict[Name, Kind] = {}
        self._lock = taken_for_forks(threading.Lock())
        self._settings: Settings | None = None
        self._original = litellm.acompletion
        self._player: WatchedHandler | None = None
        self._in_use = False

    @property
    def in_use(self) -> bool:
        """Whether a chat went this way."""
        return self._in_use

    @property
    def why(self) -> str | None:
        """What was not proven of the chats that were learned from."""
        return next((each.why for each in self._kinds.values() if each.why is not None), None)

    def takes(self, asked: Mapping[str, Any]) -> Name | None:
        """The kind of a chat that may go this way; None for one that may not."""
        if asked.get("stream") or litellm.acompletion is not self._original or not _is_plain(self._original):
            return None
        if self._settings is None:
            self._settings = Settings()
        if (seen := self._settings.seen()) is None:
            return None
        listened, shaping = seen
        shared = {name: value for name, value in asked.items() if name not in OF_ONE_REQUEST}
        try:
            text = json.dumps([shared, shaping, _short(asked.get("api_key"))])
            return Name(blake2b(text.encode(), digest_size=16).digest(), listened)
        except (TypeError, ValueError):  # A class for the answer's format, say.
            return None

    def find(self, kind: Name, messages: Any) -> tuple[Kind, Template] | None:
        """What is proven for a chat of this kind."""
        known = self._kinds.get(kind)
        if known is None or (kind.listened and (known.told is None or known.told.off)):
            return None
        template = known.template(messages, time.monotonic())
        return None if template is None else (known, template)

    async def ask(self, kind: Kind, template: Template, asked: dict[str, Any], exchange: Exchange) -> Any:
        """Ask from the template. Raises LiteLLM's errors."""
        self._in_use = True
        if kind.told is None:
            return await self._ask(kind, template, exchange, asked, None)
        told = kind.told
        if not told.proven:
            asked = {**asked, "success_callback": [listeners.callback(partial(listeners.prove, told))]}
        return await listeners.ask(partial(self._ask_listened, kind, template, exchange, asked), told, asked)

    async def _ask_listened(
        self,
        kind: Kind,
        template: Template,
        exchange: Exchange,
        asked: Mapping[str, Any],
        given: Mapping[str, Any],
        listener: Any,
    ) -> Any:
        """The same within LiteLLM's decorator, whose hooks may have changed what is asked."""
        changed = any(
            (told := given.get(name)) is not value and told != value
            for name, value in asked.items()
            if name not in OF_THE_DECORATOR
        )
        if changed:
            return await listeners.unwrapped()(**given)
        listener.pre_call(
            input=given["messages"],
            api_key=given.get("api_key"),
            additional_args={"api_base": template.url, "complete_input_dict": {"messages": given["messages"]}},
        )
        return await self._ask(kind, template, exchange, given, listener)

    async def _ask(
        self, kind: Kind, template: Template, exchange: Exchange, asked: Mapping[str, Any], listener: Any
    ) -> Any:
        began = time.monotonic()
        url, headers = template.address(asked.get("api_key"))
        content = template.body(asked["messages"])
        exchange.sent = False
        try:
            response = await self._clients.send(asked["timeout"], template.method, url, headers, content)
        except httpx.HTTPError as error:
            return await self._play(error, asked, exchange, listener)
        seconds = time.monotonic() - began
        if listener is not None:
            listener.model_call_details["llm_api_duration_ms"] = seconds * 1000
            if kind.told is not None and "response_headers" in kind.told.names[0]:
                listener.model_call_details["response_headers"] = dict(response.headers)
        if response.status_code == 200 and kind.answers is not None:
            seen = frozenset(KEYS_IN_JSON.findall(response.content))
            if seen in kind.proven:
                try:
                    return kind.answers.read(response, asked, exchange.headers, seconds, listener)
                except Unlike:
                    pass
            reply = await self._play(response, asked, exchange, listener)
            self._prove(kind, seen, response, reply, asked)
            return reply
        return await self._play(response, asked, exchange, listener)

    def listening(self, kind: Name, asked: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a chat that goes the public way, with a callback of ours where others listen."""
        if not kind.listened or listeners.wrapped() is None:
            return asked

        def learn(told: Mapping[str, Any]) -> None:
            known = self._kinds.get(kind)
            if known is not None and known.told is None:
                known.told = listeners.learn(told)

        return {**asked, "success_callback": [listeners.callback(learn)]}

    def learn(self, kind: Name, asked: Mapping[str, Any], provider: str, recording: Recording, reply: Any) -> None:
        """Learn from a chat that went the public way, or find that what was learned no longer holds."""
        shape = shape_of(asked["messages"])
        if shape is None or recording.requests != 1 or recording.status != 200:
            return
        template = template_of(recording, asked["messages"], asked.get("api_key"))
        with self._lock:
            known = self._kinds.get(kind)
            if known is None:
                self._make_room(KINDS - 1)
                known = self._kinds[kind] = Kind()
        if template is None or not self._are_known(asked, template):
            known.why = "the request does not show where its messages and parameters went"
            known.forget(shape)
            return
        agreed = known.show(shape, template)
        known.held = known.characters()
        with self._lock:
            self._make_room(KINDS)
        if agreed is None:
            known.why = "no two requests were the same around their messages"
            return
        response = _response(recording)
        if known.answers is None:
            known.answers = Answers.like(asked, provider, reply, response)
        seen = frozenset(KEYS_IN_JSON.findall(response.content))
        if self._prove(known, seen, response, reply, asked):
            known.why = None
            known.trust(shape, agreed, time.monotonic() + LASTS)
        else:
            known.why = "the answer is not read as LiteLLM reads it"
            known.forget(shape)

    def _make_room(self, most: int) -> None:
        """Forget the kinds that were learned first, where there are more than that or too much is held of them."""
        held = sum(each.held for each in self._kinds.values())
        while self._kinds and (len(self._kinds) > most or held > CHARACTERS):
            held -= self._kinds.pop(next(iter(self._kinds))).held

    def _prove(self, kind: Kind, seen: frozenset[Any], response: httpx.Response, reply: Any, asked: Any) -> bool:
        """Whether our reading of these bytes is LiteLLM's."""
        if kind.answers is None or not kind.answers.agree(response, asked, reply):
            kind.proven.discard(seen)
            return False
        if len(kind.proven) >= SHAPES:
            kind.proven.clear()
        kind.proven.add(seen)
        return True

    @staticmethod
    def _are_known(asked: Mapping[str, Any], template: Template) -> bool:
        """Whether every argument is one that we know, or went to the provider under its own name."""
        unset = (None, False)  # LiteLLM's Router adds its own parameters to a deployment's, switched off.
        unknown = [
            name
            for name, value in asked.items()
            if name not in MODEL_PARAMS and name not in NEUTRAL and not any(value is each for each in unset)
        ]
        if not unknown:
            return True
        whole = "null".join(template.parts)
        return all(f"{json.dumps(name)}: {json.dumps(asked[name], ensure_ascii=False)}" in whole for name in unknown)

    async def _play(
        self, answer: httpx.Response | Exception, asked: Mapping[str, Any], exchange: Exchange, listener: Any
    ) -> Any:
        """Have LiteLLM read an answer, or map an error, that came already."""
        function = endpoints.function("acompletion") if listener is None else listeners.unwrapped()
        token = _PLAYED.set(answer)
        try:
            return await function(**asked, client=self._played_client(exchange))
        finally:
            _PLAYED.reset(token)

    def _played_client(self, exchange: Exchange) -> Any:
        if self._player is None:
            self._player = WatchedHandler()
            self._player.client = httpx.AsyncClient(transport=httpx.MockTransport(_played))
        kinds = self._clients.kinds(exchange.provider, "acompletion")
        if kinds and kinds[0] == "sdk":
            return WatchedSDK(api_key="played", base_url="http://played", http_client=cast(Any, self._player.client))
        return self._player


def _played(request: httpx.Request) -> httpx.Response:
    answer = _PLAYED.get()
    if isinstance(answer, Exception):
        raise answer
    if answer is None:
        raise httpx.ConnectError("nothing is played here", request=request)
    return httpx.Response(
        answer.status_code, headers=_plain_headers(answer.headers.raw), content=answer.content, request=request
    )


def _response(recording: Recording) -> httpx.Response:
    return httpx.Response(
        recording.status,
        headers=_plain_headers(recording.answer_headers),
        content=recording.answer,
        request=httpx.Request(recording.method, recording.url),
    )


def _plain_headers(headers: Any) -> list[tuple[bytes, bytes]]:
    """Without those that tell how the body was sent: it is here, decoded."""
    left = (b"content-encoding", b"content-length", b"transfer-encoding")
    return [(name, value) for name, value in headers if name.lower() not in left]


def _short(key: Any) -> Any:
    """A key that is too short to be found in a request makes a kind of its own."""
    return key if key is None or len(str(key)) < SHORTEST_KEY else True


def _is_plain(function: Any) -> bool:
    return str(getattr(function, "__module__", "")).startswith("litellm.")
