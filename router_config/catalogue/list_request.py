"""Which request asks a provider for its list: the address, the key's header, and how the answer is read."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from router_config.catalogue.forms import anthropic, cloudflare, cohere, common, gemini, ollama, openrouter
from router_config.catalogue.listing import Account, Page
from router_config.config.models import Provider, Secret
from router_config.config.provider_section import SIGN_IN_OTHERWISE
from router_config.presets.lookup import preset_of
from router_config.presets.model_lists import ListForm, ModelList, list_of

MOST_PAGES: Final = 20
"""Pages of one list that are asked for."""

_TAILS: Final = re.compile(
    r"(?:/chat/completions|/v\d+/chat|/chat|/api/chat|/api/generate|/v1/messages|/messages|/responses|/beta)$"
)
"""What LiteLLM takes at the end of some bases, and no list stands below."""

_VERSION: Final = re.compile(r"/v\d\w*$")
_FACTORS: Final[Mapping[str | None, float | None]] = {
    None: None, "token": common.PER_TOKEN, "million": common.PER_MILLION,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRequest:
    """How a provider is asked for its list with one of its keys.

    base: where its API begins; None: where LiteLLM knows it to be. facts: what is known of the list.
    """

    provider: str
    litellm_provider: str
    base: str | None
    facts: ModelList
    secret: Secret | None

    def url(self, base: str) -> str:
        """The address of the list, below a base."""
        return self._below(base, self.facts.path)

    def account_url(self, base: str) -> str | None:
        """Where the provider tells of the account, if it does."""
        return None if self.facts.account is None else self._below(base, self.facts.account)

    def headers(self) -> dict[str, str]:
        """Headers of the request. They hold the key."""
        key = None if self.secret is None else self.secret.get_secret_value()
        signed = _SIGNED.get(self.facts.form, _bearer)(key) if key is not None else {}
        return {"accept": "application/json", **_ALWAYS.get(self.facts.form, {}), **signed}

    def page(self, document: Any) -> Page:
        """The models of one answer, and what asks for the next page."""
        if self.facts.form == "openai":
            factor = _FACTORS[self.facts.prices]
            return Page(common.read(document, factor, zero_is_free=self.facts.zero_is_free))
        return _PAGES[self.facts.form](document)

    def account(self, document: Any) -> Account:
        """What is told of the account."""
        return openrouter.account(document)

    def _below(self, base: str, path: str) -> str:
        parts = urlsplit(base)
        begin = _TAILS.sub("", parts.path.rstrip("/"))
        if self.facts.form == "cloudflare":
            begin = begin.removesuffix("/v1").removesuffix("/run")
        elif self.facts.form == "ollama":
            begin = _VERSION.sub("", begin).removesuffix("/api")
        elif self.facts.version and not _VERSION.search(begin):
            begin += self.facts.version
        elif self.facts.form == "cohere":
            begin = _VERSION.sub("/v1", begin)
        return urlunsplit(parts._replace(path=begin + path, fragment=""))


def facts_of(provider: Provider) -> ModelList:
    """What is known of a provider's list."""
    preset = preset_of(provider.name, provider.litellm_provider)
    return list_of(provider.litellm_provider, None if preset is None else preset.name)


def base_of(provider: Provider, environ: Mapping[str, str]) -> str | None:
    """Where a provider's API begins; None: where LiteLLM knows it to be."""
    facts = facts_of(provider)
    return provider.api_base or next((environ[each] for each in facts.variables if environ.get(each)), facts.base)


def list_requests(provider: Provider, environ: Mapping[str, str]) -> tuple[ListRequest, ...]:
    """One for each key of a provider, to be tried in order; none where no list is known that a key could ask for.

    environ: the variables of the process, for LiteLLM looks for other bases there.
    """
    if provider.litellm_provider in SIGN_IN_OTHERWISE:
        return ()
    facts = facts_of(provider)
    base = base_of(provider, environ)
    secrets: list[Secret | None] = [key.secret for key in provider.keys if key.secret is not None]
    return tuple(
        ListRequest(
            provider=provider.name,
            litellm_provider=provider.litellm_provider,
            base=base,
            facts=facts,
            secret=secret,
        )
        for secret in secrets or [None]
    )


def _bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


_SIGNED: Final[Mapping[ListForm, Callable[[str], dict[str, str]]]] = {
    "gemini": lambda key: {"x-goog-api-key": key},
    "anthropic": lambda key: {"x-api-key": key},
}
_ALWAYS: Final[Mapping[ListForm, Mapping[str, str]]] = {"anthropic": {"anthropic-version": "2023-06-01"}}
_PAGES: Final[Mapping[ListForm, Callable[[Any], Page]]] = {
    "gemini": gemini.page,
    "anthropic": anthropic.page,
    "cohere": cohere.page,
    "ollama": ollama.page,
    "openrouter": openrouter.page,
    "cloudflare": cloudflare.page,
}
