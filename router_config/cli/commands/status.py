"""`router-config status`: what the store knows, once or live, read without LiteLLM and without a Router."""

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

from router_config.cli.overview import overview
from router_config.cli.store_access import read, warn_of_memory
from router_config.cli.text import print_json
from router_config.config.loading import load_config
from router_config.config.models import Config, ConfigError
from router_config.status.source import ConfiguredSource

Look = Callable[[], dict[str, Any]]


def status(arguments: argparse.Namespace) -> int:
    """Prints what GET /api/llm-providers would say; with --watch on a terminal, live until Ctrl-C."""
    config = load_config(arguments.config)

    def look() -> dict[str, Any]:
        return read(config, ConfiguredSource.astatus)

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
