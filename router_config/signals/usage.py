"""The tokens that an answer used, as its provider reports them in a stream."""

from __future__ import annotations

import json
from typing import NamedTuple


class Usage(NamedTuple):
    """Tokens of prompt and answer together, and of the prompt alone."""

    total: int
    prompt: int


def usage_in(event: bytes | None) -> Usage | None:
    """The usage in one event of a stream: OpenAI's `usage`, or Gemini's `usageMetadata`. None where it holds none."""
    try:
        document = json.loads(event or b"")
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    usage = document.get("usage") or document.get("usageMetadata")
    if not isinstance(usage, dict):
        return None
    prompt = _number(usage.get("prompt_tokens", usage.get("promptTokenCount")))
    total = _number(usage.get("total_tokens", usage.get("totalTokenCount")))
    return None if total is None else Usage(total, prompt or 0)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
