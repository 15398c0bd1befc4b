"""Who is at fault where an attempt failed: the provider, or the request that several providers failed."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from router_config.attempts.tried import Asked, Suspect, Tried
from router_config.ledger.interfaces import Ledger

TOLD_AT_ONCE: Final = 0.3
"""Seconds within which a machine mostly says that there is no way to a provider. Then nobody keeps away: asking is a
burden to nobody, and the way may be back at any moment."""

DOUBTED: Final = 10.0
"""Seconds of cooldown where a request failed at several providers, and then one answered it."""

LONGEST_PAUSE: Final = 10.0
"""Seconds between two requests that are sent in spite of cooldowns, and of a cooldown while nobody serves."""

LASTING: Final = 120.0
"""Seconds without an answer after which the pauses grow longer: a provider may count each probe, and has few a day."""

LATER_PAUSE: Final = 60.0
"""Seconds of the longest pause from then on."""

ENOUGH: Final = 10
"""Different requests that all failed, past which there is nothing more to learn of further ones."""

POISONS: Final = 100
"""Messages that all providers failed while they served others: so many are remembered, the latest."""


@dataclass(slots=True)
class _Darkness:
    """A group since its last success: the requests that all providers failed, and those sent in spite of cooldowns.

    lasts: whether one of the latter failed, too. since: when the first request failed. under_way: whether one was sent
    and has not ended. no_way: whether the last request could reach nobody, and was told so at once. told_nothing:
    whether the last one failed before while others were served. sent_instead: whether another was sent for such a one.
    """

    failed: set[int] = field(default_factory=set)
    scopes: set[str] = field(default_factory=set)
    probes: int = 0
    probed_at: float = float("-inf")
    lasts: bool = False
    under_way: bool = False
    no_way: bool = False
    told_nothing: bool = False
    sent_instead: bool = False
    since: float = float("inf")

    def pause(self, number: int, now: float) -> float:
        longest = LONGEST_PAUSE if now < self.since + LASTING else LATER_PAUSE
        return float(min(longest, 2 ** min(number - 1, 10)))


class FailingProviders:
    """Begins the cooldowns of providers that failed, once it is known how the request ended.

    A failure that the same request met at two providers is evidence against the request, and so may be one that it met
    at the only provider that could be asked. So nobody is in cooldown after one request that all failed (where only one
    could be asked: for a second), and after several different ones in a row only for seconds.
    """

    def __init__(self, store: Ledger) -> None:
        self._store = store
        self.dark: defaultdict[tuple[str, str], _Darkness] = defaultdict(_Darkness)
        """By group and endpoint, where the last request failed."""
        self._poisons: dict[int, None] = {}

    def probe_is_due(self, request: Asked, now: float) -> bool:
        """Whether a request may be sent in spite of cooldowns: the first at once, then after pauses that grow.

        Those that come while the first is under way are sent, too, for a second. One that was sent and failed as it did
        before while others were served shows nothing: another is sent instead of it, once in each pause.
        """
        dark = self.dark[_place(request)]
        if now < dark.probed_at + (dark.pause(dark.probes, now) if dark.probes else 0.0):
            if dark.told_nothing and not dark.sent_instead:
                dark.sent_instead = dark.under_way = True
                return True
            return dark.no_way or (dark.probes == 1 and not dark.lasts)
        dark.sent_instead = False
        dark.probes, dark.probed_at, dark.under_way = dark.probes + 1, now, True
        return True

    def probed_at(self, request: Asked) -> float:
        """When the request was sent, in spite of cooldowns, that is under way (epoch seconds); 0: there is none."""
        dark = self.dark.get(_place(request))
        return dark.probed_at if dark is not None and dark.under_way else 0.0

    async def answered(self, request: Asked, tried: Tried, now: float) -> None:
        """One provider answered: those that failed before are at fault, but several at once are doubted."""
        dark = self.dark.pop(_place(request), None)
        if dark is not None:
            self._poisons |= dict.fromkeys(dark.failed - {request.message})
            for oldest in list(self._poisons)[:-POISONS]:
                del self._poisons[oldest]
            for scope in dark.scopes:
                await self._store.end_cooldown(scope)
        several = _several(tried)
        for each in _all(tried):
            await self._begin(each, DOUBTED if several and not each.probed else None, now)

    async def unanswered(self, request: Asked, tried: Tried, now: float, *, nobody_left: bool = False) -> None:
        """The request ended without an answer. nobody_left: since nobody else could be asked."""
        several, suspected = _several(tried), _all(tried)
        if not suspected:
            return
        dark, message = self.dark[_place(request)], request.message
        dark.since, dark.told_nothing = min(dark.since, now), message in self._poisons
        dark.lasts, dark.under_way = dark.probes > 0, False
        if dark.lasts:  # What failed now was as good as a probe.
            dark.sent_instead = dark.sent_instead and now < dark.probed_at + dark.pause(dark.probes, now)
            dark.probed_at = now
        unreached = tried.unreached == len(tried.attempts)
        dark.no_way = unreached and now < request.arrived + TOLD_AT_ONCE
        if unreached:
            dark.probes = min(dark.probes, 1)  # Nothing was sent: asking again soon is a burden to nobody.
        seconds: float | None = None
        if several or len(dark.failed) > 1 or (nobody_left and not dark.lasts):
            if len(dark.failed) < ENOUGH:
                dark.failed.add(message)
            if several and len(dark.failed) == 1:
                return
            dark.scopes.update(each.cooldown.scope for each in suspected)
            seconds = dark.pause(len(dark.failed), now)
        for each in suspected:
            await self._begin(each, seconds, now)

    async def _begin(self, suspect: Suspect, seconds: float | None, now: float) -> None:
        """Begin the cooldown, for so many seconds at most; None: for as long as the verdict said."""
        deployment, cooldown, _ = suspect
        begins = cooldown
        if seconds is not None:
            begins = cooldown._replace(until=now + min(seconds, cooldown.until - cooldown.since))
        await self._store.begin_cooldown(begins._replace(since=now), (deployment.provider, deployment.model))


def _place(request: Asked) -> tuple[str, str]:
    return request.group.name, request.endpoint


def _all(tried: Tried) -> tuple[Suspect, ...]:
    """Those suspected, who are judged now."""
    suspected = tuple(tried.suspected)
    tried.suspected.clear()
    return suspected


def _several(tried: Tried) -> bool:
    return len({each.cooldown.scope for each in tried.suspected}) > 1
