"""`router-config diff`: what a running process would change, or what is different in another file."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from router_config.cli.status_server import get
from router_config.cli.text import print_json
from router_config.config.changes import changes_between, in_force
from router_config.config.loading import load_config, load_with_source


def diff(arguments: argparse.Namespace) -> int:
    """Prints a line for each change. 0 where there is none, 1 where there is one, as `diff` does."""
    if arguments.other is None:
        found = get(arguments.url, "changes")
    else:
        old = load_config(arguments.config)
        new, source = load_with_source(arguments.other)
        new, waits = in_force(old, new, source)
        found = {"path": str(old.path), "changes": list(changes_between(old, new)), "warnings": list(waits)}
    lines = [*found["changes"], *found["warnings"]]
    if arguments.json:
        print_json(found)
    elif lines:
        print("\n".join(lines), flush=True)
    if arguments.other is None:
        _say(_remarks(arguments, found, any_changes=bool(found["changes"])), quietly=arguments.json)
    elif not lines:
        _say([f"{arguments.other} says what {arguments.config} says."], quietly=arguments.json)
    return int(bool(lines))


def _remarks(arguments: argparse.Namespace, found: dict[str, Any], *, any_changes: bool) -> list[str]:
    url, path = arguments.url, found["path"]
    follows = "It follows the file: an edit counts within two seconds."
    said = [] if any_changes else [f"Nothing would change: the process at {url} uses {path} as it is now."]
    if found["follows"]:
        said.append(follows)
    elif any_changes:
        said.append(f"It does not follow the file. POST {url}/api/llm-providers/reload, or SIGHUP, has it read.")
    ours = Path(arguments.config)
    if ours.exists() and os.path.realpath(ours) != os.path.realpath(path):
        said.append(f"Its file is {path}; to compare that with {ours}: router-config -c {path} diff {ours}")
    return said


def _say(lines: list[str], *, quietly: bool) -> None:
    if not quietly:
        print("\n".join(lines), file=sys.stderr)
