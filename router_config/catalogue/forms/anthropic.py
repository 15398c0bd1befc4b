"""Anthropic's list: limits of tokens, what a model is capable of, pages that begin after a model."""

from typing import Any

from router_config.catalogue.fields import mapping
from router_config.catalogue.fields import name as model_name
from router_config.catalogue.forms import common
from router_config.catalogue.listing import Page


def page(document: Any) -> Page:
    told = mapping(document)
    last = model_name(told.get("last_id"))
    return Page(common.read(document), {"after_id": last} if told.get("has_more") is True and last else None)
