"""A JSON answer as bytes, with the tag (ETag) by which a client knows that it has it already."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final, Self

from fastapi import Request, Response
from pydantic_core import PydanticSerializationError, to_json

HEADERS: Final = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON document, and its bytes, which are made once for all who ask. `generated_at` does not change the tag.

    FastAPI would validate and copy the document first, which costs more than to make it.
    """

    content: dict[str, Any]
    body: bytes
    tag: str

    @classmethod
    def of(cls, content: dict[str, Any]) -> Self:
        body = _json(content)
        without_time = body.replace(str(content.get("generated_at")).encode(), b"", 1)
        return cls(content, body, f'W/"{hashlib.blake2b(without_time, digest_size=12).hexdigest()}"')

    def to(self, request: Request) -> Response:
        """The answer, or 304 where the client has it already."""
        headers = {**HEADERS, "ETag": self.tag}
        if request.method == "GET" and request.headers.get("if-none-match") == self.tag:
            return Response(status_code=304, headers=headers)
        return Response(self.body, media_type="application/json", headers=headers)


def _json(content: dict[str, Any]) -> bytes:
    """The bytes, in a third of the time that Python's json takes."""
    try:
        return to_json(content)
    except PydanticSerializationError:  # Half a surrogate pair, as a provider's message may hold one, is no UTF-8.
        return json.dumps(content, separators=(",", ":")).encode()
