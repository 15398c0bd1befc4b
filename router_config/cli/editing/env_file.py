"""Writing keys into a `.env` file: every other line stays as it is, and the file is whole at any moment."""

import io
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import Binding, Original, parse_stream

from router_config.cli.editing.whole_files import alone_in, replace_file
from router_config.config.credentials import is_sendable
from router_config.config.models import ConfigError

_BARE = re.compile(r"[A-Za-z0-9_./:@%+=,~-]+", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_QUOTED_VALUE = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""", re.DOTALL)
_COMMENT = re.compile(r"\s+#[^\r\n]*")


def set_variables(path: Path, values: Mapping[str, str]) -> None:
    """Sets variables in a `.env` file and leaves everything else in it alone.

    The file is replaced in one step, readable by its owner only; of a link, the file that it points to.

    Raises:
        ConfigError: the file cannot be read or written, or a line of it would swallow the new ones.
    """
    target = Path(os.path.realpath(path))
    with alone_in(target.parent):
        old = _read(target, path)
        new = with_variables(old, values)
        _require_same_meaning(old, new, values, path)
        replace_file(target, new, path, private=True)


def with_variables(text: str, values: Mapping[str, str]) -> str:
    """The text of a `.env` file with these variables set: in their line if there is one, else at the end."""
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    bindings = list(parse_stream(io.StringIO(text, newline="")))
    last = {binding.key: index for index, binding in enumerate(bindings) if binding.key in values}
    lines = [
        _with_value(binding, values[binding.key])
        if binding.key is not None and last.get(binding.key) == index
        else binding.original.string
        for index, binding in enumerate(bindings)
    ]
    newline = "\r\n" if "\r\n" in text else "\n"
    result = "".join(lines)
    for name, value in values.items():
        if name not in last:
            if result and not result.endswith(("\n", "\r")):
                result += newline
            result += f"{name}={quoted(value)}{newline}"
    return bom + result


def quoted(value: str) -> str:
    """`value` as it stands behind NAME= so that python-dotenv reads back exactly this value."""
    if _BARE.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    # python-dotenv looks variables up inside quotes too; the default of an unset one gives the dollar back.
    return "'" + escaped.replace("${", "${:-$}{") + "'"


def parse_assignments(text: str) -> dict[str, str]:
    """The variables in lines of NAME=value, as in a `.env` file; empty values are left out.

    Raises ConfigError with the number of the first line that is something else. It never repeats the line.
    """
    for binding in parse_stream(io.StringIO(text, newline="")):
        assignment = binding.key is None or (binding.value is not None and _NAME.fullmatch(binding.key))
        if binding.error or not assignment:
            leading = binding.original.string[: -len(binding.original.string.lstrip()) or None]
            line = binding.original.line + leading.count("\n")
            raise ConfigError(
                f"standard input, line {line}: this is not NAME=value\n  Write one such line for each key."
            )
    values = dotenv_values(stream=io.StringIO(text, newline=""), interpolate=False)
    return {name: value.strip() for name, value in values.items() if value and value.strip()}


def require_keys(values: Mapping[str, str]) -> None:
    """Raises ConfigError for a value that is no key; it names the variable, never the value."""
    for name, value in values.items():
        if not is_sendable(value):
            raise ConfigError(f"{name}: no key holds spaces or such characters\n  Copy the key again, alone.")


def _with_value(binding: Binding, value: str) -> str:
    """The line of a variable with another value: indentation, `export`, comment and line end stay."""
    line = binding.original.string
    name = re.escape(binding.key or "")
    match = re.match(rf"\s*(?:export[^\S\r\n]+)?(?:'{name}'|{name})[^\S\r\n]*", line)
    if match is None:
        return line
    head, rest = line[: match.end()], line[match.end() :]
    if not rest.startswith("="):
        return f"{head.rstrip()}={quoted(value)}{rest}"
    equals = re.match(r"=[^\S\r\n]*", rest)
    assert equals is not None
    before, rest = rest[: equals.end()], rest[equals.end() :]
    if len(before) > 1 and rest.startswith("#"):
        return f"{head}={quoted(value)} {rest}"
    old = _QUOTED_VALUE.match(rest)
    comment = _COMMENT.search(rest) if old is None else None
    kept = rest[old.end() :] if old is not None else rest[comment.start() :] if comment is not None else _line_end(rest)
    return f"{head}{before}{quoted(value)}{kept}"


def _line_end(text: str) -> str:
    return text[len(text.rstrip("\r\n")) :]


def _read(target: Path, shown: Path) -> str:
    try:
        if not stat.S_ISREG(target.stat().st_mode):
            raise ConfigError(f"{shown}: this is not a file\n  Move it away, or name another configuration with -c.")
        return target.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise ConfigError(f"{shown}: this is not UTF-8 text\n  Save the file as UTF-8, or move it away.") from None
    except OSError as error:
        raise ConfigError(f"{shown}: cannot be read ({error.strerror})\n  Make the file readable.") from None


def _require_same_meaning(old: str, new: str, values: Mapping[str, str], shown: Path) -> None:
    """A line with an open quote could swallow those behind it, so the new text is read first."""
    broken = _broken(old)
    still_broken = [original.string for original in _broken(new)]
    if _others(old, values) == _others(new, values) and [each.string for each in broken] == still_broken:
        after = _values(new, interpolate=True)
        if all(after.get(name) == value for name, value in values.items()):
            return
    line = broken[0].line if broken else 1
    raise ConfigError(f"{shown}:{line}: this line would swallow the new ones\n  Close its quotes; nothing was written.")


def _others(text: str, values: Mapping[str, str]) -> dict[str, str | None]:
    everything = _values(text, interpolate=False)
    return {name: value for name, value in everything.items() if name not in values}


def _values(text: str, *, interpolate: bool) -> dict[str, str | None]:
    bindings = [binding for binding in parse_stream(io.StringIO(text, newline="")) if not binding.error]
    readable = "".join(binding.original.string for binding in bindings)
    return dotenv_values(stream=io.StringIO(readable, newline=""), interpolate=interpolate)


def _broken(text: str) -> list[Original]:
    return [binding.original for binding in parse_stream(io.StringIO(text, newline="")) if binding.error]
