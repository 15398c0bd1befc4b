"""What a reply of LiteLLM's says."""

from typing import Any


def text_of(reply: Any) -> str:
    """The text of the first choice; empty when it has none, as when a tool is called."""
    choices = reply.choices
    return (choices[0].message.content or "") if choices else ""


def is_cut_off(reply: Any) -> bool:
    """Whether the answer ended at its token limit."""
    return any(choice.finish_reason == "length" for choice in reply.choices)


def piece_of(chunk: Any) -> str:
    """The text in one chunk of a stream; empty in those that carry a role, a tool call, usage or an end."""
    choices = chunk.choices
    return (choices[0].delta.content or "") if choices else ""
