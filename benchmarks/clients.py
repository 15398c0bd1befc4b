"""The routers that are compared, each as its user would write it, aimed at one simulator."""

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import litellm
import yaml
from litellm.router import Router as LiteLLMRouter

from benchmarks.load import MAX_TOKENS, Arrival
from router_config.clock import SystemClock

MODELS: Final = {
    "groq": "llama-3.3-70b-versatile",
    "gemini": "gemini-1.5-flash",
    "openrouter": "deepseek/deepseek-r1:free",
    "together": "mistralai/Mixtral-8x7B-Instruct-v0.1",
    "openai": "gpt-4o-mini",
}
PREFIXES: Final = {"together": "together_ai"}
COOLDOWN: Final = 300.0
"""Seconds that a failing provider is left alone: what the product is asked to do, and so what stock is told, too."""

RETRIES: Final = 2


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a client finds its providers and what it is told of their limits, in order of priority.

    `cooldown` is in seconds; `keys` are so many accounts at each provider, each with these limits.
    """

    bases: Mapping[str, str]
    limits: Mapping[str, Mapping[str, int]]
    keys: int = 1
    directory: str = "."
    cooldown: float = COOLDOWN
    retries: int = RETRIES
    redis: str = ""
    secrets: Mapping[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        secrets = {name: [f"simulated-{name}-{number}" for number in range(self.keys)] for name in self.limits}
        object.__setattr__(self, "secrets", secrets)


Ask = Callable[[Arrival], Awaitable[object]]


class AheadClock(SystemClock):
    """The machine's time and so many seconds: every run begins at the same second of its minute."""

    ahead: float = 0.0

    def now(self) -> float:
        return super().now() + self.ahead


def ours(setting: Setting, clock: AheadClock, state: str) -> Ask:
    """router_config.Router from a litellm.yaml."""
    from router_config import Router

    document = {
        "version": 1,
        "state": state,
        "defaults": {"cooldown": setting.cooldown},
        "providers": {
            name: {
                "priority": priority,
                "tier": "free",
                "api_base": setting.bases[name],
                "api_key": [f"os.environ/KEY_{name.upper()}_{number}" for number in range(setting.keys)],
                "limits": dict(limits),
                "models": [MODELS[name]],
            }
            for priority, (name, limits) in enumerate(setting.limits.items(), start=1)
        },
    }
    path = Path(setting.directory) / f"litellm-{os.getpid()}.yaml"
    path.write_text(yaml.safe_dump(document), "utf-8")
    env = {
        f"KEY_{name.upper()}_{number}": secret
        for name, secrets in setting.secrets.items()
        for number, secret in enumerate(secrets)
    }
    router = Router.from_yaml(path, env=env, clock=clock)
    return lambda arrival: ask(router, arrival)


def stock(setting: Setting, clock: AheadClock, **how: Any) -> Ask:
    """LiteLLMRouter with the limits of a minute, the only ones that it knows, on each deployment."""
    ordered = "routing_strategy" not in how
    entries = [
        {
            "model_name": "default",
            "litellm_params": {
                "model": f"{PREFIXES.get(name, name)}/{MODELS[name]}",
                "api_key": secret,
                "api_base": setting.bases[name],
                **{limit: value for limit, value in limits.items() if limit in ("rpm", "tpm")},
                **({"order": priority} if ordered else {}),
            },
            "model_info": {"id": f"{name}-{number}", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0},
        }
        for priority, (name, limits) in enumerate(setting.limits.items(), start=1)
        for number, secret in enumerate(setting.secrets[name])
    ]
    _set_minutes_by(clock)
    litellm.suppress_debug_info = True
    router = LiteLLMRouter(
        model_list=entries, num_retries=setting.retries, cooldown_time=setting.cooldown, timeout=30, **how
    )
    return lambda arrival: ask(router, arrival)


Make = Callable[[Setting, AheadClock], Ask]

CLIENTS: Final[Mapping[str, Make]] = {
    "ours, memory": lambda setting, clock: ours(setting, clock, "memory://"),
    "ours, SQLite": lambda setting, clock: ours(setting, clock, f"sqlite:///{setting.directory}/state.db"),
    "ours, Redis": lambda setting, clock: ours(setting, clock, setting.redis),
    "stock, order + enforce_model_rate_limits": lambda setting, clock: stock(
        setting, clock, optional_pre_call_checks=["enforce_model_rate_limits"]
    ),
    "stock, usage-based-routing-v2": lambda setting, clock: stock(
        setting, clock, routing_strategy="usage-based-routing-v2"
    ),
}


async def ask(router: Any, arrival: Arrival) -> object:
    """One request, a stream to its end."""
    reply = await router.acompletion(
        model="default", messages=arrival.messages, max_tokens=MAX_TOKENS, stream=arrival.stream
    )
    if arrival.stream:
        async for _ in reply:
            pass
    return reply


def _set_minutes_by(clock: AheadClock) -> None:
    """LiteLLM takes the minute of its counters from one function, of which several classes keep a reference."""
    from litellm.utils import get_utc_datetime

    get_utc_datetime.__globals__["_benchmark_now"] = lambda: datetime.fromtimestamp(clock.now(), UTC)
    get_utc_datetime.__code__ = (lambda: _benchmark_now()).__code__  # type: ignore[name-defined]  # noqa: F821
