"""What the simulated providers list: models and their facts, in the form of each provider's own list.

Besides the five there are services that answer nothing but the request for their list.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple

from router_config.simulator.messages import Json

Kind = Literal["chat", "embedding", "other"]


class ListedError(ValueError):
    """A list that cannot be understood; the message says why."""


@dataclass(frozen=True, slots=True)
class ListedModel:
    """What a list says of a model."""

    kind: Kind = "chat"
    context: int = 131_072
    """tokens"""
    tools: bool = True
    vision: bool = False
    price: tuple[float, float] | None = None
    """dollars for a million tokens of prompt and answer, where the list tells prices"""
    successor: str | None = None
    """what the list names in its place; the model is deprecated then"""
    retires_on: str | None = None
    """the day from which it is not served, `YYYY-MM-DD`"""
    created: float = 1_750_000_000.0
    """seconds since 1970"""


Models = Mapping[str, ListedModel]
_NAMES: Final = frozenset(each.name for each in fields(ListedModel))


class Wanted(NamedTuple):
    """The page that a request asks for. size: models of one; begins: the first of it."""

    size: int
    begins: int


class Service(NamedTuple):
    """path: of the list, behind the service's name. header: where its key stands; None: it needs none."""

    path: str
    header: str | None
    body: Callable[[Models, Wanted], Any]


def read_listed(given: Any) -> dict[str, ListedModel]:
    """Models from plain data: `{"m": {"context": 8192, "price": [0, 0]}}`, or a list of names. Raises ListedError."""
    if isinstance(given, list | tuple | set | frozenset):
        return {str(name): ListedModel() for name in given}
    if not isinstance(given, Mapping):
        raise ListedError(f"expected models by name, not {given!r}")
    return {str(name): _model(str(name), each) for name, each in given.items()}


def _model(name: str, given: Any) -> ListedModel:
    if isinstance(given, ListedModel):
        return given
    if not isinstance(given, Mapping):
        raise ListedError(f"{name}: expected facts such as {{context: 8192}}, not {given!r}")
    if unknown := sorted(set(map(str, given)) - _NAMES):
        raise ListedError(f"{name}: unknown {', '.join(unknown)}; known are {', '.join(sorted(_NAMES))}")
    price = given.get("price")
    if price is not None and (not isinstance(price, list | tuple) or len(price) != 2):
        raise ListedError(f"{name}: a price is of prompt and answer, such as [0.15, 0.6], not {price!r}")
    return ListedModel(**{**given, "price": None if price is None else (float(price[0]), float(price[1]))})


def of_provider(provider: str, models: Models, wanted: Wanted) -> Any:
    """The list of one of the five."""
    return {"gemini": _gemini, "openrouter": _openrouter, "together": _together}.get(provider, _openai)(models, wanted)


def account() -> Json:
    """What OpenRouter tells of a key."""
    told = {"label": "sk-or-v1-sim...key", "limit": 5.0, "usage": 0.5, "limit_remaining": 4.5, "limit_reset": "monthly"}
    return {"data": {**told, "is_free_tier": True, "rate_limit": {"requests": -1, "interval": "10s"}}}


def _openai(models: Models, _: Wanted) -> Json:
    listed = [
        {"id": name, "object": "model", "created": int(each.created), "owned_by": "simulator"}
        | {"active": True, "context_window": each.context}
        for name, each in models.items()
    ]
    return {"object": "list", "data": listed}


def _gemini(models: Models, wanted: Wanted) -> Json:
    methods = {"chat": ["generateContent", "countTokens"], "embedding": ["embedContent"], "other": ["predict"]}
    listed = [
        {"name": f"models/{name}", "inputTokenLimit": each.context, "supportedGenerationMethods": methods[each.kind]}
        for name, each in models.items()
    ]
    page, following = _cut(listed, wanted)
    return {"models": page} | ({} if following is None else {"nextPageToken": f"token{following}"})


def _openrouter(models: Models, _: Wanted) -> Json:
    return {"data": [_openrouters(name, each) for name, each in models.items()]}


def _openrouters(name: str, model: ListedModel) -> Json:
    made = {"chat": ["text"], "embedding": ["embeddings"], "other": ["image"]}[model.kind]
    free = name.endswith(":free") or name == "openrouter/free"
    price = model.price or ((0.0, 0.0) if free else (0.5, 1.5))
    return {
        "id": name,
        "created": int(model.created),
        "context_length": model.context,
        "architecture": {"input_modalities": ["text", *["image"] * model.vision], "output_modalities": made},
        "pricing": {"prompt": f"{price[0] / 1e6:.10f}", "completion": f"{price[1] / 1e6:.10f}"},
        "supported_parameters": ["max_tokens", *["tools"] * model.tools],
        "expiration_date": model.retires_on,
    }


def _together(models: Models, _: Wanted) -> list[Json]:
    kinds = {"chat": "chat", "embedding": "embedding", "other": "image"}
    return [
        {"id": name, "type": kinds[each.kind], "created": int(each.created), "context_length": each.context}
        | {"pricing": {"hourly": 0, "input": (each.price or (0, 0))[0], "output": (each.price or (0, 0))[1]}}
        for name, each in models.items()
    ]


def _mistral(models: Models, _: Wanted) -> Json:
    return {"object": "list", "data": [_mistrals(name, each) for name, each in models.items()]}


def _mistrals(name: str, model: ListedModel) -> Json:
    able = {"completion_chat": model.kind == "chat", "function_calling": model.tools, "vision": model.vision}
    retires = {
        "deprecation": None if model.retires_on is None else f"{model.retires_on}T12:00:00Z",
        "deprecation_replacement_model": model.successor,
    }
    return {"id": name, "capabilities": able, "max_context_length": model.context, "aliases": [], **retires}


def _cohere(models: Models, wanted: Wanted) -> Json:
    endpoints = {"chat": ["chat"], "embedding": ["embed"], "other": ["rerank"]}
    listed = [
        {"name": name, "endpoints": endpoints[each.kind], "context_length": each.context}
        | {"features": ["tools"] * each.tools, "supports_vision": each.vision, "is_deprecated": bool(each.retires_on)}
        for name, each in models.items()
    ]
    page, following = _cut(listed, wanted)
    return {"models": page} | ({} if following is None else {"next_page_token": f"token{following}"})


def _anthropic(models: Models, wanted: Wanted) -> Json:
    listed = [
        {"id": name, "type": "model", "created_at": datetime.fromtimestamp(each.created, UTC).isoformat()}
        | {"max_input_tokens": each.context, "capabilities": {"image_input": {"supported": each.vision}}}
        for name, each in models.items()
    ]
    page, following = _cut(listed, wanted)
    return {"data": page, "has_more": following is not None, "last_id": page[-1]["id"] if page else None}


def _ollama(models: Models, _: Wanted) -> Json:
    return {"models": [{"name": name, "model": name, "details": {"family": "sim"}} for name in models]}


def _cloudflare(models: Models, wanted: Wanted) -> Json:
    tasks = {"chat": "Text Generation", "embedding": "Text Embeddings", "other": "Text-to-Image"}
    listed = []
    for name, each in models.items():
        facts: list[Json] = [{"property_id": "context_window", "value": str(each.context)}]
        facts += [{"property_id": "function_calling", "value": "true"}] * each.tools
        for number, unit in enumerate(("input", "output")):
            if each.price is not None:
                price = {"unit": f"per M {unit} tokens", "price": each.price[number], "currency": "USD"}
                facts.append({"property_id": "price", "value": [price]})
        listed.append({"name": name, "task": {"name": tasks[each.kind]}, "properties": facts})
    page, _ = _cut(listed, wanted)
    pages = -(-len(listed) // wanted.size)
    info = {"page": wanted.begins // wanted.size + 1, "per_page": wanted.size, "total_pages": pages}
    return {"success": True, "result": page, "result_info": info}


def _huggingface(models: Models, _: Wanted) -> Json:
    listed = []
    for name, each in models.items():
        price = {} if each.price is None else {"pricing": {"input": each.price[0], "output": each.price[1]}}
        served = {"provider": "sim", "status": "live", "context_length": each.context, "supports_tools": each.tools}
        taken = {"input_modalities": ["text", *["image"] * each.vision], "output_modalities": ["text"]}
        listed.append({"id": name, "architecture": taken, "providers": [served | price]})
    return {"object": "list", "data": listed}


def _cut(listed: list[Json], wanted: Wanted) -> tuple[list[Json], int | None]:
    """One page of a list, and where the next begins."""
    end = wanted.begins + wanted.size
    return listed[wanted.begins : end], end if end < len(listed) else None


SERVICES: Final[Mapping[str, Service]] = {
    "mistral": Service("/v1/models", "authorization", _mistral),
    "cohere": Service("/v1/models", "authorization", _cohere),
    "anthropic": Service("/v1/models", "x-api-key", _anthropic),
    "ollama": Service("/api/tags", None, _ollama),
    "cloudflare": Service("/client/v4/accounts/me/ai/models/search", "authorization", _cloudflare),
    "huggingface": Service("/v1/models", "authorization", _huggingface),
}
"""Providers beside the five that list their models, and do nothing else."""
