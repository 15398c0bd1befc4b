"""Where the status comes from: a Router of this process, or a configuration and its store, without LiteLLM."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from router_config.clock import Clock, SystemClock
from router_config.config.loading import load_with_source
from router_config.config.models import Config, ConfigError
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
    """The status as it stands in a store that the routers of other processes write.

    store: stays the caller's, who closes it. follow: read the file again when it has changed; where that cannot be
    used, the status says why in `config.error`, and the last good one stays.
    """

    def __init__(self, config: Config, store: Store, *, clock: Clock | None = None, follow: bool = False) -> None:
        self._config = config
        self._store = store
        self._clock = clock or SystemClock()
        self._file = FollowedConfig(config) if follow else None
        self._view = self._view_of(config, self._clock.now())

    def _view_of(self, config: Config, loaded_at: float | None) -> View:
        view = view_of(config, loaded_at=loaded_at, correction=self._clock.correction)
        self._store.know(view.meters)
        return view

    async def _current_view(self) -> View:
        """The view of the file as it is now, and by the clock as it goes now."""
        file = self._file
        if file is not None and await file.refresh():
            if file.config is not self._config:
                self._config, self._view = file.config, self._view_of(file.config, self._clock.now())
            self._view = replace(self._view, error=file.error)
        if self._view.correction != self._clock.correction:
            self._view = replace(self._view_of(self._config, self._view.loaded_at), error=self._view.error)
        return self._view

    async def astatus(self) -> dict[str, Any]:
        return await document(await self._current_view(), self._store, self._clock.now())

    async def aexplain(self, model: str = "default", tokens: int = 1000) -> dict[str, Any]:
        view, group = await self._current_view(), self._group(model)
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
        return await reading_of(await self._current_view(), self._store, self._clock.now())

    async def adecision_log(
        self, *, after: int = 0, last: int = 50, provider: str | None = None, outcome: str | None = None
    ) -> dict[str, Any]:
        now = self._clock.now()
        return await decisions_document(
            self._view, self._store, now, after=after, last=last, provider=provider, outcome=outcome
        )

    async def ahistory(self, hours: int = 24) -> dict[str, Any]:
        return await history_document(await self._current_view(), self._store, hours, self._clock.now())

    def _group(self, model: str) -> str:
        group = self._config.group_of(model)
        if group is None:
            known = ", ".join(sorted(self._config.groups))
            raise ValueError(f"no group or alias is called {model!r}; there are {known}")
        return group


Stamp = tuple[tuple[int, int, int] | None, ...]
"""Time, size and inode of each file, by which a change is seen; None for a file that is not there."""


class FollowedConfig:
    """The last good configuration of a file, and the error of a newer one that cannot be used.

    The file is read again when it, or the `.env` beside it, has changed.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.error: str | None = None
        self._path = config.path
        self._stamp = self._stamp_now()

    async def refresh(self) -> bool:
        """Read a changed file. Whether the configuration or its error is another one now."""
        stamp = self._stamp_now()
        if self._path is None or stamp == self._stamp:
            return False
        self._stamp = stamp
        before = self.config, self.error
        try:
            self.config = await asyncio.to_thread(self._load, self._path)
            self.error = None
        except ConfigError as error:
            self.error = str(error)
        return (self.config, self.error) != before

    def _load(self, path: Path) -> Config:
        config, source = load_with_source(path, None)
        if config.state != self.config.state:
            what = "the store is another one now"
            raise source.error(("state",), what, "Restart router-config serve to look into it.")
        return config

    def _stamp_now(self) -> Stamp:
        if self._path is None:
            return ()
        return tuple(_stamp_of(each) for each in (self._path, self._path.parent / ".env"))


def _stamp_of(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
