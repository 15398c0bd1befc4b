"""`router-config env`: keys into `.env`, without ever showing one."""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from router_config.cli.commands.check import key_state
from router_config.cli.editing.env_file import parse_assignments, require_keys, set_variables
from router_config.cli.text import print_json, table
from router_config.config.credentials import is_sendable, read_dotenv
from router_config.config.loading import load_config
from router_config.config.models import Config, Provider
from router_config.presets.lookup import preset_of

_TRIES = 3


def env(arguments: argparse.Namespace) -> int:
    """Sets keys from the terminal, standard input or the environment; then shows who is configured."""
    config = load_config(arguments.config)
    file = Path(arguments.config).parent / ".env"
    given: dict[str, str] = {}
    unknown: list[str] = []
    if arguments.from_env:
        given = _from_environment(config)
    elif arguments.stdin or not (arguments.show or arguments.json or sys.stdin.isatty()):
        lines = parse_assignments(sys.stdin.read())
        given = {name: value for name, value in lines.items() if name in config.variables}
        unknown = [name for name in lines if name not in given]
    elif not (arguments.show or arguments.json):
        given = _asked(config, file)
    require_keys(given)
    if given:
        set_variables(file, given)
        config = load_config(arguments.config)
    for name in unknown:
        print(f"{name}: no provider of {arguments.config} uses it; not written", file=sys.stderr)
    _print(config, file, list(given), as_json=arguments.json)
    return 1 if unknown and not given else 0


def _from_environment(config: Config) -> dict[str, str]:
    found = {name: os.environ.get(name, "").strip() for name in config.variables}
    return {name: value for name, value in found.items() if value}


def _asked(config: Config, file: Path) -> dict[str, str]:
    """Asks for the key of each variable; Enter keeps what there is. Ctrl-D ends the questions."""
    in_file, _ = read_dotenv(file, str(file))
    given: dict[str, str] = {}
    print("Paste each key; it is not shown. Enter keeps what there is.", file=sys.stderr)
    for provider in config.by_priority:
        for name in (*provider.key_variables, *provider.missing):
            if name in given:
                continue
            try:
                value = _ask(provider, name, _state(name, in_file))
            except EOFError:
                print(file=sys.stderr)
                return given
            if value:
                given[name] = value
    return given


def _ask(provider: Provider, name: str, state: str) -> str:
    import getpass

    preset = preset_of(provider.name, provider.litellm_provider)
    page = f"  {preset.key_page}" if preset is not None and preset.key_page else ""
    for _ in range(_TRIES):
        value = getpass.getpass(f"{provider.name}{page}\n  {name} ({state}): ", stream=sys.stderr).strip()
        value = value.removeprefix(f"{name}=")
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        if not value or is_sendable(value):
            return value
        print("  This is no key: it holds spaces or such characters. Copy it again, alone.", file=sys.stderr)
    return ""


def _state(name: str, in_file: Mapping[str, str]) -> str:
    if os.environ.get(name):
        return "set in the environment"
    return "set" if in_file.get(name) else "not set"


def _source(name: str, in_file: Mapping[str, str]) -> str | None:
    if name in os.environ:
        return "environment" if os.environ[name].strip() else None
    return ".env" if in_file.get(name, "").strip() else None


def _print(config: Config, file: Path, written: list[str], *, as_json: bool) -> None:
    in_file, _ = read_dotenv(file, str(file))
    if as_json:
        print_json(
            {
                "path": str(file),
                "written": written,
                "providers": [_entry(each, in_file) for each in config.by_priority],
            }
        )
        return
    if written:
        print(f"{file}: {', '.join(written)} written")
    for name in written:
        if name in os.environ and os.environ[name].strip() != in_file.get(name, "").strip():
            print(f"{name} is also set in the environment, which wins over {file}", file=sys.stderr)
    rows = [
        (
            provider.name,
            "configured" if provider.configured else "unconfigured",
            key_state(provider),
            ", ".join(dict.fromkeys(filter(None, (_source(name, in_file) for name in provider.key_variables)))) or "-",
            _key_page(provider) if not provider.configured else "",
        )
        for provider in config.by_priority
    ]
    print(table(("PROVIDER", "STATUS", "KEY", "FROM", ""), rows))


def _entry(provider: Provider, in_file: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": provider.name,
        "configured": provider.configured,
        "variables": [
            {"name": name, "set": _source(name, in_file) is not None, "source": _source(name, in_file)}
            for name in provider.key_variables
        ],
        "key_page": _key_page(provider) or None,
    }


def _key_page(provider: Provider) -> str:
    preset = preset_of(provider.name, provider.litellm_provider)
    return preset.key_page or "" if preset is not None and provider.needs_key else ""
