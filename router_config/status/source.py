"""Where a status comes from: a Router of this process, or a configuration and its store. LiteLLM is not imported."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from router_config.clock import Clock, SystemClock
from router_config.config.agent_classes import class_of
from router_config.config.changes import Reloaded
from router_config.config.file_watch import FileWatch, stamp_of
from router_config.config.followed_config import FollowedConfig
from router_config.config.models import Config
from router_config.deployments.catalog import Group
from router_config.deployments.deployment import by_preference
from router_config.deployments.fitness import facts_in, misfits, needs_named
from router_config.deployments.learned import Learned
from router_config.forecast.expected_hours import ExpectedHours
from router_config.iso import corrected
from router_config.ledger.interfaces import Store
from router_config.status.document import document
from router_config.status.explanation import absent_from, barred_from, explanation
from router_config.status.history import decisions_document, history_document
from router_config.status.measurements import Reading, reading_of
from router_config.status.outlook import Outlooks
from router_config.status.running_out import RunningOut
from router_config.status.views import View, view_of


class StatusSource(Protocol):
    """What the status page shows. `router_config.Router` is one, and ConfiguredSource."""

    async def astatus(self) -> dict[str, Any]:
        """The JSON of GET /api/llm-providers."""
        ...

    async def aexplain(
        self, model: str = ..., tokens: int = ..., needs: Sequence[str] = ..., agent: str | None = ...
    ) -> dict[str, Any]:
        """What would happen to a request of so many tokens, which needs these abilities, of an agent of this name.

        Raises ValueError for a model that nobody serves, and for what is no ability.
        """
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

    @property
    def store(self) -> Store:
        """Where it is counted; it stays the source's. A plan reads there what was asked before."""
        ...

    async def aconfig(self) -> Config:
        """The configuration in force, of which a plan is made. Raises ValueError where there is none."""
        ...

    async def areload(self) -> Reloaded:
        """Read the file now. Raises ConfigError, and ValueError where there is no file."""
        ...

    async def achanges(self) -> dict[str, Any]:
        """The JSON of GET /api/llm-providers/changes. Raises as `areload` does."""
        ...


class StoreReader:
    """The status of a view of providers, read from a store by a clock. A subclass says which view."""

    _store: Store
    _clock: Clock
    _outlooks: Outlooks
    _running_out: RunningOut | None = None
    """Tells the store what is expected to run out; None where nothing is to be written."""

    async def _current_view(self) -> View:
        raise NotImplementedError

    @property
    def _fast_path(self) -> bool | None:
        """Whether chats of this process go the fast way; None where it asks no provider."""
        return None

    @property
    def store(self) -> Store:
        """Where it is counted."""
        return self._store

    async def astatus(self) -> dict[str, Any]:
        """The JSON of GET /api/llm-providers."""
        view = await self._current_view()
        with corrected(self._clock.correction):
            now = self._clock.now()
            shown = await document(view, self._store, now, self._outlooks, fast_path=self._fast_path)
            if self._warning_is_due(now):
                await self._tell_what_runs_out(now)
            return shown

    def _warning_is_due(self, now: float) -> bool:
        """Whether it is time to look at the forecast; it is not for five minutes then. now: epoch seconds."""
        return self._running_out is not None and self._running_out.look_is_due(now)

    async def _look_ahead(self) -> None:
        """Make the forecast, and tell the store what is expected to run out."""
        view, now = await self._current_view(), self._clock.now()
        with corrected(self._clock.correction):
            await document(view, self._store, now, self._outlooks, fast_path=self._fast_path)
            await self._tell_what_runs_out(now)

    async def _tell_what_runs_out(self, now: float) -> None:
        if self._running_out is not None:
            await self._running_out.tell(self._outlooks, self._store, now)

    async def areading(self) -> Reading:
        """What GET /metrics is made of."""
        return await reading_of(await self._current_view(), self._store, self._clock.now(), self._outlooks)

    async def adecision_log(
        self, *, after: int = 0, last: int = 50, provider: str | None = None, outcome: str | None = None
    ) -> dict[str, Any]:
        """The last requests and how they were decided, newest first: the JSON of GET /api/llm-providers/decisions.

        after: only those with a higher number. last: how many at most; a store keeps 500. provider: only those that it
        answered, or was asked for. outcome: only those with this outcome.
        """
        view, now = await self._current_view(), self._clock.now()
        with corrected(self._clock.correction):
            return await decisions_document(
                view, self._store, now, after=after, last=last, provider=provider, outcome=outcome
            )

    async def ahistory(self, hours: int = 24) -> dict[str, Any]:
        """The JSON of GET /api/llm-providers/history: usage by slot, and events, of the last 1 to 24 hours."""
        view = await self._current_view()
        with corrected(self._clock.correction):
            return await history_document(view, self._store, hours, self._clock.now())


class ConfiguredSource(StoreReader):
    """The status as it stands in a store that the routers of other processes write.

    store: stays the caller's, who closes it. follow: read the file again when it has changed (with `reload: off`, at a
    SIGHUP); where that cannot be used, the status says why in `config.error`, and the last good one stays.
    """

    def __init__(self, config: Config, store: Store, *, clock: Clock | None = None, follow: bool = False) -> None:
        self._config = config
        self._store = store
        self._outlooks = Outlooks()
        self._running_out = RunningOut() if follow else None
        self._clock: Clock = clock or SystemClock()
        if isinstance(self._clock, SystemClock):
            store.lead(self._clock)
        self._file = FollowedConfig(config) if follow else None
        if self._file is not None and config.path is not None:
            read = self._file.read_next
            self._sighup = FileWatch(config.path, stamp_of(config.path), read, by_itself=False)
        self._learned, self._expected_hours = Learned(), ExpectedHours()
        self._heard = 0
        self._view = self._view_of(config, self._clock.now())

    def _view_of(self, config: Config, loaded_at: float | None) -> View:
        self._heard = self._learned.changes
        view = view_of(
            config,
            loaded_at=loaded_at,
            correction=self._clock.correction,
            learned=self._learned,
            now=self._clock.now(),
        )
        self._store.register_meters((*view.meters, *view.class_meters))
        return view

    async def aconfig(self) -> Config:
        """The configuration in force."""
        await self._current_view()
        return self._config

    async def areload(self) -> Reloaded:
        """Read the file now. What has changed. Raises ConfigError, and the last good one stays."""
        file = self._file or FollowedConfig(self._config)
        try:
            return await file.reload()
        finally:
            self._take(file)

    async def achanges(self) -> dict[str, Any]:
        """The JSON of GET /api/llm-providers/changes: what `areload` would change now.

        Raises ConfigError; ValueError where there is no file.
        """
        await self._current_view()  # With it an edit counts, if edits do by themselves.
        file = self._file or FollowedConfig(self._config)
        return await file.changes(follows=self._file is not None)

    def _take(self, file: FollowedConfig) -> None:
        if file.config is not self._config:
            self._config, self._view = file.config, self._view_of(file.config, self._clock.now())
        self._view = replace(self._view, error=file.error)

    async def _current_view(self) -> View:
        """The view of the file as it is now, and by the clock as it goes now."""
        file = self._file
        if file is not None and await file.refresh():
            self._take(file)
        providers = self._config.providers
        if any(each.trust == "upstream" or each.on_retired == "successor" for each in providers):
            await self._learned.exchange(self._store, self._clock.now())
            self._learned.grow_older(self._clock.now())
        if self._expected_hours.is_due(self._config, self._clock.now()):
            await self._expected_hours.tell(self._config, self._store, self._clock.now())
        if self._view.correction != self._clock.correction or self._heard != self._learned.changes:
            self._view = replace(self._view_of(self._config, self._view.loaded_at), error=self._view.error)
        return self._view

    async def aexplain(
        self, model: str = "default", tokens: int = 1000, needs: Sequence[str] = (), agent: str | None = None
    ) -> dict[str, Any]:
        """What would happen to such a request now, without sending it. tokens: of prompt and answer together.

        needs: abilities, such as `tools`. agent: who asks, by whose class it is told.

        Raises ValueError for a model that is no group and no alias, and for what is no ability.
        """
        view, group = await self._current_view(), self._config.group_of(model)
        if group is None:
            known = ", ".join(sorted(self._config.groups))
            raise ValueError(f"no group or alias is called {model!r}; there are {known}")
        needed, deployments, now = needs_named(needs), view.groups.get(group, ()), self._clock.now()
        await self._learned.exchange(self._store, now)
        agent_class = class_of(agent, self._config.classes)
        barred = barred_from(agent_class, deployments)
        if agent_class is not None:
            whole = Group(group, by_preference(deployments), {each.id: {} for each in deployments})
            deployments = whole.for_class(agent_class, self._config.classes).deployments
        facts = facts_in(self._config, deployments)
        own = None if agent_class is None else agent_class.max_wait
        with corrected(self._clock.correction):
            return await explanation(
                group,
                deployments,
                tokens,
                self._store,
                now,
                absent={**absent_from(self._config, group), **barred},
                max_wait=self._config.defaults.max_wait if own is None else own,
                needs=needs,
                unfit=misfits(facts, needed, tokens, self._learned.abilities, now),
                agent=agent,
                agent_class=agent_class,
            )
