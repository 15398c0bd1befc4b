"""Who asks: the agent, its team, and the class that it belongs to."""

from collections.abc import Mapping
from typing import Any, Final

from router_config.config.agent_classes import AgentClass, class_of

NAME_KEPT: Final = 100
"""Characters of an agent's name that a decision holds."""

KEPT: Final = 1000
"""Agents whose class is remembered."""


class Callers:
    """The class of each caller. Nothing that a request says of itself but its agent's name has a say in it.

    Whoever serves clients that show a token, and knows the class of each token, tells it here instead (`of`).
    """

    def __init__(self, classes: tuple[AgentClass, ...] = ()) -> None:
        self.classes = classes
        self._known: dict[str | None, AgentClass] = {}

    def of(self, asked: Mapping[str, Any]) -> AgentClass | None:
        """The class of whoever asks with these arguments; None where there are no classes."""
        return self.named(agent_of(asked)) if self.classes else None

    def named(self, agent: str | None) -> AgentClass | None:
        """The class of an agent; None where there are no classes."""
        found = self._known.get(agent)
        if found is None and (found := class_of(agent, self.classes)) is not None:
            if len(self._known) >= KEPT:  # Names may come from outside.
                self._known.clear()
            self._known[agent] = found
        return found


def agent_of(kwargs: Mapping[str, Any]) -> str | None:
    """Who asks, from a request's `metadata={"agent": ...}`."""
    agent = _said_of_the_caller(kwargs, "agent")
    return None if agent is None else agent[:NAME_KEPT]


def team_of(kwargs: Mapping[str, Any]) -> str | None:
    """The team that asks, as LiteLLM's proxy names it."""
    return _said_of_the_caller(kwargs, "user_api_key_team_id")


def _said_of_the_caller(kwargs: Mapping[str, Any], what: str) -> str | None:
    for name in ("metadata", "litellm_metadata"):  # For some endpoints LiteLLM keeps it in the second (1.106.2).
        metadata = kwargs.get(name)
        said = metadata.get(what) if isinstance(metadata, Mapping) else None
        if isinstance(said, str) and said:
            return said
    return None
