"""Which models of a group a planned request may be sent to, by what it needs: as the router decides it."""

from router_config.config.models import Config
from router_config.deployments.catalog import Group
from router_config.deployments.fitness import facts_in, misfits, needs_named
from router_config.deployments.learned_abilities import LearnedAbilities


def with_tools(group: Group, config: Config) -> Group:
    """The group without the models that the file or LiteLLM's list says cannot use tools."""
    facts = facts_in(config, group.deployments)
    unfit = misfits(facts, needs_named(["tools"]), 0, LearnedAbilities(), 0.0)
    tiers = tuple(able for tier in group.tiers if (able := tuple(each for each in tier if each.id not in unfit)))
    entries = {name: entry for name, entry in group.entries.items() if name not in unfit}
    return Group(f"{group.name} with tools", tiers, entries)
