"""Requests that are sent in spite of cooldowns, so that providers that serve again are soon found."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from router_config.attempts.failing_providers import FailingProviders
from router_config.attempts.tried import Asked, Tried
from router_config.deployments.deployment import NO_SCOPES, Deployment
from router_config.ledger.interfaces import Ledger
from router_config.ledger.rules.gates import PROBE_HOLDS, Cooldown
from router_config.ledger.values import Lease

IN_COOLDOWN: Final = ("cooldown", "probing")
"""The statuses of a candidate in whose spite a request may be sent."""

REFUSAL_TAKES: Final = 0.3
"""Seconds within which one who still refuses mostly says so. So long a request waits for the outcome of a probe where
nobody else can be asked; a probe that takes longer keeps nobody away."""


class InSpiteOfCooldowns:
    """Room where only cooldowns stop a request.

    held: seconds for which the room is reserved. departs: when a request would be sent, epoch seconds.
    """

    def __init__(self, ledger: Ledger, failing: FailingProviders, held: float, departs: Callable[[], float]) -> None:
        self._ledger, self._failing = ledger, failing
        self._held, self._departs = held, departs

    async def lease(
        self, request: Asked, tried: Tried, candidates: Sequence[Deployment], now: float
    ) -> tuple[Lease | None, str | None, float]:
        """Room at a candidate that only a cooldown stops, now and then.

        One such request asks all of them, that which failed longest ago first. Also returns the scope of the cooldown,
        and when it is known how a probe ended that is under way (epoch seconds; 0: there is none).
        """
        examined = await self._ledger.explain(candidates, request.need, now)
        cooldowns = {each.deployment: each.cooldown for each in examined if each.cooldown and each.blocking is None}
        stopped = {name: each for name, each in cooldowns.items() if _may_be_asked(each, now)}
        if not stopped or not (tried.in_spite or self._failing.probe_is_due(request, now)):
            known = [_outcome_is_known(each) for each in cooldowns.values() if each.until <= now]
            known.append(self._failing.probed_at(request) + REFUSAL_TAKES)
            return None, None, min((moment for moment in known if moment > now), default=0.0)
        tried.in_spite = True
        ordered = sorted((each for each in candidates if each.id in stopped), key=lambda each: stopped[each.id].since)
        asked = [replace(each, scopes=NO_SCOPES) for each in ordered]
        _, lease = await self._ledger.reserve(asked, request.need, self._departs(), self._held)
        return lease, None if lease is None else stopped[lease.deployment].scope, 0.0


def _may_be_asked(cooldown: Cooldown, now: float) -> bool:
    """Whether a request may ask in spite of the cooldown. Who refused is asked once a probe of it takes long."""
    if cooldown.status == "cooldown":
        return True
    return cooldown.until <= now and _outcome_is_known(cooldown) <= now


def _outcome_is_known(cooldown: Cooldown) -> float:
    """When the probe that is under way will mostly have failed, if it does; epoch seconds."""
    return cooldown.probe_until - PROBE_HOLDS + REFUSAL_TAKES
