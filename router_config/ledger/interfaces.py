"""What a store offers: the ledger (reservations against limits) and the journal (what happened).

A caller names the interface that it needs. Every method is one atomic step. Moments are epoch seconds; `now` is the
caller's clock. A backend raises `StoreError` where it cannot be used; a store of `open_store` does not, for it then
counts within this process.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from router_config.ledger.rules.decisions import DECISIONS_KEPT, Decision
from router_config.ledger.rules.gates import Candidate, Cooldown, Examination, Need
from router_config.ledger.rules.history import SlotSeconds
from router_config.ledger.rules.meters import NOTHING, Amount, Meter
from router_config.ledger.rules.pacing import EVEN, Expected
from router_config.ledger.rules.totals import Totals
from router_config.ledger.values import (
    Affinity,
    Degraded,
    History,
    Lease,
    Membership,
    Reserved,
    Settled,
    Settlement,
    Snapshot,
)


class StoreError(Exception):
    """The store cannot be opened or used; the message says which one and what to do."""


class MovableClock(Protocol):
    """The clock of a process, which a store may move so that all of its processes agree (`SystemClock`)."""

    correction: float
    unsure: bool
    disbelieved: float | None
    boot: str

    @property
    def boot_epoch(self) -> float: ...

    @property
    def wall_epoch(self) -> float: ...

    def now(self) -> float: ...

    def seconds(self) -> float: ...

    def move(self, seconds: float) -> None: ...

    def follow(
        self,
        boot_epoch: float,
        correction: float = 0.0,
        disbelieved: float | None = None,
        *,
        unsure: bool = False,
        pause: float = 0.0,
    ) -> None: ...


class Ledger(ABC):
    """Counts, leases and cooldowns: who may be asked, and what was spent.

    shared: other processes may use the same counts.
    """

    shared: bool
    expected: Expected = EVEN
    """When requests are expected, as this process knows it: paced limits are spread by it."""

    def expect(self, expected: Expected) -> None:
        """Spread paced limits by these hours from now on. All processes of a store should tell the same."""
        self.expected = expected

    @abstractmethod
    async def reserve(self, candidates: Sequence[Candidate], need: Need, now: float, ttl: float) -> Reserved:
        """Choose the first candidate with room and reserve it.

        candidates: in order of preference. ttl: seconds after which the lease expires.

        Returns the choice and its lease; without room a choice of nobody and None.
        """

    @abstractmethod
    async def settle(self, lease: Lease, settlement: Settlement, now: float) -> Settled:
        """Close a lease and count what was really spent. A lease that is closed or expired counts nothing more.

        Returns which store took it.
        """

    @abstractmethod
    async def renew(self, lease: Lease, expires_at: float) -> None:
        """Keep a lease open until `expires_at`, as for a long stream. A lease that is closed stays closed."""

    @abstractmethod
    async def begin_cooldown(self, cooldown: Cooldown, of: tuple[str, str] | None = None) -> None:
        """Send no requests to a scope for a while. A cooldown that the scope has already is replaced.

        of: the provider and model that failed. With it this is counted and an event, and none that holds is shortened.
        """

    @abstractmethod
    async def end_cooldown(self, scope: str) -> None:
        """Let a scope take requests again. Without a cooldown nothing changes."""

    @abstractmethod
    async def explain(self, candidates: Sequence[Candidate], need: Need, now: float) -> tuple[Examination, ...]:
        """Everything that such a request would meet now at each candidate. Reserves nothing."""

    @abstractmethod
    async def rooms(self, candidates: Sequence[Candidate], need: Need, now: float) -> tuple[float, ...]:
        """How many such requests each candidate could take now: 0 in a cooldown, `inf` without limits."""

    @abstractmethod
    async def snapshot(self, meters: Sequence[Meter], since: Mapping[str, float], now: float) -> Snapshot:
        """The counts of these meters, all cooldowns, and the usage of providers.

        since: the providers wanted, each with the moment from which its usage counts.
        """

    @abstractmethod
    async def learn(self, curves: Mapping[str, str]) -> Mapping[str, str]:
        """Keep what this process has learned of models (calibration.py), by name. All that is known of any."""

    @abstractmethod
    async def affinity(self, conversation: str, now: float) -> Affinity | None:
        """Which deployment answers the tool loop of a conversation, by its digest; None: nobody, or not any more.

        A settlement says so.
        """

    @abstractmethod
    def register_meters(self, meters: Sequence[Meter], formerly: Mapping[str, str] = MappingProxyType({})) -> None:
        """Tell the windows of the meters in use: an expired lease of another process is settled by them.

        formerly: other names of scopes, each with its name now. What stands under the other name is taken over at the
        next step, unless something stands under the new one.
        """


class Journal(ABC):
    """What happened. Nothing of it decides where a request goes. Settlements write most of it."""

    @abstractmethod
    async def record(self, decision: Decision, now: float) -> None:
        """Keep a decision that comes with no settlement, since nobody could be asked."""

    @abstractmethod
    async def decisions(self, after: int = 0, last: int = DECISIONS_KEPT) -> tuple[Decision, ...]:
        """The last decisions, newest first.

        after: only those with a higher number. last: at most so many.

        A store that lost everything numbers from 1 again: if `after` is higher than its newest, all are given.
        """

    @abstractmethod
    async def history(self, slot_seconds: SlotSeconds, since: float, now: float) -> History:
        """Usage of each provider in every slot that ends after `since`, and the events since then.

        slot_seconds: 60 for the last two hours, 300 for the last eight days, 3600 for the last sixty.
        """

    @abstractmethod
    async def totals(self, now: float) -> Totals:
        """What all processes did since the store began. A sum never falls, unless the store lost everything."""


class Store(Ledger, Journal):
    """Both in one place, as `open_store` opens it."""

    name: str

    @property
    def degraded(self) -> Degraded | None:
        """Set while the store fails and this process counts for itself."""
        return None

    @property
    def set_aside(self) -> Path | None:
        """Where a damaged file was moved to when the store was opened."""
        return None

    def lead(self, clock: MovableClock) -> None:
        """Have a clock go by the time of the store: of the server, or the one that this machine's processes agreed on.

        It may wait a second for that.
        """
        return None

    @abstractmethod
    async def aclose(self) -> None:
        """Release files and connections. Closing twice is fine."""


class Backend(Store):
    """A store that can fail. It offers what its stand-in needs to hand over to it again."""

    @abstractmethod
    async def adopt(self, lease: Lease, now: float) -> None:
        """Open a lease that another store granted, whatever room there is. One that is open already stays as it is."""

    @abstractmethod
    async def sign_in(self, process: str, now: float, lasts: float) -> Membership:
        """Count a process among those that use the store, for `lasts` seconds."""

    async def claim(
        self, lost: str, at: float, days: Mapping[str, Amount], membership: Membership
    ) -> Mapping[str, Amount]:
        """The scopes of a lost store that this process is to restore, and what another has restored of each already.

        at: when this process read the store. days: what it read of each scope's day. A scope is given to one process,
        and then to those that read it later, for what came in between.
        """
        return dict.fromkeys(days, NOTHING) if membership.founded else {}
