"""A conversation moves between providers: what an answer holds besides its text goes only where it is taken.

A provider gives its answers fields of its own, callers put them back into the history, and most providers refuse
fields that they do not know with status 400.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

OF_ANSWERS: Final = frozenset(
    {
        "reasoning", "reasoning_content", "reasoning_details", "reasoning_items", "thinking", "thinking_blocks",
        "provider_specific_fields", "extra_content", "annotations", "citations", "search_results", "executed_tools",
        "refusal", "audio", "images",
    }
)  # fmt: skip
"""Fields of an assistant's message that come with an answer and that not every provider takes."""

TAKES: Final[Mapping[str, frozenset[str]]] = {
    "openai": frozenset({"refusal", "audio"}),
    "azure": frozenset({"refusal", "audio"}),
    "groq": frozenset({"reasoning"}),
    "openrouter": frozenset({"reasoning", "reasoning_details"}),
    "deepseek": frozenset({"reasoning_content"}),
    "moonshot": frozenset({"reasoning_content"}),
    "zai": frozenset({"reasoning_content"}),
    "dashscope": frozenset({"reasoning_content"}),
    "litellm_proxy": OF_ANSWERS,
    # LiteLLM writes these messages anew in another wire format, and reads signatures of thoughts in the fields.
    "gemini": OF_ANSWERS,
    "vertex_ai": OF_ANSWERS,
    "anthropic": OF_ANSWERS,
    "bedrock": OF_ANSWERS,
}
"""Which of them a provider takes, by LiteLLM's prefix; any other takes none."""

OF_CALLS: Final = frozenset({"provider_specific_fields", "extra_content", "index"})
OFTEN_EMPTY: Final = frozenset({"tool_calls", "function_call"})
_LOOKED_AT: Final = OF_ANSWERS | OFTEN_EMPTY


def for_provider(messages: Any, provider: str) -> Any:
    """The messages without what this provider does not take; the same list where there is nothing to leave out."""
    if not isinstance(messages, list):
        return messages
    taken = TAKES.get(provider, frozenset())
    changed: list[Any] | None = None
    for number, each in enumerate(messages):
        fields = each if isinstance(each, dict) else _fields(each)
        if fields is None or fields.get("role") != "assistant":
            continue
        if fields is each and _LOOKED_AT.isdisjoint(each) and each.get("content") is not None:
            continue
        written = _written(fields, taken)
        if written != each:
            changed = changed or list(messages)
            changed[number] = written
    return messages if changed is None else changed


def _fields(message: Any) -> dict[str, Any] | None:
    """Those of an answer's message that was put into the history as it is."""
    dump = getattr(message, "model_dump", None)
    if dump is None:
        return None
    fields = dump()
    return fields if isinstance(fields, dict) else None


def _written(fields: dict[str, Any], taken: frozenset[str]) -> dict[str, Any]:
    written = {
        name: value
        for name, value in fields.items()
        if name not in _LOOKED_AT or (value and (name in OFTEN_EMPTY or name in taken))
    }
    calls = written.get("tool_calls")
    if calls and taken is not OF_ANSWERS:
        written["tool_calls"] = [_call(each) for each in calls] if isinstance(calls, Sequence) else calls
    if written.get("content") is None and not calls and not written.get("function_call"):
        written["content"] = _instead_of_content(fields)
    return written


def _call(call: Any) -> Any:
    if not isinstance(call, Mapping):
        return call
    kept = {name: value for name, value in call.items() if name not in OF_CALLS}
    if isinstance(function := kept.get("function"), Mapping) and not OF_CALLS.isdisjoint(function):
        kept["function"] = {name: value for name, value in function.items() if name not in OF_CALLS}
    return kept


def _instead_of_content(fields: Mapping[str, Any]) -> str:
    """The text of a message whose content is null, which most providers refuse where no tool is called."""
    refusal, audio = fields.get("refusal"), fields.get("audio")
    if isinstance(refusal, str) and refusal:
        return refusal
    transcript = audio.get("transcript") if isinstance(audio, Mapping) else None
    return transcript if isinstance(transcript, str) else ""
