"""Admission of requests to one provider's quotas: taken at arrival, corrected at the end."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from router_config.simulator.quotas.limits import ProviderLimits, Quota
from router_config.simulator.quotas.windows import (
    DAY,
    MINUTE,
    FixedWindow,
    StrictWindow,
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
class WindowState:
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

    window: WindowState
    requested: int
    wait: float
    """seconds until it would be admitted; infinity when it never will be"""

    @property
    def too_large(self) -> bool:
        return self.requested > self.window.limit

    @property
    def formula_wait(self) -> float:
        """The wait that Groq and OpenAI state: (Used + Requested - Limit) / Limit * window, in seconds."""
        window = self.window
        if window.limit == 0:
            return window.seconds
        return max(0.0, (window.used + self.requested - window.limit) / window.limit * window.seconds)


class Limit:
    """One limit in force, and the window that counts against it."""

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

    def state(self, now: float) -> WindowState:
        used = math.ceil(self.window.used(now) - self.window.limit * 1e-8)
        return WindowState(self.name, self.scope, self.window.limit, used, self.window.full_after(now))


Settle = Callable[[Demand, float], None]
"""Called once with what an admitted request really used, and the time: until then its amounts stay as reserved."""


class Quotas:
    """All windows of one provider."""

    def __init__(self, provider: str, limits: ProviderLimits) -> None:
        self.provider = provider
        self.limits = limits
        self._accounts: dict[str, tuple[Limit, ...]] = {}
        self._models: dict[tuple[str, str], tuple[Limit, ...]] = {}

    def account_of(self, key: str) -> str:
        """The account that a key (by its label) belongs to."""
        return self.provider if self.limits.shared_account else key

    def admit(self, key: str, model: str, demand: Demand, now: float) -> Settle | Refusal:
        """Take `demand` from every window that holds for `model`, or from none."""
        limits = self._limits_of(key, model)
        refused: Refusal | None = None
        for limit in limits:
            amount = limit.amount(demand)
            wait = limit.window.wait(amount, now)
            if wait > 0 and (refused is None or wait > refused.wait):
                refused = Refusal(limit.state(now), amount, wait)
        return refused or self._take(limits, demand, now)

    def count(self, key: str, model: str, demand: Demand, now: float) -> Settle:
        """Take `demand` without asking whether it has room: a failed call that the provider counts."""
        return self._take(self._limits_of(key, model), demand, now)

    def states(self, key: str, model: str, now: float) -> tuple[WindowState, ...]:
        """Every window that holds for `model`."""
        return tuple(limit.state(now) for limit in self._limits_of(key, model))

    def all_states(self, now: float) -> dict[str, list[WindowState]]:
        """Every window that was ever touched: by account, and by account and model."""
        states = {account: [limit.state(now) for limit in limits] for account, limits in self._accounts.items()}
        for (account, model), limits in self._models.items():
            if limits:
                states[f"{account} {model}"] = [limit.state(now) for limit in limits]
        return {where: windows for where, windows in states.items() if windows}

    def metered(self, model: str) -> bool:
        """Whether the account's limits hold for `model`."""
        return self.provider != "openrouter" or not self.limits.free_only or model.endswith(":free")

    def _take(self, limits: tuple[Limit, ...], demand: Demand, now: float) -> Settle:
        taken = [(limit, limit.window.take(limit.amount(demand), now)) for limit in limits]

        def settle(real: Demand, now: float) -> None:
            for limit, settle_window in taken:
                if limit.name not in ("rpm", "rpd"):
                    settle_window(limit.amount(real), now)

        return settle

    def _limits_of(self, key: str, model: str) -> tuple[Limit, ...]:
        account = self.account_of(key)
        own = self._models.get((account, model))
        if own is None:
            own = self._models[account, model] = self._new_limits("model", self.limits.quota_of(model))
        if not self.metered(model):
            return own
        common = self._accounts.get(account)
        if common is None:
            common = self._accounts[account] = self._new_limits("account", self.limits.account)
        return common + own

    def _new_limits(self, scope: Scope, quota: Quota) -> tuple[Limit, ...]:
        return tuple(
            Limit(name, scope, self._window(name, limit), input_only=counts_input(self.provider, name))
            for name in _SECONDS
            if (limit := getattr(quota, name)) is not None
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
