"""How an attempt ends: what a failure means for whom, and the reservation settled with what was really used."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from litellm.exceptions import ServiceUnavailableError

from router_config.attempts.cooldowns import cooldown_after, held_at_once
from router_config.attempts.failing_providers import FailingProviders
from router_config.attempts.late_first_tokens import FirstTokenLate
from router_config.attempts.tried import Tried
from router_config.clock import Clock, Moments, SystemClock
from router_config.deployments.catalog import Catalog
from router_config.deployments.learned import Learned
from router_config.ledger.interfaces import Store
from router_config.ledger.rules.decisions import Attempt, Decision
from router_config.ledger.rules.meters import Amount, Spending
from router_config.ledger.values import Settlement
from router_config.routing.fit import Fit
from router_config.routing.latency.measurements import Measurements
from router_config.routing.loops.loyalty import Loyalty
from router_config.routing.outcomes.abilities import learn_refusal
from router_config.routing.outcomes.journal_entries import counted_of, events_of, outcome_of
from router_config.routing.outcomes.observed_limits import limit_changes, reported
from router_config.routing.outcomes.spending import (
    UnknownSpending,
    in_full,
    learn_from,
    spent_on,
    told_by_answer,
    told_by_stream,
)
from router_config.routing.outcomes.succession import Succession
from router_config.routing.refusals import OF_THE_REQUEST
from router_config.routing.request import CANCELLED, HEDGED, ROUTE_KEY, Flight, Request, Route, decided, label
from router_config.routing.reservation import LEASE
from router_config.signals import Hold, Kind, Observation, Reading, Reply, Scope, Verdict, read, without
from router_config.signals.durations import wait
from router_config.signals.usage import Reported
from router_config.signals.verdicts import empty_answer, not_sent, unread_answer
from router_config.transport.background_loop import BackgroundLoop
from router_config.transport.endpoints import SCOPE_NAMES
from router_config.transport.errors.failures import (
    is_empty_answer,
    is_unread_answer,
    made_presentable,
    missed_field,
    reached,
    refused_unsent,
    reply_of,
    why_unsent,
)
from router_config.transport.streams import Abandoned, Opened, Stream

MAY_STILL_ARRIVE: Final = 1.0
"""Seconds for which a request that was broken off may still be on its way to the provider, which counts it then."""

ENOUGH_EMPTY: Final = 3
"""Empty answers in a row, after which no further provider is asked for one request."""

OURSELVES: Final = "timed out while this process itself stood still, which says nothing of the provider"


class Settlements:
    """Closes the lease of each attempt once, and puts what failed into cooldown.

    room_came_free: called after each settlement. catalog: the deployments as they are now.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        moments: Moments,
        background: BackgroundLoop,
        failing: FailingProviders,
        room_came_free: Callable[[], None],
        catalog: Callable[[], Catalog],
        learned: Learned,
        succession: Succession,
        fit: Fit,
        loyalty: Loyalty,
        measurements: Measurements,
    ) -> None:
        self._store, self._clock, self._moments = store, clock, moments
        self._background, self._failing = background, failing
        self._room_came_free, self._catalog = room_came_free, catalog
        self._learned, self._succession = learned, succession
        self._unknown, self._fit = UnknownSpending(), fit
        self._loyalty, self._measurements = loyalty, measurements

    async def succeeded(self, flight: Flight, reply: Any) -> None:
        now, hidden = self._clock.now(), getattr(reply, "_hidden_params", None)
        cached = flight.exchange.status is None and isinstance(hidden, dict) and hidden.get("cache_hit") is True
        told = None if cached else told_by_answer(flight, reply)
        spent = None if told is None else spent_on(flight, told)
        self._measurements.answered(flight, told, now)
        await self._answers(flight, hidden, now)
        decision = self._answered(flight, spent, now)
        await self._settle(flight, spent, None, now, alive=True, decision=decision, told=told)

    async def failed(
        self, flight: Flight, error: Exception, *, begun: bool = False, beside: bool = False
    ) -> Verdict | None:
        """What a failure means; None when the error is not the provider's. `begun`: its answer had begun to come.

        beside: another attempt at the same request is under way, and may answer it.
        """
        if flight.settled and not begun:
            return await self._failed_as_the_other(flight)
        now, reply = self._clock.now(), reply_of(flight.exchange, error)
        made_presentable(error, flight.entry["litellm_params"].get("api_key"))
        if reply is None and refused_unsent(flight.exchange, error):
            verdict = not_sent(flight.deployment.provider, why_unsent(error))
            self._note(flight, verdict.kind.value, verdict.message, now)
            flight.tried.add_unfit(flight.deployment, error, verdict.message)
            flight.verdict = verdict
            await self._settle(flight, None, None, now, alive=None, decision=None)
            return verdict
        if reply is None:
            self._note(flight, Kind.bad_request.value, f"not the provider's error: {why_unsent(error)}", now)
            left = None if beside else self._gave_up(flight, now)
            await self._settle(flight, None, None, now, alive=None, decision=left)
            return None
        reading = self._read(flight, reply, now)
        if isinstance(error, FirstTokenLate):
            verdict = self._measurements.late(flight, error, now)
        elif is_empty_answer(flight.exchange, error):
            verdict = empty_answer(flight.deployment.provider)
        elif is_unread_answer(flight.exchange):
            verdict = unread_answer(flight.deployment.provider, missed_field(error))
        else:
            verdict = self._verdict(flight, reading, now)
        if at := SCOPE_NAMES[flight.request.endpoint]:
            verdict = replace(verdict, message=f"{at}: {verdict.message}")
        if verdict.kind is Kind.timeout and flight.loop_stood_still():
            verdict = replace(verdict, hold=Hold.none, message=OURSELVES)
        elif flight.request.own_key and verdict.scope in (Scope.key, Scope.account):
            verdict = replace(verdict, hold=Hold.none)  # The caller's key is at fault, not the configuration's.
        if verdict.retires and not flight.request.own_key:
            verdict = self._succession.refused(flight.request.terms.config, flight.deployment, verdict, now)
        if verdict.message != OURSELVES:
            self._measurements.failed(flight, verdict, now)
        spent: Spending | None
        if not reached(flight.exchange, error):
            spent = None
            flight.tried.unreached += reply.failure is not None
        elif reply.status is not None and reply.status >= 400:
            spent = Amount(requests=1)
        else:
            spent = in_full(flight)
        self._note(flight, verdict.kind.value, verdict.message, now)
        if verdict.kind is Kind.empty_answer and flight.tried.all_empty(ENOUGH_EMPTY):
            verdict = replace(verdict, retry=False)  # It is the request's own fault.
        if verdict.kind in OF_THE_REQUEST:
            flight.tried.add_unfit(flight.deployment, error, verdict.message)
            await self._learn_abilities(flight, verdict, now)
        answered = is_unread_answer(flight.exchange) or verdict.kind is Kind.empty_answer
        alive = answered or (reply.status is not None and reply.status < 500)
        flight.verdict, ended = verdict, begun or not (verdict.retry or beside)
        await self._settle(
            flight,
            spent,
            verdict,
            now,
            alive=alive,
            decision=self._gave_up(flight, now) if ended else None,
            observations=reading.observations if reply == _seen(flight) else None,
        )
        return verdict

    async def _failed_as_the_other(self, flight: Flight) -> Verdict | None:
        """The verdict on an attempt that was settled beside another one, which failed as well."""
        verdict = flight.verdict
        if verdict is None or not verdict.retry:
            now = self._clock.now()
            await self._store.record(self._gave_up(flight, now), now)
            await self.unanswered(flight.request, flight.tried)
        return verdict

    async def beaten(self, flight: Flight, reply: Any) -> None:
        """Another attempt answered the request before. reply: a whole answer that came all the same, if one did."""
        now = self._clock.now()
        told = None if reply is None else told_by_answer(flight, reply)
        unsaid = in_full(flight) if reached(flight.exchange, asyncio.CancelledError()) else None
        spent = unsaid if told is None else spent_on(flight, told)
        self._note(flight, HEDGED, "", now)
        self._measurements.beaten(flight, now)
        alive = True if told is not None else None
        await self._settle(flight, spent, None, now, alive=alive, decision=None, cancelled=told is None, told=told)

    async def _learn_abilities(self, flight: Flight, verdict: Verdict, now: float) -> None:
        """What the refusal says that the model cannot do, for all processes and from now on."""
        if learn_refusal(flight, verdict, self._learned.abilities, now) and self._store.shared:
            await self._learned.exchange(self._store, now)

    def _read(self, flight: Flight, reply: Reply, now: float) -> Reading:
        # Providers name moments by the time that calendars go by.
        return read(flight.deployment.litellm_provider, reply, now + self._clock.correction)

    def _verdict(self, flight: Flight, reading: Reading, now: float) -> Verdict:
        # A 2xx that is no answer in JSON is the provider's fault, whatever it sent.
        verdict = reading.verdict or self._read(flight, Reply(None, failure="disconnected"), now).verdict
        if verdict is None:
            raise AssertionError("a connection that broke is a failure")
        key = flight.entry["litellm_params"].get("api_key")
        return replace(verdict, message=without(verdict.message, key)) if isinstance(key, str) else verdict

    async def broken_off(self, flight: Flight, error: BaseException) -> None:
        """Cancelled or interrupted: what may have reached the provider stays counted in full."""
        spent = in_full(flight) if reached(flight.exchange, error) else None
        now = self._clock.now()
        if flight.settled:  # It had failed, and the attempt beside it was under way.
            await asyncio.shield(self._store.record(decided(flight.request, flight.tried, CANCELLED, now), now))
            return
        self._note(flight, CANCELLED, "", now)
        left = self._gave_up(flight, now)
        await asyncio.shield(self._settle(flight, spent, None, now, alive=None, cancelled=True, decision=left))

    async def _settle(
        self,
        flight: Flight,
        spent: Spending | None,
        verdict: Verdict | None,
        now: float,
        *,
        alive: bool | None,
        decision: Decision | None,
        cancelled: bool = False,
        observations: tuple[Observation, ...] | None = None,
        told: Reported | None = None,
    ) -> None:
        if flight.settled:
            return
        flight.settled, deployment = True, flight.deployment
        if isinstance(self._clock, SystemClock) and self._clock.listens:
            self._listen(self._clock, flight)
        made = flight.exchange.requests
        if spent is not None and made > 1:  # Redirects, and a second try on a new connection.
            spent = spent._replace(requests=max(spent.requests, made))
        if told is not None and spent is not None:
            learn_from(flight, told, self._learned, now)
        cooldown = cooldown_after(
            deployment, verdict, now, cooldown=flight.request.terms.cooldown, correction=self._clock.correction
        )
        if cooldown is not None and cooldown.probes:
            alive = False
        if cooldown is not None:
            cooldown = held_at_once(cooldown, deployment, flight.lease, flight.tried, flight.request.group, now)
        outcome = None
        if spent is not None or verdict is not None:
            outcome = outcome_of(flight, verdict, told, now, cancelled=cancelled)
        observations = self._observations(flight, observations, now)
        settlement = Settlement(
            spent=spent,
            arrived_at=flight.exchange.arrived_at or now + MAY_STILL_ARRIVE,
            ended_at=now,
            alive=alive,
            cooldowns=() if cooldown is None else (cooldown,),
            reports=reported(flight, observations, self._catalog()),
            outcome=outcome,
            counted=counted_of(flight, told),
            decision=decision,
            events=(
                *events_of(flight, told, now),
                *limit_changes(flight, observations, self._learned, self._catalog(), now),
            ),
            affinity=self._loyalty.answered(flight, spent, now) if verdict is None and alive else None,
        )
        if not (cancelled and self._unknown.keeps(flight, settlement)):
            settling = self._store.settle(flight.lease, settlement, self._moments.next())
            # A caller who is cancelled while the store is busy must not leave the lease open.
            await (asyncio.shield(settling) if self._store.shared else settling)
        if self._unknown.waiting:
            await asyncio.shield(self.settle_unknown(now))
        if decision is not None and decision.outcome != "ok":
            await self.unanswered(flight.request, flight.tried)
        self._room_came_free()

    async def settle_unknown(self, now: float) -> None:
        """Settle what was broken off before it was known what it counts. now: `inf` for all of it."""
        for lease, settlement in self._unknown.due(now):
            await self._store.settle(lease, settlement, self._moments.next())

    async def _answers(self, flight: Flight, hidden: Any, now: float) -> None:
        """An answer has come, or begun to: what failed before it is known to be the providers' fault.

        hidden: its `_hidden_params`. They get its route: every attempt, this one last.
        """
        deployment, tried = flight.deployment, flight.tried
        tried.attempts.append(Attempt(deployment.provider, deployment.model, "ok", now - flight.started))
        if isinstance(hidden, dict):
            hidden[ROUTE_KEY] = Route(deployment.provider, deployment.model, tuple(tried.attempts))
            label(hidden, flight.request.asked["model"])
        for ability, _ in self._fit.refused_before(flight.request, deployment, flight.asks_format):
            self._learned.abilities.answered(deployment.same_model, ability, now)
        if not flight.request.own_key:
            self._succession.answered(deployment, now)
        if flight.revives is not None:
            await self._store.end_cooldown(flight.revives)
        if tried.suspected or self._failing.dark:
            await self._failing.answered(flight.request, flight.tried, now)

    async def unanswered(self, request: Request, tried: Tried, *, nobody_left: bool = False) -> None:
        """A request ends without an answer. nobody_left: since nobody else could be asked."""
        await self._failing.unanswered(request, tried, self._clock.now(), nobody_left=nobody_left)

    def _observations(
        self, flight: Flight, observations: tuple[Observation, ...] | None, now: float
    ) -> tuple[Observation, ...]:
        """What the answer says of limits. observations: what was read of it already; None: not yet."""
        if flight.exchange.status is None:
            return ()
        if observations is None:
            observations = self._read(flight, _seen(flight), now).observations
        if observations and flight.exchange.status >= 400 and SCOPE_NAMES[flight.request.endpoint]:
            # What a refusal says of the model holds for this endpoint.
            observations = tuple(each for each in observations if each.scope == "account")
        return observations

    def _listen(self, clock: SystemClock, flight: Flight) -> None:
        """Tell the clock what time the provider said it was when its answer began to come."""
        told, arrived_at = wait(flight.exchange.headers.get("date"), 0.0), flight.exchange.arrived_at
        if told is not None and arrived_at is not None:
            clock.heard(told + clock.now() - arrived_at)

    async def begun(self, flight: Flight, opened: Opened) -> None:
        """A stream that begins to come now: its provider serves, and nobody waits for the end of it to ask, too."""
        now = self._clock.now()
        self._measurements.first_token(flight, now)
        await self._answers(flight, opened.hidden, now)
        if opened.has_content:
            for scope in flight.lease.probes:
                await self._store.end_cooldown(scope)

    def _note(self, flight: Flight, outcome: str, told: str, now: float) -> None:
        """A failed attempt; one of an answer that had begun takes the place of its success."""
        deployment, tried = flight.deployment, flight.tried
        if tried.attempts and tried.attempts[-1].outcome == "ok":
            tried.attempts.pop()
        seconds = now - flight.started
        tried.attempts.append(Attempt(deployment.provider, deployment.model, outcome, seconds))
        tried.told = told

    def _answered(self, flight: Flight, spent: Spending | None, now: float) -> Decision:
        tokens = None if spent is None else spent.tokens
        return decided(flight.request, flight.tried, "ok", now, by=flight, tokens=tokens)

    def _gave_up(self, flight: Flight, now: float) -> Decision:
        tried = flight.tried
        return decided(flight.request, tried, tried.attempts[-1].outcome, now, error=tried.told or None)

    async def stream_ended(self, flight: Flight, stream: Stream, error: BaseException | None) -> None:
        now = self._clock.now()
        if error is None and (inside := self.error_inside(flight)) is not None:
            await self.failed(flight, inside, begun=True)
            raise inside
        if error is None:
            told = told_by_stream(flight, stream.usage_reported)
            spent = spent_on(flight, told)
            self._measurements.answered(flight, told, now, stream.waited)
            answered = self._answered(flight, spent, now)
            await self._settle(flight, spent, None, now, alive=True, decision=answered, told=told)
        elif isinstance(error, Exception) and not isinstance(error, Abandoned):
            await self.failed(flight, error, begun=True)
        else:
            left = decided(flight.request, flight.tried, CANCELLED, now, by=flight)
            settling = self._settle(flight, in_full(flight), None, now, alive=True, cancelled=True, decision=left)
            if self._background.is_here:
                await settling
            else:  # The caller's loop may be ending just now, and cancel whatever has not begun.
                await asyncio.shield(asyncio.wrap_future(self._background.submit(settling)))

    async def renew(self, flight: Flight) -> None:
        now = self._clock.now()
        if now > flight.lease.expires_at - LEASE / 2:
            flight.lease = flight.lease._replace(expires_at=now + LEASE)
            await self._store.renew(flight.lease, flight.lease.expires_at)

    def error_inside(self, flight: Flight) -> Exception | None:
        """The error inside a 200, which LiteLLM may pass on as an answer (OpenRouter's `choices[0].error`)."""
        provider = flight.deployment.litellm_provider
        body, now = flight.exchange.body, self._clock.now()
        verdict = self._read(flight, _seen(flight), now).verdict if body else None
        return None if verdict is None else ServiceUnavailableError(verdict.message, provider, flight.deployment.model)


def _seen(flight: Flight) -> Reply:
    return Reply(flight.exchange.status, flight.exchange.headers, flight.exchange.body)
