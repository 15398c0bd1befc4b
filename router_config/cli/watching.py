"""`router-config status` and `explain`: what the store knows, read without LiteLLM and without a Router."""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from router_config.cli.asking import require_group
from router_config.cli.text import amount, print_json, table
from router_config.config import Config
from router_config.deployments import deployments_of
from router_config.ledger.store import Store, open_store
from router_config.loading import load_config
from router_config.status import explanation, status_of
from router_config.store_url import sqlite_path

_CLEAR = "\033[H\033[2J"


def status(arguments: argparse.Namespace) -> int:
    """Prints what GET /api/llm-providers would say."""
    config = load_config(arguments.config)
    while True:
        document = _read(config, lambda store: status_of(config, store, time.time()))
        if arguments.watch is not None and sys.stdout.isatty():
            print(_CLEAR, end="")
        if arguments.json:
            print_json(document)
        else:
            print(_status_table(document), flush=True)
        if arguments.watch is None:
            break
        time.sleep(arguments.watch)
    if config.state == "memory://":
        print(
            "The store is memory://, so each process counts for itself; this one has just begun.",
            file=sys.stderr,
        )
    return 0


def explain(arguments: argparse.Namespace) -> int:
    """Prints every gate of every candidate for a request; it takes no room."""
    config = load_config(arguments.config)
    require_group(config, arguments.group)
    group = _group(config, arguments.group)
    deployments = [each for each in deployments_of(config) if group in each.groups]
    document = _read(config, lambda store: explanation(group, deployments, arguments.tokens, store, time.time()))
    if arguments.json:
        print_json(document)
    else:
        print(_explanation_table(document))
    return 0


def _group(config: Config, name: str) -> str:
    if name in config.groups:
        return name
    return config.aliases.get(name) or config.aliases["*"]


def _read(config: Config, question: Callable[[Store], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """Puts a question to the store. One that was never used stays unmade: reading leaves no file behind."""
    path = sqlite_path(config.state)
    used = replace(config, state="memory://") if path is not None and not path.exists() else config

    async def answer() -> dict[str, Any]:
        store = open_store(used.state)
        try:
            return await question(store)
        finally:
            await store.aclose()

    return asyncio.run(answer())


def _status_table(document: dict[str, Any]) -> str:
    rows = [
        (
            provider["priority"],
            provider["name"],
            provider["tier"],
            provider["status"],
            _limits(provider["limits"]),
            "{requests} requests, {tokens} tokens".format(**provider["usage_today"]),
            _why(provider["reason"], provider["available_at"]),
        )
        for provider in document["providers"]
    ]
    following = ", ".join(f"{group} -> {provider or 'nobody'}" for group, provider in document["next"].items())
    header = ("PRIORITY", "PROVIDER", "TIER", "STATUS", "USED", "TODAY", "")
    return f"{table(header, rows)}\n\nnext: {following or 'nobody'}   ({document['generated_at']})"


def _limits(limits: dict[str, dict[str, Any]]) -> str:
    shown = (
        f"{amount(each['used'] + each['reserved'])}/{amount(each['limit'])} {name}" for name, each in limits.items()
    )
    return ", ".join(shown) or "-"


def _why(reason: str | None, until: str | None) -> str:
    return ": ".join(filter(None, (f"until {until}" if until else None, reason)))


def _explanation_table(document: dict[str, Any]) -> str:
    rows: list[tuple[object, ...]] = []
    for provider in document["providers"]:
        for candidate in provider["candidates"]:
            why = _why(candidate["reason"], candidate["clears_at"])
            rows.append((candidate["deployment"], candidate["status"], "", "", "", "", "", why))
            for gate in candidate["gates"]:
                numbers = [amount(gate[name]) for name in ("used", "reserved", "needed", "limit")]
                verdict = _why("no room", gate["clears_at"]) if gate["blocks"] else ""
                rows.append(("", "", gate["name"], *numbers, verdict))
    header = ("DEPLOYMENT", "STATUS", "LIMIT", "USED", "RESERVED", "NEEDED", "OF", "")
    if not rows:
        return f"No provider of {document['group']} is configured.\n  Set a key with router-config env."
    served = document["next"] or "nobody"
    return f"{table(header, rows)}\n\na request of {document['tokens']} tokens to {document['group']}: {served}"
