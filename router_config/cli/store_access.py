"""Reading the store of a configuration, without LiteLLM and without a Router."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

from router_config.config.models import Config
from router_config.config.store_url import sqlite_path
from router_config.ledger.interfaces import Store
from router_config.ledger.opening import open_store
from router_config.status.source import ConfiguredSource

T = TypeVar("T")
Question = Callable[[ConfiguredSource], Awaitable[dict[str, Any]]]


def read(config: Config, question: Question) -> dict[str, Any]:
    """The answer to a question about the store. Where there is no store yet, reading makes none.

    Raises StoreError when it cannot be opened.
    """
    return asked_of_store(config, lambda used, store: question(ConfiguredSource(used, store)))


def asked_of_store(config: Config, question: Callable[[Config, Store], Awaitable[T]]) -> T:
    """The same, of the store itself; the configuration given is one in memory where there is no store yet."""
    path = sqlite_path(config.state)
    used = replace(config, state="memory://") if path is not None and not path.exists() else config

    async def answer() -> T:
        store = open_store(used.state)
        try:
            return await question(used, store)
        finally:
            await store.aclose()

    return asyncio.run(answer())


def warn_of_memory(config: Config) -> None:
    if config.state == "memory://":
        print("The store is memory://, so each process counts for itself; this one has just begun.", file=sys.stderr)
