"""A Router's file, while the Router runs: an edit is read, made into deployments beside the event loop, and counts."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import litellm

from router_config.config.changes import Reloaded, changes_between, in_force, pending
from router_config.config.file_watch import FileWatch, Stamp, stamp_of
from router_config.config.grammar.yaml_source import read_yaml
from router_config.config.loading import load_with_source
from router_config.config.models import Config, ConfigError, reveal, secrets_of
from router_config.deployments.model_list import Generated, generate
from router_config.ledger.rules.history import Event, EventKind
from router_config.ledger.rules.meters import NOTHING
from router_config.ledger.values import Lease, Settlement, new_lease_id
from router_config.routing.inspection import Inspection
from router_config.routing.intake.callers import Callers
from router_config.routing.terms import Terms
from router_config.signals.redaction import redact
from router_config.slices import in_slices
from router_config.transport.held.litellm_router import HoldsLiteLLMRouter
from router_config.transport.held.model_entries import Entry

_LOG = logging.getLogger("router_config")

LONGEST: Final = 400
"""Characters of an event's text."""


class LiveFile(Inspection, HoldsLiteLLMRouter):  # type: ignore[override]
    """The part of a Router that follows its file."""

    _reloading: Any
    """A lock, held by whoever reads the file."""

    _variables: Callable[[], Mapping[str, str]]
    """What keys are looked up in, besides `.env`."""

    _given: Mapping[str, Any]
    """Settings of the caller, which win over the file's."""
    _watch: FileWatch | None = None
    _generated: Generated
    """What was made of the file last."""

    def reload(self) -> Reloaded:
        """Read the file now, and the `.env` beside it. What has changed.

        Requests under way end as they began; those that wait see the new room. Counts, cooldowns and what was learned
        stay. Raises ConfigError where the file cannot be used, and the last good one serves on; ValueError for a Router
        without a file.
        """
        path, _ = self._of_the_file()
        with self._reloading, in_slices():
            stamp, fault = stamp_of(path), self._terms.error
            try:
                made = self._read_again()
            except ConfigError as error:
                if str(error) != self._terms.error:
                    _LOG.error("the configuration cannot be used, and the last good one serves on: %s", error)
                    self._tell("configuration_error", str(error))
                with self._changing:
                    self._terms = replace(self._terms, error=str(error))
                raise
            finally:
                if self._watch is not None:
                    self._watch.read(stamp)
        self._terms_changed()
        if self._shown is not None:  # Else nobody looks at it.
            with in_slices():
                self._view()
        config = self._terms.config
        if self._watch is not None and config is not None:
            self._watch.by_itself = config.defaults.reload
        for warning in made.warnings:
            _LOG.warning("%s", warning)
        if made or fault is not None:
            changed = f"configuration changed: {made if made else 'the file can be used again'}"
            _LOG.info("%s", changed)
            self._tell("configuration", changed)
        return made

    def _tell(self, kind: EventKind, told: str) -> None:
        """Keep an event of the file. Every process that follows it tells the same, and the store keeps one."""
        now = self._clock.now()
        event = Event(now, kind, "litellm.yaml", told if len(told) < LONGEST else f"{told[:LONGEST]} ...", now)
        nothing = Lease(f"none-{new_lease_id()}", "", (), NOTHING, now, now)

        async def keep() -> None:
            await self._store.settle(nothing, Settlement(None, now, now, events=(event,)), now)

        self._background.submit_quietly(keep())

    async def areload(self) -> Reloaded:
        """`reload()` for callers on an event loop, which goes on meanwhile."""
        return await asyncio.to_thread(self.reload)

    async def achanges(self) -> dict[str, Any]:
        """What `reload()` would change now; it changes nothing. The JSON of GET /api/llm-providers/changes.

        Raises as `reload()` does.
        """
        path, config = self._of_the_file()
        _, made = await asyncio.to_thread(self._read, path, config)
        return pending(path, made, follows=self._watch is not None and self._watch.by_itself)

    def _of_the_file(self) -> tuple[Path, Config]:
        """The file, and what is in force of it."""
        config = self._terms.config
        if config is None or config.path is None:
            raise ValueError("this Router was made without a file; set_model_list changes its deployments")
        return config.path, config

    def _read(self, path: Path, old: Config) -> tuple[Config, Reloaded]:
        """The file as it is now, as far as it can count, and what is different from before."""
        new, source = load_with_source(path, self._variables())
        new, waits = in_force(old, new, source)
        return new, Reloaded(changes_between(old, new), waits)

    def _go_by(
        self, generated: Generated, given: Mapping[str, Any], variables: Callable[[], Mapping[str, str]]
    ) -> None:
        """Note what the model list was made of: `reload` makes the next one of it."""
        self._generated, self._given, self._variables = generated, given, variables
        self._treatments.learn(generated.model_list, self._entries())

    def _follow(self, config: Config, stamp: Stamp) -> None:
        if config.path is not None:
            by_itself = config.defaults.reload
            self._watch = FileWatch(config.path, stamp, self._file_changed, by_itself=by_itself)

    def _file_changed(self) -> None:
        try:
            self.reload()
        except ConfigError:
            pass  # It was said.
        except Exception as error:  # The thread looks after other Routers, too.
            _LOG.error("the configuration could not be applied, and the last good one serves on: %s", error)
            told = f"the configuration could not be applied ({type(error).__name__}, see the log)"
            with self._changing:
                self._terms = replace(self._terms, error=told)
            self._tell("configuration_error", told)

    def _terms_changed(self) -> None:
        """Called after each change, for those who wait."""

    def _read_again(self) -> Reloaded:
        path, old = self._of_the_file()
        new, made = self._read(path, old)
        if made or new != old:
            generated = generate(new, self._generated)
            while not self._taken(old, new, generated):  # Somebody else changed the model list meanwhile.
                pass
        elif self._terms.error is not None:
            with self._changing:
                self._terms = replace(self._terms, error=None)
        return made

    def _taken(self, old: Config, config: Config, generated: Generated) -> bool:
        """Go by the file from now on. False where the model list is another one than when that was prepared.

        What the program added to the file's deployments stays.
        """
        serving, settings = self._entries(), self._settings_of({**generated.settings, **self._given, **self._set})
        of_file = {entry["model_info"]["id"] for each in (self._generated, generated) for entry in each.model_list}
        added = [entry for entry in serving if entry["model_info"]["id"] not in of_file]
        try:
            kept, made = self._kept_of(generated.model_list, settings)
        except Exception as error:
            raise _refusal(config, error) from error
        before, of_litellm = reveal(old.litellm_settings), reveal(config.litellm_settings)
        changed = {name: value for name, value in of_litellm.items() if name not in before or before[name] != value}
        defaults = config.defaults
        terms = Terms(
            config=config,
            settings=settings,
            cooldown=defaults.cooldown,
            soft_limit=defaults.soft_limit,
            max_wait=defaults.max_wait,
            output_tokens=defaults.output_tokens,
            max_response=defaults.max_response,
            callers=Callers(config.classes),
            loaded_at=self._clock.now(),
            group_rules=config.group_rules,
        )
        terms = self._with_catalog(terms, kept + added)
        with self._changing:
            if self._listed is not serving:
                return False
            settings.update(self._set)
            for name, value in changed.items():
                setattr(litellm, name, value)
            self._take(generated.model_list + added, kept + added, settings, None if added else made)
            self._generated, self._terms = generated, terms
        return True

    def _hold(self, model_list: list[Entry]) -> None:
        try:
            super()._hold(model_list)
        except Exception as error:
            if self._terms.config is None:
                raise
            raise _refusal(self._terms.config, error) from error

    def _with_catalog(self, terms: Terms, entries: list[Entry]) -> Terms:
        raise NotImplementedError


def _refusal(config: Config, error: Exception) -> ConfigError:
    """What LiteLLM says of a setting or of a deployment, with its place in the file."""
    path, where = config.path or Path(), str(config.path)
    with suppress(ConfigError):
        where = read_yaml(path, where).at(("router_settings" if config.router_settings else "providers",))
    told = redact(str(error), secrets_of(config))
    return ConfigError(f"{where}: LiteLLM does not take this: {told}\n  Change router_settings or litellm_params.")
