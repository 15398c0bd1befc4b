"""The endpoints that a Router serves: each is a function of LiteLLM's, asked with a deployment's parameters."""

from collections.abc import Mapping
from typing import Any, Final

import litellm
from litellm.exceptions import BadRequestError

POSITIONAL: Final[Mapping[str, tuple[str, ...]]] = {
    "acompletion": ("model", "messages", "stream"),
    "atext_completion": ("model", "prompt"),
    "aembedding": ("model", "input"),
    "aimage_generation": ("prompt", "model"),
    "aimage_edit": ("image", "prompt", "model"),
    "amoderation": ("input", "model"),
    "aspeech": ("model", "input", "voice"),
    "atranscription": ("file", "model"),
    "arerank": ("model", "query", "documents"),
    "aresponses": ("input", "model"),
    "anthropic_messages": ("max_tokens", "messages", "model"),
    "agenerate_content": ("model", "contents"),
    "agenerate_content_stream": ("model", "contents"),
}
"""Endpoints by the name of LiteLLM's asynchronous function, with the arguments that may be given by position."""

ALSO_CALLED: Final = {"aanthropic_messages": "anthropic_messages", "schedule_acompletion": "acompletion"}
"""Other names of endpoints. There is no schedule: who waits for room stands in one line."""

SYNCHRONOUS: Final = {name.removeprefix("a"): name for name in POSITIONAL if name != "anthropic_messages"}
"""Synchronous twins, by their own names."""

CHATS: Final = "acompletion"

SCOPE_NAMES: Final = {
    name: "" if name == CHATS else name if name not in SYNCHRONOUS.values() else name.removeprefix("a")
    for name in POSITIONAL
}
"""What scopes call each endpoint; empty for chats, whose scopes have the plain names.

Each function is an endpoint of its own, for each has an address of its own at some provider: /completions, /messages
and /responses are missing where /chat/completions is served. Where LiteLLM makes a chat of such a request, chats find
out by themselves what there is to know.
"""

METADATA_OF_THE_PROVIDER: Final = frozenset(
    {"aresponses", "anthropic_messages", "agenerate_content", "agenerate_content_stream"}
)
"""Endpoints whose `metadata` goes to the provider; what is for callbacks LiteLLM takes as `litellm_metadata` there."""


def named(endpoint: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call, all by name. Raises TypeError for too many, or one given twice."""
    names = POSITIONAL[endpoint]
    if len(args) > len(names):
        raise TypeError(f"{endpoint}() takes {len(names)} positional arguments, and {len(args)} were given")
    given = dict(zip(names, args, strict=False))
    if twice := given.keys() & kwargs.keys():
        raise TypeError(f"{endpoint}() got multiple values for argument {sorted(twice)[0]!r}")
    return {**given, **kwargs}


def function(endpoint: str) -> Any:
    """LiteLLM's function, looked up at each call: instrumentation may have put one of its own there."""
    if endpoint == "agenerate_content_stream":
        from litellm import google_genai

        return google_genai.agenerate_content_stream
    return getattr(litellm, endpoint)


def streams(endpoint: str, given: Mapping[str, Any]) -> bool:
    """Whether such a request is answered in a stream."""
    return bool(given.get("stream")) or endpoint == "agenerate_content_stream"


def spellings(model: str) -> tuple[str, ...]:
    """A model's name; where LiteLLM knows its provider also without and, as the last, with LiteLLM's prefix of that."""
    try:
        name, provider, *_ = litellm.get_llm_provider(model)
    except BadRequestError:
        return (model,)
    return (model, name, f"{provider}/{name}")
