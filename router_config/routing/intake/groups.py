"""What a caller's name for a model means: a group, an alias, a deployment; and what of it may be asked for whom."""

from collections.abc import Mapping
from typing import Any

from litellm.exceptions import BadRequestError

from router_config.config.agent_classes import AgentClass
from router_config.deployments.catalog import Group
from router_config.routing.intake.callers import team_of
from router_config.routing.terms import Terms
from router_config.status.explanation import absent_from, barred_from
from router_config.transport import endpoints
from router_config.transport.errors.pickled_errors import picklable


def group_asked_for(endpoint: str, asked: Mapping[str, Any], terms: Terms) -> tuple[Group, AgentClass | None]:
    """The group of a call as its caller's class sees it at this endpoint, and that class; None: there are no classes.

    Raises BadRequestError for a model that nobody serves, or nobody serves this team.
    """
    model = asked["model"]
    group = group_named(model, terms)
    if group is None:
        raise unknown(model)
    if group.has_teams and (group := group.for_team(team_of(asked))) is None:
        raise unknown(model, f"No deployments available for this team are called {model!r}")
    if at := endpoints.SCOPE_NAMES[endpoint]:
        group = group.at(at)
    caller = terms.callers.of(asked)
    return terms.seen_by(caller, group), caller


def group_named(model: str, terms: Terms) -> Group | None:
    """The group, alias or deployment of that name; None: there is none."""
    catalog = terms.groups
    group = catalog.groups.get(model)
    if group is not None and model not in (terms.settings.get("model_group_alias") or ()):
        return group  # Nearly always.
    alias = aliased(model, terms)
    name = alias if alias is not None else model
    group = catalog.group(name)
    if group is None and terms.config is not None and name in terms.config.groups:
        return Group(name, (), {})  # Everyone who serves it lacks a key.
    if group is None and catalog.has_patterns:
        return catalog.group(endpoints.spellings(name)[-1])
    return group


def aliased(model: str, terms: Terms) -> str | None:
    """The group that an alias stands for; None for what is no alias."""
    alias = (terms.settings.get("model_group_alias") or {}).get(model)
    if alias is None and terms.config is not None and terms.groups.group(model) is None:
        return terms.config.aliases.get("*")
    return alias["model"] if isinstance(alias, dict) else alias


def unknown(model: str, told: str | None = None) -> BadRequestError:
    """The error for a name that means nothing."""
    told = told or f"no group, alias or deployment is called {model!r}"
    as_litellm = f"You passed in model={model}. There are no healthy deployments for this model"
    return picklable(BadRequestError(f"{told}. {as_litellm}", model, ""))


def left_out(group: str, caller: AgentClass | None, terms: Terms) -> dict[str, tuple[str, str]]:
    """The providers of a group that this class does not ask, whatever room they have: status and reason of each."""
    whole = terms.groups.group(group)
    barred = barred_from(caller, () if whole is None else whole.deployments)
    absent = absent_from(terms.config, group)
    return {**{name: ("unconfigured", reason) for name, (_, reason) in absent.items()}, **barred}
