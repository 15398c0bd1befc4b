"""The OpenAI chat format, which four of the five providers use, each with fields of its own."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from router_config.simulator.dialects.base import Stamp
from router_config.simulator.messages import (
    Answer,
    BadRequest,
    Json,
    Request,
    Response,
    Tool,
    text_of,
    token_count,
)
from router_config.simulator.quotas.admission import WindowState

_IMAGE_TOKENS = 85
_TOKENS_PER_MESSAGE = 4


class ChatFormat:
    """Requests and answers in OpenAI's shape; errors and headers are each provider's own."""

    name = ""
    reserves_max_tokens = False
    base = "/v1"

    def key(self, headers: Mapping[bytes, bytes], query: str) -> str | None:
        scheme, _, key = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        return key.strip() or None if scheme.lower() == "bearer" else None

    def endpoint(self, path: str) -> str | None:
        return {
            self.base + "/chat/completions": "chat",
            self.base + "/embeddings": "embedding",
            self.base + "/models": "models",
        }.get(path)

    # reading

    def read(self, path: str, body: Any) -> Request:
        if not isinstance(body, dict):
            raise BadRequest("We could not parse the JSON body of your request.")
        model = body.get("model")
        if not isinstance(model, str) or not model:
            raise BadRequest("you must provide a model parameter")
        return self._embedding_ask(model, body) if path.endswith("/embeddings") else self._chat_ask(model, body)

    def _chat_ask(self, model: str, body: Json) -> Request:
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) for m in messages):
            raise BadRequest("'messages' : must be a list of one message or more")
        tools = _tools(body.get("tools"))
        wanted = body.get("response_format") or {}
        schema = wanted.get("json_schema") or {}
        return Request(
            model=model,
            prompt_tokens=_prompt_tokens(messages, body.get("tools")),
            max_tokens=_max_tokens(body),
            stream=body.get("stream") is True,
            include_usage=(body.get("stream_options") or {}).get("include_usage") is True,
            tools=tools,
            forced_tool=_forced_tool(body.get("tool_choice")) if tools else None,
            wants_json=wanted.get("type") in ("json_object", "json_schema"),
            schema=schema.get("schema"),
            body=body,
        )

    def _embedding_ask(self, model: str, body: Json) -> Request:
        given = body.get("input")
        if not given or not isinstance(given, str | list):
            raise BadRequest("'input' is a required property")
        texts: list[Any] = [given] if isinstance(given, str) or isinstance(given[0], int) else given
        return Request(
            model=model,
            kind="embedding",
            prompt_tokens=sum(token_count(t) if isinstance(t, str) else len(list(t)) for t in texts),
            inputs=len(texts),
            dimensions=body.get("dimensions") or 8,
            body=body,
        )

    # answering

    def answer(self, request: Request, answer: Answer, stamp: Stamp) -> Json:
        return {
            "id": f"chatcmpl-sim{stamp.number}",
            "object": "chat.completion",
            "created": int(stamp.now),
            "model": request.model,
            "choices": [
                {
                    "index": 0,
                    "message": _message(answer, stamp),
                    "logprobs": None,
                    "finish_reason": answer.finish,
                }
            ],
            "usage": self.usage(request, answer),
        }

    def embedding(self, request: Request, stamp: Stamp) -> Json:
        return {
            "object": "list",
            "model": request.model,
            "data": [
                {"object": "embedding", "index": i, "embedding": vector(request.dimensions, i)}
                for i in range(request.inputs)
            ],
            "usage": {"prompt_tokens": request.prompt_tokens, "total_tokens": request.prompt_tokens},
        }

    def usage(self, request: Request, answer: Answer) -> Json:
        cached = {"prompt_tokens_details": {"cached_tokens": request.cached_tokens}} if request.cached_tokens else {}
        return cached | {
            "prompt_tokens": request.prompt_tokens,
            "completion_tokens": answer.completion_tokens,
            "total_tokens": request.prompt_tokens + answer.completion_tokens,
        }

    def chunks(self, request: Request, answer: Answer, pieces: Sequence[str], stamp: Stamp) -> Iterator[bytes]:
        yield self._event(request, stamp, {"role": "assistant", "content": ""})
        if answer.tool is not None:
            call = {"index": 0, "id": f"call_sim{stamp.number}", "type": "function"}
            function = {"name": answer.tool, "arguments": answer.arguments}
            yield self._event(request, stamp, {"tool_calls": [{**call, "function": function}]})
        for piece in pieces:
            yield self._event(request, stamp, {"content": piece})
        yield self._event(request, stamp, {}, finish=answer.finish, extra=self.last_chunk(request, answer, stamp))
        if request.include_usage:
            usage = self._frame(request, stamp) | {"choices": [], "usage": self.usage(request, answer)}
            yield _sse(usage)
        yield b"data: [DONE]\n\n"

    def last_chunk(self, request: Request, answer: Answer, stamp: Stamp) -> Json:
        """What the provider adds to the chunk that bears the finish reason."""
        return {}

    def error_event(self) -> bytes:
        error = {"message": "The server had an error while processing your request", "type": "server_error"}
        return _sse({"error": {**error, "code": 502}})

    def headers(self, windows: Sequence[WindowState], stamp: Stamp) -> dict[str, str]:
        return {}

    # refusing

    def problem(self, message: str, kind: str = "invalid_request_error", code: str | None = None) -> Json:
        """The JSON of an error."""
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}

    def unknown_model(self, model: str) -> Response:
        message = f"The model `{model}` does not exist or you do not have access to it."
        return Response(404, self.problem(message, code="model_not_found"))

    def too_long(self, message: str) -> Response:
        """The prompt is longer than the model's context, as OpenAI and Groq say it."""
        body = self.problem(message, code="context_length_exceeded")
        body["error"]["param"] = "messages"
        return Response(400, body)

    def _frame(self, request: Request, stamp: Stamp) -> Json:
        return {
            "id": f"chatcmpl-sim{stamp.number}",
            "object": "chat.completion.chunk",
            "created": int(stamp.now),
            "model": request.model,
        }

    def _event(
        self, request: Request, stamp: Stamp, delta: Json, *, finish: str | None = None, extra: Json | None = None
    ) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _sse(self._frame(request, stamp) | {"choices": [choice]} | (extra or {}))


def vector(dimensions: int, seed: int) -> list[float]:
    """A deterministic unit-like vector; different texts of a request get different ones."""
    return [round(((i * 7 + seed * 13) % 19 - 9) / 30, 4) for i in range(dimensions)]


def _sse(data: Json) -> bytes:
    return b"data: " + json.dumps(data, separators=(",", ":")).encode() + b"\n\n"


def _message(answer: Answer, stamp: Stamp) -> Json:
    if answer.tool is None:
        return {"role": "assistant", "content": answer.text}
    function = {"name": answer.tool, "arguments": answer.arguments}
    call = {"id": f"call_sim{stamp.number}", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _prompt_tokens(messages: list[Json], tools: Any) -> int:
    total = 3
    for message in messages:
        content = message.get("content")
        total += _TOKENS_PER_MESSAGE + token_count(text_of(content))
        if isinstance(content, list):
            total += _IMAGE_TOKENS * sum(isinstance(p, dict) and p.get("type") == "image_url" for p in content)
        if message.get("tool_calls"):
            total += token_count(json.dumps(message["tool_calls"]))
    return total + (token_count(json.dumps(tools)) if tools else 0)


def _max_tokens(body: Json) -> int | None:
    given = body.get("max_completion_tokens", body.get("max_tokens"))
    if given is not None and (not isinstance(given, int) or isinstance(given, bool) or given < 1):
        raise BadRequest(f"'max_tokens' : must be an integer of 1 or more, got {given!r}")
    return given


def _tools(given: Any) -> tuple[Tool, ...]:
    if not given:
        return ()
    try:
        return tuple(Tool(t["function"]["name"], t["function"].get("parameters") or {}) for t in given)
    except (TypeError, KeyError, AttributeError):
        raise BadRequest("'tools' : must be a list of functions") from None


def _forced_tool(choice: Any) -> str | None:
    if choice == "required":
        return "*"
    if isinstance(choice, dict):
        return (choice.get("function") or {}).get("name")
    return None
