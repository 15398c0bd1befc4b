"""What LiteLLM's price list says of a model, read from its file: importing LiteLLM takes seconds."""

import json
import re
from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from router_config.config.installed_litellm import text_of
from router_config.slices import pause

_FILE: Final = "model_prices_and_context_window_backup.json"
_KEY: Final = re.compile(r'\n    "((?:[^"\\\n]|\\.)+)": \{')
_DECODER: Final = json.JSONDecoder()
_READ: Final[dict[str, dict[str, Any] | None]] = {}
"""What was looked for so far: the list stays as it is while the process lives."""

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
    missing = names - _READ.keys()
    if missing:
        try:
            found = _search(text_of(_FILE), {json.dumps(name)[1:-1]: name for name in missing})
        except (ValueError, AttributeError):
            return {}
        _READ.update({name: entry if isinstance(entry := found.get(name), dict) else None for name in missing})
    return {name: entry for name in names if (entry := _READ[name]) is not None}


def _search(text: str, wanted: dict[str, str]) -> dict[str, Any]:
    """The entries of some models, by name. Only they are parsed: all three megabytes would hold up an event loop.

    wanted: the names as they stand in the list, each with the name itself.
    """
    if _KEY.search(text) is None:  # Not written as it used to be.
        whole = json.loads(text or "{}")
        return {name: whole.get(name) for name in wanted.values()}
    found: dict[str, Any] = {}
    for key in _KEY.finditer(text):
        pause()
        if key[1] in wanted:
            found[wanted[key[1]]] = _DECODER.raw_decode(text, key.end() - 1)[0]
    return found
