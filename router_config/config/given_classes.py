"""Classes of agents that a program gives as a mapping, of the form that `classes:` has in the file."""

import logging
from collections.abc import Mapping
from typing import Any

from router_config.config.agent_classes import AgentClass
from router_config.config.class_checks import checked
from router_config.config.grammar.given_mapping import NOWHERE, GivenMapping
from router_config.config.grammar.rules import Place
from router_config.config.models import Tier
from router_config.config.sections.classes import CLASSES

_LOG = logging.getLogger("router_config")


def classes_of(given: Mapping[str, Any], tiers: Mapping[str, Tier]) -> tuple[AgentClass, ...]:
    """The classes of a mapping such as `{"trader": {"reserve": "30%", "agents": ["TradingAgent"]}}`.

    tiers: of each provider. Raises ConfigError.
    """
    source = GivenMapping("classes", given)
    classes = checked(source, CLASSES.read(source.root, Place(source, NOWHERE)), tiers)
    for warning in source.warnings:
        _LOG.warning("%s", warning)
    return classes
