"""A conversation moves between providers: what an answer holds besides its text goes only where it is taken.

A provider gives its answers fields and names of calls of its own, callers put them back into the history, and most
providers refuse with status 400 what they do not know.
"""

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
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

SIGNATURE: Final = "__thought__"
"""After it LiteLLM keeps a signature of Gemini's in the id of a call, which may be thousands of characters long."""

READS_SIGNATURES: Final = frozenset({"gemini", "vertex_ai", "litellm_proxy"})

IDS: Final = {"mistral": re.compile(r"[A-Za-z0-9]{9}"), "codestral": re.compile(r"[A-Za-z0-9]{9}")}
"""The ids of calls that a provider takes; any other takes those of ANY_ID. Another id is replaced, in the same way at
the call and at what the tool said."""

ANY_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,40}")

THINKS_ITSELF: Final = frozenset({"anthropic", "bedrock"})
"""Who refuses thoughts whose signature is another provider's. Their own calls have ids that begin so:"""

OWN_IDS: Final = ("toolu", "tooluse", "srvtoolu")

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
        if fields is None:
            continue
        if fields.get("role") == "tool" and isinstance(called := fields.get("tool_call_id"), str):
            if (known := id_for(called, provider)) != called:
                changed = changed or list(messages)
                changed[number] = {**fields, "tool_call_id": known}
            continue
        if fields.get("role") != "assistant":
            continue
        if fields is each and _LOOKED_AT.isdisjoint(each) and each.get("content") is not None:
            continue
        written = _written(fields, taken, provider)
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


def id_for(called: str, provider: str) -> str:
    """The id of a call as a provider takes it: nearly always as it is."""
    if provider in READS_SIGNATURES:
        return called
    short = called.partition(SIGNATURE)[0]
    known = IDS.get(provider, ANY_ID)
    if known.fullmatch(short):
        return short
    digest = blake2b(short.encode("utf-8", "replace"), digest_size=9).hexdigest()
    return digest[:9] if provider in IDS else f"call_{digest}"


def _written(fields: dict[str, Any], taken: frozenset[str], provider: str) -> dict[str, Any]:
    written = {
        name: value
        for name, value in fields.items()
        if name not in _LOOKED_AT or (value and (name in OFTEN_EMPTY or name in taken))
    }
    calls = written.get("tool_calls")
    if isinstance(calls, Sequence) and calls and provider not in READS_SIGNATURES:
        if provider in THINKS_ITSELF and not all(map(_is_own, calls)):
            written.pop("thinking_blocks", None)
        written["tool_calls"] = [_call(each, provider, bare=taken is not OF_ANSWERS) for each in calls]
    if written.get("content") is None and not calls and not written.get("function_call"):
        written["content"] = _instead_of_content(fields)
    return written


def _is_own(call: Any) -> bool:
    return isinstance(call, Mapping) and str(call.get("id")).startswith(OWN_IDS)


def _call(call: Any, provider: str, *, bare: bool) -> Any:
    """A call with an id that the provider takes; bare: without what came with another's answer."""
    if not isinstance(call, Mapping):
        return call
    called = call.get("id")
    kept = {**call, "id": id_for(called, provider)} if isinstance(called, str) else dict(call)
    if not bare:
        return kept
    kept = {name: value for name, value in kept.items() if name not in OF_CALLS}
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
