"""Admission of requests to one provider's quotas: taken at arrival, corrected at the end."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from router_config.simulator.quotas.calendars import (
    Bounds,
    calendar_day,
    calendar_month,
    calendar_week,
    clock_hour,
    clock_minute,
)
from router_config.simulator.quotas.limits import Kind, ProviderLimits, Quota, Unit, What
from router_config.simulator.quotas.windows import (
    FixedWindow,
    OpenRequests,
    RollingWindow,
    Settle,
    StrictWindow,
    TokenBucket,
    Window,
)

Scope = Literal["account", "model"]

PACIFIC = ZoneInfo("America/Los_Angeles")
_ZONES: dict[str, tzinfo] = {"gemini": PACIFIC}
_REFILLING = ("groq", "together", "openai")


def zone_of(provider: str, limits: ProviderLimits) -> tzinfo:
    """The timezone of a provider's days, weeks and months."""
    return ZoneInfo(limits.day.timezone) if limits.day.timezone else _ZONES.get(provider, UTC)


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

    name: str
    kind: Kind
    scope: Scope
    limit: float
    used: float
    full_after: float
    """seconds until the window is unused again"""
    refills: bool
    """whether it is a token bucket"""

    @property
    def remaining(self) -> float:
        return max(0, self.limit - self.used)

    @property
    def seconds(self) -> float:
        return self.kind.seconds

    @property
    def of_requests(self) -> bool:
        return self.kind.what in ("requests", "open")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request was not admitted: the window that keeps it waiting longest."""

    window: WindowState
    requested: float
    wait: float
    """seconds until it would be admitted; infinity when it never will be"""

    @property
    def too_large(self) -> bool:
        return self.requested > self.window.limit

    @property
    def stated_wait(self) -> float:
        """Seconds that Groq and OpenAI state: (Used + Requested - Limit) / Limit * window for a token bucket."""
        window = self.window
        if window.limit == 0 or math.isinf(self.wait):
            return window.seconds
        if not window.refills:
            return self.wait
        return max(0.0, (window.used + self.requested - window.limit) / window.limit * window.seconds)


class Limit:
    """One limit in force, and the window that counts against it. counts: what of a request it counts."""

    __slots__ = ("counts", "kind", "name", "price", "refills", "scope", "window")

    def __init__(
        self, name: str, kind: Kind, scope: Scope, window: Window, counts: What, price: tuple[float, float]
    ) -> None:
        self.name = name
        self.kind = kind
        self.scope = scope
        self.window = window
        self.counts = counts
        self.price = price
        self.refills = isinstance(window, TokenBucket)

    def amount(self, demand: Demand) -> float:
        output = demand.total - demand.prompt
        if self.counts == "usd":
            return (demand.prompt * self.price[0] + output * self.price[1]) / 1e6
        if self.counts == "input":
            return demand.prompt
        if self.counts == "output":
            return output
        return demand.total if self.counts == "tokens" else 1

    def state(self, now: float) -> WindowState:
        used = self.window.used(now)
        if self.counts != "usd":
            used = math.ceil(used - self.window.limit * 1e-8)
        full_after = self.window.full_after(now)
        return WindowState(self.name, self.kind, self.scope, self.window.limit, used, full_after, self.refills)


class Admission:
    """What one admitted request has taken. Until it is settled its amounts stay as they were reserved."""

    def __init__(self, taken: Sequence[tuple[Limit, Settle]], now: float) -> None:
        self._taken = [(limit, settle) for limit, settle in taken if limit.counts != "open"]
        self._open = [settle for limit, settle in taken if limit.counts == "open"]
        self._now = now

    def settle(self, real: Demand, now: float) -> None:
        """Correct it to what the request really used; called once."""
        for limit, settle in self._taken:
            if limit.counts != "requests":
                settle(limit.amount(real), now)

    def end(self) -> None:
        """The request is answered or broken off: it is no longer one of those that are open."""
        for settle in self._open:
            settle(0, self._now)
        self._open = []


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

    def admit(self, key: str, model: str, demand: Demand, now: float) -> Admission | Refusal:
        """Take `demand` from every window that holds for `model`, or from none."""
        limits = self._limits_of(key, model)
        refused: Refusal | None = None
        for limit in limits:
            amount = limit.amount(demand)
            wait = limit.window.wait(amount, now)
            if wait > 0 and (refused is None or wait > refused.wait):
                refused = Refusal(limit.state(now), amount, wait)
        return refused or _take(limits, demand, now)

    def count(self, key: str, model: str, demand: Demand, now: float) -> Admission:
        """Take `demand` without asking whether it has room: a failed call that the provider counts."""
        return _take([limit for limit in self._limits_of(key, model) if limit.counts != "open"], demand, now)

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
            Limit(name, kind, scope, self._window(kind, value), counted(self.provider, kind.what), self.limits.price)
            for name, kind, value in quota.limits()
        )

    def _window(self, kind: Kind, limit: float) -> Window:
        if kind.unit == "open":
            return OpenRequests(limit)
        stated = {"day": self.limits.day, "week": self.limits.week, "month": self.limits.month}.get(kind.unit)
        if stated is not None and stated.window == "rolling":
            return RollingWindow(limit, kind.seconds)
        if kind.unit in ("week", "month") or (stated is not None and stated.window == "calendar"):
            return FixedWindow(limit, kind.seconds, self._bounds(kind.unit))
        if kind.unit == "odd":
            return RollingWindow(limit, kind.seconds)
        refills = self.provider in _REFILLING
        own = TokenBucket(limit, kind.seconds) if refills else FixedWindow(limit, kind.seconds, self._bounds(kind.unit))
        return StrictWindow(own) if self.limits.strict_rolling else own

    def _bounds(self, unit: Unit) -> Bounds:
        zone = zone_of(self.provider, self.limits)
        if unit == "week":
            return calendar_week(zone)
        if unit == "month":
            return calendar_month(zone, self.limits.month.day)
        return calendar_day(zone) if unit == "day" else clock_hour if unit == "hour" else clock_minute


def _take(limits: Sequence[Limit], demand: Demand, now: float) -> Admission:
    return Admission([(limit, limit.window.take(limit.amount(demand), now)) for limit in limits], now)


def counted(provider: str, what: What) -> What:
    """What a provider counts for a limit on `what`: Gemini counts prompts alone where others count tokens."""
    return "input" if what == "tokens" and provider == "gemini" else what
