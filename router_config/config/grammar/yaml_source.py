"""A YAML file as plain data that remembers where each part was written, so that errors can name it."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from router_config.config.grammar.yaml_nodes import Mark, Node, compose
from router_config.config.models import ConfigError

_LARGEST_FILE = 4 * 2**20
_MOST_NODES = 200_000
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff]")

Where = Sequence[str | int]


class Source:
    """A file that was read: `root` is its content, `mark` and `at` say where a part of it stands."""

    def __init__(self, shown: str, root: Node) -> None:
        self._shown = shown
        self.root = root
        self.warnings: list[str] = []
        self.plain(root)  # finds files that unfold to enormous ones before anybody walks them

    def plain(self, node: Node) -> Any:
        """A node as dicts, lists and scalars."""
        try:
            return node.plain(iter(range(_MOST_NODES)))
        except (StopIteration, RecursionError):
            raise self.error_at(node.mark, "this unfolds to something enormous", "Use fewer *aliases.") from None

    def mark(self, where: Where, *, key: bool = False) -> Mark:
        """The place of the value at `where`, or of its key; of what is around it where there is none."""
        node, mark = self.root, self.root.mark
        for step in where:
            if isinstance(node.value, dict) and step in node.value:
                key_mark, node = node.value[step]
                mark = key_mark if key or node.value is None else node.mark
            elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                mark = node.mark
            else:
                break
        return mark

    def at(self, where: Where, *, key: bool = False) -> str:
        """`file:line:column` of the value at `where`, or of its key."""
        mark = self.mark(where, key=key)
        return f"{self._shown}:{mark.line}:{mark.column}"

    def warn(self, where: Where, sentence: str, *, key: bool = False) -> None:
        """Notes something that is no error, with its place."""
        self.warnings.append(f"{self.at(where, key=key)}: {sentence}")

    def error(self, where: Where, what: str, hint: str, *, key: bool = False) -> ConfigError:
        return self.error_at(self.mark(where, key=key), what, hint)

    def error_at(self, mark: Mark, what: str, hint: str) -> ConfigError:
        return ConfigError(f"{self._shown}:{mark.line}:{mark.column}: {what}\n  {hint}")


def read_yaml(path: Path, shown: str) -> Source:
    """Reads `path`; errors call it `shown`. Raises ConfigError for what is no readable YAML mapping."""
    return parse_yaml(_read_text(path, shown), shown)


def parse_yaml(text: str, shown: str) -> Source:
    """A YAML text as it would be read from a file; errors call it `shown`. Raises ConfigError for no mapping."""
    root = compose(text, shown)
    if root is None:
        raise ConfigError(
            f"{shown}: the file is empty\n  Write at least `providers:` with one provider and its models."
        )
    if not isinstance(root.value, dict):
        raise Source(shown, root).error((), "a mapping is expected here", "Begin with `version: 1`, then `providers:`.")
    return Source(shown, root)


def _read_text(path: Path, shown: str) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_FILE + 1)
    except FileNotFoundError:
        raise ConfigError(
            f"{shown}: there is no such file\n"
            "  Write one with `router-config init`, or name another file in ROUTER_CONFIG."
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a usable path"
        raise ConfigError(
            f"{shown}: cannot be read ({reason})\n  Make it readable, or name another file in ROUTER_CONFIG."
        ) from None
    if len(raw) > _LARGEST_FILE:
        raise ConfigError(
            f"{shown}: larger than {_LARGEST_FILE >> 20} MB\n  Is it a litellm.yaml? Name that one in ROUTER_CONFIG."
        )
    try:
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        raise ConfigError(f"{shown}:{line}:{column}: this is not UTF-8 text\n  Save the file as UTF-8.") from None
    control = _CONTROL.search(text)
    if control is not None:
        line = text.count("\n", 0, control.start()) + 1
        column = control.start() - text.rfind("\n", 0, control.start())
        raise ConfigError(
            f"{shown}:{line}:{column}: a control character stands here\n  Delete it; the file is plain text."
        )
    return text
