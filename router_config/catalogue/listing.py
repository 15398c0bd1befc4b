"""What a provider's own list says: its models, and of the account what some lists tell besides."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from router_config.config.models import Price

ModelKind = Literal["chat", "embedding", "other"]

MOST_MODELS: Final = 5_000
"""Models of one list that are read; the longest known has about a thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedModel:
    """A model as its provider lists it. None: the list does not say.

    name: what requests name. aliases: other names of it. context: tokens of prompt and answer together. price: of text.
    free: whether it costs nothing. retires_on: the day from which it is not served, `YYYY-MM-DD`. successor: what the
    provider names in its place. created: when it was added, epoch seconds.
    """

    name: str
    kind: ModelKind = "chat"
    aliases: tuple[str, ...] = ()
    context: int | None = None
    tools: bool | None = None
    vision: bool | None = None
    price: Price | None = None
    free: bool | None = None
    deprecated: bool = False
    retires_on: str | None = None
    successor: str | None = None
    created: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a provider tells of the account that asks. None: it does not say.

    free_tier: whether nothing was ever paid. limit_usd, remaining_usd: what the key may spend, and what is left of it.
    resets: how often that begins anew, such as `monthly`. used_usd: spent so far.
    """

    free_tier: bool | None = None
    limit_usd: float | None = None
    remaining_usd: float | None = None
    resets: str | None = None
    used_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A provider's list. complete: it was read to its end, so that a model that is not in it is gone.

    account: what it tells of the account besides.
    """

    models: tuple[ListedModel, ...]
    complete: bool = True
    account: Account | None = None
    _by_name: dict[str, ListedModel] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for model in self.models:
            for name in (model.name, *model.aliases):
                self._by_name.setdefault(name.casefold(), model)

    def named(self, name: str) -> ListedModel | None:
        """The model that is listed under exactly this name or alias, in any letter case."""
        return self._by_name.get(name.casefold())

    def names(self) -> Iterator[str]:
        """All names and aliases, in small letters."""
        return iter(self._by_name)

    @property
    def has_prices(self) -> bool:
        """Whether the list tells which of its models cost something, and some do not."""
        return any(model.free for model in self.models) and any(model.free is False for model in self.models)


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a provider that lists its models in pages. following: query parameters of the next page."""

    models: tuple[ListedModel, ...]
    following: Mapping[str, str] | None = None
