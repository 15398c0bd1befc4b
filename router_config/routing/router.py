"""Router: a litellm.Router that chooses by what is left of every limit.

A request becomes candidates, one of which is reserved; it is asked; a verdict says what a failure means; the
reservation is settled with what was really used.
"""

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import count
from math import inf
from pathlib import Path
from typing import Any, Self

import litellm
from litellm.exceptions import BadRequestError

from router_config.attempts.failing_providers import FailingProviders
from router_config.attempts.tried import Tried
from router_config.clock import Clock, Moments, SystemClock
from router_config.config import loading
from router_config.config.credentials import ProcessVariables
from router_config.config.file_watch import stamp_of
from router_config.config.given_classes import classes_of
from router_config.config.models import Config, reveal
from router_config.config.sections.groups import rules_of
from router_config.deployments.catalog import Catalog
from router_config.deployments.learned import Learned
from router_config.deployments.model_list import generate
from router_config.deployments.retirement import successor_entries
from router_config.forecast.expected_hours import ExpectedHours
from router_config.forks import taken_for_forks
from router_config.iso import corrected
from router_config.ledger.interfaces import Store
from router_config.ledger.opening import open_store
from router_config.routing.answer_form import in_its_form
from router_config.routing.endpoint_methods import Endpoints
from router_config.routing.estimate import need_of
from router_config.routing.fit import Fit
from router_config.routing.intake.callers import Callers, agent_of
from router_config.routing.intake.groups import group_asked_for, left_out
from router_config.routing.latency.first_token import FirstTokens
from router_config.routing.latency.hedging import Hedging
from router_config.routing.latency.measurements import Measurements
from router_config.routing.live_file import LiveFile
from router_config.routing.loops.conversation import conversation_of
from router_config.routing.loops.loyalty import Loyalty
from router_config.routing.needs.of_request import needs_of
from router_config.routing.outcomes.event_loop_lag import Pulse
from router_config.routing.outcomes.refused_requests import record_refusal
from router_config.routing.outcomes.settlement import Settlements
from router_config.routing.outcomes.succession import Succession
from router_config.routing.refusals import lies_in_the_request, refusal
from router_config.routing.request import Flight, Request, decided_by
from router_config.routing.reservation import Outdated, Reservations
from router_config.routing.terms import Terms
from router_config.routing.unmet_needs import nobody_fits
from router_config.status.outlook import Outlooks
from router_config.status.running_out import RunningOut
from router_config.transport import response_cache
from router_config.transport.background_loop import BackgroundLoop
from router_config.transport.held.model_entries import Entry
from router_config.transport.messages.contents import empty_answer, is_empty
from router_config.transport.streams import Opened, Stream
from router_config.transport.transport import Transport


class Router(LiveFile, Endpoints):  # type: ignore[override]
    """Routes each request to the first deployment, by priority, with room in all of its windows.

    Takes what `litellm.Router` takes; priority and limits are read from each deployment's `model_info`. Besides:
    state: where counts are kept (`memory://`, `sqlite:///path`, `redis://host`). cooldown: seconds for which a failing
    provider is not asked. soft_limit: share of a daily limit past which others are preferred. max_wait: seconds that a
    request may wait for room. output_tokens: expected answer to a request without max_tokens. clock: for tests and
    planning. max_response: bytes of an answer, after decompression, past which it is not read. fast_path: False asks
    LiteLLM for every request, which costs two to four times as much. classes: of agents, as `classes:` of a file.
    groups: rules by group, as `groups:` of a file.

        router = Router.from_yaml("litellm.yaml")
        reply = await router.acompletion(model="default", messages=[{"role": "user", "content": "Hello"}])

    Raises StoreError when the store cannot be opened, ConfigError when the classes cannot be used.
    """

    def __init__(
        self,
        model_list: list[dict[str, Any]] | None = None,
        *,
        state: str = "memory://",
        cooldown: float = 300.0,
        soft_limit: float = 0.95,
        max_wait: float = 0.0,
        output_tokens: int = 500,
        max_response: int = 64_000_000,
        clock: Clock | None = None,
        classes: Mapping[str, Any] | None = None,
        config: Config | None = None,
        simulated: bool = False,
        fast_path: bool = True,
        groups: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        self.simulated = simulated
        self._reloading, self._changing = taken_for_forks(threading.Lock()), taken_for_forks(threading.RLock())
        self._clock: Clock = clock or SystemClock()
        self._store: Store = open_store(state)
        if isinstance(self._clock, SystemClock):
            self._store.lead(self._clock)
        self._background = BackgroundLoop("router-config")
        moments = Moments(self._clock)
        self._learned, failing = Learned(), FailingProviders(self._store)
        self._succession = Succession(self._store, self._learned)
        fit = self._fit = Fit(self._learned, lambda: self._succession.lists)
        self._pulse = Pulse()
        self._first_tokens = FirstTokens(self._store, self._clock, fit, self._pulse)
        loyalty = Loyalty(self._store, self._learned.loops)
        self._measurements = measurements = Measurements()
        self._reservations = Reservations(
            self._store, self._clock, moments, self._learned, failing, fit, loyalty, measurements.speeds
        )
        self._settlements = Settlements(
            self._store,
            self._clock,
            moments,
            self._background,
            failing,
            self._reservations.room_came_free,
            lambda: self.catalog,
            self._learned,
            self._succession,
            fit,
            loyalty,
            measurements,
        )
        self._hedging = Hedging(self._reservations, self._settlements, measurements.speeds, self._clock)
        self._requests, self._expected_hours = count(), ExpectedHours()
        self._shown, self._outlooks, self._running_out = None, Outlooks(), RunningOut()
        self._settings = self._settings_of(settings)
        self._terms = Terms(
            config=config,
            settings=self._settings,
            cooldown=cooldown,
            soft_limit=soft_limit,
            max_wait=max_wait,
            output_tokens=output_tokens,
            max_response=max_response,
            callers=Callers(() if config is None else config.classes),
            loaded_at=self._clock.now(),
            group_rules=rules_of(config, groups, model_list),
        )
        self._hold(model_list or [])
        if classes:
            made = classes_of(classes, {each.provider: each.tier for each in self.catalog.deployments.values()})
            self._terms = replace(self._terms, callers=Callers(made), catalog=None)
        self._transport = Transport(self._clock, fast_path=fast_path)
        self._store.register_meters(self.catalog.meters, self.catalog.formerly)

    @classmethod
    def from_yaml(
        cls,
        path: str | Path = "litellm.yaml",
        *,
        env: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        simulated: bool = False,
        watch: bool = True,
        **settings: Any,
    ) -> Self:
        """The router of a litellm.yaml. `env` replaces the environment; `settings` go to litellm.Router.

        watch: follow the file and the `.env` beside it, so that an edit counts within two seconds. With
        `defaults.reload: off` in the file it is read at a SIGHUP alone.

        Raises ConfigError, with file, line and column, when the file cannot be used.
        """
        stamp = stamp_of(Path(path).absolute())
        variables = ProcessVariables(Path(path).absolute().parent / ".env").now if env is None else lambda: env
        config = loading.load_config(path, variables())
        of_the_module = dict(reveal(config.litellm_settings))
        if response_cache.switched_on(of_the_module):
            settings = {"cache_responses": True, **settings}
        for name, value in of_the_module.items():
            setattr(litellm, name, value)
        generated = generate(config)
        made = cls(
            generated.model_list,
            state=config.state,
            cooldown=config.defaults.cooldown,
            soft_limit=config.defaults.soft_limit,
            max_wait=config.defaults.max_wait,
            output_tokens=config.defaults.output_tokens,
            max_response=config.defaults.max_response,
            clock=clock,
            config=config,
            simulated=simulated,
            **{**generated.settings, **settings},
        )
        made._go_by(generated, settings, variables)
        now = made._clock.now()
        if made._expected_hours.is_due(config, now):
            made._background.run(made._expected_hours.tell(config, made._store, now))
        if watch:
            made._follow(config, stamp)
        return made

    # The heart: request -> candidates -> reserve -> ask -> verdict -> settle.

    async def _serve(self, endpoint: str, asked: dict[str, Any]) -> Any:
        """Answer one request: reserve room, ask, and on a provider's failure go on with the next candidate."""
        now = self._clock.now()
        request, tried = self._request(endpoint, asked, now), Tried()
        failure: Exception | None = None
        while True:
            try:
                flight = await self._reservations.reserve(request, tried, now)
            except Outdated:
                request, now = self._renewed(request, tried, asked), self._clock.now()
                continue
            if flight is None:
                told = await self._refusal(request, tried, failure)
                if told.__traceback__ is not None:  # It is a provider's error, which has causes of its own.
                    raise told
                raise told from failure
            try:
                return await self._ask(flight, asked)
            except Exception as error:
                verdict = await self._settlements.failed(flight, error)
                if verdict is None or not verdict.retry:
                    raise
                failure, now = error, self._clock.now()
                if verdict.retires and request.terms.groups.is_outdated(self._learned):
                    request = self._renewed(request, tried, asked)
            except BaseException as error:
                await self._settlements.broken_off(flight, error)
                raise

    def _renewed(self, request: Request, tried: Tried, asked: dict[str, Any]) -> Request:
        """One that waits while the file is edited goes by the new one, in its place in the line."""
        tried.forget_skipped()
        try:
            new = self._request(request.endpoint, asked, request.arrived)
        except BadRequestError:  # Its group is gone: it ends as it began.
            return replace(request, terms=self.terms)
        return replace(new, arrived=request.arrived, deadline=request.deadline, number=request.number)

    def _request(self, endpoint: str, asked: dict[str, Any], now: float) -> Request:
        terms = self.terms
        if terms.config is not None and self._succession.look_is_due(now):
            self._background.submit_quietly(self._succession.look(terms.config, terms.groups, now))
        if self._expected_hours.is_due(terms.config, now) and terms.config is not None:
            self._background.submit_quietly(self._expected_hours.tell(terms.config, self._store, now))
        if self._warning_is_due(now):
            self._background.submit_quietly(self._look_ahead())
        agent, (group, agent_class) = agent_of(asked), group_asked_for(endpoint, asked, terms)
        return Request(
            endpoint,
            group.name,
            group,
            need_of(asked, terms.output_tokens, self._learned.corrections, endpoint),
            now,
            now + asked.get("max_wait", terms.max_wait_of(agent_class)),
            next(self._requests),
            terms,
            bool(asked.get("ignore_cooldowns")),
            agent,
            asked.get("api_key") is not None,
            asked,
            needs_of(endpoint, asked),
            agent_class,
            conversation_of(asked, agent, group.name),
        )

    async def _ask(self, flight: Flight, asked: dict[str, Any]) -> Any:
        """One attempt at the reserved deployment, settled when it has answered, or when its stream ends."""
        flight, reply = await self._hedging.first(flight, partial(self._answer, asked))
        if isinstance(reply, Opened):
            return await self._stream(flight, reply)
        await self._settlements.succeeded(flight, reply)
        return reply

    async def _answer(self, asked: dict[str, Any], flight: Flight) -> Any:
        """What the reserved deployment answers: all of it, or a stream whose first token is there."""
        endpoint, exchange = flight.request.endpoint, flight.exchange
        terms = flight.request.terms
        exchange.largest, params = terms.max_response, flight.entry["litellm_params"]
        timeout = exchange.timeout = self._transport.timeout(endpoint, asked, params, terms.settings)
        flight.loop_stood_still = self._pulse.watch(timeout)
        asked = in_its_form(flight, asked, self._fit, self._clock.now())
        answering = self._transport.ask(endpoint, asked, flight.entry, flight.request.model, exchange, terms.settings)
        reply = await (self._first_tokens.in_time(flight, answering) if terms.group_rules else answering)
        opened = isinstance(reply, Opened)
        if exchange.body and not (opened and reply.has_content):
            inside = self._settlements.error_inside(flight)
            if inside is not None:
                raise inside
        if not opened and endpoint == "acompletion" and is_empty(reply, exchange):
            raise empty_answer(flight.deployment.litellm_provider, flight.deployment.model)
        return reply

    async def _stream(self, flight: Flight, opened: Opened) -> Stream:
        await self._settlements.begun(flight, opened)
        ended, renew = partial(self._settlements.stream_ended, flight), partial(self._settlements.renew, flight)
        return Stream(opened, ended, renew, self._background, flight.exchange.timeout)

    async def _refusal(self, request: Request, tried: Tried, failure: Exception | None) -> Exception:
        """The error of a request that no candidate can take: its own failure where the request is at fault."""
        deployments, now = request.group.deployments, self._clock.now()
        unfit = self._fit.unfit(request, now)
        examined = await self._store.explain([each for each in deployments if each.id not in unfit], request.need, now)
        if failure is None and 0 < len(unfit) == len(deployments):
            failure = nobody_fits(request.model, deployments, unfit)
        elif failure is None or not lies_in_the_request(tried.attempts, examined):
            asks, absent = request.agent_class, left_out(request.group.name, request.agent_class, request.terms)
            with corrected(self._clock.correction):
                failure = refusal(request.model, deployments, examined, tried.attempts, absent, unfit, now, asks)
        elif tried.refusal is not None:
            failure = tried.refusal[0]
        await record_refusal(self._store, decided_by(failure, request, tried, now), request.agent_class, now)
        await self._settlements.unanswered(request, tried, nobody_left=True)
        return failure

    @property
    def terms(self) -> Terms:
        """What requests go by from now on; made anew after an edit, a change of the model list or of the clock."""
        terms = self._terms
        catalog = terms.catalog
        if catalog is None or catalog.correction != self._clock.correction or catalog.is_outdated(self._learned):
            with self._changing:
                terms = self._terms = self._with_catalog(self._terms, self._entries())
        return terms

    @property
    def catalog(self) -> Catalog:
        """The deployments by group."""
        return self.terms.groups

    def _with_catalog(self, terms: Terms, entries: list[Entry]) -> Terms:
        now, before = self._clock.now(), self._terms.catalog
        if terms.config is not None and self._learned.gone:
            more = successor_entries(terms.config, self._learned.gone, entries)
            self._tell_prices(more, entries)
            entries = entries + more
        correction, classes = self._clock.correction, terms.callers.classes
        catalog = Catalog(entries, terms.soft_limit, correction, self._learned, now, before, classes)
        self._store.register_meters(catalog.meters, catalog.formerly)
        return replace(terms, catalog=catalog)

    def _model_list_changed(self) -> None:
        with self._changing:
            self._terms = replace(self._terms, catalog=None)

    def _terms_changed(self) -> None:
        self._reservations.go_by(self.terms)

    async def end_cooldowns(self, deployment: str) -> None:
        """End the cooldowns of a deployment's provider, account, key and model: it was seen to work again."""
        for scope in self.catalog.deployments[deployment].scopes:
            await self._store.end_cooldown(scope)

    def close(self) -> None:
        """Settle what is abandoned, close the store, the connections and the background thread."""
        if self._watch is not None:
            self._watch.stop()
        self._background.run(self._close())
        self._background.close()

    async def aclose(self) -> None:
        """`close()` for callers on an event loop; also closes that loop's connections."""
        await self._transport.aclose()
        await asyncio.to_thread(self.close)

    async def _close(self) -> None:
        await self._transport.aclose()
        await self._settlements.settle_unknown(inf)
        await self._store.aclose()
