"""A provider of litellm.yaml beside the provider's own list: which of its models are gone, and what is new."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from router_config.catalogue.forms.common import by_name
from router_config.catalogue.listing import ListedModel, Listing
from router_config.catalogue.names import find
from router_config.catalogue.successors import successors
from router_config.config.models import Provider
from router_config.presets.retirements import RETIRED

State = Literal["listed", "deprecated", "gone", "unknown"]

ROUTERS: Final = frozenset({"openrouter/free", "openrouter/auto", "kilo/auto", "auto"})
"""Names that stand for whatever model their provider chooses; lists may leave them out."""


@dataclass(frozen=True, slots=True)
class FileModel:
    """A model of the file. state: `unknown` where the list cannot tell. listed: what the list says of it.

    successors: what may take its place, the best first.
    """

    name: str
    state: State
    listed: ListedModel | None = None
    successors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """models: those of the file, in its order. new: those of the list that are not in the file, the newest first."""

    models: tuple[FileModel, ...]
    new: tuple[ListedModel, ...]

    @property
    def gone(self) -> tuple[FileModel, ...]:
        return tuple(model for model in self.models if model.state == "gone")


def compare(
    provider: Provider, listing: Listing, *, whole: bool = True, named: Mapping[str, str] | None = None
) -> Comparison:
    """A provider of the file beside its list.

    whole: False where the list is known to lack models that are served. named: successors that an earlier list named.
    """
    models = []
    inside = set()
    for model in provider.models:
        listed = find(listing, model.name)
        if listed is not None:
            inside.add(listed.name)
        state = state_of(provider, model.name, listing, whole=whole)
        others = successors(provider, model.name, listing, named) if state in ("gone", "deprecated") else ()
        models.append(FileModel(model.name, state, listed, others))
    new = (model for model in listing.models if model.name not in inside)
    return Comparison(tuple(models), tuple(sorted(new, key=lambda model: (-(model.created or 0.0), model.name))))


def state_of(provider: Provider, model: str, listing: Listing, *, whole: bool = True) -> State:
    """What a list says of a model of the file.

    `gone` needs a complete list with models of the same kind: some lists have only chats.
    """
    listed = find(listing, model)
    if listed is not None:
        return "deprecated" if listed.deprecated else "listed"
    if model in ROUTERS or "@preset/" in model:
        return "unknown"
    if (provider.litellm_provider, model) in RETIRED:
        return "gone"
    kind = by_name(model)
    covered = any(each.kind == kind for each in listing.models)
    return "gone" if whole and listing.complete and covered else "unknown"
