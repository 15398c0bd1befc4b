"""What a request has tried so far: who failed it, who was skipped, and who is left."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from router_config.deployments.abilities import Misfit
from router_config.deployments.catalog import Group
from router_config.deployments.deployment import Deployment
from router_config.ledger.rules.choice import Skipped
from router_config.ledger.rules.decisions import SKIPPED_KEPT, Attempt, SkippedModel
from router_config.ledger.rules.gates import Cooldown, Need, Status


class Asked(Protocol):
    """What is to be known of a request, to say what its failures mean."""

    @property
    def endpoint(self) -> str: ...
    @property
    def group(self) -> Group: ...
    @property
    def need(self) -> Need: ...
    @property
    def arrived(self) -> float:
        """When it came, epoch seconds."""
        ...

    @property
    def message(self) -> int:
        """What tells its content from that of another request."""
        ...


class Suspect(NamedTuple):
    """A provider that failed a request, and the cooldown that it gets unless the request itself turns out at fault.

    probed: it failed another request before, and this one was to show whether it serves again.
    """

    deployment: Deployment
    cooldown: Cooldown
    probed: bool


class Tried:
    """What a request has tried so far, and which deployments were skipped, and why.

    A provider that found the request itself unfit comes last, with other models.
    """

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.told = ""
        """What the last failure was about."""
        self.refusal: tuple[Exception, str] | None = None
        """The error of the first provider that found the request itself unfit, and what it was about."""
        self.suspected: list[Suspect] = []
        self.in_spite = False
        """Whether it is sent in spite of cooldowns, since nobody else could be asked."""
        self.unreached = 0
        """Attempts to which no connection came about."""
        self.deployments: set[str] = set()
        """The ids of those that were asked."""
        self._skipped: dict[str, Status] = {}
        self._lacks: dict[str, str] = {}
        self._unfit: set[tuple[str, str]] = set()
        self._last: set[str] = set()

    @property
    def reached_nobody(self) -> bool:
        """Whether several providers were tried, and no connection came about to any: it is this machine's network."""
        return self.unreached == len(self.attempts) and len({each.provider for each in self.attempts}) > 1

    def add_unfit(self, deployment: Deployment, error: Exception, told: str) -> None:
        self.refusal = self.refusal or (error, told)
        self._unfit.add((deployment.provider, deployment.model))
        self._last.add(deployment.provider)

    def suspect(self, deployment: Deployment, cooldown: Cooldown, group: Group, *, probed: bool) -> None:
        """A provider failed this request, which asks it no more, with no other model either."""
        self.suspected.append(Suspect(deployment, cooldown, probed))
        for each in group.deployments:
            if each.scopes.provider == cooldown.scope:
                self._skipped.setdefault(each.id, cooldown.status)

    def all_empty(self, number: int) -> bool:
        """Whether the last attempts, so many of them, were answered with nothing."""
        last = [each.outcome for each in self.attempts[-number:]]
        return last == ["empty_answer"] * number

    def add_skipped(self, skipped: Sequence[Skipped]) -> None:
        for each in skipped[:SKIPPED_KEPT]:
            self._skipped[each.deployment] = each.status

    def add_misfits(self, deployments: Sequence[Deployment], unfit: Mapping[str, Misfit]) -> None:
        """Those of these deployments that the request does not fit."""
        for each in [each for each in deployments if each.id in unfit][:SKIPPED_KEPT]:
            self._skipped[each.id], self._lacks[each.id] = unfit[each.id].status, unfit[each.id].reason

    def skipped_in(self, group: Group) -> tuple[SkippedModel, ...]:
        """Those that were skipped and never asked."""
        if not self._skipped:
            return ()
        never = [(group.by_id[each], status) for each, status in self._skipped.items() if each not in self.deployments]
        return tuple(
            SkippedModel(each.provider, each.model, status, self._lacks.get(each.id))
            for each, status in never[:SKIPPED_KEPT]
        )

    def forget_skipped(self) -> None:
        """They are of a configuration that no longer holds."""
        self._skipped.clear()

    def left(self, deployments: Sequence[Deployment]) -> Sequence[Deployment]:
        if not self.deployments:
            return deployments
        failing = {each.cooldown.scope for each in self.suspected}
        return [
            each
            for each in deployments
            if each.id not in self.deployments
            and (each.provider, each.model) not in self._unfit
            and each.scopes.provider not in failing
        ]

    def in_order(self, deployments: Sequence[Deployment]) -> Sequence[Deployment]:
        return sorted(deployments, key=lambda each: each.provider in self._last) if self._last else deployments
