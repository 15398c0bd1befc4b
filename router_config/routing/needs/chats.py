"""What a chat needs of a model, by its arguments."""

from collections.abc import Mapping
from typing import Any, Final

from router_config.deployments.abilities import Needs
from router_config.routing.needs.arguments import (
    AUDIO,
    LOGPROBS,
    PARALLEL,
    REASONING,
    STREAMING,
    TOOLS,
    N,
    answer_format,
    parts,
    thinks,
    tokens,
)

_ASKS: Final = frozenset(
    {
        "tools", "functions", "parallel_tool_calls", "response_format", "n", "logprobs", "top_logprobs",
        "reasoning_effort", "thinking", "stream", "modalities", "audio",
    }
)  # fmt: skip


def of_chat(asked: Mapping[str, Any]) -> Needs:
    needed = 0 if _ASKS.isdisjoint(asked) else _by_parameters(asked)
    messages = asked.get("messages")
    if isinstance(messages, list):
        for message in messages:
            content = message.get("content") if isinstance(message, dict) else getattr(message, "content", None)
            if content is not None and type(content) is not str and isinstance(content, list):
                needed |= parts(content)
    return Needs(needed, tokens(asked.get("max_completion_tokens") or asked.get("max_tokens")), True)


def _by_parameters(asked: Mapping[str, Any]) -> int:
    needed = 0
    if asked.get("tools") or asked.get("functions"):
        needed |= TOOLS | (PARALLEL if asked.get("parallel_tool_calls") is True else 0)
    if (form := asked.get("response_format")) is not None and not asked.get("schema_in_prompt"):
        needed |= answer_format(form)
    if type(choices := asked.get("n")) is int and choices > 1:
        needed |= N
    if asked.get("logprobs") or asked.get("top_logprobs"):
        needed |= LOGPROBS
    if asked.get("reasoning_effort") not in (None, "none") or thinks(asked.get("thinking")):
        needed |= REASONING
    if asked.get("stream"):
        needed |= STREAMING
    if asked.get("audio") is not None or "audio" in (asked.get("modalities") or ()):
        needed |= AUDIO
    return needed
