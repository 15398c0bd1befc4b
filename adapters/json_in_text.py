"""JSON in what a model wrote: bare, in a code fence, or amid prose."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

_THOUGHTS: Final = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
"""Reasoning that a server left in the answer; it may hold drafts of the JSON."""

_MEANT_AS_JSON: Final = re.compile(r"\{\s*(?:[\"}]|\Z|['\w]+\s*:)|\[\s*(?:[\[{\"\d\]-]|\Z)")
"""A bracket that begins JSON, if broken JSON, and not a word of prose: `{"name"` and `{name:` do, `{name}` does not."""

# strict=False: models break lines inside strings.
_DECODER: Final = json.JSONDecoder(strict=False)


class JSONProblem(ValueError):
    """A text that begins a JSON value and does not end it rightly; says what is wrong, and where."""


def json_values(text: str, *, only_objects: bool = True) -> Iterator[Any]:
    """The JSON objects in `text` from its start, none from inside another; with `only_objects=False` arrays too, and
    a text that is one JSON value as a whole.

    Raises JSONProblem at an object that is broken, after those before it: what follows could be a part of it.
    """
    text = _THOUGHTS.sub("", text, count=1)
    if not only_objects:
        whole = _whole(text)
        if whole is not None:
            yield whole[0]
            return
    opening = re.compile(r"\{" if only_objects else r"[{\[]")
    at = 0
    while found := opening.search(text, at):
        at = found.start()
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            if _MEANT_AS_JSON.match(text, at):
                raise JSONProblem(_sentence(error)) from None
            at += 1
        else:
            yield value


def _whole(text: str) -> tuple[Any] | None:
    try:
        return (_DECODER.decode(text.strip()),)
    except (ValueError, RecursionError):
        return None


def _sentence(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"its JSON is broken at line {error.lineno}, column {error.colno}: {error.msg}"
    return "its JSON cannot be read: it is nested too deeply, or holds a number that is too long"
