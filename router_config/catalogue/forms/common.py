"""Lists of OpenAI's form, which most providers have, each with fields of its own beside `id`.

A field that is known from any of them is read wherever it stands: servers of this form copy each other's.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from router_config.catalogue import fields
from router_config.catalogue.fields import any_of, first, flag, items, mapping, words
from router_config.catalogue.listing import MOST_MODELS, ListedModel, ModelKind
from router_config.config.models import Price

PER_TOKEN: Final = 1e6
PER_MILLION: Final = 1.0
TEN_THOUSANDTHS: Final = 1e-4
"""What makes dollars per million tokens of prices per token, per million, and of ten-thousandths of a dollar."""

_CONTEXT: Final = (
    "context_length", "context_window", "max_context_length", "max_context_window", "context_size", "max_model_len",
    "max_input_tokens", "top_provider.context_length", "metadata.context_length", "limits.max_input_tokens",
    "inputTokenLimit", "meta.n_ctx_train",
)  # fmt: skip
_TOOLS: Final = ("supports_tools", "supports_tool_calling", "supports_function_calling", "supports_functions")
_VISION: Final = ("supports_vision", "supports_image_input", "supports_image_in", "supports_images")
_TOOL_WORDS: Final = frozenset(
    {"tools", "tool-use", "tool-calling", "tool-call", "function-calling", "function-call", "functions"}
)
_VISION_WORDS: Final = frozenset({"vision", "image-input", "image", "multimodal"})
_FEATURES: Final = ("supported_features", "features", "supported_parameters", "capabilities")
_TAGS: Final = ("tags", "metadata.tags")
_RETIRES: Final = (
    "deprecation", "deprecation_date", "expiration_date", "planned_deprecation_date", "retirement_date",
    "shutdown_date", "sunset_date",
)  # fmt: skip
_SUCCESSOR: Final = (
    "deprecation_replacement_model",
    "replacement_model",
    "successor_model",
    "successor",
    "replaced_by",
)

_KINDS: Final[Mapping[str, ModelKind]] = {
    "chat": "chat", "language": "chat", "text": "chat", "llm": "chat", "vlm": "chat", "model": "chat", "base": "chat",
    "text-generation": "chat", "text-to-text": "chat", "completion": "chat", "chat-completion": "chat",
    "embedding": "embedding", "embeddings": "embedding", "text-embeddings": "embedding", "embed": "embedding",
    "image": "other", "video": "other", "audio": "other", "rerank": "other", "reranking": "other",
    "reranker": "other", "moderation": "other", "speech": "other", "transcription": "other", "transcribe": "other",
    "tts": "other", "ocr": "other", "classification": "other",
}  # fmt: skip
_EMBEDDING_NAME: Final = re.compile(r"(?i)embed|(?:^|[/-])(?:bge|gte|e5)-")
_OTHER_NAME: Final = re.compile(
    r"(?i)whisper|(?:^|[/-])tts\b|dall-e|-image\b|imagen|(?:^|/)veo-|(?:^|[/-])sora\b|moderation|rerank"
    r"|transcribe|realtime|lyria|(?:^|[/-])ocr\b|orpheus|playai|stable-diffusion|(?:^|[/-])flux\b|-guard\b|guard-\d|safeguard"
)


def entries(document: Any) -> list[Any]:
    """The models of a list: a bare one, or below one of the names that it is given."""
    if isinstance(document, list):
        return document[:MOST_MODELS]
    found = first(mapping(document), "data", "models", "result", "object.data")
    return items(found, MOST_MODELS)


def read(document: Any, factor: float | None = None, *, zero_is_free: bool = True) -> tuple[ListedModel, ...]:
    """The models of a list of this form. factor: of its prices; None: it is judged by the dearest of them.

    zero_is_free: False where a price of 0 stands for a price that is not told.
    """
    known = [each for each in map(mapping, entries(document)) if each.get("active") is not False]
    if factor is None:
        factor = _factor(known)
    return tuple(found for each in known if (found := read_entry(each, factor, zero_is_free=zero_is_free)) is not None)


def read_entry(entry: Mapping[str, Any], factor: float, *, zero_is_free: bool = True) -> ListedModel | None:
    """One model; None where it has no name, or is archived."""
    name = fields.name(first(entry, "id", "name", "model"))
    if name is None or entry.get("archived") is True:
        return None
    price = _price(entry, factor)
    free: bool | None = True if name.endswith(":free") else None
    if free is None and price is not None and (price.input or price.output or zero_is_free):
        free = not (price.input or price.output)
    retires_on = fields.day(first(entry, *_RETIRES))
    return ListedModel(
        name=name,
        kind=_kind(entry, name),
        aliases=fields.names(entry.get("aliases")),
        context=_context(entry),
        tools=_tools(entry),
        vision=_vision(entry),
        price=price if price is not None and (price.input or price.output or zero_is_free) else None,
        free=free,
        deprecated=bool(retires_on or flag(first(entry, "deprecated", "is_deprecated"))),
        retires_on=retires_on,
        successor=fields.name(first(entry, *_SUCCESSOR)),
        created=fields.moment(first(entry, "created", "created_at", "createdAt")),
    )


def _context(entry: Mapping[str, Any]) -> int | None:
    for key in _CONTEXT:
        if (found := fields.count(first(entry, key))) is not None:
            return found
    served = [fields.count(each.get("context_length")) for each in _served(entry)]
    return max((each for each in served if each is not None), default=None)


def _tools(entry: Mapping[str, Any]) -> bool | None:
    told = [flag(entry.get(key)) for key in _TOOLS]
    able = mapping(entry.get("capabilities"))
    told += [flag(first(able, "function_calling", "tools", "tool_calling", "tool_use", "supports_tools"))]
    told += [flag(each.get("supports_tools")) for each in _served(entry)]
    return any_of(iter(told + _by_words(entry, _TOOL_WORDS)))


def _vision(entry: Mapping[str, Any]) -> bool | None:
    told = [flag(entry.get(key)) for key in _VISION]
    able = mapping(entry.get("capabilities"))
    told += [flag(first(able, "vision", "image_input", "supports_vision"))]
    taken = first(entry, "input_modalities", "architecture.input_modalities", "supported_input_modalities")
    if isinstance(taken, list):
        told.append("image" in words(taken))
    modality = first(entry, "architecture.modality")
    if taken is None and isinstance(modality, str):
        told.append("image" in modality.partition("->")[0])
    # Of what is listed as a feature, the absence of sight says nothing.
    return any_of(iter(told + [each for each in _by_words(entry, _VISION_WORDS) if each]))


def _by_words(entry: Mapping[str, Any], wanted: frozenset[str]) -> list[bool | None]:
    told: list[bool | None] = [
        bool(words(entry[key]) & wanted) for key in _FEATURES if isinstance(entry.get(key), list)
    ]
    return told + [True for key in _TAGS if words(first(entry, key)) & wanted]


def _served(entry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """By whom a model of a gateway is served."""
    return (mapping(each) for each in items(entry.get("providers"), 50))


def _kind(entry: Mapping[str, Any], name: str) -> ModelKind:
    able = mapping(entry.get("capabilities"))
    for chats in (flag(able.get("completion_chat")), flag(entry.get("supports_chat"))):
        if chats is not None:
            return "chat" if chats else by_name(name, "other")
    made = first(entry, "output_modalities", "architecture.output_modalities", "supported_output_modalities")
    if isinstance(made, list) and made:
        kinds = words(made)
        return "chat" if "text" in kinds else "embedding" if kinds & {"embedding", "embeddings"} else "other"
    told = first(entry, "type", "model_type", "mode", "task", "metadata.type")
    kind = _KINDS.get(told.casefold().replace("_", "-").replace(" ", "-")) if isinstance(told, str) else None
    return by_name(name) if kind in (None, "chat") else kind


def by_name(name: str, otherwise: ModelKind = "chat") -> ModelKind:
    """The kind of a model by its name alone."""
    if _EMBEDDING_NAME.search(name):
        return "embedding"
    return "other" if _OTHER_NAME.search(name) else otherwise


def _price(entry: Mapping[str, Any], factor: float) -> Price | None:
    prompt, completion = _prices(entry)
    if prompt is not None:
        return fields.price(prompt, completion, factor)
    in_parts = first(entry, "input_token_price_per_m", "prompt_text_token_price")
    if in_parts is not None:  # Novita's and xAI's numbers are ten-thousandths of a dollar for a million tokens.
        out = first(entry, "output_token_price_per_m", "completion_text_token_price")
        return fields.price(in_parts, out, TEN_THOUSANDTHS)
    offers = [_price(each, PER_MILLION) for each in _served(entry)]
    return min((each for each in offers if each is not None), key=lambda each: each.input + each.output, default=None)


def _prices(entry: Mapping[str, Any]) -> tuple[Any, Any]:
    told = first(entry, "pricing", "metadata.pricing", "price")
    prompt = first(mapping(told), "prompt", "input", "input_tokens", "input_price", "input.usd", "base.input")
    completion = first(mapping(told), "completion", "output", "output_tokens", "output_price", "output.usd")
    return _number(prompt), _number(completion)


def _number(value: Any) -> Any:
    return first(mapping(value), "usd", "price", "price_per_m") if isinstance(value, Mapping) else value


def _factor(known: Iterable[Mapping[str, Any]]) -> float:
    """Of prices whose unit nobody told: no list has only models below a tenth of a cent for a million tokens."""
    dearest = max((fields.number(price) or 0.0 for each in known for price in _prices(each)), default=0.0)
    return PER_TOKEN if dearest < 0.001 else PER_MILLION
