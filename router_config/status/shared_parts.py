"""What was last said of each provider: of most nothing has changed from one status to the next."""

import pickle
from collections.abc import Container
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from router_config.ledger.rules.meters import Counts
from router_config.ledger.values import LastError, Snapshot, Usage

if TYPE_CHECKING:
    from router_config.status.views import ProviderView


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a reading of the store says of a provider, where none of it passes by itself."""

    counts: tuple[Counts | None, ...]
    resets_at: tuple[float | None, ...]
    usage: Usage | None
    error: LastError | None

    @classmethod
    def of(cls, provider: "ProviderView", snapshot: Snapshot) -> Self | None:
        """None during a cooldown of any of it, or while an observed limit counts: both end at some moment."""
        counts = tuple(map(snapshot.counts.get, provider.scopes))
        if not provider.cooldown_scopes.isdisjoint(snapshot.cooldowns) or any(
            each and each.observed for each in counts
        ):
            return None
        return cls(
            counts,
            tuple(map(snapshot.resets_at.get, provider.limits)),
            snapshot.usage.get(provider.name),
            snapshot.last_errors.get(provider.name),
        )


class StatusMemory:
    """Of one view. What it gives is the caller's own, to change as they like."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[Facts, bytes]] = {}

    def recall(self, provider: "ProviderView", snapshot: Snapshot) -> dict[str, Any] | None:
        """What is to be said of a provider again; None where that may be something else."""
        said = self._said.get(provider.name)
        if said is None or said[0] != Facts.of(provider, snapshot):
            return None
        found: dict[str, Any] = pickle.loads(said[1])
        return found

    def keep(self, provider: "ProviderView", snapshot: Snapshot, closed: Container[str], said: dict[str, Any]) -> None:
        """Note what is said of a provider, unless it is of passing things, such as when a deployment opens again."""
        facts = Facts.of(provider, snapshot)
        if facts is not None and not any(each.id in closed for each in provider.deployments):
            self._said[provider.name] = facts, pickle.dumps(said)
