"""Makes the text of a provider fit for people: short, without keys and control characters.

Providers echo keys in their errors (`Incorrect API key provided: sk-…`), whole, in part or with stars in them.
"""

import re
from collections.abc import Iterable

_READ = 1000  # characters that are looked at
_REDACTED = "[redacted]"
_PART = 8  # characters of a known key that must not be shown
_KNOWN_KEYS = re.compile(
    r"(?:\b(?:sk|pk|rk|gsk|tgp|xai|hf|nvapi|csk|fw|key|ak|ghp|github_pat|ya29|sess|secret)[-_]"
    r"|\bAIza|\bAQ\.|\beyJ)"
    r"[\w.*…~+/=-]{2,400}"
)
_AFTER_A_NAME = re.compile(
    r"(?i)\b(bearer|basic|authorization|x-goog-api-key|x-api-key|api[ _-]?key(?:\s+provided)?"
    r"|password|secret|token)"
    r"(\s{0,3}[:=]\s{0,3}|\s+(?=\S{0,60}[\d*]))[\"'`]?(?!bearer\b)[^\s\"'`,;]{3,400}"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"'`,;]{3,400}")
_WORD = re.compile(r"[\w*…~+=-]{8,400}")
_SECRET_WORD = re.compile(r"(?i)(?:key|secret|token|passw|credential)")
_HARMLESS = re.compile(
    r"(?i)(?:invalid|missing|incorrect|bad|expired|your|x|goog|google|groq|gemini|openrouter|together|togetherai"
    r"|openai|api|keys?|tokens?|max|new|input|output|completion|prompt|total|count|limit|per|min|minute|day|secret"
    r"|free|tier|generate|content|exceeded|error|not|found|valid|[-_])*"
)
_CAMEL_CASE = re.compile(r"(?:[A-Z]?[a-z]{2,20}|[A-Z]{2,5}){1,8}")
_RUN = re.compile(r"[A-Za-z0-9]{12,}")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without what is or looks like a key, at most 1000 characters of it.

    secrets: known keys, which are removed whole and in part.
    """
    text = text[: _READ + 1]
    for secret in secrets:
        text = without(text, secret)
    if len(text) > _READ:  # a word cut in two might be half a key
        text = text[:_READ].rpartition(" ")[0]
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    text = _KNOWN_KEYS.sub(_REDACTED, text)
    text = _BEARER.sub(rf"\1 {_REDACTED}", text)
    text = _AFTER_A_NAME.sub(rf"\1 {_REDACTED}", text)
    return _WORD.sub(lambda word: _REDACTED if _looks_secret(word[0]) else word[0], text)


def without(text: str, secret: str) -> str:
    """The text without a known key, and without any part of it of eight characters or more.

    Eight lower-case letters in a row stay, since they are a word, such as a provider's name in a key made for a test.
    """
    if len(secret) >= 4:
        text = text.replace(secret, _REDACTED)
    parts = {secret[start : start + _PART] for start in range(len(secret) - _PART + 1)}
    parts = {part for part in parts if not (part.isalpha() and part.islower())}
    kept, end = "", 0
    for start in range(len(text) - _PART + 1):
        if text[start : start + _PART] in parts:
            if start > end or not kept:
                kept += text[end:start] + _REDACTED
            end = start + _PART
    return kept + text[end:]


def shorten(text: str, length: int) -> str:
    """At most `length` characters of the text, cut between words where possible."""
    if len(text) <= length:
        return text
    head = text[: length - 1]
    return (head.rpartition(" ")[0] or head).rstrip(" ,;:.") + "…"


def _looks_secret(word: str) -> bool:
    if "**" in word or "…" in word:
        return True
    if _SECRET_WORD.search(word) and not _HARMLESS.fullmatch(word):
        return True
    for run in _RUN.findall(word):
        digits = sum(c.isdigit() for c in run)
        if digits and (digits < len(run) or len(run) >= 16):
            return True
        if len(run) >= 20 and not (run.islower() or run.isupper() or _CAMEL_CASE.fullmatch(run)):
            return True
        if len(run) >= 48:
            return True
    return False
