"""What a Router shows of itself: its status, its history, and what it would do. No provider is asked."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from router_config.config.models import Config
from router_config.deployments.catalog import Catalog, Group
from router_config.deployments.deployment import Deployment
from router_config.deployments.fitness import needs_named
from router_config.deployments.learned import Learned
from router_config.iso import corrected
from router_config.ledger.rules.gates import Need
from router_config.routing.errors import NoProviderAvailable
from router_config.routing.fit import Fit
from router_config.routing.intake.groups import aliased, group_asked_for, group_named
from router_config.routing.latency.measurements import Measurements
from router_config.routing.terms import Terms
from router_config.status.explanation import absent_from, barred_from, explanation
from router_config.status.source import StoreReader
from router_config.status.speeds import explained, with_speeds
from router_config.status.views import View, view_of, view_of_deployments
from router_config.transport.background_loop import BackgroundLoop
from router_config.transport.transport import Transport


class Inspection(StoreReader):
    """The part of a Router that shows it. `simulated`: whether its providers are the simulator's."""

    simulated: bool
    _background: BackgroundLoop
    _transport: Transport
    _learned: Learned
    _fit: Fit
    _measurements: Measurements
    _terms: Terms
    _shown: tuple[Terms, View] | None
    """What of the configuration is shown, made anew for each of them."""

    @property
    def config(self) -> Config | None:
        """The configuration that requests go by; None for a Router of a model list."""
        return self._terms.config

    @property
    def terms(self) -> Terms:
        """What requests go by from now on."""
        raise NotImplementedError

    @property
    def learned(self) -> Learned:
        """What answers have taught this process and those that share its store."""
        return self._learned

    @property
    def catalog(self) -> Catalog:
        """The deployments by group."""
        raise NotImplementedError

    async def async_get_available_deployment(
        self, model: str, request_kwargs: dict[str, Any] | None = None, *_: Any, **__: Any
    ) -> Any:
        """The deployment that would be asked now, as an entry of the model list. Nothing is reserved.

        request_kwargs: the arguments of the request; its agent is told by their `metadata`. Raises NoProviderAvailable.
        """
        group = group_asked_for("acompletion", {**(request_kwargs or {}), "model": model}, self.terms)[0]
        rooms = await self._store.rooms(group.deployments, Need(1, 1), self._clock.now())
        for deployment, room in zip(group.deployments, rooms, strict=True):
            if room >= 1:
                return group.entries[deployment.id]
        raise NoProviderAvailable(model, None, {}, ())

    def get_available_deployment(
        self, model: str, *_: Any, request_kwargs: dict[str, Any] | None = None, **__: Any
    ) -> Any:
        """`async_get_available_deployment` for synchronous callers."""
        return self._background.run(self.async_get_available_deployment(model, request_kwargs))

    def get_model_from_alias(self, model: str) -> str | None:
        """The group that an alias stands for; None for what is no alias."""
        return aliased(model, self.terms)

    @property
    def _fast_path(self) -> bool:
        return self._transport.fast_path

    def status(self) -> dict[str, Any]:
        """The JSON of GET /api/llm-providers."""
        return self._background.run(self.astatus())

    async def astatus(self) -> dict[str, Any]:
        """`status()` for callers on an event loop."""
        await self._learned.exchange(self._store, self._clock.now())
        return with_speeds(await super().astatus(), self.catalog.deployments.values(), self._measurements.speeds)

    def explain(
        self, model: str = "default", tokens: int = 1000, needs: Sequence[str] = (), agent: str | None = None
    ) -> dict[str, Any]:
        """What would happen to such a request now: every candidate, what blocks it, when that clears. No side effect.

        tokens: of prompt and answer together. needs: the abilities that it needs, such as `["tools", "images"]`.
        agent: who asks; where there are classes, what is kept for others is told as its class meets it.

            router.explain("default", tokens=1500, agent="TradingAgent")["chosen"]

        Raises ValueError for a model that is no group, alias or deployment, and for what is no ability.
        """
        return self._background.run(self.aexplain(model, tokens, needs, agent))

    async def aexplain(
        self, model: str = "default", tokens: int = 1000, needs: Sequence[str] = (), agent: str | None = None
    ) -> dict[str, Any]:
        """`explain()` for callers on an event loop."""
        await self._learned.exchange(self._store, self._clock.now())
        group = group_named(model, self.terms)
        if group is None:
            raise ValueError(f"no group, alias or deployment is called {model!r}")
        now, agent_class = self._clock.now(), self.terms.callers.named(agent)
        barred = barred_from(agent_class, group.deployments)
        group = self.terms.seen_by(agent_class, group)
        unfit = self._fit.misfits(group, needs_named(needs), Need(tokens, tokens), now)
        with corrected(self._clock.correction):
            shown = await explanation(
                group.name,
                self._deployments_by_speed(group, tokens),
                tokens,
                self._store,
                now,
                absent={**absent_from(self.config, group.name), **barred},
                max_wait=self._terms.max_wait_of(agent_class),
                needs=needs,
                unfit=unfit,
                agent=agent,
                agent_class=agent_class,
            )
        if self._prefers_speed(group):
            explained(shown, group.tiers, tokens // 2, self._measurements.speeds)
        return shown

    def _prefers_speed(self, group: Group) -> bool:
        rules = self.terms.group_rules.get(group.name)
        return rules is not None and rules.prefer == "fastest"

    def _deployments_by_speed(self, group: Group, tokens: int) -> Sequence[Deployment]:
        """In the order in which they are asked, where the fastest of equal ones comes first."""
        if not self._prefers_speed(group):
            return group.deployments
        speeds = self._measurements.speeds
        return [each for tier in group.tiers for each in speeds.ranked(tier, tokens // 2)]

    async def aconfig(self) -> Config:
        """The configuration that requests go by. Raises ValueError for a Router of a model list, which has none."""
        if self.config is None:
            raise ValueError("this Router was made of a model list, and a plan needs a litellm.yaml")
        return self.config

    async def _current_view(self) -> View:
        return self._view()

    def _view(self) -> View:
        """What is shown of the terms in force; made once for each."""
        terms = self.terms
        before, view = self._shown or (None, None)
        if view is not None and before is terms:
            return view
        if view is not None and before is not None and before.catalog is terms.catalog:
            pass  # Only the error is another one.
        elif terms.config is not None:
            view = view_of(
                terms.config,
                loaded_at=terms.loaded_at,
                simulated=self.simulated,
                correction=terms.groups.correction,
                learned=self._learned,
                now=self._clock.now(),
            )
        else:
            deployments = tuple(terms.groups.deployments.values())
            classes = terms.callers.classes
            view = view_of_deployments(
                deployments, loaded_at=terms.loaded_at, simulated=self.simulated, classes=classes
            )
        view = replace(view, error=terms.error)
        self._shown = terms, view
        return view
