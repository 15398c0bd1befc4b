"""litellm.yaml as it changes on disk, for a process that outlives an edit."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from router_config.config.changes import Reloaded, changes_between, pending
from router_config.config.credentials import ProcessVariables
from router_config.config.file_watch import EVERY, Stamp, stamp_of
from router_config.config.loading import load_with_source
from router_config.config.models import Config, ConfigError


class FollowedConfig:
    """The last good configuration of a file, and the error of a newer one that cannot be used.

    The file is read again when it, or the `.env` beside it, has changed, unless it says `reload: off`. Another `state:`
    waits for a restart: `error` says so, and the rest is taken.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.error: str | None = None
        self._ignored: str | None = None
        self._path = config.path
        self._variables = ProcessVariables((config.path or Path()).parent / ".env")
        self._stamp: Stamp = ()  # It may have changed since it was read: the first refresh looks.
        self._asked = False

    def read_next(self) -> None:
        """Have the next `refresh` read the file in any case."""
        self._asked = True

    async def refresh(self) -> bool:
        """Read a changed file. Whether the configuration or its error is another one now."""
        stamp = self._stamp_now()
        changed = self.config.defaults.reload and stamp != self._stamp and not _may_be_half_written(stamp)
        return (changed or self._asked) and await self._read()

    async def _read(self) -> bool:
        if self._path is None:
            return False
        self._stamp, self._asked = self._stamp_now(), False
        before = self.config, self.error
        try:
            self.config, self._ignored = await asyncio.to_thread(self._load, self._path)
            self.error = self._ignored
        except ConfigError as error:
            self.error, self._ignored = str(error), None
        return (self.config, self.error) != before

    async def reload(self) -> Reloaded:
        """Read the file now, changed or not. Raises ConfigError, and the last good configuration stays."""
        before = self.config
        await self._read()
        if self.error is not None and self._ignored is None:
            raise ConfigError(self.error)
        return Reloaded(changes_between(before, self.config), () if self._ignored is None else (self._ignored,))

    async def changes(self, *, follows: bool) -> dict[str, Any]:
        """The JSON of GET /api/llm-providers/changes: what `reload` would change.

        Raises ConfigError; ValueError where there is no file.
        """
        if self._path is None:
            raise ValueError("this configuration came from no file")
        new, ignored = await asyncio.to_thread(self._load, self._path)
        made = Reloaded(changes_between(self.config, new), () if ignored is None else (ignored,))
        return pending(self._path, made, follows=follows and self.config.defaults.reload)

    def _load(self, path: Path) -> tuple[Config, str | None]:
        """The file as it is now, with the store of before; and what of it waits for a restart."""
        config, source = load_with_source(path, self._variables.now())
        if config.state == self.config.state:
            return config, None
        what = "the store is another one now"
        told = source.error(("state",), what, "Restart router-config serve to look into it; the rest counts now.")
        return replace(config, state=self.config.state), str(told)

    def _stamp_now(self) -> Stamp:
        return () if self._path is None else stamp_of(self._path)


def _may_be_half_written(stamp: Stamp) -> bool:
    """Whether one of the files was written just now: who looks a moment later sees it whole."""
    now = time.time_ns()
    return any(each is not None and abs(now - each[0]) < EVERY * 1e9 for each in stamp)
