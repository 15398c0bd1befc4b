"""Simulated providers: five wire formats, real quotas, scripted faults, over real HTTP on loopback.

The judge of the router, so it shares no code with the router's ledger, signals or configuration.
"""

from router_config.simulator.faults import Fault, FaultError
from router_config.simulator.options import Options, OptionsError
from router_config.simulator.quotas.judge import Peak
from router_config.simulator.quotas.limits import (
    PROVIDERS,
    REFERENCE,
    UNLIMITED,
    Limits,
    LimitsError,
    ProviderLimits,
    Quota,
    read_limits,
)
from router_config.simulator.records import Call
from router_config.simulator.runner import Simulator

__all__ = [
    "PROVIDERS",
    "REFERENCE",
    "UNLIMITED",
    "Call",
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
    "read_limits",
]
