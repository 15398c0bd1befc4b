"""Classes of agents, as `classes:` of the file names them: what is kept for whom, and what each may use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final, Literal

Use = Literal["any", "leftover"]
PaidUse = Literal["never", "last", "always"]
Release = Literal["forecast", "never"]

DEFAULT_CLASS: Final = "default"
"""The class of whoever is named by no other. It is there as soon as the file has any class."""

PRIORITY_STEP: Final = 10.0
"""Seconds of waiting that a step of a class' priority is worth, so that whoever waits long enough comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentClass:
    """A class of agents. Shares are from 0 to 1, of each limit of each window.

    agents: names, or patterns with `*`. reserve: kept for the class; by_provider: the same where a provider is named
    apart. release: seconds before a calendar window ends at which what is kept and unused is given to all; "forecast":
    what the class is not expected to use is not kept; "never". share: at most so much may be used. use: "leftover":
    only what nobody else is expected to use. max_wait: seconds; None: as elsewhere. paid: whether providers that cost
    money are asked: never, after all that are free, or in their order of priority. usd_per_day: at most so many dollars
    in a UTC day, at all providers together. providers: those that may be asked; None: all. priority: who waits longer
    than another by 10 seconds for each step is served first all the same; lower is served first.
    """

    name: str
    agents: tuple[str, ...] = ()
    reserve: float = 0.0
    by_provider: Mapping[str, float] = field(default_factory=dict)
    release: float | Release = 3600.0
    share: float = 1.0
    use: Use = "any"
    max_wait: float | None = None
    paid: PaidUse = "always"
    usd_per_day: float | None = None
    providers: tuple[str, ...] | None = None
    priority: int = 0

    def reserve_at(self, provider: str) -> float:
        """The share that is kept for the class at a provider."""
        return self.by_provider.get(provider, self.reserve)

    def barred_from(self, provider: str, tier: str) -> str | None:
        """Why the class may not ask a provider of this tier, `free` or `paid`; None: it may."""
        if self.providers is not None and provider not in self.providers:
            return f"class {self.name} may ask {' and '.join(self.providers)} alone"
        if self.paid == "never" and tier == "paid":
            return f"class {self.name} may ask no provider that costs money (paid: never)"
        return None

    def names(self, agent: str) -> bool:
        """Whether an agent of this name is one of the class."""
        return any(fnmatchcase(agent, pattern) for pattern in self.agents)


def class_of(agent: str | None, classes: tuple[AgentClass, ...]) -> AgentClass | None:
    """The class of an agent: the one that has its very name, else the first with a pattern of it, else `default`.

    None: there are no classes.
    """
    if not classes:
        return None
    by_name = {each.name: each for each in classes}
    if agent is None:
        return by_name[DEFAULT_CLASS]
    named = [each for each in classes if agent in each.agents] or [each for each in classes if each.names(agent)]
    return named[0] if named else by_name[DEFAULT_CLASS]
