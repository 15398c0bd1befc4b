"""What models can do, for what is shown and planned: by the file, the lists and the store, without LiteLLM."""

from collections.abc import Mapping, Sequence
from typing import Any

from router_config.config import prices as price_list
from router_config.config.models import Config
from router_config.deployments.abilities import ABILITIES, BIT, Facts, Misfit, Needs, facts_of, misfit
from router_config.deployments.deployment import Deployment
from router_config.deployments.learned_abilities import LearnedAbilities
from router_config.deployments.model_list import abilities_told
from router_config.presets.abilities import preset_facts


def needs_named(names: Sequence[str]) -> Needs:
    """The needs of these names. Raises ValueError for one that is no ability."""
    wrong = [name for name in names if name not in BIT]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is no ability; there are {', '.join(ABILITIES)}")
    return Needs(sum(BIT[name] for name in set(names)), 0, True)


def facts_in(config: Config, deployments: Sequence[Deployment]) -> dict[str, Facts]:
    """By deployment, what the file, the preset and LiteLLM's list say."""
    models = {
        (provider.name, model.name): (provider, model) for provider in config.providers for model in provider.models
    }
    known = [(each, *found) for each in deployments if (found := models.get((each.provider, each.model))) is not None]
    listed = price_list.listed((provider.litellm_provider, model.name) for _, provider, model in known)
    return {
        each.id: facts_of(
            each.same_model,
            abilities_told(model),
            _of(listed, provider.litellm_provider, model.name),
            preset=preset_facts(provider.litellm_provider, model.name),
        )
        for each, provider, model in known
    }


def misfits(
    facts: Mapping[str, Facts], needs: Needs, tokens: int, learned: LearnedAbilities, now: float
) -> dict[str, Misfit]:
    """By deployment, why a request of so many tokens is not sent there, as routing decides it. now: epoch seconds."""
    found = {
        name: lacking
        for name, each in facts.items()
        if (lacking := misfit(each, needs, tokens, tokens, learned.lacks(each.model), now)) is not None
    }
    if len(found) == len(facts):
        found = {name: lacking for name, lacking in found.items() if lacking.sure}
    return found


def _of(listed: Mapping[tuple[str, str], price_list.Entries], prefix: str, model: str) -> Mapping[str, Any]:
    return next((each for each in listed[prefix, model] if each.get("litellm_provider") == prefix), {})
