"""The values that the ledger and the journal take and give. Moments are epoch seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from os import register_at_fork
from secrets import token_hex
from typing import Final, NamedTuple

from router_config.ledger.rules.choice import Choice
from router_config.ledger.rules.decisions import Decision
from router_config.ledger.rules.gates import Cooldown
from router_config.ledger.rules.history import Event
from router_config.ledger.rules.meters import Counts, LimitName, Spending
from router_config.ledger.rules.reported_limits import Report
from router_config.ledger.rules.totals import CANCELLED, OK, Counted


class Lease(NamedTuple):
    """A reservation for one attempt, in every meter of its deployment.

    It counts in full while it is open. If its owner dies, it is settled at `expires_at` with what it had reserved.
    `probes`: the scopes whose ended cooldown this attempt probes.
    """

    id: str
    deployment: str
    scopes: tuple[str, ...]
    amount: Spending
    taken_at: float
    expires_at: float
    probes: tuple[str, ...] = ()


def new_lease_id() -> str:
    """A name that no other lease of any process has."""
    return f"{_process}-{next(_lease_numbers)}"


def _name_process() -> None:
    global _process
    _process = token_hex(8)


_lease_numbers = count(1)
_process = token_hex(8)  # Not the process' number: two containers may have the same.
register_at_fork(after_in_child=_name_process)


Reserved = tuple[Choice, Lease | None]
"""Which candidate was chosen, and the lease at it. Without room nobody is chosen, and there is no lease."""


class Outcome(NamedTuple):
    """One attempt as the journal keeps it. `error` is the kind of failure, None for a success.

    `cancelled`: the caller gave up. `prompt`, `cached`: tokens of the prompt as the provider told them, and how many of
    them it had in its cache.
    """

    provider: str
    model: str
    seconds: float
    error: str | None = None
    message: str = ""
    cancelled: bool = False
    prompt: int = 0
    cached: int = 0

    @property
    def ended(self) -> str:
        """How it ended, in one word."""
        return self.error or (CANCELLED if self.cancelled else OK)


class Affinity(NamedTuple):
    """Which deployment answers the tool loop of a conversation, which began at `began`. It holds until `until`.

    conversation: its digest. calls, tokens: of the loop so far.
    """

    conversation: str
    deployment: str
    provider: str
    model: str
    calls: int
    tokens: int
    began: float
    until: float


AFFINITIES_KEPT: Final = 20_000
"""Conversations that a store remembers at most, where it can count them: those that were answered last."""


class Settlement(NamedTuple):
    """How an attempt ended.

    `spent` is what the provider counts for it; None when the request never reached it, and then nothing is counted.
    Requests count from `arrived_at`, tokens and dollars from `ended_at`.
    `alive`: True when the provider answered (a probe succeeded), False when it failed, None when nobody can tell.
    `cooldowns`: those that begin now. `reports`: the limits that the answer named.
    `counted`: what else happened, and how many times. The store itself counts cooldowns that begin.
    `decision`: set where the request ended with this attempt. `events`: what else a chart shows. `affinity`: set where
    the attempt answered a conversation in which tools are used.
    """

    spent: Spending | None
    arrived_at: float
    ended_at: float
    alive: bool | None = None
    cooldowns: tuple[Cooldown, ...] = ()
    reports: tuple[Report, ...] = ()
    outcome: Outcome | None = None
    counted: tuple[tuple[Counted, int], ...] = ()
    decision: Decision | None = None
    events: tuple[Event, ...] = ()
    affinity: Affinity | None = None


class Usage(NamedTuple):
    """What a provider was asked and gave in some time. `latencies`: how long its last answers took, milliseconds.

    `prompt`, `cached`: tokens of the prompts as it told them, and how many of them it had in its cache; of a day alone.
    """

    requests: int = 0
    tokens: int = 0
    usd: float = 0.0
    errors: int = 0
    latencies: tuple[int, ...] = ()
    prompt: int = 0
    cached: int = 0


class LastError(NamedTuple):
    """The last failure of a provider. `kind` is the outcome's `error`."""

    at: float
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A consistent reading of the store, not to be changed: the next one may hold the same counts.

    `resets_at`: by scope and limit name, when that window is whole again. `burn`: each provider's tokens of the last
    hour.
    """

    counts: Mapping[str, Counts]
    resets_at: Mapping[tuple[str, LimitName], float]
    cooldowns: Mapping[str, Cooldown]
    usage: Mapping[str, Usage] = field(default_factory=dict)
    last_errors: Mapping[str, LastError] = field(default_factory=dict)
    burn: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class History:
    """Usage of each provider by slot (its number is epoch seconds // the slot's length), and the events, oldest first.

    Slots in which nothing happened are left out.
    """

    slots: Mapping[str, Mapping[int, Usage]]
    events: tuple[Event, ...] = ()


class Membership(NamedTuple):
    """How many processes use a store, and its own name. A store that lost everything has another name.

    `rank`: how many of them had signed in before this one, when it did so first. `founded`: this process was the first
    to find the store without a name. `counts_only`: it lost its counts, leases and cooldowns, but not its journal.
    """

    processes: int
    store: str
    founded: bool = False
    counts_only: bool = False
    rank: int = 0


class Settled(NamedTuple):
    """The name of the store that took a settlement, and whether the lease was open there, so that it counted.

    `store`: None where that is the store of the last sign-in for all that is known, "" where it has no name yet.
    """

    store: str | None = None
    was_open: bool = True


SETTLED: Final = Settled()


class Degraded(NamedTuple):
    """Why a store cannot be used, and since when. Meanwhile each process counts for itself."""

    reason: str
    since: float
