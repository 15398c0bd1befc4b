"""What a request goes by: the configuration as it is when the request begins. An edit makes another one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from router_config.config.agent_classes import AgentClass
from router_config.config.group_rules import GroupRules
from router_config.config.models import Config
from router_config.deployments.catalog import Catalog, Group
from router_config.routing.intake.callers import Callers


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """All that a request reads of the configuration. It takes them once, so it sees an edit whole or not at all.

    config: the file's, if there is one. settings: those of litellm.Router. catalog: None until it is made of the model
    list. callers: the classes of agents. loaded_at: epoch seconds. error: why a newer file cannot be used. group_rules:
    by group, what `groups:` says. The rest is as in `Router`.
    """

    config: Config | None
    settings: Mapping[str, Any]
    cooldown: float
    soft_limit: float
    max_wait: float
    output_tokens: int
    max_response: int
    loaded_at: float
    catalog: Catalog | None = None
    callers: Callers = field(default_factory=Callers)
    error: str | None = None
    group_rules: Mapping[str, GroupRules] = field(default_factory=dict)

    @property
    def groups(self) -> Catalog:
        """The catalog of a request that has begun."""
        if self.catalog is None:
            raise AssertionError("a request begins with a catalog")
        return self.catalog

    def max_wait_of(self, agent_class: AgentClass | None) -> float:
        """Seconds that a request of such an agent may wait for room."""
        own = None if agent_class is None else agent_class.max_wait
        return self.max_wait if own is None else own

    def seen_by(self, agent_class: AgentClass | None, group: Group) -> Group:
        """The group as agents of a class see it."""
        return group if agent_class is None else group.for_class(agent_class, self.callers.classes)
