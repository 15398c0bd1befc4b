"""What an answer holds, whole or by chunks: those of a chat or a text, events of Responses, or events as bytes."""

import re
from typing import Any, Final

from litellm import exceptions

from router_config.transport.exchange import Exchange

CONTENT: Final = ("content", "tool_calls", "function_call", "reasoning_content", "audio", "images")

FILTERED: Final = "content_filter"
REASONS_FOR_NOTHING: Final = frozenset({"length", FILTERED})
"""Finish reasons of an answer that may well be empty: it all went into reasoning, or was filtered."""

GEMINI: Final = ("gemini", "vertex_ai")

ENDS: Final = frozenset({"response.completed", "response.incomplete"})
"""Events with which an answer of Responses is complete."""

NO_CONTENT: Final = frozenset(
    {
        "response.created", "response.queued", "response.in_progress", "response.output_item.added",
        "response.content_part.added", "response.reasoning_summary_part.added", "response.failed", "error",
        "keepalive", "ping", *ENDS,
    }
)  # fmt: skip
"""Events of Responses that hold nothing of an answer, or nothing that did not come before."""

_CONTENT: Final = re.compile(
    rb'"content_block_delta"|"redacted_thinking"|"parts"\s*:\s*\[\s*\{(?!\s*"text"\s*:\s*""\s*\}\s*\])'
)
"""In bytes: events of Anthropic's and Gemini's wire formats that hold something of an answer."""


class EmptyAnswer(Exception):
    """An answer, whole or a stream, that says that it is complete, and holds nothing."""


def carries_content(chunk: Any) -> bool:
    """Whether a chunk holds something of an answer. Of what is not known, any chunk does."""
    choices = getattr(chunk, "choices", None)
    if choices is not None:
        return any(map(_says_something, choices))
    if isinstance(chunk, bytes | str):
        return _CONTENT.search(chunk if isinstance(chunk, bytes) else chunk.encode()) is not None
    event = getattr(chunk, "type", "")
    return event not in NO_CONTENT and not event.endswith(".done")


def _says_something(choice: Any) -> bool:
    delta = getattr(choice, "delta", None)
    return bool(getattr(choice, "text", None)) or any(getattr(delta, part, None) for part in CONTENT)


def ends(chunk: Any) -> bool:
    """Whether a chunk says that the answer is complete."""
    choices = getattr(chunk, "choices", None) or ()
    if choices:
        return any(getattr(choice, "finish_reason", None) is not None for choice in choices)
    return getattr(chunk, "type", "") in ENDS


def usage_of(chunk: Any) -> Any:
    """The tokens that a chunk reports; None for most."""
    usage = getattr(chunk, "usage", None)
    return getattr(getattr(chunk, "response", None), "usage", None) if usage is None else usage


def empty_answer(provider: str, model: str) -> Exception:
    error = exceptions.ServiceUnavailableError("the provider's answer has nothing in it", provider, model)
    error.__cause__ = EmptyAnswer("no content, no call of a tool, and no reason for that")
    return error


def is_filtered(reply: Any) -> bool:
    """Whether a filter took an answer's content, or a stream's before anything came."""
    choices = getattr(reply, "choices", None)
    if isinstance(choices, list) and choices:
        return getattr(choices[0], "finish_reason", None) == FILTERED
    return getattr(reply, "was_filtered", False) is True


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
