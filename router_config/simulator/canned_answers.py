"""Answers of the providers without a server: for tests and self-checks that replace LiteLLM's transport."""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from router_config.simulator.dialects import DIALECTS, Stamp
from router_config.simulator.messages import Answer, Request, Response, token_count
from router_config.simulator.quotas.limits import provider_name

_STAMP: Final = Stamp(now=1_764_000_000.0, number=1)
_PROMPT_TOKENS: Final = 9


class CannedAnswer(NamedTuple):
    """A complete HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes


def canned_answer(
    provider: str,
    model: str,
    stream: bool = False,
    *,
    text: str = "Simulated answer.",
    tool_call: Mapping[str, Any] | None = None,
    embedding: bool = False,
) -> CannedAnswer:
    """A successful answer in the wire format of a provider; the same arguments give the same bytes.

    provider: one of the five, by LiteLLM's name or the simulator's; `openai` also stands for any server that is
    compatible with OpenAI's. model: as it stands in the answer. stream: server-sent events, with the usage at their
    end. text: what the model says, in a stream in pieces of 8 characters. tool_call: `{"name": ..., "arguments":
    {...}}`, which the model calls instead. embedding: one embedding of 8 dimensions instead of a chat.

        status, headers, body = canned_answer("groq", "llama-3.3-70b-versatile")

    Raises LimitsError for a provider that is not simulated.
    """
    dialect = DIALECTS[provider_name(provider)]
    request = Request(model, _PROMPT_TOKENS, stream=stream, include_usage=True)
    answer = Answer(text, token_count(text))
    if tool_call is not None:
        name, arguments = str(tool_call["name"]), json.dumps(tool_call.get("arguments", {}))
        answer = Answer("", token_count(name + arguments), "tool_calls", name, arguments)
    headers = dialect.headers((), _STAMP)
    if stream and not embedding:
        events = dialect.chunks(request, answer, answer.pieces(2), _STAMP)
        return CannedAnswer(200, {"content-type": "text/event-stream", **headers}, b"".join(events))
    body = dialect.embedding(request, _STAMP) if embedding else dialect.answer(request, answer, _STAMP)
    return CannedAnswer(200, {"content-type": "application/json", **headers}, Response(200, body).content())
