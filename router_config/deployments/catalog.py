"""The deployments of a Router by the names that a caller may ask for. Made anew when its model list changes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from router_config.config.agent_classes import AgentClass
from router_config.deployments.class_access import class_meters, open_to, seen_by
from router_config.deployments.deployment import Deployment, by_preference, deployment_of_entry
from router_config.deployments.learned import Learned
from router_config.deployments.limit_changes import with_reported
from router_config.ledger.rules.classes.keeps import OF_CLASS
from router_config.ledger.rules.meters import Meter
from router_config.slices import pause

KEPT: Final = 1000
"""Groups that are kept of those that a pattern stands for."""


@dataclass(frozen=True)
class Group:
    """A model group: its deployments, and LiteLLM's entry of each by id.

    tiers: in the order in which they are asked; those of one tier share the load. seen_by: the class of agents
    that sees it so; empty: it is whole. endpoint: the one besides chats that it is asked at, as scopes call it.
    """

    name: str
    tiers: tuple[tuple[Deployment, ...], ...]
    entries: Mapping[str, dict[str, Any]]
    seen_by: str = ""
    endpoint: str = ""

    @cached_property
    def deployments(self) -> tuple[Deployment, ...]:
        """All, in the order in which they are asked."""
        return tuple(self.by_id.values())

    @cached_property
    def ranks_all(self) -> bool:
        """Whether no two deployments are equal in preference."""
        return all(len(tier) == 1 for tier in self.tiers)

    @cached_property
    def tier_of(self) -> dict[str, int]:
        return {deployment.id: place for place, tier in enumerate(self.tiers) for deployment in tier}

    def at(self, endpoint: str) -> "Group":
        """The same where an endpoint besides chats is asked: each endpoint has cooldowns of its own."""
        found = self._elsewhere.get(endpoint)
        if found is None:
            tiers = tuple(tuple(replace(each, scopes=each.scopes.at(endpoint)) for each in tier) for tier in self.tiers)
            found = self._elsewhere[endpoint] = Group(self.name, tiers, self.entries, endpoint=endpoint)
        return found

    @cached_property
    def _elsewhere(self) -> dict[str, "Group"]:
        return {}

    @cached_property
    def by_id(self) -> dict[str, Deployment]:
        return {deployment.id: deployment for tier in self.tiers for deployment in tier}

    @cached_property
    def has_teams(self) -> bool:
        """Whether a deployment serves one team alone: the one that its `model_info.team_id` names."""
        return any(entry["model_info"].get("team_id") is not None for entry in self.entries.values())

    def for_team(self, team: str | None) -> "Group | None":
        """What of the group serves a team, or a caller without one; None where nothing does."""
        theirs = {
            name: entry for name, entry in self.entries.items() if entry["model_info"].get("team_id") in (None, team)
        }
        left = [deployment for deployment in self.deployments if deployment.id in theirs]
        return Group(self.name, by_preference(left), theirs) if left else None

    def for_class(self, agent_class: AgentClass, classes: tuple[AgentClass, ...]) -> "Group":
        """The group as agents of a class see it. classes: all, that one among them."""
        found = self._by_class.get(agent_class.name)
        if found is None:
            theirs = [seen_by(each, agent_class, classes) for each in open_to(agent_class, self.deployments)]
            entries = {each.id: self.entries[each.id] for each in theirs}
            found = Group(self.name, by_preference(theirs), entries, agent_class.name, self.endpoint)
            self._by_class[agent_class.name] = found
        return found

    @cached_property
    def _by_class(self) -> dict[str, "Group"]:
        return {}


class Catalog:
    """The groups of a model list by name: a group's own, a deployment's id, or a model by LiteLLM's name.

    A name with `*` is a pattern: it serves what it matches and what is no group's name; of several, the longest does.
    What `*` stood for takes the place of the `*` in the deployment's model. Each such model has limits of its own.

    soft_limit: share of a daily limit past which others are preferred.
    correction: seconds by which the time of calendar days is ahead of the router's clock. learned: what providers
    report of their limits, for those that the file trusts. now: epoch seconds. before: an older catalog; what it made
    of an entry that is also in this model list is taken over.
    """

    def __init__(
        self,
        model_list: Sequence[dict[str, Any]],
        soft_limit: float,
        correction: float = 0.0,
        learned: Learned | None = None,
        now: float = 0.0,
        before: "Catalog | None" = None,
        classes: tuple[AgentClass, ...] = (),
    ) -> None:
        self._classes = classes
        self.correction, self._soft_limit = correction, soft_limit
        self._made: dict[str, tuple[dict[str, Any], Deployment]] = {}
        same = before is not None and (before.correction, before._soft_limit) == (correction, soft_limit)
        known = before._made if before is not None and same else {}
        self.deployments: dict[str, Deployment] = {}
        by_group: dict[str, dict[str, dict[str, Any]]] = {}
        by_pattern: dict[str, dict[str, dict[str, Any]]] = {}
        for entry in model_list:
            pause()
            made = known.get(entry["model_info"]["id"])
            if made is None or made[0] is not entry:
                made = entry, deployment_of_entry(entry, soft_limit, correction)
            deployment = made[1]
            self.deployments[deployment.id], self._made[deployment.id] = deployment, made
            names = {entry["model_name"], deployment.id, entry["litellm_params"]["model"]}
            names.update(entry["model_info"].get("instead_of") or ())
            if "*" in entry["model_name"]:
                names = {deployment.id}
                by_pattern.setdefault(entry["model_name"], {})[deployment.id] = entry
            for name in names:
                by_group.setdefault(name, {})[deployment.id] = entry
        self._heard = 0 if learned is None else learned.changes
        succeeds = (entry["model_info"].get("on_retired") == "successor" for entry in model_list)
        self._heeds = learned is not None and (any(each.trusts for each in self.deployments.values()) or any(succeeds))
        if learned is not None and self._heeds:
            reported = {each.provider: learned.limits(each.provider) for each in self.deployments.values()}
            self.deployments = with_reported(self.deployments, reported, now)
        self._models: dict[str, set[str]] = {}
        for each in self.deployments.values():
            self._models.setdefault(each.meters[0].scope, set()).add(each.model)
        self.groups: dict[str, Group] = {}
        for name, entries in by_group.items():
            pause()
            self.groups[name] = Group(name, by_preference(self.deployments[each] for each in entries), entries)
        self._patterns = [
            (re.compile(re.escape(name).replace(r"\*", "(.*)"), re.DOTALL), by_pattern[name])
            for name in sorted(by_pattern, key=len, reverse=True)
        ]
        self._of_patterns: dict[str, Group] = {}

    def group(self, name: str) -> Group | None:
        """The group of a name; None for a name that is not in the model list, and that no pattern there matches."""
        return self.groups.get(name) or self._of_patterns.get(name) or self._matched(name)

    def is_outdated(self, learned: Learned) -> bool:
        """Whether other limits or successors count since this was made, where the file heeds what is learned."""
        return self._heeds and self._heard != learned.changes

    @property
    def has_patterns(self) -> bool:
        return bool(self._patterns)

    def serves_one_model(self, deployment: Deployment) -> bool:
        """Whether this deployment's account is asked for no other model than this one."""
        return self._models.get(deployment.meters[0].scope) == {deployment.model}

    @property
    def meters(self) -> tuple[Meter, ...]:
        """Every meter once, those of classes among them."""
        found = {meter.scope: meter for each in self.deployments.values() for meter in each.meters}
        for agent_class in self._classes:
            for each in self.deployments.values():
                pause()
                found.update((meter.scope, meter) for meter in class_meters(each, agent_class))
        return tuple(found.values())

    @property
    def formerly(self) -> dict[str, str]:
        """Other names that the scopes in use had, each with its name now."""
        found = {old: new for each in self.deployments.values() for old, new in each.formerly.items()}
        counted = (
            {meter.scope for each in self.deployments.values() for meter in each.meters} if self._classes else set()
        )
        of_classes = {
            f"{old}{OF_CLASS}{each.name}": f"{new}{OF_CLASS}{each.name}"
            for each in self._classes
            for old, new in found.items()
            if new in counted
        }
        return {**found, **of_classes}

    def _matched(self, name: str) -> Group | None:
        for pattern, listed in self._patterns:
            match = pattern.fullmatch(name)
            if match is not None:
                entries = {each: _for_name(entry, match) for each, entry in listed.items()}
                theirs = [deployment_of_entry(entry, self._soft_limit, self.correction) for entry in entries.values()]
                if len(self._of_patterns) >= KEPT:
                    self._of_patterns.clear()
                group = self._of_patterns[name] = Group(name, by_preference(theirs), entries)
                return group
        return None


def _for_name(entry: dict[str, Any], match: re.Match[str]) -> dict[str, Any]:
    """The entry of a pattern, for a name that it matches."""
    model, parts = entry["litellm_params"]["model"], match.groups()
    if "*" not in model:
        return entry
    if len(parts) > model.count("*"):
        model = match.string  # As LiteLLM's own Router does.
    else:
        left = iter(parts)
        model = re.sub(r"\*", lambda star: next(left, star[0]), model)
    return {
        **entry,
        "litellm_params": {**entry["litellm_params"], "model": model},
        "model_info": {**entry["model_info"], "model": model.partition("/")[2] or model},
    }
