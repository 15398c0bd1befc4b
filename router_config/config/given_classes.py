"""Classes of agents that a program gives as a mapping, of the form that `classes:` has in the file."""

import logging
from collections.abc import Mapping
from typing import Any

from router_config.config.agent_classes import AgentClass
from router_config.config.class_checks import checked
from router_config.config.grammar.rules import Place
from router_config.config.grammar.yaml_nodes import Mark, Node
from router_config.config.grammar.yaml_source import Source, Where
from router_config.config.models import ConfigError, Tier
from router_config.config.sections.classes import CLASSES

_LOG = logging.getLogger("router_config")
_NOWHERE = Mark(0, 0)


class _Argument(Source):
    """What was not read from a file: errors name the argument, and no line."""

    def at(self, where: Where, *, key: bool = False) -> str:
        return self._shown

    def error_at(self, mark: Mark, what: str, hint: str) -> ConfigError:
        return ConfigError(f"{self._shown}: {what}\n  {hint}")


def classes_of(given: Mapping[str, Any], tiers: Mapping[str, Tier]) -> tuple[AgentClass, ...]:
    """The classes of a mapping such as `{"trader": {"reserve": "30%", "agents": ["TradingAgent"]}}`.

    tiers: of each provider. Raises ConfigError.
    """
    source = _Argument("classes", _node(given))
    classes = checked(source, CLASSES.read(source.root, Place(source, _NOWHERE)), tiers)
    for warning in source.warnings:
        _LOG.warning("%s", warning)
    return classes


def _node(value: Any) -> Node:
    if isinstance(value, Mapping):
        return Node(_NOWHERE, {str(name): (_NOWHERE, _node(item)) for name, item in value.items()})
    return Node(_NOWHERE, [_node(item) for item in value] if isinstance(value, list | tuple) else value)
