"""What paced limits and leftovers go by: when requests are expected, by the file's workload or by the own history."""

import asyncio
from typing import Final

from router_config.config.models import Config
from router_config.forecast.profile import profile_of
from router_config.forecast.series import HOUR, HOURS_KEPT, total_of
from router_config.forecast.workload_hours import weights_of
from router_config.ledger.interfaces import Store
from router_config.ledger.rules.pacing import Expected

RENEWED_AFTER: Final = 60.0
"""Seconds of an hour that have gone when it is looked at again: by then all processes see its last minute settled."""


class ExpectedHours:
    """Tells a store when requests are expected, at first and then once an hour, where the file needs it."""

    def __init__(self) -> None:
        self._of: Config | None = None
        self._next = 0.0

    def is_due(self, config: Config | None, now: float) -> bool:
        """Whether to look again; once it is, it is not for an hour, unless the file is edited. now: epoch seconds."""
        if config is self._of and now < self._next:
            return False
        self._of, self._next = config, (now - RENEWED_AFTER) // HOUR * HOUR + HOUR + RENEWED_AFTER
        return config is not None and goes_by_hours(config)

    async def tell(self, config: Config, store: Store, now: float) -> None:
        """Look, and tell the store. now: epoch seconds."""
        if config.workload:
            store.expect(Expected(weights_of(config.workload, now)))
            return
        # Of all providers together: what one of them was not asked for since it is paced, others were.
        began = now // HOUR * HOUR
        history = await store.history(HOUR, began - HOURS_KEPT * HOUR, now)
        profile = await asyncio.to_thread(profile_of, total_of(history.slots), began)
        store.expect(Expected(profile.weights if profile.basis == "profile" else ()))


def goes_by_hours(config: Config) -> bool:
    """Whether it matters when requests are expected: for paced limits, and for what others leave by forecast."""
    paced = any(each.pace == "even" for each in config.providers)
    return paced or any(each.use == "leftover" or each.release == "forecast" for each in config.classes)
