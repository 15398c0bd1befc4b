"""The deployments of a Router by the names that a caller may ask for. Made anew when its model list changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from router_config.deployments.deployment import Deployment, by_preference, deployment_of_entry
from router_config.ledger.rules.meters import Meter


@dataclass(frozen=True)
class Group:
    """A model group: its deployments, and LiteLLM's entry of each by id.

    tiers: in the order in which they are asked; those of one tier share the load.
    """

    name: str
    tiers: tuple[tuple[Deployment, ...], ...]
    entries: Mapping[str, dict[str, Any]]

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

    def deployment(self, name: str) -> Deployment:
        """The deployment with this id. Raises KeyError."""
        return self.by_id[name]

    @cached_property
    def by_id(self) -> dict[str, Deployment]:
        return {deployment.id: deployment for tier in self.tiers for deployment in tier}


class Catalog:
    """The groups of a model list by name: a group's own, a deployment's id, or a model by LiteLLM's name.

    soft_limit: share of a daily limit past which others are preferred.
    correction: seconds by which the time of calendar days is ahead of the router's clock.
    """

    def __init__(self, model_list: Sequence[dict[str, Any]], soft_limit: float, correction: float = 0.0) -> None:
        self.correction = correction
        self.deployments: dict[str, Deployment] = {}
        by_group: dict[str, dict[str, dict[str, Any]]] = {}
        for entry in model_list:
            deployment = deployment_of_entry(entry, soft_limit, correction)
            self.deployments[deployment.id] = deployment
            names = {entry["model_name"], deployment.id, entry["litellm_params"]["model"]}
            for name in names:
                by_group.setdefault(name, {})[deployment.id] = entry
        self._models: dict[str, set[str]] = {}
        for each in self.deployments.values():
            self._models.setdefault(each.meters[0].scope, set()).add(each.model)
        self._groups = {name: self._group(name, entries) for name, entries in by_group.items()}

    def group(self, name: str) -> Group | None:
        """The group of a name; None for a name that is not in the model list."""
        return self._groups.get(name)

    def serves_one_model(self, deployment: Deployment) -> bool:
        """Whether this deployment's account is asked for no other model than this one."""
        return len(self._models.get(deployment.meters[0].scope, ())) == 1

    @property
    def meters(self) -> tuple[Meter, ...]:
        """Every meter once."""
        return tuple({meter.scope: meter for each in self.deployments.values() for meter in each.meters}.values())

    @property
    def formerly(self) -> dict[str, str]:
        """Other names that the scopes in use had, each with its name now."""
        return {old: new for each in self.deployments.values() for old, new in each.formerly.items()}

    def _group(self, name: str, entries: dict[str, dict[str, Any]]) -> Group:
        return Group(name, by_preference(self.deployments[each] for each in entries), entries)
