"""Keys and other secrets: from `os.environ/NAME` and `.env` to `Secret`, without ever showing one."""

import io
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from router_config.config.models import ConfigError, Key, Secret

PREFIX = "os.environ/"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_LOOKS_LIKE_A_REFERENCE = re.compile(
    r"\$\{?(?P<dollar>\w+)\}?|%(?P<percent>\w+)%|(?:env|os\.environ|os\.getenv|environ)\W+(?P<call>\w+)\W*|(?P<bare>[A-Z][A-Z0-9]*_[A-Z0-9_]+)",
    re.ASCII,
)
_PASSWORD_IN_URL = re.compile(r"://[^/\s]*:[^/\s]+@")
_SECRET_NAME = re.compile(
    r"(?i)api[_-]?key|secret|password|passwd|credential|authorization|[_-]key$|(?:^|_|-)token$|^key$|^auth$"
)
_SENDABLE = re.compile(r"[\x21-\x7e]+")


def variable_of(text: str) -> str | None:
    """The variable that `os.environ/NAME` names; None for any other text."""
    name = text.strip().removeprefix(PREFIX)
    is_name = _VARIABLE.fullmatch(name) is not None and not _resembles_a_key(name)
    return name if text.strip().startswith(PREFIX) and is_name else None


def misspelt_variable(text: str) -> str | None:
    """The variable that `text` probably means to name: `$NAME`, `${NAME}`, `env:NAME`, a bare `NAME`, ..."""
    match = _LOOKS_LIKE_A_REFERENCE.fullmatch(text.strip())
    if match is not None:
        name = next(name for name in match.groups() if name is not None)
    elif text.strip().startswith(PREFIX):
        name = re.sub(r"\W", "_", text.strip().removeprefix(PREFIX))
    else:
        return None
    return "NAME" if _resembles_a_key(name) or not name else name


def _resembles_a_key(name: str) -> bool:
    """True for what is probably no variable but a key in the wrong place, which no error may repeat."""
    return len(name) > 40 or (len(name) >= 16 and bool(re.search(r"\d", name)) and bool(re.search("[a-z]", name)))


def is_sendable(key: str) -> bool:
    """True for a key that fits into an HTTP header: visible ASCII without spaces."""
    return _SENDABLE.fullmatch(key) is not None


def is_secret_name(name: str) -> bool:
    """True where a setting's name says that its value is secret."""
    return _SECRET_NAME.search(name) is not None


class Environment:
    """Variables of the process, and beneath them those of `.env`. `used` collects the names asked for."""

    def __init__(self, variables: Mapping[str, str], dotenv_file: Path, shown: str) -> None:
        self._variables = variables
        self._from_file, self.warnings = read_dotenv(dotenv_file, shown)
        self.used: dict[str, None] = {}

    def get(self, name: str) -> str | None:
        """The value of a variable without surrounding space; None when it is unset or empty."""
        self.used[name] = None
        value = self._variables[name] if name in self._variables else self._from_file.get(name)
        return (value or "").strip() or None

    def first_key(self, names: tuple[str, ...]) -> Key:
        """The key in the first of these variables that is set; one without secret when none is."""
        for name in names:
            if (value := self.get(name)) is not None:
                return self._key(name, value)
        return Key(variable=names[0], secret=None)

    def _key(self, name: str, value: str) -> Key:
        if is_sendable(value):
            return Key(variable=name, secret=Secret(value))
        self.warnings.append(f"{name} is not used: its value holds spaces or characters that no key has; set it again")
        return Key(variable=name, secret=None)

    def seal(self, value: Any, name: str = "", path: str = "") -> Any:
        """A copy of settings with `os.environ/NAME` looked up, and all secrets as Secret.

        Raises KeyError with the variable's name where it is not set.
        """
        if isinstance(value, dict):
            return {key: self.seal(item, key, f"{path}.{key}") for key, item in value.items()}
        if isinstance(value, list):
            return [self.seal(item, name, path) for item in value]
        if not isinstance(value, str):
            return value
        if (variable := variable_of(value)) is not None:
            if (found := self.get(variable)) is None:
                raise KeyError(variable)
            return Secret(found)
        if value and (is_secret_name(name) or _PASSWORD_IN_URL.search(value)):
            self.warnings.append(
                f"{path.lstrip('.')} is written into the file; put it into .env and write os.environ/NAME"
            )
            return Secret(value)
        return value


class ProcessVariables:
    """The variables of the process, but for those that came from a `.env`: that one may have been edited since.

    LiteLLM reads a `.env` into the process when it is imported, and many applications do.
    """

    def __init__(self, dotenv_file: Path) -> None:
        self._file = dotenv_file
        self._from_file: set[tuple[str, str]] = set()
        self._text = b""
        self._note()

    def now(self) -> Mapping[str, str]:
        """Without what `.env` says, or said before."""
        self._note()
        return {name: value for name, value in os.environ.items() if (name, value) not in self._from_file}

    def _note(self) -> None:
        with suppress(ConfigError, OSError):  # Whoever reads the configuration is told.
            text = self._file.read_bytes() if self._file.is_file() else b""
            if text == self._text:
                return  # Parsing it takes four milliseconds.
            self._text = text
            self._from_file |= read_dotenv(self._file, str(self._file))[0].items()


def read_dotenv(path: Path, shown: str) -> tuple[dict[str, str], list[str]]:
    """The variables of a `.env` file as python-dotenv reads them, and warnings about unreadable lines.

    Raises ConfigError when the file is there and cannot be read.
    """
    try:
        if not path.exists() or path.is_dir():  # A virtual environment may be called that.
            return {}, []
        if not path.is_file():  # Reading a pipe would wait for ever.
            raise ConfigError(f"{shown}: this is not a file\n  Move it away.")
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(f"{shown}: cannot be read ({reason})\n  Mend the file, or remove it.") from None
    from dotenv import (
        dotenv_values,
    )  # only now: most runs in a container have no .env, and the import takes its time
    from dotenv.parser import parse_stream

    bindings = list(parse_stream(io.StringIO(text, newline="")))
    broken = [binding.original.line for binding in bindings if binding.error]
    readable = "".join(binding.original.string for binding in bindings if not binding.error)
    values = dotenv_values(stream=io.StringIO(readable, newline=""))
    warnings = [f"{shown}:{line}: this line is not NAME=value and is ignored" for line in broken]
    return {name: value for name, value in values.items() if value is not None}, warnings
