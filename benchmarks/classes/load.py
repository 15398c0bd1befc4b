"""Who asks when: three classes of agents that ask for far more than there is, and what foresight would get served."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import floor
from typing import Any, Final

from router_config.simulator.quotas.windows import RollingWindow

MAX_TOKENS: Final = 40
DAY: Final = 86400.0
MINUTE: Final = 60.0

AGENTS: Final = {"trader": "TradingAgent", "batch": "nightly-batch", "default": "somebody"}
"""An agent of each class; the last one is named by no class."""

CLASSES: Final[dict[str, dict[str, Any]]] = {
    "trader": {"reserve": "30%", "agents": ["TradingAgent"], "release": "never"},
    "batch": {"agents": ["*-batch"], "share": "60%"},
    "default": {"share": "70%"},
}
RESERVE: Final = {"trader": 0.3}
SHARE: Final = {"batch": 0.6, "default": 0.7}
WEIGHTS: Final = {"trader": 0.3, "default": 0.5, "batch": 0.2}
"""What comes nearest to the classes where each has a weight, which is its reserve and its share in one."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request of the timetable, seconds from its start."""

    at: float
    agent_class: str

    @property
    def messages(self) -> list[dict[str, str]]:
        """The judge finds the class in the text."""
        return [{"role": "user", "content": f"[{self.agent_class}] Buy or sell? The market opened higher today."}]


@dataclass(frozen=True, slots=True)
class Load:
    """rates: requests a second by class, from a second on. at_once: so many of the trader's in its first moment.

    limit: of each provider, the requests in a window of so many `seconds`.
    """

    name: str
    lasts: float
    limit: str
    limits: Mapping[str, int]
    rates: Mapping[str, tuple[float, float]]
    at_once: int = 0
    seed: int = 1

    @property
    def seconds(self) -> float:
        return MINUTE if self.limit == "rpm" else DAY

    def timetable(self) -> tuple[Ask, ...]:
        chance = random.Random(self.seed)
        moments = [Ask(self.rates["trader"][1], "trader")] * self.at_once
        for name, (rate, since) in self.rates.items():
            times = round(rate * (self.lasts - since))
            moments += [Ask(chance.uniform(since, self.lasts), name) for _ in range(times)]
        return tuple(sorted(moments, key=lambda each: each.at))

    def document(self) -> dict[str, Any]:
        return asdict(self)


MINUTES: Final = Load(
    "limits of a minute",
    150.0,
    "rpm",
    {"groq": 30, "together": 60, "openrouter": 50},
    {"trader": (1.0, 25.0), "batch": (3.0, 0.0), "default": (3.0, 0.0)},
    at_once=42,
)
"""The trader comes after 25 s, with all of its reserve at once, and goes on to ask for more than that."""

DAYS: Final = Load(
    "limits of a day",
    60.0,
    "rpd",
    {"groq": 60, "together": 120, "openrouter": 100},
    {"trader": (6.0, 45.0), "batch": (5.0, 0.0), "default": (5.0, 0.0)},
)
"""The trader comes when the others have used up all that they may, and asks for a little more than its reserve."""


def kept(load: Load, provider: str) -> int:
    """Requests that are kept for the trader: whole ones."""
    return floor(RESERVE["trader"] * load.limits[provider] + 1e-9)


def shares(load: Load, provider: str, name: str) -> int:
    return floor(SHARE.get(name, 1.0) * load.limits[provider] + 1e-9)


def allowed(load: Load, asks: Sequence[Ask]) -> dict[str, int]:
    """Requests by class that a router of perfect foresight gets served, each at the first provider with room for it."""
    books = [_Book(load, provider) for provider in load.limits]
    served = dict.fromkeys(AGENTS, 0)
    for ask in asks:
        served[ask.agent_class] += any(book.take(ask) for book in books)
    return served


class _Book:
    def __init__(self, load: Load, provider: str) -> None:
        self._limit, self._kept = load.limits[provider], kept(load, provider)
        self._all = RollingWindow(self._limit, load.seconds)
        self._by_class = {name: RollingWindow(shares(load, provider, name), load.seconds) for name in AGENTS}

    def take(self, ask: Ask) -> bool:
        own, at = self._by_class[ask.agent_class], ask.at
        trader = self._by_class["trader"].used(at)
        for_others = 0.0 if ask.agent_class == "trader" else max(0.0, self._kept - trader)
        if self._all.used(at) + 1 > self._limit - for_others or own.wait(1, at) > 0:
            return False
        self._all.take(1, at)
        own.take(1, at)
        return True
