"""Cloudflare's list of Workers AI: facts as a list of properties, prices of units in words."""

import re
from collections.abc import Mapping
from typing import Any, Final

from router_config.catalogue import fields
from router_config.catalogue.fields import first, flag, items, mapping
from router_config.catalogue.forms.common import by_name, entries
from router_config.catalogue.listing import ListedModel, ModelKind, Page
from router_config.config.models import Price

PAGE: Final = 1_000
"""Models of a page that are asked for."""

_TASKS: Final[Mapping[str, ModelKind]] = {"text generation": "chat", "text embeddings": "embedding"}


def page(document: Any) -> Page:
    told = mapping(document)
    found = (_model(mapping(each)) for each in entries(document))
    number, pages = (fields.count(first(told, f"result_info.{key}")) for key in ("page", "total_pages"))
    more = {"page": str(number + 1)} if number is not None and pages is not None and number < pages else None
    return Page(tuple(each for each in found if each is not None), more)


def _model(entry: Mapping[str, Any]) -> ListedModel | None:
    name = fields.name(entry.get("name"))
    if name is None:
        return None
    facts = {
        key: each.get("value")
        for each in map(mapping, items(entry.get("properties"), 100))
        if isinstance(key := each.get("property_id"), str)
    }
    task = first(entry, "task.name")
    kind = _TASKS.get(task.casefold(), "other") if isinstance(task, str) else by_name(name)
    retires_on = fields.day(facts.get("planned_deprecation_date"))
    return ListedModel(
        name=name,
        kind=kind,
        context=fields.count(facts.get("context_window")),
        tools=flag(facts.get("function_calling")) or (False if kind == "chat" else None),
        vision=flag(facts.get("vision")),
        price=_price(facts.get("price")),
        deprecated=retires_on is not None,
        retires_on=retires_on,
        created=fields.moment(entry.get("created_at")),
    )


def _price(value: Any) -> Price | None:
    found: dict[str, Any] = {}
    for each in map(mapping, items(value, 20)):
        unit = each.get("unit")
        if isinstance(unit, str) and (said := re.search(r"per m(?:illion)? (input|output) tokens", unit.casefold())):
            found.setdefault(said[1], each.get("price"))
    return fields.price(found.get("input"), found.get("output"), 1.0)
