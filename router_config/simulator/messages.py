"""Requests and answers in terms that are common to all five wire formats."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the request offers."""

    name: str
    schema: Mapping[str, Any]
    """JSON schema of its arguments"""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, whatever its wire format."""

    model: str
    prompt_tokens: int
    kind: Literal["chat", "embedding", "models", "other"] = "chat"
    max_tokens: int | None = None
    stream: bool = False
    include_usage: bool = False
    tools: Sequence[Tool] = ()
    forced_tool: str | None = None
    """the tool that must be called; `*`: any"""
    wants_json: bool = False
    schema: Mapping[str, Any] | None = None
    """JSON schema that the answer must follow"""
    inputs: int = 1
    """how many texts to embed"""
    dimensions: int = 8
    batch: bool = False
    """whether a list of embeddings is expected (Gemini)"""
    cached_tokens: int = 0
    """of the prompt, read from the provider's cache"""
    body: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a simulated model says."""

    text: str
    completion_tokens: int
    finish: Literal["stop", "length", "tool_calls"] = "stop"
    tool: str | None = None
    arguments: str = "{}"

    def pieces(self, tokens: int) -> list[str]:
        """The text in pieces of so many tokens, for a stream."""
        size = tokens * 4
        return [self.text[start : start + size] for start in range(0, len(self.text), size)]


@dataclass(frozen=True, slots=True)
class Response:
    """A complete HTTP response."""

    status: int
    body: Any
    """JSON, or a string or bytes sent as they are"""
    headers: Mapping[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body, separators=(",", ":")).encode()


class BadRequest(Exception):
    """The request's body cannot be understood; the message is for its sender."""


def token_count(text: str) -> int:
    """Tokens of a text, as the simulated models count: four characters each."""
    return math.ceil(len(text) / 4)


def text_of(content: Any) -> str:
    """The text in a message's content: a string, or a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(p["text"] for p in content if isinstance(p, dict) and isinstance(p.get("text"), str))
    return ""
