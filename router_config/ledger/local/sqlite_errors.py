"""What SQLite's errors mean for the state file."""

import errno
import shutil
import sqlite3
from pathlib import Path
from typing import Final

NO_ROOM: Final = 65_536
"""Bytes. Where a disk has less left, that is why SQLite cannot use a file: to open one it takes 32 kB for an index."""


def is_busy(error: sqlite3.DatabaseError) -> bool:
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_damage(error: sqlite3.DatabaseError) -> bool:
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def cannot_use(path: Path, error: Exception) -> str:
    """What is wrong with the state file, in plain words where the disk is full."""
    why = getattr(error, "strerror", None) or error
    return f"cannot use the state file {path}: {f'the disk is full ({why})' if _is_full(path, error) else why}"


def _is_full(path: Path, error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    if _code(error) not in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
        return _code(error) == sqlite3.SQLITE_FULL
    try:
        return shutil.disk_usage(path.parent).free < NO_ROOM
    except OSError:
        return False


def _code(error: Exception) -> int:
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF
