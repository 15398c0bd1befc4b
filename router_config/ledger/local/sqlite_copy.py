"""State files put aside, and copies of them put in their place."""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Final

from router_config.ledger.local.sqlite_errors import is_damage

READ_PATIENCE: Final = 2.0
"""Seconds that reading another process' file may wait for a lock."""


def generation(path: Path) -> int:
    """How often the file at `path` was made anew; -1 where it is no state file."""
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=READ_PATIENCE)
        ) as connection:
            connection.execute("SELECT count(*) FROM meter").fetchone()
            return int(connection.execute("PRAGMA application_id").fetchone()[0])
    except sqlite3.DatabaseError:
        return -1


def is_sound(path: Path) -> bool:
    """Whether SQLite finds no damage in what the file holds now. Reads all of it."""
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=READ_PATIENCE)
        ) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except sqlite3.DatabaseError as error:
        return not is_damage(error)


def put_copy(source: sqlite3.Connection, path: Path, made_anew: int) -> None:
    """Put a copy of what a connection reads in the place of the file. Raises where it cannot be read or written."""
    copy = path.with_name(f"{path.name}.anew-{os.getpid()}")
    copy.unlink(missing_ok=True)
    try:
        with open(os.open(copy, os.O_RDWR | os.O_CREAT, 0o600), "wb") as file:
            file.write(source.serialize())  # A backup would wait for the transaction that it is part of.
        with closing(sqlite3.connect(copy, isolation_level=None)) as target:
            target.execute("PRAGMA journal_mode=DELETE")
            target.execute(f"PRAGMA application_id={made_anew}")
            if target.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("it is damaged")
        if path.exists():
            set_aside(path)
        remove_journals(path)
        os.replace(copy, path)
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            copy.with_name(copy.name + suffix).unlink(missing_ok=True)


def set_aside(path: Path) -> Path:
    """Rename a damaged file and its journals, so that nothing in it is lost."""
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}-{number}")
    for suffix in ("", "-wal", "-shm"):
        journal = path.with_name(path.name + suffix)
        if journal.exists():
            journal.rename(aside.with_name(aside.name + suffix))
    return aside


def remove_journals(path: Path) -> None:
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
