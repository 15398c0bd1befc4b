"""What the processes of a store tell each other by name: curves, limits, models that are gone, abilities, loops."""

from typing import Final

from router_config.ledger.rules import abilities, calibration, loops, retired, steady_limits

LIMITS_OF: Final = "limits|"
"""So begins the name of what a provider reports of its limits; the provider's own name follows."""


RETIRED: Final = "retired|"
"""The name of what is known of models that are gone."""


ABILITIES: Final = "abilities|"
"""The name of what models were seen to refuse."""


LOOPS: Final = "loops|"
"""The name of how long the tool loops of agents were."""


def merged(name: str, old: str | None, new: str) -> str:
    """Two texts of one name as one."""
    if name.startswith(LIMITS_OF):
        known = {} if old is None else steady_limits.limits_of(old)
        return steady_limits.limits_text(steady_limits.both(known, steady_limits.limits_of(new)))
    if name == RETIRED:
        return retired.retired_text(retired.both(retired.retired_of(old or ""), retired.retired_of(new)))
    if name == ABILITIES:
        return abilities.abilities_text(abilities.both(abilities.abilities_of(old or ""), abilities.abilities_of(new)))
    if name == LOOPS:
        return loops.loops_text(loops.both(loops.loops_of(old or ""), loops.loops_of(new)))
    return calibration.merged(old, new)
