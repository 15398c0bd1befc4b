"""What LiteLLM's price list says of a model, read from its file: importing LiteLLM takes seconds."""

import json
from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from router_config.config.installed_litellm import text_of

_FILE: Final = "model_prices_and_context_window_backup.json"
_MANY: Final = 40
"""Models from which on it is quicker to read the whole list than to search it for each."""

Entries = tuple[dict[str, Any], ...]
"""What the list says of a model: under LiteLLM's prefix first, then under the model's name alone."""


def listed(models: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Entries]:
    """The list's entries for models, given as (LiteLLM's prefix, model); none for a model that it does not know."""
    wanted = {(prefix, model): (f"{prefix}/{model}", model) for prefix, model in models}
    names = {name for both in wanted.values() for name in both}
    found = _entries(names) if names else {}
    return {model: tuple(found[name] for name in both if name in found) for model, both in wanted.items()}


def priced(entries: Entries) -> dict[str, Any] | None:
    """The first entry that has a price per token."""
    return next((each for each in entries if each.get("input_cost_per_token") is not None), None)


def retired_on(entries: Entries) -> date | None:
    """The day from which a model is no longer served, where the list knows it."""
    try:
        return date.fromisoformat(entries[0].get("deprecation_date") or "") if entries else None
    except (TypeError, ValueError):
        return None


def is_embedding(entries: Entries) -> bool:
    """Whether the list says that a model makes embeddings."""
    return next((each["mode"] for each in entries if each.get("mode")), None) == "embedding"


def _entries(names: set[str]) -> dict[str, dict[str, Any]]:
    text = text_of(_FILE)
    try:
        if text and len(names) > _MANY:
            whole = json.loads(text)
            found = {name: whole[name] for name in names & whole.keys()}
        else:
            found = {name: entry for name in names if (entry := _entry(text, name)) is not None}
    except (ValueError, AttributeError):
        return {}
    return {name: entry for name, entry in found.items() if isinstance(entry, dict)}


def _entry(text: str, name: str) -> Any:
    """The entry of one model. Only that is parsed: all three megabytes would take up to a tenth of a second."""
    key = json.dumps(name) + ": {"
    start = text.find(key)
    return None if start < 0 else json.JSONDecoder().raw_decode(text, start + len(key) - 1)[0]
