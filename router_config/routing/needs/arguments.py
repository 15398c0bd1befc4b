"""What single arguments of a request ask of a model, of whichever endpoint: its parts, tools, format and thinking."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from router_config.deployments.abilities import BIT

TOOLS, PARALLEL, N = BIT["tools"], BIT["parallel_tools"], BIT["n"]
JSON_OBJECT, JSON_SCHEMA = BIT["json_object"], BIT["json_schema"]
IMAGES, AUDIO, PDF = BIT["images"], BIT["audio"], BIT["pdf"]
LOGPROBS, REASONING, STREAMING = BIT["logprobs"], BIT["reasoning"], BIT["streaming"]

_PARTS: Final[Mapping[str, int]] = {
    "image_url": IMAGES,
    "image": IMAGES,
    "input_image": IMAGES,
    "input_audio": AUDIO,
    "audio_url": AUDIO,
    "document": PDF,
    "file": PDF,
    "input_file": PDF,
}
"""Parts of a message, by their type."""

_NO_DOCUMENTS: Final = frozenset({"text", "content"})
"""Sources of Anthropic's documents that are plain text."""

_FUNCTIONS: Final = ("function", "custom")

KINDS_OF_MEDIA: Final = {"image": IMAGES, "audio": AUDIO, "application/pdf": PDF}


def parts(content: Iterable[Any]) -> int:
    """The abilities that the parts of a message need, those inside the results of tools among them."""
    needed = 0
    for part in content:
        if not isinstance(part, Mapping):
            continue
        kind = part.get("type")
        needed |= _part(kind, part) if isinstance(kind, str) else 0
    return needed


def _part(kind: str, part: Mapping[str, Any]) -> int:
    if kind == "image_url":
        url = part.get("image_url")
        url = url.get("url") if isinstance(url, Mapping) else url
        return PDF if isinstance(url, str) and url.startswith("data:application/pdf") else IMAGES
    if kind == "document":
        source = part.get("source")
        return 0 if isinstance(source, Mapping) and source.get("type") in _NO_DOCUMENTS else PDF
    if kind == "tool_result" and isinstance(inside := part.get("content"), list):
        return parts(inside)
    return _PARTS.get(kind, 0)


def of_media(kind: Any) -> int:
    """The ability that a part of this media type needs."""
    if not isinstance(kind, str):
        return 0
    return next((bit for begins, bit in KINDS_OF_MEDIA.items() if kind.startswith(begins)), 0)


def calls_functions(tools: Any) -> bool:
    """Whether some tool is a function of the caller's; those that the provider runs need no ability of the model."""
    if not isinstance(tools, list):
        return bool(tools)
    return any(not isinstance(each, Mapping) or each.get("type", "function") in _FUNCTIONS for each in tools)


def answer_format(form: Any) -> int:
    """The ability that a `response_format`, or the `format` of Responses, needs."""
    if not isinstance(form, Mapping):
        return JSON_SCHEMA  # A pydantic model.
    kind = form.get("type")
    if kind == "json_schema":
        return JSON_SCHEMA
    return JSON_OBJECT if kind == "json_object" else 0


def thinks(thinking: Any) -> bool:
    return isinstance(thinking, Mapping) and thinking.get("type") not in (None, "disabled")


def tokens(value: Any) -> int:
    """The bound of an answer; 0 where there is none."""
    return value if type(value) is int and value > 0 else 0
