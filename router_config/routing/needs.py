"""What a request needs of a model, by its arguments. Found once for each request."""

from collections.abc import Mapping
from typing import Any, Final

from router_config.deployments.abilities import BIT, NOTHING, Needs

_TOOLS, _PARALLEL, _N = BIT["tools"], BIT["parallel_tools"], BIT["n"]
_JSON_OBJECT, _JSON_SCHEMA = BIT["json_object"], BIT["json_schema"]
_IMAGES, _AUDIO, _PDF = BIT["images"], BIT["audio"], BIT["pdf"]
_LOGPROBS, _REASONING, _STREAMING, _DIMENSIONS = BIT["logprobs"], BIT["reasoning"], BIT["streaming"], BIT["dimensions"]

_ASKS: Final = frozenset(
    {
        "tools", "functions", "parallel_tool_calls", "response_format", "n", "logprobs", "top_logprobs",
        "reasoning_effort", "thinking", "stream", "modalities", "audio",
    }
)  # fmt: skip

_PARTS: Final[Mapping[str, int]] = {
    "image_url": _IMAGES,
    "image": _IMAGES,
    "input_image": _IMAGES,
    "input_audio": _AUDIO,
    "audio_url": _AUDIO,
    "document": _PDF,
    "file": _PDF,
    "input_file": _PDF,
}
"""Parts of a message, by their type."""

PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    "tools": ("tools", "functions"),
    "parallel_tools": ("parallel_tool_calls",),
    "json_object": ("response_format",),
    "json_schema": ("response_format",),
    "n": ("n",),
    "logprobs": ("logprobs", "top_logprobs"),
    "reasoning": ("reasoning_effort", "thinking"),
    "dimensions": ("dimensions",),
}
"""The parameters that ask for an ability, which LiteLLM may drop."""


def needs_of(endpoint: str, asked: Mapping[str, Any]) -> Needs:
    """The needs of a chat, or of an embedding. Of other endpoints nothing is known."""
    if endpoint == "aembedding":
        return Needs(_DIMENSIONS) if asked.get("dimensions") is not None else NOTHING
    messages = asked.get("messages")
    if endpoint != "acompletion" or messages is None:
        return NOTHING
    needed = 0 if _ASKS.isdisjoint(asked) else _by_parameters(asked)
    if isinstance(messages, list):
        for message in messages:
            content = message.get("content") if isinstance(message, dict) else getattr(message, "content", None)
            if content is not None and type(content) is not str and isinstance(content, list):
                needed |= _by_parts(content)
    answer = asked.get("max_completion_tokens") or asked.get("max_tokens") or 0
    return Needs(needed, answer if type(answer) is int and answer > 0 else 0, True)


def _by_parameters(asked: Mapping[str, Any]) -> int:
    needed = 0
    if asked.get("tools") or asked.get("functions"):
        needed |= _TOOLS | (_PARALLEL if asked.get("parallel_tool_calls") is True else 0)
    if (form := asked.get("response_format")) is not None and not asked.get("schema_in_prompt"):
        needed |= _format(form)
    if type(choices := asked.get("n")) is int and choices > 1:
        needed |= _N
    if asked.get("logprobs") or asked.get("top_logprobs"):
        needed |= _LOGPROBS
    if asked.get("reasoning_effort") not in (None, "none") or _thinks(asked.get("thinking")):
        needed |= _REASONING
    if asked.get("stream"):
        needed |= _STREAMING
    if asked.get("audio") is not None or "audio" in (asked.get("modalities") or ()):
        needed |= _AUDIO
    return needed


def _thinks(thinking: Any) -> bool:
    return isinstance(thinking, Mapping) and thinking.get("type") not in (None, "disabled")


def _format(form: Any) -> int:
    if not isinstance(form, Mapping):
        return _JSON_SCHEMA  # A pydantic model.
    kind = form.get("type")
    if kind == "json_schema":
        return _JSON_SCHEMA
    return _JSON_OBJECT if kind == "json_object" else 0


def _by_parts(content: list[Any]) -> int:
    needed = 0
    for part in content:
        if not isinstance(part, Mapping):
            continue
        kind = part.get("type")
        needed |= _PARTS.get(kind, 0) if isinstance(kind, str) else 0
        if kind == "image_url":
            url = part.get("image_url")
            url = url.get("url") if isinstance(url, Mapping) else url
            if isinstance(url, str) and url.startswith("data:application/pdf"):
                needed = needed & ~_IMAGES | _PDF
    return needed
