"""What becomes of a model that its provider does not serve any more: which one may take its place, and what is told."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from router_config.catalogue.successors import successors
from router_config.config.models import Config, Provider
from router_config.deployments.deployment import Deployment, endpoint_of
from router_config.deployments.learned import Learned
from router_config.deployments.retirement import renamed, stand_ins, with_successors
from router_config.presets.lookup import preset_of
from router_config.signals import Verdict
from router_config.signals.redaction import shorten

TOLD: Final = 300
"""Characters of what is told."""

TEXTS: Final = frozenset({"text_completion", "responses", "anthropic_messages", "generate_content"})
"""Endpoints besides chats of the same models."""


def retire(learned: Learned, config: Config | None, deployment: Deployment, verdict: Verdict, now: float) -> Verdict:
    """Note that a model is gone. The verdict with what takes its place, or may.

    deployment: at the endpoint that was asked.
    """
    scope, endpoint = endpoint_of(deployment.scopes.model)
    provider = _provider(config, deployment)
    successor = _successor(learned, provider, deployment, scope, verdict)
    answers = None
    if not endpoint or (verdict.proven and endpoint in TEXTS):
        learned.retire(scope, successor, now)
        if config is not None:
            answers = stand_ins(with_successors(config, learned.gone)).get((deployment.provider, deployment.model))
    if answers is not None:
        told = f"{deployment.model}: {answers} answers in its place until the file is edited. "
    elif provider is not None and any(each.name == successor for each in provider.models):
        told = f"{deployment.model}: {successor} of the file goes on. "
    else:
        told = f"{deployment.model}: " + (f"use {successor} in its place. " if successor else "")
    return replace(verdict, message=shorten(f"{told}{verdict.message}", TOLD))


def revive(learned: Learned, deployment: Deployment, now: float) -> None:
    """A model has answered."""
    if learned.gone:
        learned.revive(endpoint_of(deployment.scopes.model)[0], now)


def _provider(config: Config | None, deployment: Deployment) -> Provider | None:
    if config is None:
        return None
    return next((each for each in config.providers if each.name == deployment.provider), None)


def _successor(
    learned: Learned, provider: Provider | None, deployment: Deployment, scope: str, verdict: Verdict
) -> str | None:
    """The first model that fits: named by the answer, by facts about the provider, by its list."""
    for name in _named(provider, deployment, verdict):
        known = learned.gone.get(renamed(scope, deployment.model, name))
        if name != deployment.model and _costs_no_more(deployment, name) and (known is None or not known.gone):
            return name
    return None


def _named(provider: Provider | None, deployment: Deployment, verdict: Verdict) -> Iterator[str]:
    if verdict.successor is not None:
        yield verdict.successor
    if provider is None:
        return
    preset = preset_of(provider.name, provider.litellm_provider)
    if provider.api_base is None or (preset is not None and preset.name == provider.name):
        yield from successors(provider, deployment.model)


def _costs_no_more(deployment: Deployment, name: str) -> bool:
    """False for a model that costs where the old one was free: the names tell at OpenRouter and its like."""
    if deployment.tier != "free" or not deployment.model.endswith(":free"):
        return True
    return name.endswith((":free", "/free"))
