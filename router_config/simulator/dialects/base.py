"""What a provider's wire format must offer, and the little that all of them share."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from router_config.simulator.exchange import Answer, Ask, Json, Reply
from router_config.simulator.quotas.admission import GateState, Refusal


@dataclass(frozen=True, slots=True)
class Moment:
    """When and under which number an answer is given."""

    now: float
    """seconds since 1970"""
    number: int
    """of the request, for ids"""


class Dialect(Protocol):
    """One provider's wire format. Stateless; everything it needs is passed in."""

    name: str
    reserves_max_tokens: bool
    """whether a request takes its max_tokens from the quota at arrival"""

    def key(self, headers: Mapping[bytes, bytes], query: str) -> str | None:
        """The key that the request bears."""

    def endpoint(self, path: str) -> str | None:
        """What the path (without the provider's name) is for: chat, embedding or models; else None."""

    def read(self, path: str, body: Any) -> Ask:
        """The request. Raises BadRequest."""

    def answer(self, ask: Ask, answer: Answer, when: Moment) -> Json: ...

    def embedding(self, ask: Ask, when: Moment) -> Json: ...

    def chunks(self, ask: Ask, answer: Answer, pieces: Sequence[str], when: Moment) -> Iterator[bytes]:
        """The events of a stream, ready to send; the one for `pieces[i]` is event number i + 1."""

    def error_event(self) -> bytes:
        """An error in the middle of a stream."""

    def headers(self, gates: Sequence[GateState], when: Moment) -> dict[str, str]:
        """Headers of a success."""

    def refusal(self, refusal: Refusal, gates: Sequence[GateState], ask: Ask, when: Moment) -> Reply:
        """No room in a quota."""

    def error(self, status: int, message: str | None = None) -> Reply:
        """An error of this status in the provider's shape."""

    def no_key(self) -> Reply: ...

    def bad_key(self) -> Reply: ...

    def unknown_model(self, model: str) -> Reply: ...

    def retired_model(self, model: str) -> Reply: ...

    def context_exceeded(self, ask: Ask, context: int) -> Reply: ...

    def models(self, names: Sequence[str]) -> Json:
        """The list of models."""


def duration(seconds: float) -> str:
    """A duration as Go prints it, to the millisecond, cut off: `172ms`, `3.48s`, `5m45.6s`, `24h0m0s`."""
    ms = int(seconds * 1000 + 1e-6)
    if ms < 1000:
        return f"{ms}ms" if ms else "0s"
    hours, rest = divmod(ms, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    whole, fraction = divmod(rest, 1000)
    text = f"{whole}.{fraction:03d}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


def tightest(gates: Sequence[GateState], *names: str) -> GateState | None:
    """Of the windows of these names, the one with the least room."""
    return min((g for g in gates if g.name in names), key=lambda g: g.remaining, default=None)
