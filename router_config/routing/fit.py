"""Which deployments of a group a request may be sent to at all, before any of them is reserved."""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any, Final, NamedTuple

import litellm

from router_config.catalogue.kept_lists import KeptList
from router_config.deployments.abilities import (
    ANSWER,
    BIT,
    CONTEXT,
    Facts,
    Misfit,
    Needs,
    applying,
    facts_of,
    misfit,
    names_of,
)
from router_config.deployments.catalog import Group
from router_config.deployments.deployment import Deployment
from router_config.deployments.learned import Learned
from router_config.ledger.rules.abilities import Lack
from router_config.ledger.rules.gates import Need
from router_config.presets.abilities import preset_facts
from router_config.routing.needs.of_request import PARAMETERS
from router_config.routing.request import Request

Lists = Mapping[str, KeptList]

KEPT: Final = 256
"""Groups; patterns make groups of any number of names."""


class _Known(NamedTuple):
    """The facts of a group by deployment. lacking, smallest, answer: what anybody lacks, by facts or as learned."""

    entries: Mapping[str, Any]
    lists: Lists
    changes: int
    facts: Mapping[str, Facts]
    lacking: int
    smallest: float
    answer: float


class Fit:
    """What is known of the models of each group, and what they taught. lists: the providers' own, as they are kept."""

    def __init__(self, learned: Learned, lists: Callable[[], Lists]) -> None:
        self._learned, self._lists = learned, lists
        self._known: dict[tuple[str, str, str], _Known] = {}
        """By the name of a group, the class that sees it, and the endpoint."""

    def unfit(self, request: Request, now: float) -> Mapping[str, Misfit]:
        """By deployment, why it is not asked. Where that is not sure and nobody else is left, it is asked."""
        return self.misfits(request.group, request.needs, request.need, now, request.asked)

    def misfits(
        self, group: Group, needs: Needs, need: Need, now: float, asked: Mapping[str, Any] | None = None
    ) -> Mapping[str, Misfit]:
        """The same of a request that was not made. asked: its arguments, where they are known."""
        if not needs.abilities and not needs.sized:
            return {}
        known, prompt = self._of(group), need.prompt_tokens
        fits = prompt + needs.answer <= known.smallest and needs.answer <= known.answer
        if fits and not needs.abilities & known.lacking:
            return {}  # Nearly always.
        unfit: dict[str, Misfit] = {}
        lacks, abilities, tokens = self._learned.abilities.lacks, needs.abilities, prompt + needs.answer
        for name, facts in known.facts.items():
            learned = lacks(facts.model)
            fits = tokens <= facts.smallest and needs.answer <= facts.answer.tokens
            if fits and not learned and not abilities & (facts.cannot | facts.listed):
                continue
            counted = prompt if fits and not learned else self._counted(group.by_id[name], need)
            found = misfit(facts, needs, prompt, counted, learned, now)
            if found is not None and (dropped := _dropped(group.entries[name], asked or {}, found)):
                rest = needs._replace(abilities=needs.abilities & ~dropped)
                found = misfit(facts, rest, prompt, counted, learned, now)
            if found is not None:
                unfit[name] = found
        if len(unfit) == len(known.facts):
            unfit = {name: found for name, found in unfit.items() if found.sure}
        return unfit

    def facts(self, group: Group, deployment: str) -> Facts:
        """What is known of a deployment of a group."""
        return self._of(group).facts[deployment]

    def refused_before(
        self, request: Request, deployment: Deployment, asks_format: int = 0
    ) -> tuple[tuple[str, Lack], ...]:
        """What this request needs, and the model of a deployment was seen to refuse: it is asked again all the same.

        asks_format: as of a flight.
        """
        if not self._learned.abilities.known:  # Nearly always.
            return ()
        facts = self.facts(request.group, deployment.id)
        lacks = self._learned.abilities.lacks(facts.model)
        if not lacks:
            return ()
        needs = request.needs._replace(abilities=request.needs.abilities | asks_format)
        dropped = _parameters_dropped(request.group.entries[deployment.id], request.asked, names_of(needs.abilities))
        needs = needs._replace(abilities=needs.abilities & ~dropped)
        return applying(facts, needs, request.need.prompt_tokens, lacks)

    def takes_format(self, request: Request, deployment: Deployment, name: str, now: float) -> bool | None:
        """Whether a model takes a JSON format, by the file and its refusals; None: nobody knows.

        A week after it refused one, one request finds out whether it still does.
        """
        facts, bit = self.facts(request.group, deployment.id), BIT[name]
        lack = None if (facts.can | facts.cannot) & bit else self._learned.abilities.lacks(facts.model).get(name)
        if lack is None:
            return bool(facts.can & bit) if (facts.can | facts.cannot) & bit else None
        return lack.due(now) and self._learned.abilities.claim(facts.model, name, now) is not None

    def _counted(self, deployment: Deployment, need: Need) -> int:
        """Tokens that a model will count for a prompt, as far as it is known."""
        curve, correction = self._learned.known(deployment).curve, need.correction
        if correction is None or not curve.points:
            return need.prompt_tokens
        counted = correction.prompt_tokens(deployment, need.prompt_tokens, need.tokens - need.prompt_tokens)
        return min(need.prompt_tokens, counted)

    def _of(self, group: Group) -> _Known:
        key, lists, learned = (group.name, group.seen_by, group.endpoint), self._lists(), self._learned.abilities
        known = self._known.get(key)
        if (
            known is not None
            and known.entries is group.entries
            and known.lists is lists
            and known.changes == learned.changes
        ):
            return known
        if known is not None and known.entries is group.entries and known.lists is lists:
            facts = known.facts
        else:
            facts = {name: _facts(group.by_id[name], entry, lists) for name, entry in group.entries.items()}
        lacking, smallest, answer = 0, inf, inf
        for each in facts.values():
            lacking |= each.cannot | each.listed
            smallest, answer = min(smallest, each.smallest), min(answer, each.answer.tokens)
            for name, lack in learned.lacks(each.model).items():
                lacking |= BIT.get(name, 0)
                size = min(lack.size or inf, lack.refused - 1 if lack.refused else inf)
                if name == CONTEXT:
                    smallest = min(smallest, size)
                elif name == ANSWER:
                    answer = min(answer, size)
        if len(self._known) >= KEPT:
            self._known.clear()
        known = self._known[key] = _Known(group.entries, lists, learned.changes, facts, lacking, smallest, answer)
        return known


def _facts(deployment: Deployment, entry: Mapping[str, Any], lists: Lists) -> Facts:
    info, model = entry["model_info"], str(entry["litellm_params"].get("model"))
    own: dict[str, Any] = {}
    kept = lists.get(deployment.provider)
    if kept is not None and (listed := kept.listing.named(deployment.model)) is not None:
        own = {
            "supports_function_calling": listed.tools,
            "supports_vision": listed.vision,
            "max_input_tokens": listed.context,
        }
    prefix, _, name = model.partition("/")
    return facts_of(deployment.same_model, info, _listed(model), own, preset_facts(prefix, name))


def _listed(model: str) -> Mapping[str, Any]:
    """The model in LiteLLM's list, where it stands with or without its provider's prefix."""
    found = litellm.model_cost.get(model)
    if found is None:
        prefix, _, rest = model.partition("/")
        found = litellm.model_cost.get(rest) or {}
        if found.get("litellm_provider") != prefix:
            return {}
    return found


def _dropped(entry: Mapping[str, Any], asked: Mapping[str, Any], found: Misfit) -> int:
    """Of the abilities that are lacking, those that LiteLLM does not ask of this model, for it drops the parameter."""
    return _parameters_dropped(entry, asked, [each.need for each in found.lacking])


def _parameters_dropped(entry: Mapping[str, Any], asked: Mapping[str, Any], needs: Sequence[str]) -> int:
    params = entry["litellm_params"]
    named = {*(params.get("additional_drop_params") or ()), *(asked.get("additional_drop_params") or ())}
    drops = asked.get("drop_params", params.get("drop_params"))
    drops = litellm.drop_params if drops is None else drops
    if not drops and not named:
        return 0
    taken = _taken(str(params.get("model")), params.get("custom_llm_provider")) if drops else None
    dropped = 0
    for need in needs:
        given = [each for each in PARAMETERS.get(need, ()) if asked.get(each) is not None]
        if given and all(each in named or (taken is not None and each not in taken) for each in given):
            dropped |= BIT[need]
    return dropped


def _taken(model: str, provider: str | None) -> frozenset[str] | None:
    """The parameters that LiteLLM sends to a model, and does not drop; None where it does not say."""
    prefix, _, rest = model.partition("/")
    try:
        found = litellm.get_supported_openai_params(rest or model, provider or (prefix if rest else "openai"))
    except Exception:  # LiteLLM raises whatever it likes for a model that it does not know.
        return None
    return None if found is None else frozenset(map(str, found))
