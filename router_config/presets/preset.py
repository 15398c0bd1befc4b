"""What is known of providers, so that litellm.yaml need not say it: prefix, key, day, pages, limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Wire = Literal["openai", "gemini", "anthropic", "cohere", "ollama"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where facts stand, and the day on which they were read there."""

    url: str
    read_on: date


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model to begin with, and its own limits, by their names in litellm.yaml."""

    name: str
    limits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KnownError:
    """An error as the provider documents it: HTTP status, the code or words in its body, what it means."""

    status: int
    says: str
    means: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A provider that is known by name.

    name: in litellm.yaml. title: in messages. litellm_provider: LiteLLM's prefix. key_variables: where its key is
    looked for, first to last (none: it needs no key). written_variable: the one
    that a new file names, where that is not the first. tier: what a new account has. day and timezone: when its day
    begins. source: where the limits stand, None where it has none of its own. inferred: what no public page of the
    provider states, in a sentence. address: of its server, where LiteLLM does not know it; `{NAME}` in it is a
    variable that must be set. limits: of a new account. models: to begin with. successor: a model to suggest where one
    is gone. note: what a person should know, in a sentence. retired: the day from which the service is gone.
    """

    name: str
    title: str
    litellm_provider: str
    key_variables: tuple[str, ...]
    written_variable: str | None = None
    tier: Literal["free", "paid"] = "free"
    day: Literal["rolling", "calendar"] = "rolling"
    timezone: str | None = None
    wire: Wire = "openai"
    key_page: str | None = None
    billing_page: str | None = None
    models_page: str | None = None
    address: str | None = None
    source: Source | None = None
    inferred: str = ""
    limits: Mapping[str, int] = field(default_factory=dict)
    models: tuple[KnownModel, ...] = ()
    successor: str | None = None
    errors: tuple[KnownError, ...] = ()
    note: str = ""
    retired: date | None = None
