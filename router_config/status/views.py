"""What a status is about: the providers of a configuration or of a model list, with their models and limits.

Each remembers what was last said of it: most have not changed since, and need not be worked out again.
"""

import pickle
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from router_config.config.agent_classes import AgentClass
from router_config.config.models import Config
from router_config.deployments.class_access import class_meters, refused_meter
from router_config.deployments.deployment import Deployment, by_preference, endpoint_of
from router_config.deployments.learned import Learned
from router_config.deployments.limit_changes import with_reported
from router_config.deployments.model_list import deployments_of
from router_config.deployments.retirement import stand_ins, with_successors
from router_config.ledger.rules.meters import Counts, LimitName, Meter
from router_config.ledger.values import LastError, Snapshot, Usage
from router_config.status.classes import ClassesShown
from router_config.status.explanation import absence

PART: Final = 40
"""Deployments that are read from a store in one step, which takes about a millisecond."""


@dataclass(frozen=True, slots=True)
class _Facts:
    """Everything that a snapshot of the store holds about one provider."""

    counts: tuple[Counts | None, ...]
    resets_at: tuple[float | None, ...]
    usage: Usage | None
    error: LastError | None


@dataclass(slots=True)
class StatusMemory:
    """The status of one provider, and the facts that it was made from.

    provider: its name. meters: the scopes of all its meters. limits: its limits by scope and name. cooldown_scopes: the
    scopes of which a cooldown changes its status, at whatever endpoint. paced: more of some limit may be used by the
    minute.
    """

    provider: str
    meters: tuple[str, ...]
    limits: tuple[tuple[str, LimitName], ...]
    cooldown_scopes: frozenset[str]
    paced: bool = False
    _kept: tuple[_Facts, bytes] | None = field(default=None, init=False)

    def recall(self, snapshot: Snapshot) -> dict[str, Any] | None:
        """The status, for the caller to change as it likes. None where it may be another one now."""
        if self._kept is None or self._kept[0] != self._facts(snapshot):
            return None
        status: dict[str, Any] = pickle.loads(self._kept[1])
        return status

    def keep(self, snapshot: Snapshot, status: dict[str, Any]) -> None:
        """Note the status that was made from a snapshot, unless it changes with time alone."""
        facts = self._facts(snapshot)
        if facts is not None:
            self._kept = facts, pickle.dumps(status)

    def _facts(self, snapshot: Snapshot) -> _Facts | None:
        """None while there is a cooldown, or a limit that the provider reported, which end at some moment; or pace."""
        if self.paced:
            return None
        counts = tuple(map(snapshot.counts.get, self.meters))
        ours = any(
            scope in self.cooldown_scopes or endpoint_of(scope)[0] in self.cooldown_scopes
            for scope in snapshot.cooldowns
        )
        if ours or any(each and each.observed for each in counts):
            return None
        return _Facts(
            counts,
            tuple(map(snapshot.resets_at.get, self.limits)),
            snapshot.usage.get(self.provider),
            snapshot.last_errors.get(self.provider),
        )


@dataclass(frozen=True)
class ProviderView:
    """A provider as the status shows it, whether or not it can be asked.

    absent: status and reason of a provider that takes no part, because it is unconfigured or disabled. stand_ins: by
    model of the file, the one that answers in its place.
    """

    name: str
    priority: float
    tier: str
    models: tuple[str, ...]
    deployments: tuple[Deployment, ...]
    absent: tuple[str, str] | None = None
    stand_ins: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def accounts(self) -> tuple[Meter, ...]:
        """The meters of its accounts: one, or one for each key."""
        return _distinct(meter for each in self.deployments for meter in each.account_meters)

    @cached_property
    def memory(self) -> StatusMemory:
        """What was last said of it."""
        meters = _distinct(meter for each in self.deployments for meter in each.meters)
        return StatusMemory(
            self.name,
            tuple(meter.scope for meter in meters),
            tuple((meter.scope, limit.name) for meter in meters for limit in meter.limits),
            frozenset(scope for each in self.deployments for scope in each.scopes),
            any(meter.paced for meter in meters),
        )

    @cached_property
    def of_model(self) -> Mapping[str, tuple[tuple[Deployment, ...], tuple[Meter, ...]]]:
        """By model: its deployments, and the meters of its own limits."""
        found: dict[str, tuple[tuple[Deployment, ...], tuple[Meter, ...]]] = {}
        for model in self.models:
            theirs = tuple(each for each in self.deployments if each.model == model)
            found[model] = theirs, _distinct(meter for each in theirs for meter in each.model_meters)
        return found


@dataclass(frozen=True)
class View:
    """The providers that a status shows, by priority.

    path, loaded_at, error: the configuration's file, when it was read (epoch seconds), and why a newer one cannot be
    used. correction: seconds by which the time of calendar days is ahead of the router's clock. classes: of agents;
    empty where there are none.
    """

    providers: tuple[ProviderView, ...]
    path: str | None = None
    loaded_at: float | None = None
    error: str | None = None
    simulated: bool = False
    correction: float = 0.0
    classes: tuple[AgentClass, ...] = ()

    @cached_property
    def deployments(self) -> tuple[Deployment, ...]:
        return tuple(each for provider in self.providers for each in provider.deployments)

    @cached_property
    def meters(self) -> tuple[Meter, ...]:
        """Every meter once."""
        return _distinct(meter for each in self.deployments for meter in each.meters)

    @cached_property
    def class_meters(self) -> tuple[Meter, ...]:
        """Every meter of a class once: what it uses where, and in all, and how often it is refused."""
        theirs = [meter for each in self.classes for of in self.deployments for meter in class_meters(of, each)]
        return _distinct((*theirs, *map(refused_meter, self.classes)))

    @cached_property
    def shown_classes(self) -> ClassesShown:
        """What is shown of its classes."""
        return ClassesShown(self.classes, self.providers)

    @cached_property
    def parts(self) -> tuple["View", ...]:
        """The same in parts of whole providers, each so small that reading it from the store holds up nobody."""
        parts: list[list[ProviderView]] = [[]]
        size = 0
        for provider in self.providers:
            if size + len(provider.deployments) > PART and parts[-1]:
                parts.append([])
                size = 0
            parts[-1].append(provider)
            size += len(provider.deployments)
        return (self,) if len(parts) == 1 else tuple(replace(self, providers=tuple(part)) for part in parts)

    @cached_property
    def groups(self) -> Mapping[str, tuple[Deployment, ...]]:
        """The deployments of each group, in the order in which they are asked."""
        names = sorted({group for each in self.deployments for group in each.groups})
        theirs = {name: [each for each in self.deployments if name in each.groups] for name in names}
        return {
            name: tuple(each for tier in by_preference(deployments) for each in tier)
            for name, deployments in theirs.items()
        }


def view_of(
    config: Config,
    *,
    loaded_at: float | None = None,
    simulated: bool = False,
    correction: float = 0.0,
    learned: Learned | None = None,
    now: float = 0.0,
) -> View:
    """The view of a configuration.

    loaded_at: when it was read, epoch seconds. correction: as in View. learned: what providers report of their limits
    and which models are gone, for those where the file heeds it. now: epoch seconds.
    """
    if learned is not None:
        config = with_successors(config, learned.gone)
    answers = stand_ins(config)
    deployments = deployments_of(config, correction=correction)
    if learned is not None and any(provider.trust == "upstream" for provider in config.providers):
        reported = {provider.name: learned.limits(provider.name) for provider in config.providers}
        deployments = tuple(with_reported({each.id: each for each in deployments}, reported, now).values())
    providers = [
        ProviderView(
            provider.name,
            provider.priority,
            provider.tier,
            tuple(model.name for model in provider.models),
            tuple(each for each in deployments if each.provider == provider.name),
            absence(config, provider.name),
            {old: new for (name, old), new in answers.items() if name == provider.name},
        )
        for provider in sorted(config.providers, key=lambda provider: provider.priority)
    ]
    path = None if config.path is None else str(config.path)
    return View(tuple(providers), path, loaded_at, None, simulated, correction, config.classes)


def view_of_deployments(
    deployments: Sequence[Deployment],
    *,
    loaded_at: float | None = None,
    simulated: bool = False,
    classes: tuple[AgentClass, ...] = (),
) -> View:
    """The view of a Router that was made from a model list. loaded_at: epoch seconds. classes: of agents."""
    providers: list[ProviderView] = []
    for name in dict.fromkeys(each.provider for each in sorted(deployments, key=lambda each: each.priority)):
        theirs = tuple(each for each in deployments if each.provider == name)
        models = tuple(dict.fromkeys(each.model for each in theirs))
        providers.append(ProviderView(name, min(each.priority for each in theirs), theirs[0].tier, models, theirs))
    return View(tuple(providers), None, loaded_at, None, simulated, classes=classes)


def _distinct(meters: Iterable[Meter]) -> tuple[Meter, ...]:
    return tuple({meter.scope: meter for meter in meters}.values())
