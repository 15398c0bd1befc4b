"""How many tokens a request may take: a fast bound, on the high side, in place of an exact count.

An exact count of a 100 kB prompt takes tens of milliseconds; the reservation it serves takes microseconds. What is
too much comes back at settlement.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from router_config.ledger.rules.calibration import TextKind
from router_config.ledger.rules.gates import Correction, Need

LONGEST_ANSWER: Final = 65_536
"""Tokens that an answer may come to when nobody bounds it; what most models are able to give at most."""

PER_MESSAGE: Final = 3
"""Tokens that a chat message's frame costs with OpenAI's encodings; other providers are near it."""

PER_IMAGE: Final = 1600
"""A large image in detail; providers count 85 to 1600 tokens."""

SAMPLE: Final = 256
SAMPLES: Final = 8

LONGEST_WORD: Final = 32
"""Bytes; what is longer and is no sentence is base64, hex, or a row of one sign."""

_RUNS: Final = re.compile(rb"[0-9A-Za-z+/=_-]{32,}")
_ROWS: Final = re.compile(rb"([^0-9A-Za-z\s\x80-\xff])\1{15,}")

_BESIDE_MESSAGES: Final = frozenset(
    {
        "input", "prompt", "tools", "functions", "response_format", "documents", "query", "system", "instructions",
        "contents", "text",
    }
)  # fmt: skip
"""Arguments that are part of the prompt, at whichever endpoint."""

_WITHOUT_AN_ANSWER: Final = frozenset({"aembedding", "amoderation", "arerank"})

PER_DOCUMENT: Final = 1600
"""Tokens of a document at least, one whose bytes are elsewhere among them."""

DOCUMENT: Final = 16
"""Base64 signs of a PDF to a token: text takes 3000 tokens a page at most, in 40 kB and more."""

AUDIO: Final = 160
"""Base64 signs of a recording to a token: compressed it has 4 kB a second, of which providers count 10 to 32."""

_MEDIA: Final[Mapping[str, tuple[int, int]]] = {
    "input_audio": (AUDIO, 0),
    "audio_url": (AUDIO, 0),
    "document": (DOCUMENT, PER_DOCUMENT),
    "file": (DOCUMENT, PER_DOCUMENT),
    "input_file": (DOCUMENT, PER_DOCUMENT),
}
"""By the type of a part, base64 signs to a token, and tokens at least."""

_PROSE: Final = bytes(range(ord("a"), ord("z") + 1)) + b" "
_CAPITALS: Final = bytes(range(ord("A"), ord("Z") + 1))
_NOT_ASCII: Final = bytes(range(128, 256))


def need_of(
    request: Mapping[str, Any],
    default_output: int,
    corrections: Mapping[TextKind, Correction] | None = None,
    endpoint: str = "",
) -> Need:
    """The tokens of a LiteLLM request (`messages`, `input` or `prompt`, tools, max_tokens), prompt and answer.

    default_output: the guess for an answer whose length the caller does not bound. corrections: what candidates are
    known to count, by kind of prompt. endpoint: the name of LiteLLM's function; without it an `input` is embedded.
    """
    correction = None if corrections is None else corrections[kind_of(request)]
    prompt = _messages(request.get("messages"))
    if not _BESIDE_MESSAGES.isdisjoint(request):
        prompt += sum(_content(request[key]) for key in _BESIDE_MESSAGES if request.get(key) is not None)
    if endpoint in _WITHOUT_AN_ANSWER or (not endpoint and _is_embedding(request)):
        return Need(prompt, prompt, correction=correction)
    answer = request.get("max_completion_tokens") or request.get("max_tokens") or request.get("max_output_tokens")
    if answer is None and isinstance(config := request.get("config"), Mapping):  # Of Gemini's own form.
        answer = config.get("max_output_tokens") or config.get("maxOutputTokens")
    longest = 0
    if not isinstance(answer, int) or isinstance(answer, bool) or answer < 0:
        answer, longest = default_output, LONGEST_ANSWER
    choices = request.get("n")
    if isinstance(choices, int) and choices > 1:
        answer, longest = answer * choices, longest * choices
    return Need(prompt + answer, prompt, prompt + longest if longest else 0, 1, correction)


def _is_embedding(request: Mapping[str, Any]) -> bool:
    asked = request.get("messages"), request.get("max_output_tokens")
    return request.get("input") is not None and asked == (None, None)


def kind_of(request: Mapping[str, Any]) -> TextKind:
    """What the request's prompt mostly is, by a sample of its longest message."""
    if request.get("tools") or request.get("functions"):
        return "tools"
    longest = ""
    messages = request.get("messages")
    if isinstance(messages, list):
        for message in messages:
            text = message.get("content") if isinstance(message, dict) else None
            if isinstance(text, str) and len(text) > len(longest):
                longest = text
    elif isinstance(request.get("input"), str):
        longest = request["input"]
    raw = longest[:SAMPLE].encode("utf-8", "replace")
    rest = raw.translate(None, _PROSE)
    if len(rest) * 5 <= len(raw):
        return "prose"
    if len(rest) - len(rest.translate(None, _NOT_ASCII)) > len(raw) // 4:
        return "foreign"
    return "dense" if len(raw) >= LONGEST_WORD and raw.count(b" ") * 16 < len(raw) else "code"


def tokens_of(text: str) -> int:
    """An upper estimate of a text's tokens. Long texts are judged by samples of them."""
    length = len(text)
    if length <= SAMPLE * SAMPLES:
        return _tokens(text)
    step = (length - SAMPLE) // (SAMPLES - 1)
    sample = "".join(text[start : start + SAMPLE] for start in range(0, step * SAMPLES, step))
    return -(-_tokens(sample) * length // len(sample))


def _tokens(text: str) -> int:
    """By bytes for a token: small letters and blanks 3.5, capitals 2, signs 1.5, other scripts 2, emoji 1."""
    raw = text.encode("utf-8", "replace")
    rest = raw.translate(None, _PROSE)
    if not rest:
        return int(len(raw) / 3.5) + 1
    if len(rest) * 5 > len(raw) > LONGEST_WORD:
        raw, dense = _without_dense(raw)
        rest = raw.translate(None, _PROSE)
    else:
        dense = 0.0
    signs = rest.translate(None, _CAPITALS)
    ascii_signs = signs if signs.isascii() else signs.translate(None, _NOT_ASCII)
    capitals, others = len(rest) - len(signs), len(signs) - len(ascii_signs)
    emoji = raw.count(b"\xf0")
    return int((len(raw) - len(rest)) / 3.5 + capitals / 2 + len(ascii_signs) / 1.5 + others / 2 + emoji + dense) + 1


def _without_dense(raw: bytes) -> tuple[bytes, float]:
    """The text without its base64, hex, and rows of one sign, and what those take: 1.3 and 8 bytes a token."""
    rows = _ROWS.sub(b"", raw)
    tokens = (len(raw) - len(rows)) / 8
    runs = b"".join(_RUNS.findall(rows))
    if len(runs.translate(None, _PROSE)) * 3 > len(runs):  # Else they are long words, as in paths.
        rows = _RUNS.sub(b"", rows)
        tokens += len(runs) / 1.3
    return rows, tokens


def _messages(messages: Any) -> int:
    if not isinstance(messages, Sequence) or isinstance(messages, str):
        return 0
    total = PER_MESSAGE
    for message in messages:
        total += PER_MESSAGE
        fields = message if isinstance(message, Mapping) else getattr(message, "__dict__", {})
        for key, value in fields.items():
            if key != "role" and value is not None:
                total += tokens_of(value) if isinstance(value, str) else _content(value)
    return total


def _content(value: Any) -> int:
    if isinstance(value, str):
        return tokens_of(value)
    if isinstance(value, Mapping):
        kind = value.get("type")
        if kind in ("image_url", "input_image", "image"):
            return PER_IMAGE
        if isinstance(kind, str) and kind in _MEDIA:
            return _media(value, *_MEDIA[kind])
        for name in ("inline_data", "inlineData"):  # Of Gemini's own form.
            if isinstance(inside := value.get(name), Mapping):
                media = str(inside.get("mime_type") or inside.get("mimeType"))
                if media.startswith("image/"):
                    return PER_IMAGE
                return _media(inside, *_MEDIA["input_audio" if media.startswith("audio/") else "file"])
        return sum(2 + _content(each) for each in value.values())
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        if value and type(value[0]) is int:
            return len(value)  # Tokens already.
        return sum(map(_content, value))
    return 2


def _media(part: Mapping[str, Any], signs: int, least: int) -> int:
    """The tokens of a recording or a document, whose bytes stand in some text of it. Plain text counts as such."""
    source = part.get("source")
    if isinstance(source, Mapping) and source.get("type") in ("text", "content"):
        return sum(2 + _content(each) for each in source.values())
    return max(least, _longest(part) // signs)


def _longest(value: Any) -> int:
    """The length of the longest text in a part."""
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, Mapping):
        return max(map(_longest, value.values()), default=0)
    return 0
