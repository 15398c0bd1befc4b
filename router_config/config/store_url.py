"""The URL under `state`: which store keeps the counters, and where."""

import contextlib
import os
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from router_config.config.grammar.quantities import BadValue
from router_config.config.models import Config, ConfigError

_FORMS = "Write memory://, sqlite:///path/to/state.db or redis://host:6379/0."


def resolve_state(url: str, folder: Path) -> str:
    """`url` in its full form; a relative sqlite path is meant from `folder`. Raises BadValue.

    >>> resolve_state("sqlite:///state.db", Path("/srv"))
    'sqlite:////srv/state.db'
    """
    scheme, separator, rest = url.strip().partition("://")
    if not separator:
        raise BadValue("this is not the URL of a store", _FORMS)
    match scheme.lower():
        case "memory":
            if rest.strip("/"):
                raise BadValue("memory:// takes nothing behind it", _FORMS)
            return "memory://"
        case "sqlite":
            return f"sqlite:///{_sqlite_path(rest, folder)}"
        case "redis" | "rediss":
            return _redis_url(url.strip())
    raise BadValue("there is no store of this kind", _FORMS)


def sqlite_path(state: str) -> Path | None:
    """The database file of a resolved state URL; None for another kind of store."""
    return Path(state.removeprefix("sqlite:///")) if state.startswith("sqlite:///") else None


def without_password(url: str) -> str:
    """`url` as it may be shown: user, password and query replaced."""
    parts = urlsplit(url)
    if "@" not in parts.netloc and not parts.query:
        return url
    host = parts.netloc.rpartition("@")[2]
    netloc = f"***@{host}" if "@" in parts.netloc else host
    return urlunsplit(parts._replace(netloc=netloc, query="***" if parts.query else ""))


def require_writable(config: Config, where: str) -> None:
    """Raises ConfigError, beginning with `where`, when the store is a file that could not be written."""
    path = sqlite_path(config.state)
    if path is None:
        return
    reason = _why_not_writable(path)
    if reason is not None:
        raise ConfigError(
            f"{where}: {path} cannot be written ({reason})\n  Name a file in a folder that you may write to."
        )


def _why_not_writable(path: Path) -> str | None:
    """Tries it, because permissions alone do not tell; leaves nothing behind."""
    made: list[Path] = []
    try:
        if path.exists():
            if not path.is_file():
                return "it is not a file"
            os.close(os.open(path, os.O_RDWR))
        for folder in reversed([folder for folder in path.parents if not folder.exists()]):
            folder.mkdir()
            made.append(folder)
        with tempfile.TemporaryFile(dir=path.parent):
            return None
    except (OSError, ValueError) as error:
        return (getattr(error, "strerror", None) or "not a usable path").lower()
    finally:
        for folder in reversed(made):
            with contextlib.suppress(OSError):
                folder.rmdir()


def _sqlite_path(rest: str, folder: Path) -> Path:
    if not rest.startswith("/"):
        raise BadValue(
            "a sqlite URL has three slashes before its path",
            "Write sqlite:///path, or sqlite:////path from the root.",
        )
    name = rest.removeprefix("/")
    if name == ":memory:":
        raise BadValue("this database would live in memory", "Write memory:// for counters that need not last.")
    if not name or name.endswith("/") or "\x00" in name:
        raise BadValue("the path of the database file is missing", "Write sqlite:///.router/state.db, for example.")
    path = Path(os.path.abspath(folder / os.path.expanduser(name)))
    if os.path.isdir(path):
        raise BadValue("this path is a folder", "Name a file in it, such as sqlite:///.router/state.db.")
    return path


def _redis_url(url: str) -> str:
    hint = "Write redis://host:6379/0; with a password, redis://:password@host:6379/0."
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise BadValue("host or port of this URL is wrong", hint) from None
    database = parts.path.strip("/")
    if not host:
        raise BadValue("the host is missing", hint)
    if database and not database.isdigit():
        raise BadValue("the database of a redis URL is a number", hint)
    return url
