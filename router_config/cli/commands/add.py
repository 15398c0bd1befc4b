"""`router-config add PROVIDER`: a provider more in litellm.yaml, with what its preset knows."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from textwrap import dedent

from router_config.cli.editing.config_edit import edit
from router_config.cli.editing.env_file import require_keys, set_variables
from router_config.cli.editing.starter_file import key_variable, needed_variables, section_text
from router_config.cli.editing.yaml_edit import with_section
from router_config.config.credentials import read_dotenv
from router_config.config.loading import load_config
from router_config.config.models import ConfigError, Provider
from router_config.presets.lookup import preset_to_add


def add(arguments: argparse.Namespace) -> int:
    """Writes the provider at the end of `providers:`, and with --key-stdin its key into .env."""
    path = Path(arguments.config)
    preset = preset_to_add(arguments.provider, date.today())
    config = load_config(path)
    if any(provider.name == preset.name for provider in config.providers):
        raise ConfigError(
            f"{path}: {preset.name} is there already; nothing was written\n"
            f"  Change it with `router-config set {preset.name}.limits.rpm 60`, its key with `router-config env`."
        )
    env_file = path.parent / ".env"
    variables = {**read_dotenv(env_file, str(env_file))[0], **os.environ}
    variable = key_variable(preset, variables)
    key = _key(variable) if arguments.key_stdin else None
    priority = _priority(preset.tier, config.providers)
    section = dedent(section_text(preset, priority, variable))
    print(edit(path, lambda text: with_section(text, "providers", preset.name, section)))
    if key is not None and variable is not None:
        set_variables(env_file, {variable: key})
        print(f"{env_file}: {variable} written", file=sys.stderr)
        variables[variable] = key
    missing = [name for name in needed_variables(preset, variable) if not variables.get(name, "").strip()]
    if missing:
        page = f" ({preset.key_page})" if preset.key_page else ""
        print(f"Next: router-config env, to set {', '.join(missing)}{page}", file=sys.stderr)
    return 0


def _priority(tier: str, providers: Sequence[Provider]) -> int:
    """The last place; of a free provider the last before those that are paid, with another where none is left."""
    last = max(provider.priority for provider in providers)
    first_paid = min((provider.priority for provider in providers if provider.tier == "paid"), default=last + 1)
    if tier == "paid" or first_paid > last:
        return last + 1
    free = [provider.priority for provider in providers if provider.priority < first_paid]
    return min(max(free, default=first_paid - 2) + 1, first_paid - 1)


def _key(variable: str | None) -> str:
    if variable is None:
        raise ConfigError("this provider needs no key\n  Leave --key-stdin out.")
    key = sys.stdin.read().strip().removeprefix(f"{variable}=")
    if not key:
        raise ConfigError(
            "standard input: no key came\n  Pipe the key into the command, such as `... --key-stdin < key.txt`."
        )
    require_keys({variable: key})
    return key
