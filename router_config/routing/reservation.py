"""Room for a request: the candidates in order, one atomic reservation, and the line of those who wait."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from router_config.attempts.failing_providers import FailingProviders
from router_config.attempts.in_spite_of_cooldowns import IN_COOLDOWN, REFUSAL_TAKES, InSpiteOfCooldowns
from router_config.attempts.tried import Tried
from router_config.clock import Clock, Moments
from router_config.config.agent_classes import PRIORITY_STEP
from router_config.deployments.abilities import ANSWER, CONTEXT, Misfit
from router_config.deployments.candidate_order import CandidateOrder
from router_config.deployments.deployment import NO_SCOPES, Deployment
from router_config.deployments.learned import Learned
from router_config.deployments.speed import Speeds
from router_config.ledger.interfaces import Store
from router_config.ledger.values import Lease, Settlement
from router_config.routing.fit import Fit
from router_config.routing.loops.loyalty import Loyalty
from router_config.routing.request import CANCELLED, Flight, Request, decided
from router_config.routing.terms import Terms
from router_config.routing.waiting_line import Line, Place, lacks_of, left_by
from router_config.transport.exchange import Exchange

LEASE: Final = 600.0
"""Seconds for which a reservation is held for a process that died; a longer stream renews it."""

LOOK_AGAIN: Final = 1.0
"""Seconds after which one who waits asks a shared store again: nobody calls when another process gives room back."""

LOOK_AT_PROBE: Final = 0.05
"""Seconds after which it looks again: nobody calls when the probe of another process ends."""


class Outdated(Exception):
    """The configuration, or what is known of its limits and models, changed since the request began."""


class Reservations:
    """Takes room in a store, for each request at the first candidate that has it."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        moments: Moments,
        learned: Learned,
        failing: FailingProviders,
        fit: Fit,
        loyalty: Loyalty,
        speeds: Speeds,
    ) -> None:
        self._store, self._clock, self._moments = store, clock, moments
        self._learned, self._in_spite = learned, InSpiteOfCooldowns(store, failing, LEASE, moments.next)
        self.fit, self._loyalty, self._speeds = fit, loyalty, speeds
        self._lines: defaultdict[str, Line] = defaultdict(Line)
        self._order = CandidateOrder(store)
        self._await_probe: set[Place] = set()
        self._terms: Terms | None = None

    def go_by(self, terms: Terms) -> None:
        """Have those who wait go by these from now on."""
        self._terms = terms
        self._order.forget()
        self.room_came_free()

    def room_came_free(self) -> None:
        """Let those who wait ask again."""
        for line in tuple(self._lines.values()):
            line.call_first()
        for place in tuple(self._await_probe):
            place.call()

    async def reserve(self, request: Request, tried: Tried, now: float) -> Flight | None:
        """Room for one attempt at the first candidate that has it, waiting for it as long as the request may."""
        if self._store.shared and self._learned.exchange_is_due(now):
            await self._learned.exchange(self._store, now)
        self._learned.grow_older(now)
        if request.terms.groups.is_outdated(self._learned):
            raise Outdated
        if 0 < len(unfit := self.fit.unfit(request, now)) == len(request.group.by_id):
            tried.add_misfits(request.group.deployments, unfit)
            return None  # Waiting would not help.
        line = self._lines[request.group.name] if now < request.deadline else None
        lease, revives = None, None
        if not line:  # Who may wait does not overtake those who do.
            candidates = await self._candidates(request, tried, now, unfit)
            choice, lease = await self._store.reserve(candidates, request.need, self._moments.next(), LEASE)
            if choice.skipped:
                tried.add_skipped(choice.skipped)
            if lease is None and any(each.status in IN_COOLDOWN for each in choice.skipped):
                lease, revives = await self._where_cooldowns_stop(request, tried, candidates, now)
        if lease is None and line is not None:
            try:
                lease = await self._wait(request, tried, line)
            except asyncio.CancelledError:
                left = decided(request, tried, CANCELLED, self._clock.now())
                await asyncio.shield(self._store.record(left, self._moments.next()))
                raise
        if lease is None:
            return None
        if line is not None or self._store.shared:  # It took a while.
            now = self._clock.now()
        deployment = request.group.by_id[lease.deployment]
        if not await self._may_ask(request, deployment, now):
            await self._store.settle(lease, Settlement(None, now, now), self._moments.next())
            return await self.reserve(request, tried, now)
        self._order.served(request.group, deployment.id)
        tried.deployments.add(deployment.id)
        before = tried.attempts[-1] if tried.attempts else None
        entry = request.group.entries[deployment.id]
        exchange = Exchange(deployment.litellm_provider)
        stays = self._loyalty.stays(request, deployment)
        return Flight(
            deployment, entry, lease, now, request, tried, exchange, after=before, revives=revives, stays=stays
        )

    async def beside(self, first: Flight, now: float, *, paid: bool) -> Flight | None:
        """Room for a second attempt beside one that is late: at another provider that is below its soft limits.

        paid: whether one that costs money is asked beside one that is free. Nobody is waited for.
        """
        request, tried, asked = first.request, first.tried, first.deployment
        unfit = self.fit.unfit(request, now)
        others = [
            each
            for each in await self._order.of(request.group, request.need, now, tried.left)
            if each.provider != asked.provider
            and (paid or each.tier == asked.tier or each.tier == "free")
            and each.id not in unfit
            and not self.fit.refused_before(request, each)
        ]
        examined = await self._store.explain(others, request.need, now) if others else ()
        open_now = {each.deployment for each in examined if each.status == "available"}
        left = [each for each in others if each.id in open_now]
        if not left:
            return None
        _, lease = await self._store.reserve(left, request.need, self._moments.next(), LEASE)
        if lease is None:
            return None
        deployment = request.group.by_id[lease.deployment]
        tried.deployments.add(deployment.id)
        exchange, began = Exchange(deployment.litellm_provider), self._clock.now()
        return Flight(deployment, request.group.entries[deployment.id], lease, began, request, tried, exchange)

    async def _may_ask(self, request: Request, deployment: Deployment, now: float) -> bool:
        """Whether this request may go to a model that refused such ones: of all processes, one alone asks again."""
        before = self.fit.refused_before(request, deployment)
        if not before:
            return True
        abilities, model = self._learned.abilities, deployment.same_model
        claims = {name: abilities.claim(model, name, now) for name, lack in before if lack.due(now)}
        if not claims:  # It is not sure, and nobody else fits; or another request has just begun to ask.
            return all(name in (CONTEXT, ANSWER) for name, _ in before)
        if self._store.shared:  # Of two claims the store keeps the first.
            await self._learned.exchange(self._store, now)
        known = abilities.lacks(model)
        return all(by is not None and (name not in known or known[name].by == by) for name, by in claims.items())

    async def _candidates(
        self, request: Request, tried: Tried, now: float, unfit: Mapping[str, Misfit]
    ) -> Sequence[Deployment]:
        """All that is left, in order."""
        rules = request.rules
        speeds = self._speeds if rules is not None and rules.prefer == "fastest" else None
        if tried.deployments:
            ordered: Sequence[Deployment] = await self._order.of(request.group, request.need, now, tried.left, speeds)
            ordered = tried.in_order(ordered)
        else:
            ordered = await self._order.of(request.group, request.need, now, None, speeds)
        if unfit:
            tried.add_misfits(ordered, unfit)
            ordered = [each for each in ordered if each.id not in unfit]
        if request.conversation is not None:
            ordered = await self._loyalty.in_order(request, ordered, now)
        return [replace(each, scopes=NO_SCOPES) for each in ordered] if request.ignore_cooldowns else ordered

    async def _where_cooldowns_stop(
        self, request: Request, tried: Tried, candidates: Sequence[Deployment], now: float
    ) -> tuple[Lease | None, str | None]:
        """Room in spite of a cooldown, or once a probe that is under way has succeeded.

        Also returns the scope of the cooldown in spite of which it was taken.
        """
        lease, revives, known_at = await self._in_spite.lease(request, tried, candidates, now)
        gives_up = now + REFUSAL_TAKES
        place = Place(request.number)
        self._await_probe.add(place)
        try:
            while lease is None and now < min(known_at, gives_up):
                looks = min(known_at, gives_up, now + (LOOK_AT_PROBE if self._store.shared else REFUSAL_TAKES))
                await place.wait(looks - now, self._clock)
                now = self._clock.now()
                _, lease = await self._store.reserve(candidates, request.need, self._moments.next(), LEASE)
                if lease is None:
                    lease, revives, known_at = await self._in_spite.lease(request, tried, candidates, now)
        finally:
            self._await_probe.discard(place)
        return lease, revives

    async def _wait(self, request: Request, tried: Tried, line: Line) -> Lease | None:
        """Stand in the group's line until there is room, the time is up, or no room can come before that."""
        mine, arrived = request.agent_class, request.arrived
        before, name = (0.0, None) if mine is None else (arrived + PRIORITY_STEP * mine.priority, mine.name)
        with line.place(request.number, before, name) as place:
            while True:
                now = self._clock.now()
                wakes, ahead = request.deadline, line.ahead_of(place)
                if ahead is not None:
                    if self._terms is not None and self._terms.config is not request.terms.config:
                        raise Outdated
                    if request.terms.groups.is_outdated(self._learned):
                        raise Outdated
                    candidates = await self._candidates(request, tried, now, self.fit.unfit(request, now))
                    free = left_by(ahead, candidates, mine) if ahead else candidates
                    departs = self._moments.next()
                    choice, lease = await self._store.reserve(free, request.need, departs, LEASE)
                    tried.add_skipped(choice.skipped)
                    if lease is not None:
                        return lease
                    examined = await self._store.explain(candidates, request.need, now)
                    if not any(each.may_clear(request.deadline) for each in examined):
                        return None
                    line.looked(place, lacks_of(examined, request.deadline))
                    wakes = min((each.until for each in examined if each.until is not None), default=wakes)
                    if self._store.shared:
                        wakes = min(wakes, now + LOOK_AGAIN)
                if now >= request.deadline:
                    return None
                await place.wait(max(0.01, min(wakes, request.deadline) - now), self._clock)
