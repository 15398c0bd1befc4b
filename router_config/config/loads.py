"""What a plan is for: the requests of agents, as a workload in the file lists them."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any


@dataclass(frozen=True, slots=True)
class Spread:
    """How large something is, as points (share of the requests, size), the smallest first. Linear between them."""

    points: tuple[tuple[float, float], ...]

    @property
    def most(self) -> int:
        """The largest size."""
        return round(self.points[-1][1])

    @property
    def least(self) -> int:
        """The smallest size."""
        return round(self.points[0][1])

    @property
    def mean(self) -> float:
        """The mean size; below the first point and above the last one all are as large as that."""
        low, high = self.points[0], self.points[-1]
        between = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(self.points))
        return low[0] * low[1] + between + (1 - high[0]) * high[1]

    def at(self, share: float) -> int:
        """The size that this share of the requests does not exceed, 0 to 1."""
        before = self.points[0]
        for point in self.points:
            if share <= point[0]:
                width = point[0] - before[0]
                size = before[1] + (point[1] - before[1]) * (share - before[0]) / width if width else point[1]
                return round(size)
            before = point
        return self.most


@dataclass(frozen=True, slots=True)
class Hours:
    """When requests come: on these days of the week (Monday is 0), between two times of day, in a timezone.

    begins, ends: minutes since midnight; where it ends before it begins, it does so on the next day.
    """

    days: frozenset[int]
    begins: int
    ends: int
    timezone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """So many requests at a time, spread over so many seconds."""

    requests: Spread
    over: float = 60.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """Requests as they came once, in slots of so many seconds. first: number of the first slot since the epoch."""

    seconds: int
    first: int
    counts: tuple[float, ...]

    @property
    def days(self) -> float:
        """That it covers."""
        return len(self.counts) * self.seconds / 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The requests of one agent, for `router-config plan`: how many, how large and when.

    agent_class: the class that it is of, as the file names it; without it, that of the agent's name.
    One of the three rates says how many. requests_per_hour: in the hours in which they come. tokens: of prompt and
    answer together, half each; or prompt and answer apart. growth: share by which they grow in a month, from -1 on.
    stream: answers are streamed, and hold their room until their end. tools: only models that can use tools are asked.
    calls_per_loop: so many of them, one after the other, are the calls of a tool loop; None: each stands by itself.
    recorded: requests that come again as they came, in place of how many and when.
    """

    agent: str = "agents"
    agent_class: str | None = None
    group: str = "default"
    requests_per_hour: float | None = None
    requests_per_day: float | None = None
    tokens_per_day: float | None = None
    prompt: Spread
    answer: Spread
    hours: Hours | None = None
    burst: Burst | None = None
    growth: float = 0.0
    stream: bool = False
    tools: bool = False
    calls_per_loop: int | None = None
    recorded: Recorded | None = None

    @property
    def mean_tokens(self) -> float:
        """Of a request."""
        return self.prompt.mean + self.answer.mean

    def times(self, factor: float) -> "Load":
        """So many times as many requests."""
        rates = ("requests_per_hour", "requests_per_day", "tokens_per_day")
        scaled: dict[str, Any] = {name: value * factor for name in rates if (value := getattr(self, name)) is not None}
        if self.recorded is not None:
            scaled["recorded"] = replace(self.recorded, counts=tuple(each * factor for each in self.recorded.counts))
        return replace(self, **scaled)
