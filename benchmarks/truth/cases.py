"""Configurations with a workload each: what is planned, and what is sent to the simulated providers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from router_config.simulator import Simulator

MODELS: Final = {
    "groq": "llama-3.3-70b-versatile",
    "gemini": "gemini-1.5-flash",
    "openrouter": "deepseek/deepseek-r1:free",
    "together": "mistralai/Mixtral-8x7B-Instruct-v0.1",
    "openai": "gpt-4o-mini",
}
REFERENCE: Final = {
    "groq": {"rpm": 30, "tpd": 100_000},
    "gemini": {"rpm": 60, "tpd": 15_000_000},
    "openrouter": {"rpm": 50, "tpd": 50_000},
    "together": {"rpm": 40, "tpd": 100_000},
    "openai": {"rpm": 60, "tpd": 1_000_000},
}
PRICE: Final = {"input": 2.0, "output": 8.0}
NEW_YORK: Final = {"window": "calendar", "timezone": "America/New_York"}
ROLLING: Final = {"window": "rolling"}


@dataclass(frozen=True)
class Case:
    """A configuration and a workload.

    limits: by provider, in the order in which they are asked. days: how many. more: of each provider, what else the
    file says. defaults: of the file. keys: how many a provider has, if not one. faults: as `router-config plan --fault`
    takes them.
    """

    title: str
    limits: Mapping[str, Mapping[str, Any]]
    workload: tuple[Mapping[str, Any], ...]
    days: int = 1
    begins: date = date(2026, 11, 23)
    more: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    equal: bool = False
    latency: float = 2.0
    keys: Mapping[str, int] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    def document(self, simulator: Simulator) -> dict[str, Any]:
        """As litellm.yaml, aimed at a simulator."""
        providers = {
            name: {
                "priority": 1 if self.equal else place,
                "tier": "paid" if name == "openai" else "free",
                "api_base": simulator.api_base(name),
                "api_key": [f"os.environ/{variable}" for variable in self._variables(name)],
                "day": ROLLING,
                "limits": dict(limits),
                "models": [{"name": MODELS[name], **({"price": PRICE} if name == "openai" else {})}],
                **self.more.get(name, {}),
            }
            for place, (name, limits) in enumerate(self.limits.items(), start=1)
        }
        workload = [dict(each) for each in self.workload]
        return {
            "version": 1,
            "state": "memory://",
            "defaults": dict(self.defaults),
            "providers": providers,
            "workload": workload,
        }

    def environment(self) -> dict[str, str]:
        """The keys of all providers."""
        names = [variable for provider in self.limits for variable in self._variables(provider)]
        return {name: f"simulated-{name}" for name in names}

    def _variables(self, provider: str) -> list[str]:
        return [f"{provider.upper()}_KEY_{number}" for number in range(self.keys.get(provider, 1))]

    def judged_by(self) -> dict[str, Any]:
        """The limits that the simulated providers enforce: the same, in any stretch of a window's length."""
        return {
            name: {
                **limits,
                "strict_rolling": True,
                "day": self.more.get(name, {}).get("day", ROLLING),
                **({"price": PRICE} if name == "openai" else {}),
            }
            for name, limits in self.limits.items()
        }


def _load(requests: float, prompt: Any = "300-700", answer: Any = "300-700", **more: Any) -> Mapping[str, Any]:
    return {"agent": "agents", "requests_per_day": requests, "tokens": {"prompt": prompt, "answer": answer}, **more}


CASES: Final = (
    Case("reference, 1M tokens a day", REFERENCE, (_load(1000),)),
    Case("reference, 19M tokens a day", REFERENCE, (_load(2400, "2k-6k", "3k-5k"),)),
    Case(
        "requests a minute bind",
        {"groq": {"rpm": 1}, "gemini": {"rpm": 1}, "together": {"rpm": 1}},
        (_load(3600, 120, 60),),
    ),
    Case(
        "tokens a minute bind",
        {"groq": {"rpm": 10, "tpm": 1500}, "gemini": {"rpm": 10, "tpm": 2000}},
        (_load(2500, "100-900", "20-500"),),
    ),
    Case(
        "tokens a day, rolling and by calendar, two midnights",
        {"groq": {"tpd": 200_000}, "together": {"tpd": 150_000}, "gemini": {"tpd": 100_000}},
        (_load(600, "100-900", "20-900", hours="mon-fri 09:30-22:00 America/New_York"),),
        days=3,
        more={"together": {"day": NEW_YORK}, "gemini": {"day": {"window": "calendar", "timezone": "UTC"}}},
    ),
    Case(
        "equal priorities",
        {"groq": {"rpm": 10, "tpd": 300_000}, "gemini": {"rpm": 10, "tpd": 150_000}, "together": {"rpd": 200}},
        (_load(1000),),
        equal=True,
    ),
    Case(
        "requests wait for a minute",
        {"groq": {"rpm": 1}, "gemini": {"rpm": 1}},
        (_load(3000, 120, 60),),
        defaults={"max_wait": "60s"},
    ),
    Case(
        "bursts of 50 to 150",
        {"groq": {"rpm": 5, "tpd": 500_000}, "gemini": {"rpm": 10, "tpd": 300_000}, "together": {"rph": 60}},
        (_load(2000, "200-800", "50-300", burst={"requests": "50-150", "over": "5m"}),),
    ),
    Case(
        "paid when the free ones are used up, $0.50 a day",
        {"groq": {"rpm": 30, "rpd": 300}, "gemini": {"rpd": 200}, "openai": {"rpm": 60, "usd_per_day": 0.5}},
        (_load(1000, "100-500", "50-300"),),
    ),
    Case(
        "two at a time, slow answers",
        {"groq": {"parallel": 2}, "together": {"parallel": 1, "rph": 100}},
        (_load(6000, 100, 50),),
        latency=30.0,
    ),
    Case(
        "groq down for four hours",
        {"groq": {"rpm": 30, "tpd": 1_000_000}, "gemini": {"rpm": 2, "tpd": 200_000}},
        (_load(2000, "100-500", "50-300"),),
        faults=("groq down 4h every 24h",),
    ),
    Case(
        "three keys each, both answer with 429 for no reason now and then, requests wait",
        {"groq": {"rpm": 2, "tpm": 4000, "rpd": 600}, "together": {"rpm": 1, "tpd": 200_000}},
        (_load(4000, "100-900", "50-500"),),
        defaults={"max_wait": "30s"},
        keys={"groq": 3, "together": 3},
        faults=("groq 429s 30m every 6h", "together down 10m every 4h"),
    ),
    Case(
        "weeks and months, at the end of a month",
        {"groq": {"rpw": 600}, "gemini": {"tpmo": 250_000, "rpd": 300}, "together": {"rpmo": 100}},
        (_load(700, "100-500", "50-300"),),
        days=4,
        begins=date(2026, 11, 28),
    ),
)
