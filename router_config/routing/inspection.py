"""What may be looked at in a Router: its status, its past, and what it would do. Nothing is asked of a provider."""

from typing import Any

from router_config.clock import Clock
from router_config.config.models import Config
from router_config.deployments.catalog import Catalog, Group
from router_config.ledger.store import Store
from router_config.status.document import document
from router_config.status.explanation import absent_from, explanation
from router_config.status.history import decisions_document, history_document
from router_config.status.measurements import Reading, reading_of
from router_config.status.views import View, view_of, view_of_deployments
from router_config.transport.background_loop import BackgroundLoop


class Inspection:
    """The part of a Router that shows it. `simulated`: whether its providers are the simulator's."""

    config: Config | None
    simulated: bool
    _store: Store
    _clock: Clock
    _background: BackgroundLoop
    _max_wait: float
    _loaded_at: float
    _shown: tuple[Catalog, View] | None
    """What of the configuration is shown, made anew for each catalog."""

    @property
    def catalog(self) -> Catalog:
        """The deployments by group."""
        raise NotImplementedError

    def _group(self, model: str) -> Group | None:
        raise NotImplementedError

    def status(self) -> dict[str, Any]:
        """The JSON of GET /api/llm-providers (DESIGN.md, section 6)."""
        return self._background.run(self.astatus())

    async def astatus(self) -> dict[str, Any]:
        """`status()` for callers on an event loop."""
        return await document(self._view(), self._store, self._clock.now())

    def explain(self, model: str = "default", tokens: int = 1000) -> dict[str, Any]:
        """What would happen to such a request now: every candidate, what blocks it, when that clears. No side effect.

        Raises ValueError for a model that is no group, alias or deployment.
        """
        return self._background.run(self.aexplain(model, tokens))

    async def aexplain(self, model: str = "default", tokens: int = 1000) -> dict[str, Any]:
        """`explain()` for callers on an event loop."""
        group = self._group(model)
        if group is None:
            raise ValueError(f"no group, alias or deployment is called {model!r}")
        return await explanation(
            group.name,
            group.deployments,
            tokens,
            self._store,
            self._clock.now(),
            absent=absent_from(self.config, group.name),
            max_wait=self._max_wait,
        )

    async def areading(self) -> Reading:
        """What metrics are made of, for callers on an event loop."""
        return await reading_of(self._view(), self._store, self._clock.now())

    async def adecision_log(
        self, *, after: int = 0, last: int = 50, provider: str | None = None, outcome: str | None = None
    ) -> dict[str, Any]:
        """The last requests as they were decided, newest first: the JSON of GET /api/llm-providers/decisions.

        after: only those numbered above. last: how many at most; a store keeps 500. provider: only those that it
        answered or was tried for. outcome: only those that ended so.
        """
        now = self._clock.now()
        return await decisions_document(
            self._view(), self._store, now, after=after, last=last, provider=provider, outcome=outcome
        )

    async def ahistory(self, hours: int = 24) -> dict[str, Any]:
        """The JSON of GET /api/llm-providers/history: usage by slot, and events, of the last 1 to 24 hours."""
        return await history_document(self._view(), self._store, hours, self._clock.now())

    def _view(self) -> View:
        catalog = self.catalog
        if self._shown is None or self._shown[0] is not catalog:
            if self.config is not None:
                view = view_of(
                    self.config,
                    loaded_at=self._loaded_at,
                    simulated=self.simulated,
                    correction=catalog.correction,
                )
            else:
                deployments = tuple(catalog.deployments.values())
                view = view_of_deployments(deployments, loaded_at=self._loaded_at, simulated=self.simulated)
            self._shown = catalog, view
        return self._shown[1]
