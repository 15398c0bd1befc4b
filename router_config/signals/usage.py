"""The tokens that an answer used, as its provider reports them. Any JSON and any number may come."""

from __future__ import annotations

import json
import re
from math import inf
from typing import Any, Final, NamedTuple

WIDEST_CONTEXT: Final = 2**21
"""Tokens that fit the widest context windows: the most that a model may take of which nothing is known."""

USAGE_KEYS: Final = ("usage", "usageMetadata")

USAGE_PLACES: Final = ("", "response", "message")
"""Where it lies: at the top, in Responses' `response`, in the `message` that an Anthropic stream begins with."""

COUNTS: Final = (
    ("total_tokens", "totalTokenCount"),
    ("prompt_tokens", "promptTokenCount", "input_tokens"),
    ("completion_tokens", "candidatesTokenCount", "output_tokens"),
)
"""What total, prompt and answer are called, by OpenAI, Gemini, and Responses and Anthropic."""

READ_FROM_CACHE: Final = (
    "cache_read_input_tokens", "prompt_cache_hit_tokens", "cachedContentTokenCount", "cached_tokens"
)  # fmt: skip
"""Tokens of the prompt that were read from a cache: as Anthropic, DeepSeek, Gemini and Moonshot have it."""

CACHED: Final = ("cache_read_input_tokens", "cache_creation_input_tokens")

DETAILS: Final = ("prompt_tokens_details", "input_tokens_details")
"""Where OpenAI and Responses say how much of the prompt was read from a cache."""

CACHE_IS_NOT_COUNTED: Final = frozenset({"anthropic", "groq"})
"""Who says that limits of input tokens leave out what is read from a cache (read 2026-11-26). Gemini counts it."""

_NO_OBJECT: Final = re.compile(rb'"usage"\s*:(?!\s*(?:\{|null))|"usageMetadata"\s*:(?!\s*\{)')
_NO_COUNT: Final = re.compile(
    rb'"\w*(?:tokens|okenCount)"\s*:(?!\s*(?:\d{1,12}|null)\s*[,}])|"\w*[dD]etails"\s*:(?!\s*[\[{n])|"cost"\s*:\s*-',
    re.ASCII,
)
_DEPTH: Final = 3
"""Objects in which a usage lies at most, as in Responses' `{"response": {"usage": ...}}`."""

_LONGEST_NUMBER: Final = 4300
"""Digits of a whole number that Python reads at most, unless it is told otherwise."""

_SHOWN: Final = 40


class Usage(NamedTuple):
    """Tokens of prompt and answer together, of the prompt alone, and of that what was read from a cache."""

    total: int
    prompt: int
    cached: int = 0


class Reported(NamedTuple):
    """What a provider reported. usage: None where it said nothing that can be. implausible: what cannot be."""

    usage: Usage | None
    implausible: str = ""


NOTHING_SAID: Final = Reported(None)


def reported(total: object, prompt: object, answer: object, most: int = WIDEST_CONTEXT) -> Reported:
    """The usage in three fields of an answer, None for one that is missing.

    most: tokens that the request could have used. A report of more, and one of what is no number of tokens, tells
    nothing, so that the reservation counts. Zero is taken for a field that was never filled in.
    """
    for name, value in (("total", total), ("prompt", prompt), ("answer", answer)):
        if value is not None and not (_is_count(value) and value <= most):  # type: ignore[operator]
            return Reported(None, f"{name} tokens: {_shown(value)}")
    of_prompt, of_answer = int(prompt or 0), int(answer or 0)  # type: ignore[call-overload]
    both = max(int(total or 0), of_prompt + of_answer)  # type: ignore[call-overload]
    if both > most:
        return Reported(None, f"total tokens: {both}")
    if not total and not (of_prompt and of_answer):
        return NOTHING_SAID  # Half of it, as in some events of Anthropic's streams.
    return Reported(Usage(both, of_prompt))


def usage_in(event: bytes | None, most: int = WIDEST_CONTEXT, first: bytes | None = None) -> Reported:
    """The usage in an answer or one event of a stream, in any wire format.

    first: the stream's first event with a usage. Anthropic reports the prompt there, and the answer in the last.
    """
    usage = _usage_of(_parsed(event or b""))
    if isinstance(usage, dict) and first is not None and first is not event:
        begun = _usage_of(_parsed(first))
        usage = {**begun, **usage} if isinstance(begun, dict) else usage
    return told_by(usage, most)


def _usage_of(document: Any) -> Any:
    for place in USAGE_PLACES:
        within = document.get(place) if place and isinstance(document, dict) else document
        usage = (within.get("usage") or within.get("usageMetadata")) if isinstance(within, dict) else None
        if usage is not None:
            return usage
    return None


def told_by(usage: Any, most: int = WIDEST_CONTEXT) -> Reported:
    """What a usage object says, of an answer in JSON or of LiteLLM's; None for none."""
    if usage is None:
        return NOTHING_SAID
    if not isinstance(usage, dict) and not hasattr(usage, "__dict__"):
        return Reported(None, f"usage: {_shown(usage)}")
    fields = usage if isinstance(usage, dict) else vars(usage)
    total, prompt, answer = (
        next((fields[name] for name in names if fields.get(name) is not None), None) for names in COUNTS
    )
    if fields.get("prompt_tokens") is None and _is_count(prompt):
        # In a cache, or put into one: Anthropic counts those apart.
        prompt += sum(fields[name] for name in CACHED if _is_count(fields.get(name)))
    told = reported(total, prompt, answer, most)
    if told.usage is not None and (cached := _from_cache(fields)) <= told.usage.prompt:
        told = Reported(told.usage._replace(cached=cached)) if cached else told
    cost = fields.get("cost")
    if isinstance(cost, int | float) and cost < 0 and not told.implausible:
        return Reported(told.usage, f"cost: {_shown(cost)}")
    return told


def _from_cache(fields: Any) -> int:
    """Tokens of the prompt that were read from a cache; 0 where nothing can be believed of them."""
    cached = next((fields[name] for name in READ_FROM_CACHE if fields.get(name) is not None), None)
    for name in DETAILS:
        details = fields.get(name)
        if cached is None and details is not None:
            cached = details.get("cached_tokens") if isinstance(details, dict) else getattr(details, "cached_tokens", 0)
    return int(cached) if cached is not None and _is_count(cached) else 0


def readable(body: bytes, *, whole: bool = False) -> bytes:
    """The answer, or event of a stream, with a usage that a strict reader takes: what is no number of tokens becomes 0.

    Nearly always the same object: only an answer that reports nonsense is parsed, or one with a number, anywhere, of
    more digits than Python reads: that becomes infinite. whole: no event. In Gemini's answers
    a usage that is left out is put in, for LiteLLM reads none without (1.110).
    """
    at = body.find(b'"usage')
    if _has_endless_number(body):
        pass
    elif at < 0:
        if not (whole and b'"candidates"' in body):
            return body
    elif not (_NO_OBJECT.search(body, at) or _NO_COUNT.search(body, at)):
        return body
    document = _parsed(body)
    if not isinstance(document, dict):
        return body
    if whole and isinstance(document.get("candidates"), list):
        document.setdefault("usageMetadata", {})
    return json.dumps(_mended(document, _DEPTH)).encode()


def _has_endless_number(body: bytes) -> bool:
    """Whether so many digits follow each other, wherever they stand. So many hold one whole block of half as many."""
    block = _LONGEST_NUMBER // 2
    return any(body[at : at + block].isdigit() for at in range(0, len(body) - block, block))


def _mended(document: dict[str, Any], depth: int) -> dict[str, Any]:
    """The same with every usage in it mended."""
    found = dict(document)
    for key, value in document.items():
        if key in USAGE_KEYS:
            found[key] = _counts(value, _DEPTH) if isinstance(value, dict) else {} if value or key != "usage" else None
        elif isinstance(value, dict) and depth > 1:
            found[key] = _mended(value, depth - 1)
    return found


def _counts(usage: dict[str, Any], depth: int) -> dict[str, Any]:
    counts: dict[str, Any] = {}
    for key, value in usage.items():
        if "etails" in key:  # A details field may be left out.
            if isinstance(value, list) and depth:
                counts[key] = [_counts(each, depth - 1) for each in value if isinstance(each, dict)]
            elif isinstance(value, dict) and depth:
                counts[key] = _counts(value, depth - 1)
        elif key == "tokens" and isinstance(value, dict) and depth:  # Cohere's.
            counts[key] = _counts(value, depth - 1)
        elif value is not None and key.endswith(("okens", "okenCount")):
            counts[key] = int(value) if _is_count(value) and value <= WIDEST_CONTEXT else 0
        elif isinstance(value, int | float):
            counts[key] = value if 0 <= value < inf else 0
        else:
            counts[key] = value
    return counts


def _is_count(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value >= 0 and (isinstance(value, int) or value.is_integer())


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text, parse_int=_int)
    except (ValueError, RecursionError):
        return None


def _int(digits: str) -> int | float:
    """A number of so many digits that Python refuses to read it is as good as infinite."""
    return int(digits) if len(digits) < 300 else float(digits)


def _shown(value: object) -> str:
    try:
        text = f"{value:.3g}" if isinstance(value, int | float) and not isinstance(value, bool) else repr(value)
    except OverflowError:
        text = "more than 1e308"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
