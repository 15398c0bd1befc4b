"""Gemini: generateContent, quotas told in the body alone, hints that end with the minute even for a day."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from router_config.simulator.dialects.base import Stamp
from router_config.simulator.dialects.chat import vector
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
from router_config.simulator.quotas.admission import Refusal, WindowState

_PATH = re.compile(
    r"/v1(?:beta)?/models/(?P<model>.+):"
    r"(?P<method>generateContent|streamGenerateContent|embedContent|batchEmbedContents)$"
)
_FINISH = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP"}
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_SERVER = {
    "vary": "Origin, X-Origin, Referer",
    "server": "scaffolding on HTTPServer2",
    "server-timing": "gfet4t7; dur=121",
}
_METRIC = "generativelanguage.googleapis.com/generate_content_free_tier_"
_EXCEEDED = (
    "You exceeded your current quota, please check your plan and billing details. For more information "
    "on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits. "
    "To monitor your current usage, head to: https://ai.dev/rate-limit. "
)


class Gemini:
    name = "gemini"
    base = "/v1beta"
    reserves_max_tokens = False

    def key(self, headers: Mapping[bytes, bytes], query: str) -> str | None:
        key = headers.get(b"x-goog-api-key", b"").decode("latin-1").strip()
        return key or next(iter(parse_qs(query).get("key", [])), None)

    def endpoint(self, path: str) -> str | None:
        if path in ("/v1beta/models", "/v1/models"):
            return "models"
        match = _PATH.match(path)
        if match is None:
            return None
        return "embedding" if "mbed" in match["method"] else "chat"

    # reading

    def read(self, path: str, body: Any) -> Request:
        match = _PATH.match(path)
        if match is None or not isinstance(body, dict):
            raise BadRequest("Invalid JSON payload received.")
        if match["method"] in ("embedContent", "batchEmbedContents"):
            return _embedding_ask(match["model"], body, batch=match["method"] == "batchEmbedContents")
        return _chat_ask(match["model"], body, stream=match["method"] == "streamGenerateContent")

    # answering

    def answer(self, request: Request, answer: Answer, stamp: Stamp) -> Json:
        return self._response(request, _parts(answer), _FINISH[answer.finish], answer.completion_tokens, stamp)

    def embedding(self, request: Request, stamp: Stamp) -> Json:
        values = [{"values": vector(request.dimensions, i)} for i in range(request.inputs)]
        return {"embeddings": values} if request.batch else {"embedding": values[0]}

    def chunks(self, request: Request, answer: Answer, pieces: Sequence[str], stamp: Stamp) -> Iterator[bytes]:
        said = 0
        for piece in pieces:
            said += token_count(piece)
            tokens = min(said, answer.completion_tokens)
            yield _sse(self._response(request, [{"text": piece}], None, tokens, stamp))
        parts = _parts(answer) if answer.tool is not None else [{"text": ""}]
        yield _sse(self._response(request, parts, _FINISH[answer.finish], answer.completion_tokens, stamp))

    def _response(self, request: Request, parts: list[Json], finish: str | None, tokens: int, stamp: Stamp) -> Json:
        candidate: Json = {"content": {"parts": parts, "role": "model"}, "index": 0}
        if finish is not None:
            candidate["finishReason"] = finish
        cached = {"cachedContentTokenCount": request.cached_tokens} if request.cached_tokens else {}
        return {
            "candidates": [candidate],
            "usageMetadata": {
                **cached,
                "promptTokenCount": request.prompt_tokens,
                "candidatesTokenCount": tokens,
                "totalTokenCount": request.prompt_tokens + tokens,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": request.prompt_tokens}],
            },
            "modelVersion": request.model,
            "responseId": f"sim{stamp.number}",
        }

    def error_event(self) -> bytes:
        return _sse(_error(503, "The model is overloaded. Please try again later."))

    def headers(self, windows: Sequence[WindowState], stamp: Stamp) -> dict[str, str]:
        return dict(_SERVER)

    # refusing

    def refusal(self, refusal: Refusal, windows: Sequence[WindowState], request: Request, stamp: Stamp) -> Response:
        window = refusal.window
        per_model = window.scope == "model"
        metric = _METRIC + ("requests" if window.of_requests else "input_token_count")
        hint = 60.0 - stamp.now % 60.0
        violation: Json = {
            "quotaMetric": metric,
            "quotaId": _quota_id(window, "PerModel" if per_model else ""),
            "quotaDimensions": {"location": "global"} | ({"model": request.model} if per_model else {}),
        }
        if window.limit:
            violation["quotaValue"] = str(window.limit)
        message = (
            f"{_EXCEEDED}\n* Quota exceeded for metric: {metric}, limit: {window.limit}, model: {request.model}\n"
            f"Please retry in {hint:.9f}".rstrip("0").rstrip(".")
            + "s."
        )
        link = {
            "description": "Learn more about Gemini API quotas",
            "url": "https://ai.google.dev/gemini-api/docs/rate-limits",
        }
        details: list[Json] = [
            {"@type": "type.googleapis.com/google.rpc.Help", "links": [link]},
            {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{int(hint)}s"},
        ]
        return Response(429, _error(429, message, details), _SERVER)

    def error(self, status: int, message: str | None = None) -> Response:
        default = "Internal error encountered." if status >= 500 else "Request contains an invalid argument."
        if status == 503:
            default = "This model is currently experiencing high demand. Please try again later."
        return Response(status, _error(status, message or default), _SERVER)

    def no_key(self) -> Response:
        return self.error(
            403,
            "Method doesn't allow unregistered callers (callers without established identity). "
            "Please use API Key or other form of API consumer identity to call this API.",
        )

    def bad_key(self) -> Response:
        message = "API key not valid. Please pass a valid API key."
        details: list[Json] = [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "API_KEY_INVALID",
                "domain": "googleapis.com",
                "metadata": {"service": "generativelanguage.googleapis.com"},
            },
            {
                "@type": "type.googleapis.com/google.rpc.LocalizedMessage",
                "locale": "en-US",
                "message": message,
            },
        ]
        return Response(400, _error(400, message, details), _SERVER)

    def unknown_model(self, model: str) -> Response:
        return self.error(
            404,
            f"models/{model} is not found for API version v1beta, or is not supported for generateContent. "
            "Call ModelService.ListModels to see the list of available models and their supported methods.",
        )

    def retired_model(self, model: str) -> Response:
        return self.unknown_model(model)

    def context_exceeded(self, request: Request, context: int) -> Response:
        tokens = request.prompt_tokens
        return self.error(
            400, f"The input token count ({tokens}) exceeds the maximum number of tokens allowed ({context})."
        )


def _chat_ask(model: str, body: Json, *, stream: bool) -> Request:
    contents = body.get("contents")
    if not isinstance(contents, list) or not contents:
        raise BadRequest("* GenerateContentRequest.contents: contents is not specified\n")
    config = body.get("generationConfig") or body.get("generation_config") or {}
    system = body.get("systemInstruction") or body.get("system_instruction") or {}
    declared = [d for tool in body.get("tools") or [] for d in _declarations(tool)]
    schema = config.get("responseJsonSchema") or config.get("response_json_schema")
    schema = schema or config.get("responseSchema") or config.get("response_schema")
    mime = config.get("responseMimeType") or config.get("response_mime_type")
    return Request(
        model=model,
        prompt_tokens=_prompt_tokens([*contents, system] if system else contents, declared),
        max_tokens=_count(config.get("maxOutputTokens") or config.get("max_output_tokens")),
        stream=stream,
        include_usage=True,
        tools=tuple(Tool(d["name"], d.get("parameters") or d.get("parametersJsonSchema") or {}) for d in declared),
        forced_tool=_forced_tool(body.get("toolConfig") or body.get("tool_config") or {}),
        wants_json=mime == "application/json",
        schema=schema,
        body=body,
    )


def _embedding_ask(model: str, body: Json, *, batch: bool) -> Request:
    requests = body.get("requests") if batch else [body]
    if not isinstance(requests, list) or not requests:
        raise BadRequest("* BatchEmbedContentsRequest.requests: requests is not specified\n")
    texts = [text_of((r.get("content") or {}).get("parts")) for r in requests if isinstance(r, dict)]
    return Request(
        model=model,
        kind="embedding",
        prompt_tokens=sum(map(token_count, texts)),
        inputs=len(texts),
        dimensions=requests[0].get("outputDimensionality") or 8,
        batch=batch,
        body=body,
    )


def _prompt_tokens(contents: list[Any], declared: list[Json]) -> int:
    total = 3 + (token_count(json.dumps(declared)) if declared else 0)
    for content in contents:
        parts = content.get("parts") if isinstance(content, dict) else None
        if not isinstance(parts, list):
            raise BadRequest("* GenerateContentRequest.contents.parts: contents.parts must not be empty.\n")
        other = [p for p in parts if isinstance(p, dict) and ("functionCall" in p or "functionResponse" in p)]
        total += 4 + token_count(text_of(parts)) + (token_count(json.dumps(other)) if other else 0)
    return total


def _count(given: Any) -> int | None:
    if given is not None and (not isinstance(given, int) or given < 1):
        raise BadRequest("Invalid value at 'generation_config.max_output_tokens' (TYPE_INT32)")
    return given


def _declarations(tool: Any) -> list[Json]:
    if not isinstance(tool, dict):
        return []
    return tool.get("functionDeclarations") or tool.get("function_declarations") or []


def _forced_tool(config: Json) -> str | None:
    calling = config.get("functionCallingConfig") or config.get("function_calling_config") or {}
    if calling.get("mode") != "ANY":
        return None
    allowed = calling.get("allowedFunctionNames") or calling.get("allowed_function_names") or ["*"]
    return str(allowed[0])


def _parts(answer: Answer) -> list[Json]:
    if answer.tool is None:
        return [{"text": answer.text}]
    return [{"functionCall": {"name": answer.tool, "args": json.loads(answer.arguments)}}]


def _quota_id(window: WindowState, model: str) -> str:
    """Recorded are those of minutes and days; the others are made in the same way."""
    if window.kind.unit == "open":
        return f"GenerateConcurrentRequestsPerProject{model}-FreeTier"
    period = f"Per{window.kind.unit.capitalize()}"
    if window.of_requests:
        return f"GenerateRequests{period}PerProject{model}-FreeTier"
    tokens = "OutputTokens" if window.kind.what == "output" else "InputTokens"
    return f"GenerateContent{tokens}{model}{period}-FreeTier"


def _sse(data: Json) -> bytes:
    return b"data: " + json.dumps(data, separators=(",", ":")).encode() + b"\r\n\r\n"


def _error(status: int, message: str, details: list[Json] | None = None) -> Json:
    error: Json = {"code": status, "message": message, "status": _STATUS.get(status, "UNKNOWN")}
    return {"error": error | ({"details": details} if details else {})}
