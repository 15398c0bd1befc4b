"""A change of litellm.yaml: made in its text, checked as a whole, shown, and only then written, in one step."""

import difflib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from router_config.cli.editing.whole_files import alone_in, replace_file
from router_config.cli.editing.yaml_edit import CannotEdit, NoSuchPlace
from router_config.config.grammar.rules import nearest
from router_config.config.loading import load_text
from router_config.config.models import Config, ConfigError

_BY_HAND: Final = "Anchors, aliases or its form stand in the way; change it in an editor."


def edit(path: Path, change: Callable[[str], str]) -> str:
    """Makes a change in a file and returns its differences, as lines of a unified diff; empty where nothing changed.

    change: from the old text to the new. The file keeps its mode, its owner and its line ends; of a link, the file
    that it points to is replaced, so that a reader sees the old file or the new one, whole.

    Raises ConfigError if the new text would not be a good configuration: the file is as it was.
    """
    target = Path(os.path.realpath(path))
    with alone_in(target.parent):
        old = _read(target, path)
        load_text(old, path)
        try:
            new = change(old)
        except CannotEdit:
            raise ConfigError(f"{path}: this cannot be changed alone; nothing was written\n  {_BY_HAND}") from None
        except NoSuchPlace as place:
            raise nowhere(path, place) from None
        _require_good(new, path)
        if new != old:
            replace_file(target, new, path, private=False)
    shown = difflib.unified_diff(old.splitlines(), new.splitlines(), f"{path} (before)", str(path), n=1, lineterm="")
    return "\n".join(shown)


def _require_good(text: str, path: Path) -> Config:
    try:
        return load_text(text, path)
    except ConfigError as error:
        raise ConfigError(
            f"{error}\n  Nothing was written: the lines are those of the file with this change."
        ) from None


def nowhere(path: Path, place: NoSuchPlace) -> ConfigError:
    """The ConfigError for a path that leads nowhere, with what there is instead."""
    inside = f" in {place.inside}" if place.inside else ""
    what = f'{path}: there is no "{place.step[:80]}"{inside}; nothing was written'
    near = nearest(place.step, place.known)
    if near:
        return ConfigError(f"{what}\n  Did you mean {near}?")
    known = ", ".join(name for name in place.known if name)
    return ConfigError(f"{what}\n  " + (f"There: {known}." if known else "It holds a value, and no section."))


def _read(target: Path, shown: Path) -> str:
    try:
        raw = target.read_bytes()
    except OSError:
        load_missing(shown)
        raise
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise ConfigError(f"{shown}: this is not UTF-8 text\n  Save the file as UTF-8.") from None


def load_missing(path: Path) -> None:
    """Raises the ConfigError of a file that cannot be read, as every command does."""
    from router_config.config.loading import load_config

    load_config(path)
