"""What a scripted answer is made of: raw bytes, false usage, a body that unpacks to far more."""

import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, Final

_GZIP: Final = 31
_MEGABYTE: Final = 1_000_000
_USAGE: Final = ("usage", "usageMetadata")
_DATA: Final = re.compile(rb"(?m)^data: (\{.*?)(\r?)$")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of an answer: `text`, or else the usual events from `events[0]` up to `events[1]` (counted as in a list).

    The whole body of an answer that is not a stream is its only event.
    """

    text: str | None = None
    events: Sequence[int | None] = (None, None)
    replace: Mapping[str, str] = field(default_factory=dict)
    """texts, and what stands in their place: `{"\\n": "\\r\\n"}`"""
    first: int | None = None
    """only so many bytes of it"""
    repeat: int = 1
    """it comes so many times"""
    write: int | None = None
    """so many bytes at a time; None: all at once, each repetition by itself"""
    every_ms: float = 0.0
    """wait before each write, milliseconds"""
    drop: bool = False
    """after it the connection is broken off"""

    def writes(self, usual: Sequence[bytes]) -> Iterator[bytes]:
        """What is written at a time. `usual`: the events of the usual answer."""
        content = b"".join(usual[slice(*self.events)]) if self.text is None else self.text.encode()
        for old, new in self.replace.items():
            content = content.replace(old.encode(), new.encode())
        content = content[: self.first]
        if not self.every_ms and self.write is None:
            yield content * self.repeat
            return
        size = self.write or len(content) or 1
        for _ in range(self.repeat):
            yield from (content[start : start + size] for start in range(0, len(content), size))

    def completes(self, usual: Sequence[bytes]) -> bool:
        """Whether the usual answer ends with this part."""
        whole = self.text is None and self.first is None and not self.drop
        return whole and usual[slice(*self.events)][-1:] == usual[-1:] != []


def read_parts(given: Any) -> list[Part]:
    """Parts from JSON: a string is a text, an object has the fields of Part. Raises ValueError."""
    if not isinstance(given, list | tuple):
        raise ValueError("parts must be a list of texts and objects")
    known = {one.name for one in fields(Part)}
    parts = []
    for one in given:
        if not isinstance(one, str | Mapping) or (isinstance(one, Mapping) and not known.issuperset(one)):
            raise ValueError(f"a part is a text, or an object of {', '.join(sorted(known))}, not {one!r}")
        parts.append(Part(text=one) if isinstance(one, str) else Part(**one))
    return parts


def with_usage(body: Any, usage: Any) -> Any:
    """An answer whose usage says something else.

    usage: False leaves it out; an object replaces the entries that it names (null: leaves them out); anything else
    stands in the place of every number in it.
    """
    if isinstance(body, list):
        return [with_usage(one, usage) for one in body]
    if not isinstance(body, dict):
        return body
    changed = {name: with_usage(value, usage) for name, value in body.items() if name not in _USAGE}
    for name in _USAGE:
        if isinstance(told := body.get(name), dict) and usage is not False:
            changed[name] = _changed(told, usage)
    return changed


def event_with_usage(event: bytes, usage: Any) -> bytes:
    """The same for an event of a stream."""

    def change(found: re.Match[bytes]) -> bytes:
        data = with_usage(json.loads(found[1]), usage)
        return b"data: " + json.dumps(data, separators=(",", ":")).encode() + found[2]

    return _DATA.sub(change, event)


def gzip_after_blanks(content: bytes, megabytes: float) -> bytes:
    """`content` as gzip, behind so many megabytes of blanks."""
    packed, compressor = _packed_blanks(megabytes)
    rest = compressor.copy()
    return b"".join((packed, rest.compress(content), rest.flush()))


@lru_cache(maxsize=4)
def _packed_blanks(megabytes: float) -> tuple[bytes, Any]:
    compressor = zlib.compressobj(wbits=_GZIP)
    block = b" " * _MEGABYTE
    packed = [compressor.compress(block) for _ in range(int(megabytes))]
    packed.append(compressor.compress(block[: int(megabytes % 1 * _MEGABYTE)]))
    return b"".join(packed), compressor


def _changed(told: Mapping[str, Any], usage: Any) -> dict[str, Any]:
    if isinstance(usage, Mapping):
        return {name: value for name, value in {**told, **usage}.items() if name not in usage or value is not None}
    return {name: usage if isinstance(value, int | float) else value for name, value in told.items()}
