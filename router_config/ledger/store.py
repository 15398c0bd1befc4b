"""The ledger: reservations against limits, in a store that a URL chooses."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from router_config.ledger.rules.choice import Choice
from router_config.ledger.rules.decisions import DECISIONS_KEPT, Decision
from router_config.ledger.rules.events import Event
from router_config.ledger.rules.gates import Candidate, Examination, Need, Rest
from router_config.ledger.rules.meters import Amount, Counts, LimitName, Meter
from router_config.ledger.rules.totals import CANCELLED, OK, Counted, Totals


class Lease(NamedTuple):
    """Room taken for one attempt, in every meter of its deployment.

    It counts in full while it is open. One whose owner died is settled at `expires_at` with what it had reserved.
    """

    id: str
    deployment: str
    scopes: tuple[str, ...]
    amount: Amount
    taken_at: float
    expires_at: float
    probes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What a response said of one limit of one meter; `reset_after` seconds until the window is whole again.

    `refills`: the window is a token bucket, whose usage shrinks all the time instead of at the window's end.
    """

    scope: str
    limit_name: LimitName
    limit: float | None
    remaining: float | None
    reset_after: float | None
    refills: bool = False


class Outcome(NamedTuple):
    """One attempt as the history keeps it. `error` is the kind of failure, None for a success.

    `cancelled`: its caller gave up on it.
    """

    provider: str
    model: str
    seconds: float
    error: str | None = None
    message: str = ""
    cancelled: bool = False

    @property
    def ended(self) -> str:
        """How it ended, in one word."""
        return self.error or (CANCELLED if self.cancelled else OK)


class Settlement(NamedTuple):
    """How an attempt ended.

    `spent` is what the provider counts for it; None when the request never reached it, and then nothing is counted.
    Requests count from `arrived_at`, tokens and dollars from `ended_at` (epoch seconds).
    `alive`: True when the provider answered (a probe succeeded), False when it failed, None when nobody can tell.
    `counted`: what else happened, and how many times. That a cooldown began the store sees by itself.
    """

    spent: Amount | None
    arrived_at: float
    ended_at: float
    alive: bool | None = None
    rests: tuple[Rest, ...] = ()
    reports: tuple[Report, ...] = ()
    outcome: Outcome | None = None
    counted: tuple[tuple[Counted, int], ...] = ()
    decision: Decision | None = None
    """Set where the request ended with this attempt."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a provider was asked and gave since a moment, and how long its last answers took (milliseconds)."""

    requests: int = 0
    tokens: int = 0
    usd: float = 0.0
    errors: int = 0
    latencies: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LastError:
    at: float
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A consistent reading of the store, not to be changed: the next one may hold the same counts.

    `resets_at` is per (scope, limit name): when that window is whole again.
    """

    counts: Mapping[str, Counts]
    resets_at: Mapping[tuple[str, LimitName], float]
    rests: Mapping[str, Rest]
    usage: Mapping[str, Usage] = field(default_factory=dict)
    last_errors: Mapping[str, LastError] = field(default_factory=dict)
    burn: Mapping[str, int] = field(default_factory=dict)
    """Tokens of each provider in the last hour."""


SlotSeconds = Literal[60, 300]
"""Usage is kept by the minute for two hours, and by five minutes for eight days."""


@dataclass(frozen=True, slots=True)
class History:
    """Usage of each provider by slot (its number is epoch seconds // the slot's length), and the events, oldest first.

    Slots in which nothing happened are not there.
    """

    slots: Mapping[str, Mapping[int, Usage]]
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Attendance:
    """How many processes use a store, and its own name: one that lost everything has another.

    `founded`: this process was the first to find it without a name.
    """

    processes: int
    store: str
    founded: bool = False


@dataclass(frozen=True, slots=True)
class Degraded:
    """Why a store cannot be used, and since when (epoch seconds): each process counts for itself meanwhile."""

    reason: str
    since: float


class Store(ABC):
    """Counts, leases and rests. Every method is one atomic step; `now` is in epoch seconds."""

    name: str
    shared: bool
    degraded: Degraded | None = None

    @abstractmethod
    async def reserve(
        self, candidates: Sequence[Candidate], need: Need, now: float, ttl: float
    ) -> tuple[Choice, Lease | None]:
        """Choose the first candidate with room and take the room; the lease expires `ttl` seconds from now."""

    @abstractmethod
    async def settle(self, lease: Lease, settlement: Settlement, now: float) -> None:
        """Close a lease with what was really spent. Settling twice, or after expiry, changes nothing."""

    @abstractmethod
    async def adopt(self, lease: Lease, now: float) -> None:
        """Open a lease that another store granted, whatever room there is; one that is open already stays as it is."""

    @abstractmethod
    async def renew(self, lease: Lease, expires_at: float) -> None:
        """Keep a lease open longer, as for a long stream."""

    @abstractmethod
    async def rest(self, rest: Rest) -> None:
        """Leave a scope alone."""

    @abstractmethod
    async def wake(self, scope: str) -> None:
        """End the rest of a scope."""

    @abstractmethod
    async def explain(self, candidates: Sequence[Candidate], need: Need, now: float) -> tuple[Examination, ...]:
        """Everything that such a request would meet now at each candidate. No side effect."""

    @abstractmethod
    async def rooms(self, candidates: Sequence[Candidate], need: Need, now: float) -> tuple[float, ...]:
        """How many such requests each candidate could take now."""

    @abstractmethod
    async def snapshot(self, meters: Sequence[Meter], since: Mapping[str, float], now: float) -> Snapshot:
        """Counts of these meters, all rests, and the usage of each provider named in `since` from that moment on."""

    @abstractmethod
    async def totals(self, now: float) -> Totals:
        """What all processes did since the store began; a sum never falls, but for a store that lost everything."""

    @abstractmethod
    async def record(self, decision: Decision, now: float) -> None:
        """Keep a decision that comes with no settlement: nobody could be asked."""

    @abstractmethod
    async def decisions(self, after: int = 0, last: int = DECISIONS_KEPT) -> tuple[Decision, ...]:
        """The last decisions, newest first, with numbers above `after`.

        A store that lost everything numbers from 1 again: where `after` is beyond its newest, all are given.
        """

    @abstractmethod
    async def history(self, slot_seconds: SlotSeconds, since: float, now: float) -> History:
        """What each provider was asked and gave in every slot that ends after `since`, and the events since then."""

    def boot_epoch(self, boot: str, proposed: float) -> float:
        """The epoch from which all processes of this boot count seconds: the first one's proposal."""
        return proposed

    @abstractmethod
    def know(self, meters: Sequence[Meter]) -> None:
        """The meters in use; an expired lease of another process is settled by their windows."""

    @abstractmethod
    async def attend(self, process: str, now: float, lasts: float) -> Attendance:
        """Sign a process in for `lasts` seconds."""

    @abstractmethod
    async def aclose(self) -> None:
        """Release files and connections. Closing twice is fine."""


class StoreError(Exception):
    """The store cannot be opened or used; the message says which one and what to do."""


def open_store(url: str) -> Store:
    """The store of a URL: `memory://`, `sqlite:///path` (a path after three slashes), `redis://host:port/db`.

    One that fails later is stood in for by this process' own accounting (resilient.py); a Redis need not answer yet.

    Raises `StoreError` when it cannot be opened.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "memory":
        from router_config.ledger.local.memory import MemoryStore

        return MemoryStore()
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        from router_config.ledger.local.sqlite import SQLiteStore
        from router_config.ledger.outage.store import ResilientStore

        path = rest[1:]
        return ResilientStore(SQLiteStore(path), reopen=lambda: SQLiteStore(path))
    if scheme in ("redis", "rediss"):
        try:
            from router_config.ledger.outage.store import ResilientStore
            from router_config.ledger.redis.store import RedisStore
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "redis":
                raise
            raise StoreError("the Redis client is missing; pip install 'litellm-router-config[redis]'") from None

        return ResilientStore(RedisStore(url))
    raise StoreError(f"state {url!r} is no store: write memory://, sqlite:///path or redis://host:port/db")
