"""What came over the wire for one attempt, noted by the HTTP clients while LiteLLM asks and answers."""

import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final


@dataclass(slots=True)
class Exchange:
    """One HTTP request to a provider, and its answer as far as it has come.

    provider: LiteLLM's prefix. sent: whether anything of the request left; None where LiteLLM uses a client of its
    own, so that nothing is seen. requests: how many HTTP requests were made, redirects and a second try on a new
    connection included. written: whether bytes of one were seen to leave. kept_connection: whether the last one went
    over a connection that had served before. arrived_at: epoch seconds at which the headers of the answer came. body:
    of an error, or of a 2xx that holds one. answer: the body of a 2xx. streamed: the answer comes as events, which are
    watched. usage: the JSON of the last of them that reports tokens. first_usage: of the first: Anthropic reports the
    prompt there. finished: whether they said that the answer is complete; None where their wire format is not known to
    say so. late: waiting for more of the body timed out. reason: whether they said why it ended. own_client: the
    caller brought a client. free: LiteLLM is told that the answer costs nothing. close: ends a stream that is read no
    further. now: the time, in epoch seconds. largest: bytes of an answer's body that are read. timeout: seconds.
    """

    provider: str
    sent: bool | None = None
    requests: int = 0
    written: bool = False
    kept_connection: bool = False
    arrived_at: float | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    streamed: bool = False
    answer: bytes | None = None
    usage: bytes | None = None
    first_usage: bytes | None = None
    finished: bool | None = None
    late: bool = False
    reason: bool = False
    own_client: bool = False
    free: bool = False
    close: Callable[[], Awaitable[None]] | None = None
    recording: "Recording | None" = None
    now: Callable[[], float] = time.time
    largest: int = 64_000_000
    timeout: float = 600.0


@dataclass(slots=True)
class Recording:
    """A request as LiteLLM sent it and the answer as it came, in full: what the fast way learns from."""

    method: str = ""
    url: str = ""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    request: bytes = b""
    status: int = 0
    answer_headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    answer: bytes = b""
    requests: int = 0


CURRENT: Final[ContextVar[Exchange | None]] = ContextVar("router_config_exchange", default=None)
"""The exchange that this task's LiteLLM call belongs to."""
