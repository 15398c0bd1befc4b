"""What makes `classes:` useless (an error), or doubtful (a warning), beside the providers of the file."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import combinations, product
from typing import Final

from router_config.config.agent_classes import DEFAULT_CLASS, AgentClass
from router_config.config.grammar.rules import nearest
from router_config.config.grammar.yaml_source import Source, Where
from router_config.config.models import Tier

_ROUNDING: Final = 1e-9
_PATTERN: Final = frozenset("*?[")


def checked(source: Source, classes: tuple[AgentClass, ...], tiers: Mapping[str, Tier]) -> tuple[AgentClass, ...]:
    """The classes as they hold: where a class may not ask, nothing is kept for it.

    tiers: of each provider. Raises ConfigError with the place in the file; warnings are noted in the source.
    """
    for each in classes:
        _check_providers(source, each, tiers)
        _check_alone(source, each)
    _check_agents(source, classes)
    held = tuple(_kept_where_it_may_ask(each, tiers) for each in classes)
    for each in held:
        _check_share(source, each, tiers)
    _check_sums(source, held, tiers)
    for sentence, where in _doubts(held, tiers):
        source.warn(where, sentence, key=True)
    return held


def percent(share: float) -> str:
    """`30 %`."""
    return f"{share * 100:g} %"


def _place(each: AgentClass, key: str = "") -> Where:
    return ("classes", each.name, key) if key else ("classes", each.name)


def _kept_where_it_may_ask(each: AgentClass, tiers: Mapping[str, Tier]) -> AgentClass:
    barred = {name: 0.0 for name, tier in tiers.items() if each.reserve_at(name) and each.barred_from(name, tier)}
    return replace(each, by_provider={**each.by_provider, **barred}) if barred else each


def _check_providers(source: Source, each: AgentClass, tiers: Mapping[str, Tier]) -> None:
    for key, names in (("providers", each.providers or ()), ("reserve", tuple(each.by_provider))):
        for number, name in enumerate(names):
            if name in tiers:
                continue
            near = nearest(name, tiers)
            hint = f"Did you mean {near}?" if near else f"There are: {', '.join(tiers)}."
            where = (*_place(each, key), name if key == "reserve" else number)
            raise source.error(where, f'class {each.name}: there is no provider "{name}"', hint, key=key == "reserve")
    for name, share in each.by_provider.items():
        if share and each.barred_from(name, tiers[name]):
            what = f"class {each.name}: {percent(share)} are kept at {name}, which it may not ask"
            hint = f"Take {name} out of reserve, or let the class ask it (providers, paid)."
            raise source.error((*_place(each, "reserve"), name), what, hint, key=True)


def _check_alone(source: Source, each: AgentClass) -> None:
    if each.name == DEFAULT_CLASS and each.agents:
        what = "default is the class of every agent that no other class names"
        raise source.error(_place(each, "agents"), what, "Take agents out here, or give the class another name.")
    if each.use == "leftover" and (each.reserve or any(each.by_provider.values())):
        what = f"class {each.name}: use: leftover takes what nobody else needs, and reserve keeps room for it"
        raise source.error(_place(each, "use"), what, "Take out one of the two.")


def _check_agents(source: Source, classes: tuple[AgentClass, ...]) -> None:
    owner: dict[str, str] = {}
    for each in classes:
        for number, agent in enumerate(each.agents):
            if (other := owner.setdefault(agent, each.name)) != each.name:
                what = f'"{agent}" is an agent of class {other} and of class {each.name}'
                hint = f"Take it out of one of them; without agents a class is that of the agent {each.name}."
                raise source.error((*_place(each, "agents"), number), what, hint)
    for one, two in combinations(classes, 2):
        for first, second in product(_patterns(one), _patterns(two)):
            if overlap(first, second):
                told = f'"{second}" of class {two.name} and "{first}" of class {one.name} may both be of an agent'
                source.warn(_place(two, "agents"), f"{told}, which then is of class {one.name}")


def _patterns(each: AgentClass) -> list[str]:
    return [agent for agent in each.agents if _PATTERN.intersection(agent)]


def overlap(one: str, other: str) -> bool:
    """Whether some name may be of both patterns. A set in brackets is taken for any character."""

    @cache
    def meet(i: int, j: int) -> bool:
        if i == len(first) or j == len(second):
            return all(each == "*" for each in (*first[i:], *second[j:]))
        if first[i] == "*":
            return meet(i + 1, j) or meet(i, j + 1)
        if second[j] == "*":
            return meet(i, j + 1) or meet(i + 1, j)
        return (first[i] == second[j] or "?" in (first[i], second[j])) and meet(i + 1, j + 1)

    first, second = _steps(one), _steps(other)
    return meet(0, 0)


def _steps(pattern: str) -> tuple[str, ...]:
    steps, at = [], 0
    while at < len(pattern):
        end = pattern.find("]", at + 2) if pattern[at] == "[" else -1
        steps.append("?" if end > 0 else pattern[at])
        at = end + 1 if end > 0 else at + 1
    return tuple(steps)


def _check_share(source: Source, each: AgentClass, tiers: Mapping[str, Tier]) -> None:
    for name in tiers:
        if each.reserve_at(name) > each.share + _ROUNDING:
            kept = f"{percent(each.reserve_at(name))} are kept for it at {name}"
            what = f"class {each.name}: {kept}, and it may use no more than {percent(each.share)}"
            raise source.error(_place(each, "share"), what, "Lower reserve, or raise share.")


def _check_sums(source: Source, classes: tuple[AgentClass, ...], tiers: Mapping[str, Tier]) -> None:
    for name in tiers:
        total, told = 0.0, []
        for each in classes:
            share = each.reserve_at(name)
            if not share:
                continue
            total += share
            told.append(f"{percent(share)} for {each.name}")
            if total > 1 + _ROUNDING:
                what = f"{percent(round(total, 6))} of {name} are kept: {', '.join(told)}"
                raise source.error(_place(each, "reserve"), what, "Lower the reserves to 100 % together, or less.")


def _doubts(classes: tuple[AgentClass, ...], tiers: Mapping[str, Tier]) -> Iterator[tuple[str, Where]]:
    for each in classes:
        if not any(each.barred_from(name, tier) is None for name, tier in tiers.items()):
            told = "none is free" if each.providers is None else "those that it names cost money"
            yield f"class {each.name} may ask no provider of the file: paid: never, and {told}", _place(each)
        if each.paid == "never" and each.usd_per_day is not None:
            yield f"class {each.name}: usd_per_day never counts, for paid is never", _place(each, "usd_per_day")
    for name, tier in tiers.items():
        keeping = [each for each in classes if each.reserve_at(name)]
        others = [each.name for each in classes if each not in keeping and each.barred_from(name, tier) is None]
        if others and sum(each.reserve_at(name) for each in keeping) > 1 - _ROUNDING:
            kept = ", ".join(each.name for each in keeping)
            yield f"all of {name} is kept for {kept}: nothing is left for {', '.join(others)}", _place(keeping[-1])
