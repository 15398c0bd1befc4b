"""What to use in the place of a model that is gone."""

from collections.abc import Iterator, Mapping

from router_config.catalogue.forms.common import by_name
from router_config.catalogue.listing import ListedModel, Listing
from router_config.catalogue.names import find
from router_config.config import prices as price_list
from router_config.config.models import Provider
from router_config.presets.lookup import preset_of
from router_config.presets.retirements import RETIRED


def successors(
    provider: Provider, model: str, listing: Listing | None = None, named: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """The models of the same provider that may take a model's place, the best first.

    Named by the provider's list (or once, in `named`), by the facts about retired models, by LiteLLM's price list, by
    the provider's preset. Where there is a list, each of them is in it, of the same kind, not to be retired itself, and
    free where the list tells what is free and the provider's tier is.
    """
    listed = None if listing is None else find(listing, model)
    found: dict[str, None] = {}
    for each in _named(provider, model, listed, named or {}):
        same = listing is not None and listed is not None and find(listing, each) is listed
        if each.casefold() != model.casefold() and not same and _fits(provider, model, each, listing):
            found[each] = None
    return tuple(found)


def _named(provider: Provider, model: str, listed: ListedModel | None, named: Mapping[str, str]) -> Iterator[str]:
    prefix = provider.litellm_provider
    if listed is not None and listed.successor is not None:
        yield listed.successor
    if model in named:
        yield named[model]
    if (retired := RETIRED.get((prefix, model))) is not None:
        yield retired.successor
    for entry in price_list.listed([(prefix, model)])[prefix, model]:
        if isinstance(successor := entry.get("successor_model"), str):
            yield successor.removeprefix(f"{prefix}/")
    preset = preset_of(provider.name, prefix)
    if preset is not None:
        if preset.successor is not None:
            yield preset.successor
        yield from (each.name for each in preset.models)


def _fits(provider: Provider, model: str, successor: str, listing: Listing | None) -> bool:
    if listing is None:
        return by_name(model) == by_name(successor)
    found = find(listing, successor)
    if found is None or found.deprecated or found.kind != by_name(model):
        return False
    return found.free is not False or provider.tier != "free" or not listing.has_prices
