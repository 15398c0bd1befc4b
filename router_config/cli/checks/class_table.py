"""What `check` tells of the classes of agents: whose they are, what is kept for each in numbers, and what is odd."""

from collections.abc import Iterator
from math import floor
from typing import Any, Final, NamedTuple

from router_config.cli.text import amount, span, table
from router_config.config.agent_classes import DEFAULT_CLASS, AgentClass
from router_config.config.class_checks import percent
from router_config.config.models import Config, Provider
from router_config.deployments.model_list import prices_of
from router_config.ledger.rules.meters import kind_of

_PAID: Final = {"never": "no paid provider", "last": "paid ones last", "always": ""}


class _Limited(NamedTuple):
    """A limit of a provider or of one of its models. place: whose it is, as an edit names it."""

    place: str
    provider: Provider
    name: str
    value: float

    def kept(self, share: float) -> float:
        """What is kept of it: whole requests."""
        kept = round(self.value * share, 9)
        return floor(kept) if kind_of(self.name).metric == "requests" else kept


def class_report(config: Config) -> str:
    """A table of the classes, and below it what is kept for each."""
    rows = [
        (
            each.name,
            ", ".join(each.agents) if each.name != DEFAULT_CLASS else "everyone else",
            _reserve(each, config) or "-",
            percent(each.share),
            ", ".join(_besides(each)) or "-",
        )
        for each in config.classes
    ]
    lines = [table(("CLASS", "AGENTS", "KEPT", "AT MOST", "BESIDES"), rows)]
    for each in config.classes:
        kept = [f"{told} at {place}" for place, theirs in _kept(each, config).items() if (told := _amounts(theirs))]
        if kept:
            lines.append(f"{each.name}: {'; '.join(kept)}")
    return "\n".join(lines)


def class_documents(config: Config) -> list[dict[str, Any]]:
    """The same as JSON."""
    return [
        {
            "name": each.name,
            "agents": list(each.agents),
            "share": each.share,
            "use": each.use,
            "release": each.release,
            "max_wait": each.max_wait,
            "paid": each.paid,
            "usd_per_day": each.usd_per_day,
            "priority": each.priority,
            "providers": [
                {"name": provider.name, "reserve": each.reserve_at(provider.name)}
                for provider in config.by_priority
                if each.barred_from(provider.name, provider.tier) is None
            ],
            "kept": _kept(each, config),
        }
        for each in config.classes
    ]


def class_warnings(config: Config) -> Iterator[str]:
    """Who may ask nobody, limits too small to be divided as a class says, and dollars that nobody can count."""
    ready = [provider for provider in config.providers if provider.enabled and provider.configured]
    for each in config.classes:
        if ready and all(each.barred_from(provider.name, provider.tier) for provider in ready):
            yield f"class {each.name}: no provider that it may ask has a key and is switched on"
        for limited in _limits(config):
            if each.barred_from(limited.provider.name, limited.provider.tier) or not limited.value:
                continue
            told, share = (
                f"{limited.place} {limited.name}: {amount(limited.value)}",
                each.reserve_at(limited.provider.name),
            )
            if share and not limited.kept(share):
                yield f"{told}: nothing can be kept of it for class {each.name} ({percent(share)} is less than one)"
            if each.share < 1 and not limited.kept(each.share):
                of = f"{percent(each.share)}, the share of class {each.name}, is less than one request"
                yield f"{told}: {of}; it may use one"
        if each.usd_per_day is not None:
            asked = [one for one in config.providers if one.enabled and each.barred_from(one.name, one.tier) is None]
            prices = prices_of(asked)
            for provider in asked:
                for model in provider.models:
                    if not prices[provider.name, model.name]:
                        told = f"class {each.name}: usd_per_day needs a price, and none is known for {model.name} of"
                        yield f"{told} {provider.name}; give it one, such as price: {{input: 0.15, output: 0.60}}"


def _limits(config: Config) -> Iterator[_Limited]:
    for provider in config.by_priority:
        if not provider.enabled:
            continue
        for name, value in provider.limits.given().items():
            yield _Limited(provider.name, provider, name, value)
        for model in provider.models:
            for name, value in model.limits.given().items():
                yield _Limited(f"{provider.name} {model.name}", provider, name, value)


def _kept(each: AgentClass, config: Config) -> dict[str, dict[str, float]]:
    """By provider or model, what is kept of each of its limits."""
    found: dict[str, dict[str, float]] = {}
    for limited in _limits(config):
        if share := each.reserve_at(limited.provider.name):
            found.setdefault(limited.place, {})[limited.name] = limited.kept(share)
    return found


def _amounts(kept: dict[str, float]) -> str:
    return ", ".join(f"{amount(value)} {name}" for name, value in kept.items() if value)


def _reserve(each: AgentClass, config: Config) -> str:
    """`30 %`, or by provider."""
    shares = {provider.name: each.reserve_at(provider.name) for provider in config.by_priority}
    asked = [
        shares[provider.name]
        for provider in config.by_priority
        if each.barred_from(provider.name, provider.tier) is None
    ]
    if len(set(asked)) == 1:
        return percent(asked[0]) if asked[0] else ""
    return ", ".join(f"{name} {percent(share)}" for name, share in shares.items() if share)


def _besides(each: AgentClass) -> Iterator[str]:
    if each.use == "leftover":
        yield "only what is left over"
    if each.providers is not None:
        yield f"only {', '.join(each.providers)}"
    if _PAID[each.paid]:
        yield _PAID[each.paid]
    if each.usd_per_day is not None:
        yield f"${each.usd_per_day:g} a day"
    if each.max_wait is not None:
        yield f"waits {span(each.max_wait)}"
    if each.priority:
        yield f"priority {each.priority}"
