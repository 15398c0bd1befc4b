"""The reference table against the simulator: what tests of the router are made of."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from router_config import Router
from router_config.clock import VirtualClock
from router_config.simulator import Simulator

NOON = 1_795_435_200.0
"""2026-11-23 12:00 UTC: far from every provider's midnight."""

MakeRouter = Callable[..., Router]

MODELS = {
    "groq": ["llama-3.3-70b-versatile", "mixtral-8x7b-32768"],
    "gemini": ["gemini-1.5-flash", "gemini-2.5-pro"],
    "openrouter": ["deepseek/deepseek-r1:free", "mistralai/mistral-7b-instruct:free"],
    "together": ["mistralai/Mixtral-8x7B-Instruct-v0.1"],
    "openai": ["gpt-4o-mini"],
}
LIMITS: dict[str, dict[str, Any]] = {
    "groq": {"rpm": 30, "tpd": "100k"},
    "gemini": {"rpm": 60, "tpd": "15M"},
    "openrouter": {"rpm": 50, "tpd": "50k"},
    "together": {"rpm": 40, "tpd": "100k"},
    "openai": {"rpm": 60, "tpd": "1M"},
}


def reference(simulator: Simulator, *, state: str = "memory://", **changes: Any) -> dict[str, Any]:
    """The reference table as litellm.yaml, aimed at a simulator. `changes` are merged over its top level."""
    providers = {
        name: {
            "priority": priority,
            "tier": "paid" if name == "openai" else "free",
            "api_base": simulator.api_base(name),
            "limits": LIMITS[name],
            "models": MODELS[name],
        }
        for priority, name in enumerate(MODELS, start=1)
    }
    for name, change in changes.pop("providers", {}).items():
        if change is None:
            del providers[name]
        else:
            providers[name] = {**providers.get(name, {}), **change}
    document = {"version": 1, "state": state, "providers": providers}
    return {**document, "aliases": {"gpt-4o": "default", "*": "default"}, **changes}


def message(text: str = "Buy or sell?") -> list[Any]:
    return [{"role": "user", "content": text}]


async def all_sleep(clock: VirtualClock, calls: Iterable[asyncio.Future[Any]]) -> bool:
    """Whether each call that is not done sleeps on the clock, and nobody is about to get up: time may pass."""
    for _ in range(20):  # Who was called takes a few turns of the loop to get up.
        if not 0 < len(clock.wakes) == len([call for call in calls if not call.done()]):
            return False
        await asyncio.sleep(0)
    return True


def refusals(simulator: Simulator) -> int:
    """How many requests the providers answered with 429: the number that must be zero."""
    return sum(each["rate_limited"] for each in simulator.summary().values())
