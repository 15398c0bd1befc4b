"""Gemini's list: names behind `models/`, limits of tokens, what a model can be asked for; pages by a token."""

from collections.abc import Mapping
from typing import Any

from router_config.catalogue import fields
from router_config.catalogue.fields import mapping, words
from router_config.catalogue.forms.common import by_name, entries
from router_config.catalogue.listing import ListedModel, ModelKind, Page


def page(document: Any) -> Page:
    found = (_model(mapping(each)) for each in entries(document))
    token = mapping(document).get("nextPageToken")
    more = {"pageToken": token} if isinstance(token, str) and 0 < len(token) <= 2000 else None
    return Page(tuple(each for each in found if each is not None), more)


def _model(entry: Mapping[str, Any]) -> ListedModel | None:
    name = fields.name(entry.get("name"))
    if name is None:
        return None
    name = name.removeprefix("models/")
    return ListedModel(name=name, kind=_kind(entry, name), context=fields.count(entry.get("inputTokenLimit")))


def _kind(entry: Mapping[str, Any], name: str) -> ModelKind:
    methods = words(entry.get("supportedGenerationMethods"))
    if "generatecontent" in methods or not methods:
        return by_name(name)
    return "embedding" if any("embed" in each for each in methods) else "other"
