"""Which conversation a request goes on with, and whether it is in a tool loop: the last message is a tool's result.

A conversation is known by a digest, for what is in it may be secret. Long texts are hashed by their ends alone.
"""

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import islice
from typing import Any, Final, NamedTuple

END: Final = 2048
"""Characters of each end of a text that are hashed, besides its length."""

LONGEST_ID: Final = 4096
"""Characters of the id of a response that is read."""

_MODEL_ID: Final = re.compile(r"(?:^|;)model_id:([^;]+)(?:;|$)")

PARTS: Final = 16
"""Parts of a message that are hashed."""

LOOKED_AT: Final = 64
"""Messages among which the system prompt and the first user's message are looked for."""

_INSTRUCTIONS: Final = ("system", "instructions", "systemInstruction", "system_instruction")
"""Where endpoints besides chats have the system prompt: Anthropic's, Responses', Gemini's."""

_RESULTS: Final = frozenset({"tool", "function"})
_FIRST: Final = frozenset({"user", "human"})
_SYSTEM: Final = frozenset({"system", "developer"})


class Conversation(NamedTuple):
    """A conversation in which tools are used. key: its digest. in_loop: tools have answered. size: messages so far."""

    key: str
    in_loop: bool
    size: int


def conversation_of(asked: Mapping[str, Any], agent: str | None, group: str) -> Conversation | None:
    """The conversation of a request's arguments; None where no tools are used.

    It is known by its `metadata={"session": ...}`, else by its `user`, else by its system prompt and first user's
    message; of each agent and group apart.
    """
    if not (tools := asked.get("tools") or asked.get("functions")) and _is_plain(asked):
        return None  # Nearly always.
    messages = _messages(asked)
    in_loop = (messages and is_result(messages[-1])) or asked.get("previous_response_id") is not None
    if not in_loop and not tools:
        return None
    digest = blake2b(digest_size=12, person=b"router-config")
    for text in (agent or "", group, *_name(asked, messages)):
        digest.update(f"{len(text)}:{text}".encode("utf-8", "replace"))
    return Conversation(digest.hexdigest(), bool(in_loop), len(messages))


def _is_plain(asked: Mapping[str, Any]) -> bool:
    """Whether it is a chat whose last message is a user's text: no result of a tool. Half a microsecond."""
    messages = asked.get("messages")
    if type(messages) is not list or not messages or "previous_response_id" in asked:
        return False
    last = messages[-1]
    return type(last) is dict and last.get("role") == "user" and type(last.get("content")) is str


def grown_by_one_answer(asked: Mapping[str, Any], size: int) -> bool:
    """Whether one answer alone has come since there were so many messages, and what tools said to it."""
    answered = False
    for message in _messages(asked)[size:]:
        if is_result(message):
            answered = True
        elif answered:
            return False
    return answered


def deployment_named_in(response: Any) -> str | None:
    """The deployment that gave a response, which LiteLLM writes into its id; None where it does not."""
    if not isinstance(response, str) or len(response) > LONGEST_ID:
        return None
    try:
        told = b64decode(response.removeprefix("resp_") + "==").decode()
    except ValueError:
        return None
    found = _MODEL_ID.search(told)
    return None if found is None else found[1]


def is_result(message: Any) -> bool:
    """Whether a message is what a tool said: of a chat, of Anthropic's, of Responses' input, of Gemini's contents."""
    if _role(message) in _RESULTS:
        return True
    if type(message) is dict and isinstance(message.get("content"), str):
        return False  # Nearly always.
    kind = _field(message, "type")
    if isinstance(kind, str) and kind.endswith("_call_output"):
        return True
    for place in ("content", "parts"):
        parts = _field(message, place)
        if isinstance(parts, list) and any(map(_is_result_part, parts)):
            return True
    return False


def _is_result_part(part: Any) -> bool:
    if not isinstance(part, Mapping):
        return False
    return part.get("type") == "tool_result" or "functionResponse" in part or "function_response" in part


def _messages(asked: Mapping[str, Any]) -> Sequence[Any]:
    for place in ("messages", "input", "contents"):
        found = asked.get(place)
        if isinstance(found, list):
            return found
    return ()


def _name(asked: Mapping[str, Any], messages: Sequence[Any]) -> Iterator[str]:
    for place in ("metadata", "litellm_metadata"):
        metadata = asked.get(place)
        session = metadata.get("session") if isinstance(metadata, Mapping) else None
        if isinstance(session, str | int) and session != "":
            yield from ("session", _ends(str(session)))
            return
    user = asked.get("user")
    if isinstance(user, str) and user:
        yield from ("user", _ends(user))
        return
    yield "text"
    if (before := asked.get("previous_response_id")) is not None:
        yield from ("response", _ends(str(before)))
        return
    for place in _INSTRUCTIONS:
        if (told := asked.get(place)) is not None:
            yield from _texts(told)
    if isinstance(given := asked.get("input") or asked.get("contents"), str):
        yield _ends(given)
    for message in islice(messages, LOOKED_AT):
        role = _role(message)
        if role in _SYSTEM or role in _FIRST:
            yield role
            yield from _texts(_field(message, "content") or _field(message, "parts"))
        if role in _FIRST and not is_result(message):
            return


def _texts(content: Any, depth: int = 3) -> Iterator[str]:
    """The texts of a content, as far as they are hashed."""
    if isinstance(content, str):
        yield _ends(content)
    elif depth and isinstance(content, Mapping):
        for name, value in islice(content.items(), PARTS):
            if name != "cache_control":  # Callers move it along.
                yield str(name)
                yield from _texts(value, depth - 1)
    elif depth and isinstance(content, list):
        for part in islice(content, PARTS):
            yield from _texts(part, depth - 1)


def _ends(text: str) -> str:
    return text if len(text) <= 2 * END else f"{text[:END]}{len(text)}{text[-END:]}"


def _role(message: Any) -> str:
    role = _field(message, "role")
    return role if isinstance(role, str) else ""


def _field(message: Any, name: str) -> Any:
    return message.get(name) if isinstance(message, Mapping) else getattr(message, name, None)
