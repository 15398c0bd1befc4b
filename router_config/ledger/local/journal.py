"""The journal of a store of this machine, as its steps write and read it inside a transaction."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping

from router_config.ledger.rules.decisions import Decision
from router_config.ledger.rules.history import Event, SlotSeconds
from router_config.ledger.rules.meters import Amount
from router_config.ledger.rules.totals import Counted, Totals
from router_config.ledger.values import LastError, Outcome, Usage


class LocalJournal(ABC):
    """Usage, errors, totals, decisions and events. How much is kept the rules say: history.py, decisions.py."""

    @abstractmethod
    def record(self, outcome: Outcome, spent: Amount, now: float) -> None:
        """Add an attempt that ended to usage and totals, and keep how long it took or why it failed."""

    @abstractmethod
    def count_on(self, counted: Counted, times: int) -> None:
        """Add to a total of what is only counted."""

    @abstractmethod
    def put_decision(self, decision: Decision) -> None: ...

    @abstractmethod
    def put_event(self, event: Event) -> None: ...

    @abstractmethod
    def usage(self, since: Mapping[str, float]) -> dict[str, Usage]:
        """Of each provider in `since`, from that moment on."""

    @abstractmethod
    def tokens_since(self, provider: str, moment: float) -> int: ...

    @abstractmethod
    def slots_since(self, slot_seconds: SlotSeconds, since: float) -> dict[str, dict[int, Usage]]:
        """Usage of each provider by slot, of those that end after `since`."""

    @abstractmethod
    def last_errors(self) -> dict[str, LastError]: ...

    @abstractmethod
    def totals(self) -> Totals: ...

    @abstractmethod
    def decisions(self, after: int, last: int) -> tuple[Decision, ...]:
        """Newest first."""

    @abstractmethod
    def events(self) -> Iterable[Event]:
        """Oldest first."""
