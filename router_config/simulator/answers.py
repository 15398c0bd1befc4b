"""What the simulated models say: deterministic text, JSON that follows a schema, tool calls."""

import json
import re
from collections.abc import Mapping
from typing import Any

from router_config.simulator.faults import Fault
from router_config.simulator.messages import Answer, Request, Tool, token_count

_FILLER = (
    "The market looks calm today and nothing in the figures asks for haste. Volume is close to its mean, "
    "spreads are narrow, and the trend of the last week holds. A careful reader would wait for the close, "
    "note the level, and decide in the morning with the same rules as always. "
)
_ASKED = re.compile(r"Answer in (\d+) tokens")
_MAX_DEPTH = 12  # of a schema that refers to itself


def answer_to(request: Request, provider: str, fault: Fault, text: str | None, tokens: int) -> Answer:
    """The answer to a request: what the script says, else `text`, else filler of `tokens` tokens."""
    if tool := _tool_to_call(request, fault):
        name, arguments = tool
        return Answer("", token_count(name + arguments), "tool_calls", name, arguments)
    said = fault.answer if fault.answer is not None else text
    if said is None and request.wants_json:
        said = json.dumps(sample(request.schema)) if request.schema else '{"answer": "simulated"}'
    if said is None:
        said = _filler(f"Simulated answer of {request.model} at {provider}. ", tokens)
    return _bounded(said, request.max_tokens)


def asked_length(request: Request) -> int | None:
    """Tokens that a prompt asks for, as in `Answer in 120 tokens.`"""
    found = _ASKED.search(json.dumps(request.body))
    return None if found is None else int(found[1])


def _bounded(text: str, max_tokens: int | None) -> Answer:
    tokens = token_count(text)
    if max_tokens is None or tokens <= max_tokens:
        return Answer(text, tokens)
    return Answer(text[: max_tokens * 4], max_tokens, "length")


def _filler(start: str, tokens: int) -> str:
    length = tokens * 4
    return (start + _FILLER * (length // len(_FILLER) + 1))[:length]


def _tool_to_call(request: Request, fault: Fault) -> tuple[str, str] | None:
    scripted = fault.tool_call
    if isinstance(scripted, Mapping):
        return str(scripted["name"]), json.dumps(scripted.get("arguments", {}))
    if not request.tools or not (scripted or request.forced_tool):
        return None
    chosen = _named(request, request.forced_tool) if request.forced_tool else request.tools[0]
    return chosen.name, json.dumps(sample(chosen.schema))


def _named(request: Request, name: str) -> Tool:
    return next((tool for tool in request.tools if tool.name == name), request.tools[0])


def sample(schema: Mapping[str, Any]) -> Any:
    """A small value that satisfies a JSON schema (the parts of it that agents use)."""
    definitions = {**schema.get("definitions", {}), **schema.get("$defs", {})}
    return _sample(schema, definitions, 0)


def _sample(schema: Any, definitions: Mapping[str, Any], depth: int) -> Any:
    if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
        return None
    if isinstance(reference := schema.get("$ref"), str):
        return _sample(definitions.get(reference.rsplit("/", 1)[-1]), definitions, depth + 1)
    for fixed in ("const", "default"):
        if fixed in schema:
            return schema[fixed]
    if schema.get("enum"):
        return schema["enum"][0]
    for union in ("anyOf", "oneOf", "allOf"):
        if schema.get(union):
            return _sample(schema[union][0], definitions, depth + 1)
    return _of_type(_type(schema), schema, definitions, depth)


def _type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0] if kind else None
    if kind is None:
        kind = "object" if "properties" in schema else "string"
    return str(kind).lower()  # Gemini writes them in capitals


def _of_type(kind: str, schema: Mapping[str, Any], definitions: Mapping[str, Any], depth: int) -> Any:
    if kind == "object":
        properties: Mapping[str, Any] = schema.get("properties") or {}
        return {name: _sample(each, definitions, depth + 1) for name, each in properties.items()}
    if kind == "array":
        count = max(int(schema.get("minItems", 1)), 1)
        return [_sample(schema.get("items", {}), definitions, depth + 1) for _ in range(count)]
    if kind in ("integer", "number"):
        return _number(kind, schema)
    if kind == "boolean":
        return True
    if kind == "null":
        return None
    return _string(schema)


def _number(kind: str, schema: Mapping[str, Any]) -> float:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is not None and high is not None:
        middle = (low + high) / 2
        return int(middle) if kind == "integer" else middle
    if low is not None:
        return int(low) + 1 if kind == "integer" else float(low) + 1.0
    if high is not None:
        return int(high) - 1 if kind == "integer" else float(high) - 1.0
    return 1 if kind == "integer" else 1.5


def _string(schema: Mapping[str, Any]) -> str:
    known = {
        "date": "2026-11-23",
        "date-time": "2026-11-23T10:00:00Z",
        "time": "10:00:00Z",
        "email": "someone@example.com",
        "uri": "https://example.com/",
        "uuid": "00000000-0000-4000-8000-000000000000",
    }
    text = known.get(str(schema.get("format")), "simulated")
    text = text.ljust(int(schema.get("minLength", 0)), ".")
    return text[: int(schema["maxLength"])] if "maxLength" in schema else text
