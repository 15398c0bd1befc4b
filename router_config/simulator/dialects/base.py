"""The interface of a wire format, and what all of them share."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from router_config.simulator.messages import Answer, Json, Request, Response
from router_config.simulator.quotas.admission import Refusal, WindowState


@dataclass(frozen=True, slots=True)
class Stamp:
    """The time and the number that an answer bears."""

    now: float
    """seconds since 1970"""
    number: int
    """of the request, for ids"""


class Dialect(Protocol):
    """One provider's wire format. It has no state: everything it needs is an argument."""

    name: str
    base: str
    """the path below which its API is"""
    reserves_max_tokens: bool
    """whether a request takes its max_tokens from the quota at arrival"""

    def key(self, headers: Mapping[bytes, bytes], query: str) -> str | None:
        """The key that the request bears."""

    def endpoint(self, path: str) -> str | None:
        """What the path (without the provider's name) is for: chat, embedding, models or account; else None."""

    def read(self, path: str, body: Any) -> Request:
        """The request. Raises BadRequest."""

    def answer(self, request: Request, answer: Answer, stamp: Stamp) -> Json: ...

    def embedding(self, request: Request, stamp: Stamp) -> Json: ...

    def chunks(self, request: Request, answer: Answer, pieces: Sequence[str], stamp: Stamp) -> Iterator[bytes]:
        """The events of a stream, ready to send; the one for `pieces[i]` is event number i + 1."""

    def error_event(self) -> bytes:
        """An error in the middle of a stream."""

    def headers(self, windows: Sequence[WindowState], stamp: Stamp) -> dict[str, str]:
        """Headers of a success."""

    def refusal(self, refusal: Refusal, windows: Sequence[WindowState], request: Request, stamp: Stamp) -> Response:
        """No room in a quota."""

    def error(self, status: int, message: str | None = None) -> Response:
        """An error of this status in the provider's shape."""

    def no_key(self) -> Response: ...

    def bad_key(self) -> Response: ...

    def unknown_model(self, model: str) -> Response: ...

    def retired_model(self, model: str) -> Response: ...

    def context_exceeded(self, request: Request, context: int) -> Response: ...


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


def window_headers(windows: Sequence[WindowState], now: float) -> dict[str, str]:
    """Every window by its name: limits by hour, day and so on as Cerebras tells them, tokens apart as Anthropic."""
    told: dict[str, str] = {}
    for window in windows:
        what, unit, _ = window.kind
        if what in ("usd", "open") or unit == "odd":
            continue
        reset = datetime.fromtimestamp(now + window.full_after, UTC).isoformat().replace("+00:00", "Z")
        values = {"limit": window.limit, "remaining": window.remaining, "reset": f"{window.full_after:.3f}"}
        for name, value in values.items():
            if what in ("requests", "tokens"):
                told[f"x-ratelimit-{name}-{what}-{unit}"] = str(value)
            elif unit == "minute":
                told[f"anthropic-ratelimit-{what}-tokens-{name}"] = reset if name == "reset" else str(value)
    return told


def tightest(windows: Sequence[WindowState], *names: str) -> WindowState | None:
    """Of the windows of these names, the one with the least room."""
    return min((w for w in windows if w.name in names), key=lambda w: w.remaining, default=None)
