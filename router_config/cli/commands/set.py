"""`router-config set PATH VALUE`: one value in litellm.yaml."""

import argparse
import sys
from pathlib import Path

from router_config.cli.editing.config_edit import edit
from router_config.cli.editing.yaml_edit import NoSuchPlace, with_value
from router_config.config.credentials import variable_of
from router_config.config.file_format import FILE
from router_config.config.loading import load_config
from router_config.config.models import ConfigError


def set(arguments: argparse.Namespace) -> int:
    """Writes the value at the path; `groq.limits.rpm` means `providers.groq.limits.rpm`."""
    path = Path(arguments.config)
    config = load_config(path)
    names = [provider.name for provider in config.providers]
    wanted = arguments.path
    if wanted.partition(".")[0] not in FILE.entries:
        if not any(wanted == name or wanted.startswith(f"{name}.") for name in names):
            raise _unknown(path, wanted.partition(".")[0], names)
        wanted = f"providers.{wanted}"
    _require_no_secret(wanted, arguments.value)
    shown = edit(path, lambda text: with_value(text, wanted, arguments.value))
    print(shown) if shown else print(f"{path}: {arguments.path} is {arguments.value} already", file=sys.stderr)
    return 0


def _unknown(path: Path, name: str, names: list[str]) -> ConfigError:
    from router_config.cli.editing.config_edit import nowhere

    return nowhere(path, NoSuchPlace(name, [*names, *FILE.entries], ""))


def _require_no_secret(path: str, value: str) -> None:
    in_key = "api_key" in path.split(".")
    if in_key and not all(variable_of(part) or part.strip() == "none" for part in value.strip(" []").split(",")):
        raise ConfigError(
            "set: a key does not belong into the file, nor onto the command line\n"
            "  Write os.environ/NAME, and set the key with `router-config env`."
        )
