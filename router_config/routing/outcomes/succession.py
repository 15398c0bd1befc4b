"""What becomes of a model that its provider does not serve any more: which one may take its place, and what is told."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from router_config.catalogue.kept_lists import KeptList
from router_config.catalogue.successors import successors
from router_config.config.models import Config, Provider
from router_config.deployments.catalog import Catalog
from router_config.deployments.deployment import Deployment, endpoint_of
from router_config.deployments.learned import Learned
from router_config.deployments.retirement import renamed, stand_ins, with_successors
from router_config.iso import iso
from router_config.ledger.interfaces import Store
from router_config.ledger.rules.gates import Cooldown
from router_config.ledger.rules.schedule import PROVEN, pause
from router_config.presets.lookup import preset_of
from router_config.routing.outcomes.listed_models import LOOKED_AT_EVERY, kept_lists, proven_gone
from router_config.signals import Verdict
from router_config.signals.redaction import shorten

TOLD: Final = 300
"""Characters of what is told."""

TEXTS: Final = frozenset({"text_completion", "responses", "anthropic_messages", "generate_content"})
"""Endpoints besides chats of the same models."""

MODELS_KEPT: Final = 4096
"""Models of which it is known when they answered last."""


class Succession:
    """Notes which models are gone, by what answers and kept lists say, and finds the successor of each.

    lists: the providers' own, as they were kept when they were looked at last.
    """

    def __init__(self, store: Store, learned: Learned) -> None:
        self._store, self._learned = store, learned
        self.lists: Mapping[str, KeptList] = {}
        self._next_look = 0.0
        self._answered: dict[str, float] = {}

    def refused(self, config: Config | None, deployment: Deployment, verdict: Verdict, now: float) -> Verdict:
        """An answer says that a model is gone. The verdict with what takes its place, or may.

        deployment: at the endpoint that was asked.
        """
        scope, endpoint = endpoint_of(deployment.scopes.model)
        successor = self._successor(config, deployment, scope, verdict.successor)
        noted = not endpoint or (verdict.proven and endpoint in TEXTS)
        if noted:
            self._learned.retire(scope, successor, now)
        told = self._told(config if noted else None, deployment, successor)
        return replace(verdict, message=shorten(f"{told}{verdict.message}", TOLD))

    def answered(self, deployment: Deployment, now: float) -> None:
        """A model has answered, so it is not gone."""
        if self._learned.gone:
            self._learned.revive(endpoint_of(deployment.scopes.model)[0], now)
        if self.lists:
            if len(self._answered) >= MODELS_KEPT:
                self._answered.clear()
            self._answered[deployment.scopes.model] = now

    def look_is_due(self, now: float) -> bool:
        """Whether to look at the kept lists; once it is, it is not for an hour."""
        if now < self._next_look:
            return False
        self._next_look = now + LOOKED_AT_EVERY
        return True

    async def look(self, config: Config, catalog: Catalog, now: float) -> None:
        """Disable the models that lists of a day or more are without, save those that answered since."""
        self.lists = await asyncio.to_thread(kept_lists, config)
        for provider, model, since in proven_gone(config, self.lists):
            for each in catalog.deployments.values():
                if (each.provider, each.model) == (provider.name, model) and not self._answered_since(each, since):
                    await self._disable(config, each, since, now)

    def _answered_since(self, deployment: Deployment, since: float) -> bool:
        """Whether a model has answered although a list was without it, or is known to be gone."""
        scope = deployment.scopes.model
        known = self._learned.gone.get(scope)
        return (known is not None and (known.gone or known.at >= since)) or self._answered.get(scope, 0.0) >= since

    async def _disable(self, config: Config, deployment: Deployment, since: float, now: float) -> None:
        scope = deployment.scopes.model
        successor = self._successor(config, deployment, scope, None)
        self._learned.retire(scope, successor, now)
        told = self._told(config, deployment, successor)
        reason = f"{told}{deployment.provider}'s own list of models is without it since {iso(since)}."
        cooldown = Cooldown(scope, "disabled", reason, now, now + pause("disabled", PROVEN), PROVEN)
        await self._store.begin_cooldown(cooldown, (deployment.provider, deployment.model))

    def _told(self, config: Config | None, deployment: Deployment, successor: str | None) -> str:
        """What comes of it, in a sentence that a space follows."""
        answers = None
        if config is not None:
            found = stand_ins(with_successors(config, self._learned.gone))
            answers = found.get((deployment.provider, deployment.model))
        if answers is not None:
            return f"{deployment.model}: {answers} answers in its place until the file is edited. "
        provider = _provider(config, deployment)
        if provider is not None and any(each.name == successor for each in provider.models):
            return f"{deployment.model}: {successor} of the file goes on. "
        return f"{deployment.model}: " + (f"use {successor} in its place. " if successor else "")

    def _successor(self, config: Config | None, deployment: Deployment, scope: str, named: str | None) -> str | None:
        """The first model that fits: named by the answer, by the provider's list, by facts about the provider."""
        for name in self._named(_provider(config, deployment), deployment, named):
            known = self._learned.gone.get(renamed(scope, deployment.model, name))
            if name != deployment.model and _costs_no_more(deployment, name) and (known is None or not known.gone):
                return name
        return None

    def _named(self, provider: Provider | None, deployment: Deployment, named: str | None) -> Iterator[str]:
        if named is not None:
            yield named
        if provider is None:
            return
        preset, kept = preset_of(provider.name, provider.litellm_provider), self.lists.get(provider.name)
        if kept is not None:
            yield from successors(provider, deployment.model, kept.listing, kept.named)
        elif provider.api_base is None or (preset is not None and preset.name == provider.name):
            yield from successors(provider, deployment.model)


def _provider(config: Config | None, deployment: Deployment) -> Provider | None:
    if config is None:
        return None
    return next((each for each in config.providers if each.name == deployment.provider), None)


def _costs_no_more(deployment: Deployment, name: str) -> bool:
    """False for a model that costs where the old one was free: the names tell at OpenRouter and its like."""
    if deployment.tier != "free" or not deployment.model.endswith(":free"):
        return True
    return name.endswith((":free", "/free"))
