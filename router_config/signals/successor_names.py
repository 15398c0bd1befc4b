"""What an error names in the place of a model that is gone: `use X instead`, `replaced by X`, or a field of its own."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from router_config.signals.parsed_reply import ParsedReply

_FIELDS: Final = (
    "successor", "successor_model", "replacement", "replacement_model", "replaced_by", "recommended_model",
    "recommended_replacement", "suggested_model", "alternative", "alternative_model", "use_instead", "migrate_to",
)  # fmt: skip
_QUOTES: Final = "`'\"\u201c\u201d\u2018\u2019*<>\xab\xbb"
_NAME: Final = rf"([{_QUOTES}]{{0,2}}[@A-Za-z][\w@./:+-]{{1,119}}[{_QUOTES}]{{0,2}})"
_NEW: Final = r"(?:(?:the |our )?(?:newer |new |latest |model |models |slug |version |successor |replacement ){0,3})"
_OLD: Final = rf"(?: of (?:it|this model|[{_QUOTES}]?[\w./:-]{{1,80}}[{_QUOTES}]?))?"
_USE: Final = r"(?:use|using|try|trying|choose|select|call|request)"
_MOVE: Final = r"(?:migrat|switch|upgrad|mov|transition)\w{0,3}(?: over)?(?: your \w{1,20})?"
_PATTERNS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_USE} {_NEW}{_NAME}(?: models?)? ?(?:instead|in its place|going forward)",
        rf"\b(?:instead|in its place){_OLD},? (?:please )?{_USE} {_NEW}{_NAME}",
        rf"\b{_USE}\b[^.\n]{{0,40}}\binstead ?: ?{_NAME}",
        rf"\b(?:replaced|superseded|succeeded)(?: by| with) {_NEW}{_NAME}",
        rf"\b{_MOVE} to {_NEW}{_NAME}",
        rf"\b(?:in favou?r of|points? to|redirects? to) {_NEW}{_NAME}",
        r"\b(?:successor|replacement|recommended|suggested|alternative)(?: model| replacement| alternative| successor)?"
        rf"(?: model)?(?: is| are|:| =)? ?{_NAME}",
        rf"\b(?:recommend|suggest)(?:s|ed)?(?: that you)?(?: {_USE}|:)? {_NEW}{_NAME}",
        rf"[,;:.(] ?(?:please )?(?:use|try) {_NEW}{_NAME}",
    )
)
_MAY_NAME_ONE: Final = re.compile(
    r"instead|in its place|replac|supersed|succe|migrat|switch|upgrad|\bmov|transition|favou?r of|points? to|redirect"
    r"|recommend|suggest|alternativ|\b(?:use|try) "
)
"""In a lower-case text. Most name none, and this one search says so."""

_TEXT: Final = 800
"""Characters of a message that are looked at."""

_MODEL_LIKE: Final = re.compile(
    r"\d|/|-(?:latest|preview|mini|small|medium|large|flash|pro|lite|turbo|instruct|chat)\b"
)
_NO_MODEL: Final = re.compile(
    r"https?:|^(?:/|v\d+(?:beta\d*)?/|docs?/)|\.(?:com|ai|dev|org|io|net|html?|md)\b"
    r"|completions|embeddings|responses$|endpoint|^api\b|^\d",
    re.IGNORECASE,
)


def successor_in(reply: ParsedReply) -> str | None:
    """The model that the error names as the one to use now; None where it names none, or nothing that is surely one."""
    for name, quoted in (*_in_fields(reply), *_in_words(reply)):
        name = name.removeprefix("models/")
        if (quoted or _MODEL_LIKE.search(name)) and not _NO_MODEL.search(name):
            return name
    return None


def _in_fields(reply: ParsedReply) -> Iterator[tuple[str, bool]]:
    inner = [reply.error.get(key) for key in ("metadata", "details", "innererror")]
    for holder in (reply.error, reply.document, *inner):
        if isinstance(holder, Mapping):
            for name in _FIELDS:
                found = _name(holder.get(name))
                if found is not None:
                    yield found, True


def _name(value: Any) -> str | None:
    if isinstance(value, Mapping):
        value = value.get("id") or value.get("name")
    return value if isinstance(value, str) and re.fullmatch(r"[@A-Za-z][\w@./:+-]{1,119}", value) else None


def _in_words(reply: ParsedReply) -> Iterator[tuple[str, bool]]:
    if _MAY_NAME_ONE.search(reply.text[:_TEXT]) is None:
        return
    for pattern in _PATTERNS:
        for match in pattern.finditer(reply.quote[:_TEXT]):
            name = match[1].strip(_QUOTES)
            yield name.rstrip(".,:;-/"), name != match[1]
