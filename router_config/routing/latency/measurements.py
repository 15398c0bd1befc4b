"""What the attempts of a group that wants to know it say of the speed of its models."""

from typing import Final

from router_config.attempts.late_first_tokens import LONGEST, FirstTokenLate, LateFirstTokens
from router_config.deployments.speed import Speeds
from router_config.routing.request import Flight
from router_config.signals import Kind, Verdict
from router_config.signals.usage import Reported
from router_config.signals.verdicts import first_token_late
from router_config.transport.endpoints import streams

SLOW: Final = frozenset({Kind.timeout, Kind.overloaded, Kind.server_error, Kind.connection})
"""Failures that count as slow answers; the others say nothing of speed."""


class Measurements:
    """Notes how long answers take, in this process. Where no group asks for it, nothing is noted."""

    def __init__(self) -> None:
        self.speeds = Speeds()
        self._late = LateFirstTokens()

    def first_token(self, flight: Flight, now: float) -> None:
        """Something of a stream is there that its caller will see."""
        rules = flight.request.rules
        if rules is None:
            return
        self._late.in_time(flight.deployment.scopes.model)
        if rules.measures:
            flight.first_token_after = now - flight.started
            self.speeds.of(flight.deployment).add_first_token(flight.first_token_after, now)

    def answered(self, flight: Flight, told: Reported | None, now: float, waited: float | None = None) -> None:
        """An answer is complete. waited: seconds that a stream's later chunks took, without the time of its reader."""
        rules = flight.request.rules
        if rules is None or not rules.measures or told is None:
            return
        speed, seconds = self.speeds.of(flight.deployment), now - flight.started
        if waited is None:
            speed.answers.append(seconds)
        elif flight.first_token_after is not None:
            seconds = flight.first_token_after + waited
        tokens = _expected(flight) if told.usage is None else told.usage.total - told.usage.prompt
        speed.add_answer(max(0, tokens), seconds, now, streamed=flight.first_token_after is not None)

    def failed(self, flight: Flight, verdict: Verdict, now: float) -> None:
        """An attempt failed: the fault of its provider counts as a slow answer."""
        rules = flight.request.rules
        if rules is not None and rules.measures and verdict.kind in SLOW:
            self.speeds.failed(flight.deployment, _expected(flight), now - flight.started, now)

    def beaten(self, flight: Flight, now: float) -> None:
        """Another attempt, made beside it, answered first."""
        tokens = 0 if streams(flight.request.endpoint, flight.request.asked) else _expected(flight)
        self.speeds.beaten(flight.deployment, tokens, now - flight.started, now)

    def late(self, flight: Flight, error: FirstTokenLate, now: float) -> Verdict:
        """The verdict on a stream that was given up before its first token."""
        enough = self._late.late(flight.deployment.scopes.model, flight.started, now)
        return first_token_late(flight.deployment.provider, error.seconds, LONGEST if enough else None)


def _expected(flight: Flight) -> int:
    """The tokens of the answer that were expected."""
    return flight.request.need.tokens - flight.request.need.prompt_tokens
