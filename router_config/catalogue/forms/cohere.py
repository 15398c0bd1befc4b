"""Cohere's list: what endpoints take a model, its features, whether it is deprecated; pages by a token."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from router_config.catalogue.fields import mapping, words
from router_config.catalogue.forms import common
from router_config.catalogue.listing import ListedModel, ModelKind, Page


def page(document: Any) -> Page:
    found = (_model(mapping(each)) for each in common.entries(document))
    token = mapping(document).get("next_page_token")
    more = {"page_token": token} if isinstance(token, str) and 0 < len(token) <= 2000 else None
    return Page(tuple(each for each in found if each is not None), more)


def _model(entry: Mapping[str, Any]) -> ListedModel | None:
    model = common.read_entry(entry, common.PER_MILLION)
    return None if model is None else replace(model, kind=_kind(words(entry.get("endpoints"))))


def _kind(endpoints: frozenset[str]) -> ModelKind:
    if "chat" in endpoints or not endpoints:
        return "chat"
    return "embedding" if "embed" in endpoints else "other"
