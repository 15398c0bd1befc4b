"""A mapping that a program gives in place of a section of the file: the same grammar reads it."""

from collections.abc import Mapping
from typing import Any, Final

from router_config.config.grammar.yaml_nodes import Mark, Node
from router_config.config.grammar.yaml_source import Source, Where
from router_config.config.models import ConfigError

NOWHERE: Final = Mark(0, 0)


class GivenMapping(Source):
    """What was not read from a file: errors name the argument, and no line."""

    def __init__(self, argument: str, given: Mapping[str, Any]) -> None:
        super().__init__(argument, _node(given))

    def at(self, where: Where, *, key: bool = False) -> str:
        return self._shown

    def error_at(self, mark: Mark, what: str, hint: str) -> ConfigError:
        return ConfigError(f"{self._shown}: {what}\n  {hint}")


def _node(value: Any) -> Node:
    if isinstance(value, Mapping):
        return Node(NOWHERE, {str(name): (NOWHERE, _node(item)) for name, item in value.items()})
    return Node(NOWHERE, [_node(item) for item in value] if isinstance(value, list | tuple) else value)
