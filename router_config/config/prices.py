"""What LiteLLM's price list says of a model, read from its file: importing LiteLLM takes seconds."""

import json
from collections.abc import Iterable
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_FILE = "model_prices_and_context_window_backup.json"
_LONGEST_ENTRY = 16_384


def listed(models: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The list's entries for these models (such as `groq/openai/gpt-oss-120b`), as far as it knows them."""
    package = find_spec("litellm")
    if package is None or package.origin is None:
        return {}
    try:
        text = (Path(package.origin).parent / _FILE).read_bytes()
    except OSError:
        return {}
    entries = {model: _entry(text, model) for model in models}
    return {model: entry for model, entry in entries.items() if entry is not None}


def retired_on(entry: dict[str, Any]) -> date | None:
    """The day from which a model is no longer served, where the list knows it."""
    try:
        return date.fromisoformat(entry.get("deprecation_date") or "")
    except (TypeError, ValueError):
        return None


def _entry(text: bytes, model: str) -> dict[str, Any] | None:
    """The list is parsed only where the model stands: all three megabytes would take a tenth of a second."""
    name = json.dumps(model).encode() + b": {"
    start = text.find(name)
    if start < 0:
        return None
    begin = start + len(name) - 1
    try:
        entry, _ = json.JSONDecoder().raw_decode(text[begin : begin + _LONGEST_ENTRY].decode(errors="replace"))
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
