"""What happens in the demo: how fast the agents ask, and which faults the simulator plays."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Incident:
    """A fault of a provider. after: seconds from the beginning. fault: the arguments of Simulator.fault."""

    after: float
    provider: str
    description: str
    fault: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Scenario:
    """The pace of the demo, and its incidents.

    `pause` and `latency_ms` are ranges: the seconds between an agent's requests, and how long an answer takes. Four
    agents at this pace ask about 90 times a minute, so the 30 requests a minute of the first provider last 20 seconds.
    The incidents begin anew every `period` seconds.
    """

    pause: tuple[float, float] = (1.4, 2.8)
    latency_ms: tuple[float, float] = (200.0, 900.0)
    answer_tokens: int = 60
    incidents: tuple[Incident, ...] = field(
        default=(
            Incident(75, "gemini", "answers its next requests with HTTP 500", {"status": 500, "times": 3}),
            Incident(240, "groq", "breaks off its next connections", {"reset": True, "times": 2}),
            Incident(600, "openrouter", "answers its next requests with HTTP 503", {"status": 503, "times": 2}),
        )
    )
    period: float = 900.0
