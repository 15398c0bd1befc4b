"""Simulated providers: five wire formats, real quotas, scripted faults, over real HTTP on loopback.

The router is tested against them, so they share no code with its ledger, signals or configuration.
"""

from typing import TYPE_CHECKING, Any

from router_config.simulator.canned_answers import CannedAnswer, canned_answer
from router_config.simulator.faults import Fault, FaultError
from router_config.simulator.options import Options, OptionsError
from router_config.simulator.quotas.limits import (
    PROVIDERS,
    REFERENCE,
    UNLIMITED,
    Limits,
    LimitsError,
    ProviderLimits,
    Quota,
)
from router_config.simulator.quotas.peaks import Peak
from router_config.simulator.quotas.plain_limits import read_limits
from router_config.simulator.records import Call

if TYPE_CHECKING:
    from router_config.simulator.simulator import Simulator

__all__ = [
    "PROVIDERS",
    "REFERENCE",
    "UNLIMITED",
    "Call",
    "CannedAnswer",
    "Fault",
    "FaultError",
    "Limits",
    "LimitsError",
    "Options",
    "OptionsError",
    "Peak",
    "ProviderLimits",
    "Quota",
    "Simulator",
    "canned_answer",
    "read_limits",
]


def __getattr__(name: str) -> Any:
    if name == "Simulator":  # only the server needs uvicorn and starlette, which take 80 ms to import
        from router_config.simulator.simulator import Simulator

        return Simulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
