"""Ollama's list: what was pulled onto a machine, or is served by its cloud; `:latest` need not be said."""

from collections.abc import Mapping
from typing import Any

from router_config.catalogue import fields
from router_config.catalogue.fields import first, mapping, words
from router_config.catalogue.forms.common import by_name, entries
from router_config.catalogue.listing import ListedModel, Page


def page(document: Any) -> Page:
    found = (_model(mapping(each)) for each in entries(document))
    return Page(tuple(each for each in found if each is not None))


def _model(entry: Mapping[str, Any]) -> ListedModel | None:
    name = fields.name(first(entry, "name", "model"))
    if name is None:
        return None
    told = entry.get("capabilities")
    able = words(told) if isinstance(told, list) else None
    kind = by_name(name)
    return ListedModel(
        name=name,
        kind="embedding" if able is not None and able == {"embedding"} else kind,
        aliases=(name.removesuffix(":latest"),) if name.endswith(":latest") else (),
        context=fields.count(first(entry, "details.context_length", "context_length")),
        tools=None if able is None else "tools" in able,
        vision=None if able is None else "vision" in able,
        created=fields.moment(entry.get("modified_at")),
    )
