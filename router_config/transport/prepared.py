"""What LiteLLM makes of a chat before it hands it to the provider's code, kept for chats that differ in words alone.

`litellm.completion` looks up the provider, its address and what the model supports, and translates every parameter,
for each request anew: two fifths of a whole request's CPU (1.106.2). The first chats of a kind go that way, and what
arrives at the provider's handler is noted; those after them go to the handler straight away.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Any, Final

import litellm
from litellm import main
from litellm.litellm_core_utils.litellm_logging import Logging
from litellm.utils import validate_and_fix_openai_messages

LASTS: Final = 10.0
"""Seconds after which LiteLLM is asked anew: the environment, a price list or a class of its own may have changed."""

KEPT: Final = 1_000_000
"""Characters that the kinds held may have together."""

REMEMBERED: Final = 1000
"""Kinds that came once; an agent with a new seed for each request has no end of them."""

SETTINGS: Final = (
    "add_function_to_prompt", "api_base", "drop_params", "headers", "model_alias_map", "organization", "proxy_auth",
    "request_timeout", "route_all_chat_openai_to_responses", "vertex_location", "vertex_project",
)  # fmt: skip
"""Settings of the litellm module that decide what a request becomes; a change of them is heeded at once."""

OF_ONE_REQUEST: Final = frozenset({"messages", "metadata", "litellm_call_id", "model_info", "api_key", "client"})
"""What is given to LiteLLM for each request, and does not decide what its parameters become."""

DECISIVE_METADATA: Final = frozenset({"session_id", "trace_id"})
"""What LiteLLM reads in a request's metadata."""

_settings: Final[Callable[[Any], tuple[Any, ...]]] = attrgetter(*SETTINGS)


FRESH: Final = frozenset({"messages", "model_response", "logging_obj", "client", "litellm_params"})
"""A handler's arguments that are made for each request."""

GIVEN: Final = ("litellm_call_id", "metadata", "model_info", "api_key")
"""What LiteLLM passes on as it was given, among a request's `litellm_params`."""


class Template:
    """Values by name, of which each request gets a copy of its own."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = {name: _own(value) for name, value in values.items()}
        self._mutable = tuple(name for name, value in values.items() if isinstance(value, dict | list))

    def copy(self) -> dict[str, Any]:
        values = dict(self.values)
        for name in self._mutable:
            values[name] = _own(values[name])
        return values


@dataclass(slots=True)
class Note:
    """What LiteLLM called on its way: the provider's handler, and before it, `told`, the request's logging object."""

    told: dict[str, Any] = field(default_factory=dict)
    handler: Callable[..., Any] | None = None
    arguments: Template = field(default_factory=lambda: Template({}))
    params: dict[str, Any] = field(default_factory=dict)
    messages: list[Any] = field(default_factory=list)
    hidden: dict[str, Any] = field(default_factory=dict)

    def called(self, handler: Callable[..., Any], arguments: dict[str, Any]) -> None:
        """Noted before the handler changes any of it."""
        self.handler, self.messages = handler, list(arguments["messages"])
        self.arguments = Template({name: value for name, value in arguments.items() if name not in FRESH})
        self.params = dict(arguments["litellm_params"])
        self.hidden = dict(arguments["model_response"]._hidden_params)


_NOTING: Final[ContextVar[Note | None]] = ContextVar("router_config_noting", default=None)


@contextmanager
def noting(listener: Logging) -> Iterator[Note]:
    """Note what LiteLLM calls meanwhile in this context."""
    note, tell = Note(), listener.update_environment_variables

    def told(**words: Any) -> None:
        note.told = words
        tell(**words)

    listener.update_environment_variables = told  # type: ignore[assignment, method-assign]
    token = _NOTING.set(note)
    try:
        yield note
    finally:
        _NOTING.reset(token)
        del listener.update_environment_variables


def _noted(handler: Callable[..., Any], **arguments: Any) -> Any:
    note = _NOTING.get()
    if note is not None:
        note.called(handler, arguments)
    return handler(**arguments)


for _handlers in (main.base_llm_http_handler, main.openai_chat_completions, main.vertex_chat_completion):
    _handlers.completion = partial(_noted, _handlers.completion)  # type: ignore[method-assign]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A provider's handler and its arguments, but for those of one request.

    keys: the names of arguments that are the API key. params, given: LiteLLM's `litellm_params`, and where those of
    them come from that are of one request. It counts while `settings` hold, until `until` (monotonic seconds).
    """

    handler: Callable[..., Any]
    arguments: Template
    keys: tuple[str, ...]
    params: Template
    given: Mapping[str, str]
    told: Template
    hidden: Mapping[str, Any]
    settings: tuple[Any, ...]
    until: float

    def listener(self, asked: Mapping[str, Any], began: datetime) -> Logging:
        """What a request's timing and cost are kept in, as LiteLLM's `function_setup` makes it."""
        tools = asked.get("tools")
        return Logging(
            model=asked["model"],
            messages=asked["messages"],
            stream=asked.get("stream") is True,
            call_type="acompletion",
            start_time=began,
            litellm_call_id=asked["litellm_call_id"],
            function_id="",
            applied_guardrails=[],
            kwargs=None if tools is None else {"tools": tools},  # The use of some tools has a price.
            supports_correlation_logging=False,
        )

    def start(self, asked: Mapping[str, Any], listener: Logging) -> Any:
        """The handler's coroutine. Raises what the handler raises, which LiteLLM has not mapped to its errors yet."""
        params = self.params.copy()
        for name, source in self.given.items():
            params[name] = asked[source]
        listener.update_environment_variables(
            **self.told.copy(), litellm_params=params, stream_options=asked.get("stream_options")
        )
        answer: Any = litellm.ModelResponse()
        answer.usage = litellm.Usage()
        answer._hidden_params.update(self.hidden)
        arguments = self.arguments.copy()
        for name in self.keys:
            arguments[name] = asked["api_key"]
        return self.handler(
            **arguments,
            messages=validate_and_fix_openai_messages(asked["messages"]),
            model_response=answer,
            logging_obj=listener,
            client=asked.get("client"),
            litellm_params=params,
        )


class PreparedCalls:
    """Those of one Router, by kind of chat."""

    def __init__(self) -> None:
        self._calls: dict[str, Prepared] = {}
        self._came: set[int] = set()
        self._characters = 0
        self._lock = threading.Lock()

    def wants(self, kind: str) -> bool:
        """Whether to note this chat's preparation: where its kind has come before, for most of those come again."""
        number = hash(kind)
        if kind in self._calls or number in self._came:
            self._came.discard(number)
            return True
        if len(self._came) >= REMEMBERED:
            self._came.clear()
        self._came.add(number)
        return False

    def find(self, kind: str | None) -> Prepared | None:
        found = None if kind is None else self._calls.get(kind)
        if found is None or found.until < time.monotonic() or found.settings != _settings(litellm):
            return None
        return found

    def keep(self, kind: str, note: Note, asked: Mapping[str, Any]) -> None:
        """Keep what was noted, if a later chat of this kind will come to the same."""
        prepared = _prepared(note, asked, time.monotonic() + LASTS)
        if prepared is None:
            return
        with self._lock:
            self._drop(kind)
            self._calls[kind] = prepared
            self._characters += len(kind)
            while self._characters > KEPT:
                self._drop(next(iter(self._calls)))

    def _drop(self, kind: str) -> None:
        if self._calls.pop(kind, None) is not None:
            self._characters -= len(kind)


def kind_of(asked: Mapping[str, Any]) -> str | None:
    """What a chat's preparation depends on; None for one that is prepared by itself."""
    if (
        not isinstance(asked.get("api_key"), str)
        or litellm.enable_preview_features  # Metadata goes to the provider then.
        or not DECISIVE_METADATA.isdisjoint(asked["metadata"])
        or any(each.get("role") == "developer" for each in asked["messages"])
    ):
        return None
    shared = {name: value for name, value in asked.items() if name not in OF_ONE_REQUEST}
    shared["base_model"] = asked["model_info"].get("base_model")
    try:
        return json.dumps(shared)
    except (TypeError, ValueError):  # A class for the answer's format, say.
        return None


def _prepared(note: Note, asked: Mapping[str, Any], until: float) -> Prepared | None:
    if note.handler is None or not note.told or note.messages != validate_and_fix_openai_messages(asked["messages"]):
        return None
    given = {name: source for name, value in note.params.items() for source in GIVEN if _is_same(value, asked[source])}
    params = Template({name: value for name, value in note.params.items() if name not in given})
    told = Template({name: value for name, value in note.told.items() if name != "litellm_params"})
    keys = tuple(name for name, value in note.arguments.values.items() if value == asked["api_key"])
    arguments = Template({name: value for name, value in note.arguments.values.items() if name not in keys})
    kept = repr((arguments.values, params.values, told.values, note.hidden))
    if any(asked[source] in kept for source in ("litellm_call_id", "api_key")):
        return None  # Something of this request's own is among it, in a place that is not known here.
    settings = tuple(map(copy, _settings(litellm)))
    return Prepared(note.handler, arguments, keys, params, given, told, note.hidden, settings, until)


def _is_same(value: Any, given: Any) -> bool:
    return value is given or (isinstance(value, str) and value == given)


def _own(value: Any) -> Any:
    """A value that one request may change without changing it for the next."""
    if isinstance(value, dict):
        return {name: _own(each) for name, each in value.items()}
    return [_own(each) for each in value] if isinstance(value, list) else value
