"""Chats that somebody listens to (langfuse, opentelemetry, a CustomLogger), on the fast way.

`litellm.client` is the decorator that LiteLLM's own functions wear: it makes the request's logging object, runs hooks,
and calls every callback after the answer went out. It is worn here by a function that asks from a template. What else
the logging object holds, LiteLLM tells callbacks: it is learned from what a callback of ours was told of a chat that
went the public way, and compared with what it is told of one that did not.
"""

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import litellm

from router_config.transport import seams

NAME: Final = "callbacks on the fast way"

GIVEN: Final = ("metadata", "litellm_metadata", "model_info", "api_key")
"""Among LiteLLM's parameters of a request, those that are the request's own."""

NOT_LEARNED: Final = frozenset({*GIVEN, "litellm_call_id", "logger_fn", "preset_cache_key", "litellm_trace_id"})

PASSING: Final = frozenset(
    {
        "llm_api_duration_ms", "additional_args", "original_response", "input", "api_call_start_time",
        "response_cost_failure_debug_information",
    }
)  # fmt: skip
"""What is told of some chats and not of others."""

OF_EACH: Final = PASSING | NOT_LEARNED | {
    "messages", "litellm_params", "standard_logging_object", "response_headers", "response_cost", "start_time",
    "end_time", "completion_start_time", "cache_hit",
}  # fmt: skip
"""What is told of a chat that is its own, and is never told of another."""

Ask = Callable[[Mapping[str, Any], Any], Awaitable[Any]]
"""Asks from a template, with the request's arguments and its logging object."""


@dataclass(slots=True)
class Told:
    """What callbacks are told of chats of a kind, besides what is of each request.

    names: the keys of it, of LiteLLM's parameters, and of the record that LiteLLM makes for loggers. others: the rest.
    added: what of that a chat on the fast way would lack otherwise. proven: whether such a chat was told of with the
    same names. off: it was not.
    """

    model: str = ""
    user: Any = None
    optional: Mapping[str, Any] = field(default_factory=dict)
    litellm: Mapping[str, Any] = field(default_factory=dict)
    provider: str = ""
    names: tuple[frozenset[str], ...] = ()
    others: Mapping[str, Any] = field(default_factory=dict)
    added: Mapping[str, Any] = field(default_factory=dict)
    proven: bool = False
    off: bool = False

    def environment(self, asked: Mapping[str, Any], call_id: str) -> dict[str, Any]:
        """The arguments of the logging object's `update_environment_variables` for a request."""
        params = deepcopy(dict(self.litellm))
        params.update((name, asked[name]) for name in GIVEN if name in asked)
        params["litellm_call_id"] = call_id
        return {
            "model": self.model,
            "user": self.user,
            "optional_params": deepcopy(dict(self.optional)),
            "litellm_params": params,
            "custom_llm_provider": self.provider,
        }


def learn(told: Mapping[str, Any]) -> Told:
    """What a callback was told of a chat that went the public way."""
    params = told.get("litellm_params") or {}
    return Told(
        model=str(told.get("model") or ""),
        user=told.get("user"),
        optional=deepcopy(dict(told.get("optional_params") or {})),
        litellm={name: _copied(value) for name, value in params.items() if name not in NOT_LEARNED},
        provider=str(told.get("custom_llm_provider") or ""),
        names=_names(told),
        others={name: value for name, value in told.items() if name not in OF_EACH and _is_constant(value, told)},
    )


def prove(known: Told, told: Mapping[str, Any]) -> None:
    """Compare what a callback was told of a chat on the fast way with what it is told of others."""
    ours = _names(told)
    lacking = {name: known.others[name] for name in known.names[0] - ours[0] if name in known.others}
    if lacking and not known.added:
        known.added = lacking
        return
    known.proven = all(theirs <= each for theirs, each in zip(known.names, ours, strict=True))
    known.off = not known.proven
    missing = sorted(set().union(*(theirs - each for theirs, each in zip(known.names, ours, strict=True))))
    why = None if known.proven else f"LiteLLM tells callbacks more than is known here: {missing}"
    seams.note(f"{NAME}, of {known.provider}", why)


def callback(tell: Callable[[Mapping[str, Any]], None]) -> Callable[..., Awaitable[None]]:
    """A callback for one request; LiteLLM takes none but a coroutine function for what is told asynchronously."""

    async def told(kwargs: Mapping[str, Any], response: Any, start: Any, end: Any) -> None:
        tell(kwargs)

    return told


def _names(told: Mapping[str, Any]) -> tuple[frozenset[str], ...]:
    record = told.get("standard_logging_object") or {}
    return (
        frozenset(name for name in told if name not in PASSING and not name.startswith("has_logged")),
        frozenset(told.get("litellm_params") or {}) - NOT_LEARNED,
        frozenset(record),
    )


def _is_constant(value: Any, told: Mapping[str, Any]) -> bool:
    """Whether a value may be told of every chat of a kind: plain data, without the key of this one."""
    try:
        text = json.dumps(value)
    except (TypeError, ValueError):
        return False
    key = (told.get("litellm_params") or {}).get("api_key") or told.get("api_key")
    return not key or json.dumps(str(key))[1:-1] not in text


def _copied(value: Any) -> Any:
    try:
        return deepcopy(value)
    except Exception:  # A client, a lock: shared by all requests of the kind.
        return value


_ASK: Final[ContextVar[tuple[Ask, Told] | None]] = ContextVar("router_config_ask", default=None)


@cache
def wrapped() -> Callable[..., Awaitable[Any]] | None:
    """A function of LiteLLM's kind that asks from a template. None where LiteLLM cannot be worn like that."""
    client = getattr(litellm, "client", None)
    if not callable(client):
        seams.note(NAME, "LiteLLM has no decorator called client")
        return None
    try:
        from litellm.litellm_core_utils.litellm_logging import Logging

        arguments = inspect.signature(Logging.update_environment_variables).parameters
    except (ImportError, AttributeError, ValueError) as error:
        seams.note(NAME, f"LiteLLM's logging object is another one: {error}")
        return None
    if not arguments.keys() >= {"litellm_params", "optional_params", "model", "user", "additional_params"}:
        seams.note(NAME, "LiteLLM's logging object takes other arguments")
        return None

    async def acompletion(**given: Any) -> Any:
        call = _ASK.get()
        if call is None:
            raise RuntimeError("asked without a template")
        ask, told = call
        listener = given["litellm_logging_obj"]
        listener.update_environment_variables(**told.environment(given, given["litellm_call_id"]))
        listener.model_call_details.update(deepcopy(dict(told.added)))
        return await ask(given, listener)

    worn: Callable[..., Awaitable[Any]] = client(acompletion)
    return worn


async def ask(how: Ask, told: Told, asked: dict[str, Any]) -> Any:
    """Ask with LiteLLM's decorator around it. Raises what `how` raises."""
    function = wrapped()
    if function is None:
        raise RuntimeError("LiteLLM's decorator is not there")
    token = _ASK.set((how, told))
    try:
        return await function(**asked)
    finally:
        _ASK.reset(token)


def unwrapped() -> Callable[..., Awaitable[Any]]:
    """LiteLLM's own function without its decorators: it takes the logging object of a request that wears them."""
    from litellm import main

    found: Callable[..., Awaitable[Any]] = inspect.unwrap(main.acompletion)
    return found
