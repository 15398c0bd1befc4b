"""The state of a running simulator: clock, quotas, faults, keys, options, records."""

import asyncio
import random
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from router_config.simulator.clock import SimulatorClock
from router_config.simulator.faults import Faults
from router_config.simulator.keys import Keys
from router_config.simulator.lists.listed_models import ListedModel
from router_config.simulator.options import Options
from router_config.simulator.prompt_caches import PromptCaches
from router_config.simulator.quotas.admission import Quotas, zone_of
from router_config.simulator.quotas.calendars import MINUTE, local_date
from router_config.simulator.quotas.limits import PROVIDERS, UNLIMITED, ProviderLimits
from router_config.simulator.quotas.peaks import Peak, PeakCounter
from router_config.simulator.records import Records, plain_totals


class SimulatorState:
    """Used from the event loop's thread alone.

    limits: of the providers that have any. seed: of latencies and of faults that hit a share of the requests.
    remember: how many requests are remembered in full.
    """

    def __init__(
        self,
        limits: Mapping[str, ProviderLimits],
        clock: SimulatorClock,
        options: Options,
        *,
        seed: int = 0,
        remember: int = 20_000,
    ) -> None:
        self.clock = clock
        self._seed = seed
        self._remember = remember
        self._first_limits = {**UNLIMITED, **limits}
        self._first_options = options
        self._release = asyncio.Event()
        self.reset()

    def reset(self) -> None:
        """Begin again with the first limits and options, and forget everything else. The clock goes on."""
        self.limits = dict(self._first_limits)
        self.options = self._first_options
        self.random = random.Random(self._seed)
        self.faults = Faults(self._seed)
        self.keys = Keys()
        self.prompt_caches = PromptCaches()
        self.records = Records(self._remember)
        self.quotas = {name: Quotas(name, self.limits[name]) for name in PROVIDERS}
        self.peaks = {name: PeakCounter(name) for name in PROVIDERS}
        self.release_hanging()

    def set_limits(self, limits: Mapping[str, ProviderLimits]) -> None:
        """Put new limits in force; the quotas of these providers start unused."""
        for name, one in limits.items():
            self.limits[name] = one
            self.quotas[name] = Quotas(name, one)

    def clear_faults(self, provider: str | None = None, number: int | None = None) -> int:
        """End faults, and the requests that hang by them. Returns how many faults were ended."""
        cleared = self.faults.clear(provider, number)
        self.release_hanging()
        return cleared

    def release_hanging(self) -> None:
        """End the requests that hang by a timeout fault."""
        self._release.set()
        self._release = asyncio.Event()

    @property
    def release(self) -> asyncio.Event:
        """Set when the requests that hang now are to end."""
        return self._release

    def model_state(self, provider: str, model: str) -> str:
        """`served`, `retired` or `unknown`."""
        options = self.options
        if model in options.retired.get(provider, ()):
            return "retired"
        if options.any_model or model in self.known_models(provider):
            return "served"
        return "unknown"

    def known_models(self, provider: str) -> set[str]:
        limited = self.limits[provider].models if provider in self.limits else ()
        options = self.options
        return {*limited, *options.models.get(provider, ()), *options.lists.get(provider, ())}

    def listed(self, provider: str) -> dict[str, ListedModel]:
        """The models that a provider lists: those that it is known to serve, save the retired ones."""
        facts, retired = self.options.lists.get(provider, {}), self.options.retired.get(provider, frozenset())
        return {name: facts.get(name, ListedModel()) for name in sorted(self.known_models(provider) - retired)}

    def change_models(self, provider: str, add: Mapping[str, ListedModel], retire: Iterable[str]) -> None:
        """Have a provider serve and list models from now on, and others no more."""
        lists, retired = self.options.lists, self.options.retired
        gone = (retired.get(provider, frozenset()) | set(retire)) - set(add)
        self.options = replace(
            self.options,
            lists={**lists, provider: {**lists.get(provider, {}), **add}},
            retired={**retired, provider: gone},
        )

    def date(self, provider: str, now: float) -> str:
        """The provider's local date."""
        return local_date(now, zone_of(provider, self.limits.get(provider, ProviderLimits())))

    def latency(self, provider: str) -> float:
        """Seconds that the next answer of a provider takes."""
        low, high = self.options.latency_range(provider)
        return (low if low == high else self.random.uniform(low, high)) / 1000

    def worst(self, provider: str, seconds: float = MINUTE) -> Peak:
        return self.peaks[provider].worst(self.quotas[provider], seconds)

    def summary(self, providers: Iterable[str] = PROVIDERS) -> dict[str, Any]:
        """Per provider: exact totals, the busiest rolling minute, the windows as they stand."""
        now = self.clock.now()
        return {
            name: plain_totals(self.records.totals(name))
            | {
                "worst_rolling_minute": asdict(self.worst(name)),
                "windows": {
                    where: {
                        window.name: {"limit": window.limit, "used": window.used, "remaining": window.remaining}
                        for window in windows
                    }
                    for where, windows in self.quotas[name].all_states(now).items()
                },
            }
            for name in providers
        }
