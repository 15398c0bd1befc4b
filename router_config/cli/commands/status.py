"""`router-config status`: what the store knows, once or live, read without LiteLLM and without a Router."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from router_config.cli.overview import overview
from router_config.cli.store_access import read, warn_of_memory
from router_config.cli.text import print_json
from router_config.config.file_watch import stamp_of
from router_config.config.loading import load_config
from router_config.config.models import Config, ConfigError
from router_config.status.source import ConfiguredSource

Look = Callable[[], dict[str, Any]]


def status(arguments: argparse.Namespace) -> int:
    """Prints what GET /api/llm-providers would say; with --watch on a terminal, live until Ctrl-C."""
    look = _Look(Path(arguments.config))
    config = look.config

    if arguments.watch is not None and arguments.json:
        _repeat(look, arguments.watch)
    elif arguments.watch is not None and sys.stdout.isatty():
        _watch(config, look, arguments.watch)
    elif arguments.json:
        print_json(look())
    else:
        print(overview(look()), flush=True)
    warn_of_memory(config)
    return 0


class _Look:
    """The status by a file as it is at each look. While that cannot be used, by the last good one."""

    def __init__(self, path: Path) -> None:
        self._path, self._seen = path, stamp_of(path)
        self.config = load_config(path)
        self._error: str | None = None

    def __call__(self) -> dict[str, Any]:
        stamp = stamp_of(self._path)
        if stamp != self._seen:
            self._seen, self._error = stamp, None
            try:
                self.config = load_config(self._path)
            except ConfigError as error:
                self._error = str(error)
        document = read(self.config, ConfiguredSource.astatus)
        document["config"]["error"] = self._error
        return document


def _repeat(look: Look, seconds: float) -> None:
    """One document after another, for programs."""
    while True:
        print_json(look())
        sys.stdout.flush()
        time.sleep(seconds)


def _watch(config: Config, look: Look, seconds: float) -> None:
    try:
        from router_config.cli.live_view import watch
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "rich":
            raise
        raise ConfigError(
            "status --watch needs rich\n  Install it: pip install 'litellm-router-config[terminal]'"
        ) from None
    watch(look, seconds, str(config.path or "litellm.yaml"))
