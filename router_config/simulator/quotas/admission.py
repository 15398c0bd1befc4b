"""Admission of requests to one provider's quotas: taken at arrival, corrected at the end."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from router_config.simulator.quotas.limits import ProviderLimits, Quota
from router_config.simulator.quotas.windows import (
    DAY,
    MINUTE,
    FixedWindow,
    StrictWindow,
    Taken,
    TokenBucket,
    Window,
    calendar_day,
    clock_minute,
    utc_day,
)

Name = Literal["rpm", "tpm", "itpm", "rpd", "tpd"]
Scope = Literal["account", "model"]

PACIFIC = ZoneInfo("America/Los_Angeles")
DAY_ZONE: dict[str, ZoneInfo | None] = {"gemini": PACIFIC}

_SECONDS: dict[Name, float] = {"rpm": MINUTE, "tpm": MINUTE, "itpm": MINUTE, "rpd": DAY, "tpd": DAY}


@dataclass(frozen=True, slots=True)
class Demand:
    """What one request uses."""

    prompt: int
    """tokens of the prompt"""
    total: int
    """tokens of prompt and answer, or the most that they may become"""


@dataclass(frozen=True, slots=True)
class GateState:
    """One window as a provider would report it."""

    name: Name
    scope: Scope
    limit: int
    used: int
    full_after: float
    """seconds until the window is unused again"""

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    @property
    def seconds(self) -> float:
        return _SECONDS[self.name]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request was not admitted: the window that keeps it waiting longest."""

    gate: GateState
    requested: int
    wait: float
    """seconds until it would be admitted; infinity when it never will be"""

    @property
    def too_large(self) -> bool:
        return self.requested > self.gate.limit

    @property
    def formula_wait(self) -> float:
        """The wait that Groq and OpenAI state: (Used + Requested - Limit) / Limit * window, in seconds."""
        gate = self.gate
        if gate.limit == 0:
            return gate.seconds
        return max(0.0, (gate.used + self.requested - gate.limit) / gate.limit * gate.seconds)


class Gate:
    """One limit in force."""

    __slots__ = ("input_only", "name", "scope", "window")

    def __init__(self, name: Name, scope: Scope, window: Window, *, input_only: bool) -> None:
        self.name = name
        self.scope = scope
        self.window = window
        self.input_only = input_only

    def amount(self, demand: Demand) -> int:
        if self.name in ("rpm", "rpd"):
            return 1
        return demand.prompt if self.input_only else demand.total

    def state(self, now: float) -> GateState:
        used = math.ceil(self.window.used(now) - self.window.limit * 1e-8)
        return GateState(self.name, self.scope, self.window.limit, used, self.window.full_after(now))


class Admission:
    """An admitted request: its amounts stay as reserved until they are settled."""

    __slots__ = ("_taken",)

    def __init__(self, taken: Sequence[tuple[Gate, Taken]]) -> None:
        self._taken = taken

    def settle(self, real: Demand, now: float) -> None:
        """Correct the reserved tokens to the `real` ones."""
        for gate, taken in self._taken:
            if gate.name not in ("rpm", "rpd"):
                taken.settle(gate.amount(real), now)


class Quotas:
    """All windows of one provider."""

    def __init__(self, provider: str, limits: ProviderLimits) -> None:
        self.provider = provider
        self.limits = limits
        self._accounts: dict[str, tuple[Gate, ...]] = {}
        self._models: dict[tuple[str, str], tuple[Gate, ...]] = {}

    def account_of(self, key: str) -> str:
        """The account that a key (by its label) belongs to."""
        return self.provider if self.limits.shared_account else key

    def admit(self, key: str, model: str, demand: Demand, now: float) -> Admission | Refusal:
        """Take `demand` from every window that holds for `model`, or from none."""
        gates = self._gates(key, model)
        refused: Refusal | None = None
        for gate in gates:
            amount = gate.amount(demand)
            wait = gate.window.wait(amount, now)
            if wait > 0 and (refused is None or wait > refused.wait):
                refused = Refusal(gate.state(now), amount, wait)
        return refused or self._take(gates, demand, now)

    def count(self, key: str, model: str, demand: Demand, now: float) -> Admission:
        """Take `demand` without asking whether it has room: a failed call that the provider counts."""
        return self._take(self._gates(key, model), demand, now)

    def states(self, key: str, model: str, now: float) -> tuple[GateState, ...]:
        """Every window that holds for `model`."""
        return tuple(gate.state(now) for gate in self._gates(key, model))

    def all_states(self, now: float) -> dict[str, list[GateState]]:
        """Every window that was ever touched: by account, and by account and model."""
        states = {account: [g.state(now) for g in gates] for account, gates in self._accounts.items()}
        for (account, model), gates in self._models.items():
            if gates:
                states[f"{account} {model}"] = [gate.state(now) for gate in gates]
        return {where: gates for where, gates in states.items() if gates}

    def metered(self, model: str) -> bool:
        """Whether the account's limits hold for `model`."""
        return self.provider != "openrouter" or not self.limits.free_only or model.endswith(":free")

    def _take(self, gates: tuple[Gate, ...], demand: Demand, now: float) -> Admission:
        return Admission([(gate, gate.window.take(gate.amount(demand), now)) for gate in gates])

    def _gates(self, key: str, model: str) -> tuple[Gate, ...]:
        account = self.account_of(key)
        own = self._models.get((account, model))
        if own is None:
            own = self._models[account, model] = self._new_gates("model", self.limits.quota_of(model))
        if not self.metered(model):
            return own
        common = self._accounts.get(account)
        if common is None:
            common = self._accounts[account] = self._new_gates("account", self.limits.account)
        return common + own

    def _new_gates(self, scope: Scope, quota: Quota) -> tuple[Gate, ...]:
        limits: dict[Name, int | None] = {
            "rpm": quota.rpm,
            "tpm": quota.tpm,
            "itpm": quota.itpm,
            "rpd": quota.rpd,
            "tpd": quota.tpd,
        }
        return tuple(
            Gate(name, scope, self._window(name, limit), input_only=counts_input(self.provider, name))
            for name, limit in limits.items()
            if limit is not None
        )

    def _window(self, name: Name, limit: int) -> Window:
        window = _own_window(self.provider, limit, _SECONDS[name])
        return StrictWindow(window) if self.limits.strict_rolling else window


def counts_input(provider: str, name: Name) -> bool:
    """Whether a token limit counts prompts alone."""
    return name == "itpm" or provider == "gemini"


def _own_window(provider: str, limit: int, seconds: float) -> Window:
    if provider == "gemini":
        return FixedWindow(limit, seconds, clock_minute if seconds == MINUTE else calendar_day(PACIFIC))
    if provider == "openrouter":
        return FixedWindow(limit, seconds, clock_minute if seconds == MINUTE else utc_day)
    return TokenBucket(limit, seconds)
