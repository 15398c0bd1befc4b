"""What `router-config models` writes into litellm.yaml: successors for models that are gone, and what is asked for."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from router_config.catalogue.comparison import Comparison
from router_config.cli.editing.yaml_lists import scalar, with_item, with_name, without_item
from router_config.config.models import Provider
from router_config.presets.lookup import preset_of


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a provider's models. model: that of the file. successor: what takes its place.

    removed: the model goes, for its successor is in the file already and serves all of its groups. has_own: the model
    has limits or a price of its own, which stay.
    """

    provider: str
    model: str
    successor: str
    removed: bool = False
    has_own: bool = False

    def apply(self, text: str) -> str:
        """The file's text with the change."""
        path = f"providers.{self.provider}.models.{self.model}"
        return without_item(text, path) if self.removed else with_name(text, path, self.successor)

    def said(self) -> str:
        """The change in words."""
        if self.removed:
            return f"{self.provider}: {self.model} goes, {self.successor} is there already"
        own = f"; its limits and price are still those of {self.model}" if self.has_own else ""
        return f"{self.provider}: {self.model} -> {self.successor}{own}"


def edits(compared: Iterable[tuple[Provider, Comparison]]) -> Iterator[Edit]:
    """The changes that put successors in the place of the models that are gone, where any is known."""
    for provider, comparison in compared:
        groups = {model.name.casefold(): set(model.groups) for model in provider.models}
        with_own = {model.name for model in provider.models if model.limits.given() or model.price is not None}
        gone = {model.name.casefold() for model in comparison.gone}
        for model in comparison.gone:
            own = groups[model.name.casefold()]
            unused = next((each for each in model.successors if each.casefold() not in groups), None)
            there = next((each for each in model.successors if each.casefold() in groups.keys() - gone), None)
            first = model.successors[0] if model.successors else None
            if there is not None and there == first and own <= groups[there.casefold()]:
                yield Edit(provider.name, model.name, there, removed=True)
            elif unused is not None:
                groups[unused.casefold()] = own
                yield Edit(provider.name, model.name, unused, has_own=model.name in with_own)
            elif there is not None and own <= groups[there.casefold()]:
                yield Edit(provider.name, model.name, there, removed=True)


def with_model(text: str, provider: Provider, name: str) -> str:
    """The file's text with a model more, with the limits that the provider's preset knows of it."""
    limits = _known_limits(provider, name)
    item = scalar(name)
    if limits:
        item = f"{{name: {item}, limits: {{{', '.join(f'{key}: {value}' for key, value in limits.items())}}}}}"
    return with_item(text, f"providers.{provider.name}.models", item)


def _known_limits(provider: Provider, name: str) -> Mapping[str, int]:
    preset = preset_of(provider.name, provider.litellm_provider)
    models = () if preset is None else preset.models
    return next((model.limits for model in models if model.name == name), {})
