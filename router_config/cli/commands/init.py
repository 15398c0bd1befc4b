"""`router-config init`: a litellm.yaml to begin with, in a folder that has none. It asks nothing."""

import argparse
import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from router_config.cli.editing.starter_file import env_example, file_text, key_variable
from router_config.config.credentials import read_dotenv
from router_config.config.loading import load_config
from router_config.config.models import ConfigError
from router_config.presets.lookup import REFERENCE, preset_to_add
from router_config.presets.preset import Preset
from router_config.presets.table import PRESETS

_IGNORED = (".env", ".router/")


def init(arguments: argparse.Namespace) -> int:
    """Writes the file, a .env.example, and what git should ignore; overwrites nothing."""
    path = Path(arguments.config)
    if os.path.lexists(path):
        raise ConfigError(
            f"{path}: the file is there already; nothing was written\n"
            "  Add a provider with `router-config add NAME`, or name another file with -c FILE."
        )
    variables = _variables(path.parent)
    presets = _presets(arguments.providers, variables)
    _create(path, file_text(presets, variables))
    load_config(path)
    print(f"{path}: written, with {', '.join(preset.name for preset in presets)}.")
    example = path.parent / ".env.example"
    if not os.path.lexists(example):
        _create(example, env_example(presets, variables))
        print(f"{example}: written.")
    if added := _ignore(path.parent / ".gitignore"):
        print(f"{path.parent / '.gitignore'}: {', '.join(added)} added.")
    option = "" if arguments.config == "litellm.yaml" else f" -c {path}"
    without = [preset.name for preset in presets if _lacks_key(preset, variables)]
    if without:
        print(f"Next: router-config env{option}       sets keys ({', '.join(without)}: none yet)")
    print(f'Next: router-config ask{option} "Hello"')
    return 0


def _variables(folder: Path) -> dict[str, str]:
    in_file, _ = read_dotenv(folder / ".env", str(folder / ".env"))
    return {**in_file, **os.environ}


def _presets(named: list[str], variables: Mapping[str, str]) -> list[Preset]:
    """Those that are named, else those whose key is set, else the five of the reference."""
    today = date.today()
    if named:
        return [preset_to_add(name, today) for name in dict.fromkeys(named)]
    found = [
        preset
        for preset in PRESETS
        if preset.retired is None and any(variables.get(name, "").strip() for name in preset.key_variables)
    ]
    if found:
        return sorted(found, key=lambda preset: preset.tier == "paid")
    return [preset_to_add(name, today) for name in REFERENCE]


def _lacks_key(preset: Preset, variables: Mapping[str, str]) -> bool:
    variable = key_variable(preset, variables)
    return variable is not None and not variables.get(variable, "").strip()


def _create(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)


def _ignore(path: Path) -> list[str]:
    """Adds what git should ignore to a .gitignore, and says what was missing in it."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        text = ""
    present = {line.strip().strip("/") for line in text.splitlines()}
    missing = [line for line in _IGNORED if line.strip("/") not in present]
    if missing:
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(("\n" if text and not text.endswith("\n") else "") + "".join(f"{line}\n" for line in missing))
    return missing
