"""Where the status comes from: a Router of this process, or a configuration and its store, without LiteLLM."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Protocol

from monitoring.following import FollowedConfig
from router_config.clock import Clock, SystemClock
from router_config.config.models import Config
from router_config.ledger.store import Store
from router_config.status.document import document
from router_config.status.explanation import absent_from, explanation
from router_config.status.history import decisions_document, history_document
from router_config.status.measurements import Reading, reading_of
from router_config.status.views import View, view_of


class StatusSource(Protocol):
    """What `router_for` needs. `router_config.Router` is one."""

    async def astatus(self) -> dict[str, Any]:
        """The JSON of GET /api/llm-providers."""
        ...

    async def aexplain(self, model: str = ..., tokens: int = ...) -> dict[str, Any]:
        """What would happen to a request of so many tokens. Raises ValueError for a model that nobody serves."""
        ...

    async def areading(self) -> Reading:
        """What GET /metrics is made of."""
        ...

    async def adecision_log(
        self, *, after: int = ..., last: int = ..., provider: str | None = ..., outcome: str | None = ...
    ) -> dict[str, Any]:
        """The JSON of GET /api/llm-providers/decisions."""
        ...

    async def ahistory(self, hours: int = ...) -> dict[str, Any]:
        """The JSON of GET /api/llm-providers/history."""
        ...


class ConfiguredSource:
    """The status as it stands in the store that the routers of other processes write.

    follow: read the file again when it has changed; one that cannot be used then is told as the status' `config.error`,
    and the last good one stays. The store stays the caller's, who closes it.
    """

    def __init__(self, config: Config, store: Store, *, clock: Clock | None = None, follow: bool = False) -> None:
        self._config = config
        self._store = store
        self._clock = clock or SystemClock()
        self._file = FollowedConfig(config) if follow else None
        self._loaded_at = self._clock.now()
        self._view = self._view_of(config)

    def _view_of(self, config: Config) -> View:
        self._correction = self._clock.correction
        view = view_of(config, loaded_at=self._loaded_at, correction=self._correction)
        self._store.know(view.meters)
        return view

    async def _shown(self) -> View:
        """What there is to show, after a look at the file."""
        file = self._file
        if file is not None and await file.look():
            if file.config is not self._config:
                self._config, self._loaded_at = file.config, self._clock.now()
                self._view = self._view_of(file.config)
            self._view = replace(self._view, error=file.error)
        if self._correction != self._clock.correction:
            self._view = replace(self._view_of(self._config), error=self._view.error)
        return self._view

    async def astatus(self) -> dict[str, Any]:
        return await document(await self._shown(), self._store, self._clock.now())

    async def aexplain(self, model: str = "default", tokens: int = 1000) -> dict[str, Any]:
        view, group = await self._shown(), self._group(model)
        deployments = [each for each in view.deployments if group in each.groups]
        return await explanation(
            group,
            deployments,
            tokens,
            self._store,
            self._clock.now(),
            absent=absent_from(self._config, group),
            max_wait=self._config.defaults.max_wait,
        )

    async def areading(self) -> Reading:
        return await reading_of(await self._shown(), self._store, self._clock.now())

    async def adecision_log(
        self, *, after: int = 0, last: int = 50, provider: str | None = None, outcome: str | None = None
    ) -> dict[str, Any]:
        now = self._clock.now()
        return await decisions_document(
            self._view, self._store, now, after=after, last=last, provider=provider, outcome=outcome
        )

    async def ahistory(self, hours: int = 24) -> dict[str, Any]:
        return await history_document(await self._shown(), self._store, hours, self._clock.now())

    def _group(self, model: str) -> str:
        aliases = self._config.aliases
        for group in (aliases.get(model), model, aliases.get("*")):
            if group in self._config.groups:
                return str(group)
        raise ValueError(f"no group or alias is called {model!r}; there are {_listed(self._config.groups)}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
