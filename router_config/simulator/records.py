"""What the simulator remembers of its requests. Of keys it knows only their labels."""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Outcome = Literal[
    "open",  # not answered yet
    "ok",
    "rate_limited",  # a quota of the provider's had no room
    "too_large",  # a quota of the provider's can never hold it
    "unauthorized",
    "unknown_model",
    "bad_request",
    "fault",  # scripted
    "disconnected",  # the client went away before the answer was complete
]


@dataclass(frozen=True, slots=True)
class Call:
    """One request that reached the simulator."""

    number: int
    """1 for the first request since the start or the last reset"""
    at: float
    """arrival, seconds since 1970 on the simulator's clock"""
    provider: str
    model: str
    key: str | None
    """label such as `groq#1`, in order of appearance; None when the request bore no key"""
    kind: str = "chat"
    """chat | embedding | models (the list of them) | other (a path that only a fault answers)"""
    stream: bool = False
    status: int | None = None
    """HTTP status sent; None when nothing was sent (yet)"""
    outcome: Outcome = "open"
    admitted: bool = False
    """whether it counted against the provider's quotas"""
    reserved: int = 0
    """tokens taken at arrival"""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    """of the prompt's, those that were read from the provider's cache"""
    parameters: tuple[str, ...] = ()
    """the top-level names in the request's JSON, sorted"""
    body: Mapping[str, Any] | None = None
    """the request's JSON, when the simulator was told to keep it"""

    @property
    def tokens(self) -> int:
        """Tokens charged: the real ones of a completed request, else those reserved."""
        return self.prompt_tokens + self.completion_tokens if self.outcome == "ok" else self.reserved


@dataclass(slots=True)
class DayTotals:
    """One provider's local day."""

    requests: int = 0
    admitted: int = 0
    rate_limited: int = 0
    tokens: int = 0


@dataclass(slots=True)
class Totals:
    """Exact counts of one provider since the start or the last reset."""

    requests: int = 0
    admitted: int = 0
    open: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    tokens: int = 0
    """charged: real ones of completed requests, reserved ones of the rest"""
    outcomes: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    days: dict[str, DayTotals] = field(default_factory=dict)
    """by the provider's local date"""


class Records:
    """The last `size` requests in full, and exact totals of all."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._calls: OrderedDict[int, Call] = OrderedDict()
        self._count = 0
        self._totals: dict[str, Totals] = {}

    def next_number(self) -> int:
        """The number of a request that is about to be opened."""
        self._count += 1
        return self._count

    def open(self, call: Call, date: str) -> None:
        """Record a request that has just arrived. `date`: the provider's local date."""
        self._calls[call.number] = call
        if len(self._calls) > self._size:
            self._calls.popitem(last=False)
        totals = self.totals(call.provider)
        totals.requests += 1
        totals.open += 1
        day = totals.days.setdefault(date, DayTotals())
        day.requests += 1

    def close(self, call: Call, date: str) -> None:
        """Record how a request ended. `date`: the one that it was opened with."""
        if call.number in self._calls:
            self._calls[call.number] = call
        totals = self.totals(call.provider)
        totals.open -= 1
        totals.outcomes[call.outcome] += 1
        if call.status is not None:
            totals.statuses[call.status] += 1
        day = totals.days.setdefault(date, DayTotals())
        day.rate_limited += call.outcome == "rate_limited"
        if call.admitted:
            totals.admitted += 1
            day.admitted += 1
            totals.prompt_tokens += call.prompt_tokens
            totals.completion_tokens += call.completion_tokens
            totals.cached_tokens += call.cached_tokens
            totals.tokens += call.tokens
            day.tokens += call.tokens

    def calls(self, provider: str | None = None, since: float | None = None) -> list[Call]:
        """Requests remembered, oldest first; `since`: those that arrived at or after this time."""
        return [
            call
            for call in self._calls.values()
            if (provider is None or call.provider == provider) and (since is None or call.at >= since)
        ]

    def count(self, provider: str | None = None) -> int:
        """How many requests there were, remembered or not."""
        return self._count if provider is None else self.totals(provider).requests

    def totals(self, provider: str) -> Totals:
        return self._totals.setdefault(provider, Totals())


def plain_totals(totals: Totals) -> dict[str, Any]:
    """Totals as JSON."""
    plain = asdict(totals)
    plain["outcomes"] = dict(sorted(totals.outcomes.items()))
    plain["statuses"] = {str(status): count for status, count in sorted(totals.statuses.items())}
    plain["rate_limited"] = totals.outcomes["rate_limited"]
    return plain
