"""OpenRouter's list, which Kilo has too: prices per token as text, -1 where they vary; and what it tells of a key."""

from typing import Any

from router_config.catalogue import fields
from router_config.catalogue.fields import first, flag, mapping
from router_config.catalogue.forms import common
from router_config.catalogue.listing import Account, Page

RESETS = frozenset({"daily", "weekly", "monthly"})


def page(document: Any) -> Page:
    return Page(common.read(document, common.PER_TOKEN))


def account(document: Any) -> Account:
    """Of `GET /key`. Its `rate_limit` is deprecated and says nothing."""
    told = mapping(mapping(document).get("data"))
    resets = first(told, "limit_reset")
    return Account(
        free_tier=flag(told.get("is_free_tier")),
        limit_usd=fields.number(told.get("limit")),
        remaining_usd=fields.number(told.get("limit_remaining")),
        resets=resets if isinstance(resets, str) and resets in RESETS else None,
        used_usd=fields.number(told.get("usage")),
    )
