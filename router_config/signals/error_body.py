"""The error object in the body of a reply, whatever came as a body.

Reads at most the first 16 kB (of a success, also the end) and never raises. What is not understood counts as text.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

_READ = 16_384  # characters or bytes
_TAIL = 4_096  # of a longer success: an answer that broke midway has its error at the end
_ELEMENTS = 64  # of lists and of server-sent events
_DECODER = json.JSONDecoder(strict=False)
_ERROR_KEY = re.compile(r"""["']error["']\s{0,8}:\s{0,8}(?=[{"'])""")
_MAY_BE_ERROR = re.compile(r'"(?:error|promptFeedback)"')
_MAY_BE_ERROR_BYTES = re.compile(_MAY_BE_ERROR.pattern.encode())
_FIELDS_OF_CUT_JSON = re.compile(
    r"""["'](type|code|status|reason|error_type|limit_source|quotaId|message|retryDelay)["']\s{0,8}:\s{0,8}"""
    r"""("(?:[^"\\]|\\.){1,1500}"|'(?:[^'\\]|\\.){1,1500}'|\d{3}\b)"""
)
_WEB_PAGE = re.compile(r"\s{0,64}(?:<\?xml[^>]{0,200}>)?\s{0,64}<(?:!doctype html|html|head|!--)", re.IGNORECASE)
_TITLE = re.compile(r"<(?:title|h1)>([^<]{1,200})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Body:
    """A body as far as it was understood.

    document: the JSON object that holds the error, else the first object. error: the error object, empty if there is
    none. web_page: it is HTML, which no API sends.
    """

    document: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, Any] = field(default_factory=dict)
    web_page: bool = False


NOTHING = Body()


def of_failure(body: Any) -> Body:
    """The body of a reply whose status is a failure: any text in it counts as the error's message."""
    if not isinstance(body, bytes | bytearray | memoryview | str):
        return _from_documents(mappings(body))
    text = _text(body, _READ)
    if _WEB_PAGE.match(text):
        title = _TITLE.search(text[:4000])
        return Body(error={"message": title[1] if title else ""}, web_page=True)
    documents = tuple(_documents(text))
    found = _from_documents(documents)
    if not found.error:
        found = _cut_off(text) or found
    # the text of a document that names no error is data, not a message
    return found if found.error or documents or not text.strip() else Body(error={"message": text[:2000]})


def of_success(body: Any) -> Body:
    """The body of a 2xx: only an error where the provider puts errors counts."""
    if not isinstance(body, bytes | bytearray | memoryview | str):
        documents = mappings(body)
    else:
        head = body[:_READ] if isinstance(body, str) else bytes(body[:_READ])
        text = _text(head, _READ)
        if _WEB_PAGE.match(text):
            return Body(error={"message": ""}, web_page=True)
        if len(body) > _READ:
            text = f"{text}\n{_text(body[-_TAIL:], _TAIL)}"
        if not _MAY_BE_ERROR.search(text):
            return NOTHING
        documents = tuple(_documents(text))
        if not documents:
            return _cut_off(text, loose=False) or NOTHING
    return _from_documents(documents, loose=False)


def cannot_hold_error(body: Any) -> bool:
    """Whether the body of a 2xx surely holds no error. One search, which spares nearly every reply the decoding."""
    if not isinstance(body, bytes) or len(body) > _READ:
        return False
    return _MAY_BE_ERROR_BYTES.search(body) is None and not body.lstrip().startswith(b"<")


def _text(body: bytes | bytearray | memoryview | str, size: int) -> str:
    text = body[:size] if isinstance(body, str) else bytes(body[:size]).decode("utf-8", "replace")
    return text.lstrip("\ufeff \t\r\n")


def mappings(value: Any) -> tuple[Mapping[str, Any], ...]:
    """The objects of a field that may hold one, a list of them, or anything else."""
    if isinstance(value, Mapping):
        return (value,)
    if isinstance(value, list | tuple):
        return tuple(item for item in islice(value, _ELEMENTS) if isinstance(item, Mapping))
    return ()


def _documents(text: str) -> Iterator[Mapping[str, Any]]:
    """The JSON objects of a text: the whole text, the data of server-sent events, or the first object in it."""
    if text.startswith(("{", "[")):
        yield from mappings(_json(text))
    elif text.startswith(("data:", "event:", "id:", ":", "retry:")):
        events = (line[5:].strip() for line in text.split("\n") if line.startswith("data:"))
        for data in islice((data for data in events if _MAY_BE_ERROR.search(data)), _ELEMENTS):
            yield from mappings(_json(data))
    elif (start := text.find("{")) >= 0:
        rest = text[start:]
        # the second try is for bytes as Python prints them, where a newline is a backslash and an n
        yield from mappings(_json(rest) or _json(rest.replace("\\n", "\n")))


def _json(text: str) -> Any:
    try:
        return _DECODER.raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None


def _from_documents(documents: tuple[Mapping[str, Any], ...], loose: bool = True) -> Body:
    for document in documents:
        error = _error_in(document, loose)
        if error:
            return Body(document, error)
    return Body(documents[0]) if documents else NOTHING


def _error_in(document: Mapping[str, Any], loose: bool) -> Mapping[str, Any]:
    """The error object of a document, wherever providers put it. loose: a bare message is one, too."""
    for holder in (
        document,
        *mappings(document.get("choices"))[:8],
        *mappings(document.get("response"))[:1],
    ):
        error = holder.get("error")
        if isinstance(error, Mapping) and error:
            inner = error.get("error")
            return inner if isinstance(inner, Mapping) and inner and not error.get("message") else error
        if isinstance(error, str) and error.strip():
            beside = {name: holder[name] for name in ("code", "type", "status") if name in holder}
            return {**beside, "message": holder.get("message") or error, "error_type": error[:80]}
        if holder.get("finish_reason") == "error":  # OpenRouter: the host behind it broke off
            return {"code": 502, "message": "The answer broke off"}
    if document.get("object") == "error" or document.get("type") == "error":
        return document
    if not loose:
        return {}
    listed = mappings(document.get("errors"))
    if listed:
        return listed[0]
    for name in ("message", "detail", "title", "error_message", "msg"):
        said = document.get(name)
        if isinstance(said, list | tuple) and said:
            said = said[0]
        if isinstance(said, Mapping):
            return said if "message" in said else {**document, "message": at_its_place(said)}
        if isinstance(said, str) and said.strip():
            return {**document, "message": said}
    return {}


def at_its_place(said: Mapping[str, Any]) -> Any:
    """What pydantic finds wrong, with the field that it is about: `body.messages: Field required`."""
    place, told = said.get("loc"), said.get("msg")
    if not isinstance(place, list | tuple) or not isinstance(told, str):
        return told
    return f"{'.'.join(str(each)[:100] for each in place[:8])}: {told}"


def _cut_off(text: str, loose: bool = True) -> Body | None:
    """The error in JSON that is cut off: the error object if it is complete, else its codes and message.

    loose: False: only a complete object with a code and a message, since a model's answer may speak of errors.
    """
    start = _ERROR_KEY.search(text)
    if start is None:
        return None
    error = _json(text[start.end() :])
    if isinstance(error, Mapping) and error:
        return Body({}, error) if loose or ("code" in error and "message" in error) else None
    if not loose:
        return None
    violations: list[dict[str, str]] = []
    saved: dict[str, Any] = {"violations": violations}
    for name, value in islice(_FIELDS_OF_CUT_JSON.findall(text, start.end(), start.end() + 8000), _ELEMENTS):
        value = value.strip("\"'").replace("\\n", "\n").replace('\\"', '"')
        if name == "quotaId":
            violations.append({name: value})
        saved.setdefault(name, value)
    return Body({}, saved) if len(saved) > 1 else None
