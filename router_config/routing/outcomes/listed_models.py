"""The providers' own lists of models, as `router-config models` keeps them: what they prove, and what they name.

A running router asks nobody for a list. It looks once an hour at those that are kept.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from router_config.catalogue.comparison import state_of
from router_config.catalogue.kept_lists import KeptList, KeptLists
from router_config.catalogue.list_request import facts_of
from router_config.config.models import Config, Provider

LOOKED_AT_EVERY: Final = 3600.0
"""Seconds."""


def kept_lists(config: Config) -> dict[str, KeptList]:
    """By provider, the list that is kept of it; of those in use alone."""
    lists = KeptLists(config)
    if lists.folder is None or not lists.folder.is_dir():
        return {}
    in_use = [provider for provider in config.providers if provider.enabled and provider.configured]
    return {each.name: kept for each in in_use if (kept := lists.read(each)) is not None}


def proven_gone(config: Config, lists: Mapping[str, KeptList]) -> Iterator[tuple[Provider, str, float]]:
    """The models of the file that lists of a day or more are without: the provider, the model, and since when."""
    for provider in config.providers:
        kept = lists.get(provider.name)
        if kept is None:
            continue
        whole = facts_of(provider).whole
        for model in provider.models:
            if not kept.proves_gone(model.name):
                continue
            if state_of(provider, model.name, kept.listing, whole=whole) == "gone":
                yield provider, model.name, kept.missing_since[model.name]
