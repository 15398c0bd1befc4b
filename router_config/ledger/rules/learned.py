"""What the processes of a store tell each other by name, as texts: curves of models, and limits that are reported."""

from typing import Final

from router_config.ledger.rules import calibration, steady_limits

LIMITS_OF: Final = "limits|"
"""So begins the name of what a provider reports of its limits; the provider's own name follows."""


def merged(name: str, old: str | None, new: str) -> str:
    """Two texts of one name as one."""
    if name.startswith(LIMITS_OF):
        known = {} if old is None else steady_limits.limits_of(old)
        return steady_limits.limits_text(steady_limits.both(known, steady_limits.limits_of(new)))
    return calibration.merged(old, new)
