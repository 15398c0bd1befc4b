"""One router over the free tiers of several LLM providers, from one YAML file.

    from router_config import Router, route_of

    router = Router.from_yaml("litellm.yaml")
    reply = await router.acompletion(model="default", messages=[{"role": "user", "content": "Hello"}])
    print(route_of(reply).provider)

Nothing here imports LiteLLM (3 seconds) until the first Router is needed.
"""

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from router_config.config.loading import load_config
    from router_config.config.models import Config, ConfigError
    from router_config.ledger.rules.decisions import Attempt
    from router_config.planner.assumptions.faults import Fault, Loss
    from router_config.planner.plan import Plan
    from router_config.planner.planning import plan
    from router_config.routing.errors import NoProviderAvailable
    from router_config.routing.request import Route, route_of
    from router_config.routing.router import Router

# LiteLLM reads it once, when it is imported; without it every start fetches a price list over the network.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

__all__ = [
    "Attempt",
    "Config",
    "ConfigError",
    "Fault",
    "Loss",
    "NoProviderAvailable",
    "Plan",
    "Route",
    "Router",
    "load_config",
    "plan",
    "route_of",
]

_HOMES = {
    "Attempt": "ledger.rules.decisions",
    "Route": "routing.request",
    "route_of": "routing.request",
    "Config": "config.models",
    "ConfigError": "config.models",
    "load_config": "config.loading",
    "Fault": "planner.assumptions.faults",
    "Loss": "planner.assumptions.faults",
    "Plan": "planner.plan",
    "plan": "planner.planning",
    "NoProviderAvailable": "routing.errors",
    "Router": "routing.router",
}
_WITH_LITELLM = ("routing.errors", "routing.router")


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with _around(_HOMES[name]):
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def _around(home: str) -> AbstractContextManager[None]:
    if home not in _WITH_LITELLM or "litellm" in sys.modules:
        return nullcontext()
    from router_config.transport.garbage_collector import importing

    return importing()


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
