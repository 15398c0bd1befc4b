"""What `read` takes and gives: a provider's reply, and the verdict and observations that are read from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Literal

from router_config.signals.missing_abilities import Missing

Failure = Literal["timeout", "refused", "disconnected"]
Metric = Literal["requests", "tokens"]
Part = Literal["input", "output"]
"""Which tokens: those of prompts, or of answers."""
Period = Literal["minute", "hour", "day", "week", "month"]
SECONDS: Final[Mapping[Period, float]] = {
    "minute": 60.0,
    "hour": 3_600.0,
    "day": 86_400.0,
    "week": 604_800.0,
    "month": 31 * 86_400.0,
}
"""Of a month the most."""


class Kind(StrEnum):
    """What happened, in one word for people and metrics. Routing goes by scope, hold and retry instead."""

    rate_limit = "rate_limit"
    daily_limit = "daily_limit"
    quota_gone = "quota_gone"
    bad_key = "bad_key"
    model_gone = "model_gone"
    too_large = "too_large"
    context_window = "context_window"
    content_policy = "content_policy"
    overloaded = "overloaded"
    server_error = "server_error"
    timeout = "timeout"
    connection = "connection"
    bad_request = "bad_request"
    empty_answer = "empty_answer"
    unknown = "unknown"


class Scope(StrEnum):
    """What the verdict is about: the smallest thing that will fail again."""

    request = "request"
    model = "model"
    key = "key"
    account = "account"
    provider = "provider"


class Hold(StrEnum):
    """What to do with the scope.

    none: nothing. until: no requests until `Verdict.until`, then all at once. cooldown: no requests for the
    configured cooldown, or until `Verdict.until` if that is later, then one probe. refused: no requests for a pause
    that grows with each refusal in a row, each followed by one probe; nobody said when it ends. disabled: the same
    with longer pauses; a person must act, or the refusal was a passing one.
    """

    none = "none"
    until = "until"
    cooldown = "cooldown"
    refused = "refused"
    disabled = "disabled"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of a provider, as it came over the wire. Every field may be garbage.

    status: HTTP status; None if no answer came. headers: in any letter case. body: as received, or decoded JSON,
    or None where it has not been read. failure: why there is no answer, or no complete one.
    """

    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | str | Mapping[str, Any] | list[Any] | None = field(default=None, repr=False)
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """One quota window as the provider reports it.

    limit, remaining: requests or tokens; None where not stated. reset_after: seconds until all of the limit is
    free again. scope: whose window it is. part: set where it counts only the tokens of prompts, or of answers.
    """

    metric: Metric
    period: Period
    limit: int | None
    remaining: int | None
    reset_after: float | None
    scope: Literal["model", "account"]
    part: Part | None = None

    @property
    def refills(self) -> bool:
        """Whether it is a token bucket, by its numbers: free again after the used share of its period."""
        if not self.limit or self.remaining is None or self.reset_after is None:
            return False
        full_after = (self.limit - self.remaining) * SECONDS[self.period] / self.limit
        return abs(self.reset_after - full_after) <= max(1.5, full_after / 30)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a failed answer means for the next request.

    until: epoch seconds, see Hold. message: for people, at most 300 characters, without any secret.
    retry: True: the same request goes to the next candidate. False: its error goes to the caller at once.
    proven: the answer proves that the refusal will last, so the pauses begin with a long one. retires: it says of the
    model that it is not served, or no more, so another may take its place. successor: the model that it names for that.
    lacks: the abilities that it says the model is without. takes, answers: the most tokens of prompt and answer, or of
    the answer alone, where it is about them and says so. longest: seconds of a cooldown at most.
    """

    kind: Kind
    scope: Scope
    hold: Hold
    until: float | None
    message: str
    retry: bool
    proven: bool = False
    retires: bool = False
    successor: str | None = None
    lacks: tuple[Missing, ...] = ()
    takes: int | None = None
    answers: int | None = None
    longest: float | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reply says.

    verdict: what it means for the next request; None for a success, which is a 2xx without an error inside.
    observations: the quota windows that it reports, one observation for each. Most replies report none.
    """

    verdict: Verdict | None
    observations: tuple[Observation, ...]
