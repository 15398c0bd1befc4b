"""What the status last said of a provider. Most providers have not changed since, and need not be worked out again."""

import pickle
from dataclasses import dataclass, field
from typing import Any

from router_config.deployments.deployment import endpoint_of
from router_config.ledger.rules.meters import Counts, LimitName
from router_config.ledger.values import LastError, Snapshot, Usage


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
    scopes of which a cooldown changes its status, at whatever endpoint.
    """

    provider: str
    meters: tuple[str, ...]
    limits: tuple[tuple[str, LimitName], ...]
    cooldown_scopes: frozenset[str]
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
        """None while there is a cooldown, or a limit that the provider reported: both end at some moment."""
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
