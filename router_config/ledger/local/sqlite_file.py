"""The state file of one machine: opened, brought to the present schema, held for one step at a time."""

import asyncio
import ctypes
import logging
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar
from weakref import WeakSet

from router_config.forks import before_forks, taken_for_forks
from router_config.ledger.interfaces import StoreError
from router_config.ledger.local.sqlite_copy import generation, is_sound, put_copy, set_aside
from router_config.ledger.local.sqlite_errors import cannot_use, is_busy, is_damage
from router_config.ledger.local.sqlite_schema import NewerSchemaError, bring_up_to_date

T = TypeVar("T")

_checking = taken_for_forks(threading.Lock())
"""Held while a connection beside that of the steps is open, for none may cross a fork."""

WATCH_EVERY: Final = 0.5
"""Seconds between two looks at the file beside the steps."""

_log = logging.getLogger("router_config")

PATIENCE: Final = 2.0
"""The file counts as locked for good when no step of this process could use it for so many seconds."""

TRIES: Final = 20
"""Before that this process must have tried so many times: on a busy machine it may have tried seldom."""

PAGE_SIZE: Final = 2048
"""Bytes of a page in a new file. A transaction changes a few rows here and there, and writes their whole pages."""

LEAVES_OTHER_JOURNALS: Final = (3, 40, 0)
"""The oldest SQLite tested that, on closing a file that has lost its name, leaves the journals of that name alone."""

AT_ONCE: Final = 10
"""Milliseconds that SQLite itself waits in each try. A transaction takes a third of one."""


class StateFile:
    """WAL mode; one connection a process, one `BEGIN IMMEDIATE` transaction a step.

    Raises `StoreError` where the file cannot be used, and once it is closed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.set_aside: Path | None = None
        """Where a damaged file found at opening was moved to."""
        self.lock = taken_for_forks(threading.Lock())
        self._closed = False
        self._unsure = 0
        self.mended: tuple[str, float] | None = None
        """What had happened to the file while it was in use, and when it was made anew, monotonic seconds."""
        self._damaged = False
        """SQLite found damage: what the connection reads is no copy to go on with."""
        self._unsound, self._checked = False, 0
        """Whether a look found damage, and when the file had been written then."""
        self._inode: tuple[int, int] = (0, 0)
        self._size = 0
        self.opened = 0
        """How often the path was opened. Whatever file stands there then may be a new one."""
        self._held_at = 0.0
        self._tries = 0
        """By all steps together since the file was held last."""
        self._connection: sqlite3.Connection | None = None
        self._connection = self._open()  # From here on the thread that looks at all files may look at this one.
        before_forks(self._let_go_for_a_fork)

    @property
    def db(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreError(f"the state file {self.path} is closed")
        if self._connection is None:
            if self._damaged:
                raise StoreError(f"the state file {self.path} was damaged while it was in use")
            self._connection = self._open()
            self._unsure += 1
        return self._connection

    def as_of(self) -> tuple[int, int]:
        """A version of what the file holds: while it is the same, what was read or written before still holds.

        SQLite's part of it changes with each commit of another connection, and with none of this one.
        """
        return self._unsure, self.db.execute("PRAGMA data_version").fetchone()[0]

    async def atomically(self, step: Callable[[], T]) -> T:
        """Run `step` in a transaction, as soon as no other process has the file."""
        began = time.monotonic()
        while True:
            try:
                with self.lock:
                    result = self._transaction(step)
            except _Lost:
                continue  # It was made anew.
            except sqlite3.DatabaseError as error:
                self._tries += 1
                self._damaged = self._damaged or is_damage(error)
                locked_for = time.monotonic() - max(began, self._held_at)
                if not is_busy(error) or (locked_for > PATIENCE and self._tries >= TRIES):
                    raise StoreError(cannot_use(self.path, error)) from error
            else:
                self._held_at, self._tries = time.monotonic(), 0
                return result
            await asyncio.sleep(random.uniform(0.0002, 0.002))

    def _transaction(self, step: Callable[[], T]) -> T:
        """The lock is held."""
        db = self.db
        db.execute("BEGIN IMMEDIATE")
        try:
            happened = self._happened()
            if happened is not None and not self._damaged:
                raise _Lost(happened)
            result = step()
            db.execute("COMMIT")
        except _Lost as lost:
            self._make_anew(db, lost.happened)
            raise
        except BaseException:
            self._unsure += 1  # What the step read may have been its own changes, which are undone.
            if db.in_transaction:  # Where the disk is full, SQLite has ended it.
                db.execute("ROLLBACK")
            raise
        return result

    def try_step(self, step: Callable[[], object]) -> bool:
        """Run `step` in a transaction, or return False at once."""
        with self.lock, suppress(_Lost, StoreError, sqlite3.DatabaseError):
            self._transaction(step)
            return True
        return False

    def look(self) -> None:
        """Make the file anew if something happened to it since the last step."""
        if self._connection is None or self._damaged:
            return
        with suppress(OSError):
            written = os.stat(self.path).st_mtime_ns
            if written != self._checked:
                self._checked = written
                with _checking:
                    self._unsound = not is_sound(self.path)
        if self._happened() is None:
            return
        self.try_step(lambda: None)

    def _happened(self) -> str | None:
        """What happened to the file since it was opened; None while it is the same. Two microseconds."""
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return "was deleted"
        except OSError:
            return None  # SQLite says what is wrong.
        if (found.st_dev, found.st_ino) != self._inode:
            return "was replaced"
        if found.st_size < self._size:
            return "was truncated"
        if self._unsound:
            return "was damaged"
        self._size = found.st_size
        return None

    def _make_anew(self, db: sqlite3.Connection, happened: str) -> None:
        """Put a copy of what the open connection still reads in the place of the file, unless another process did.

        The copy is made while this process holds the write lock of the old file, so that no step of another process
        is lost: it finds the new file when its turn comes. Raises `StoreError` where the old one cannot be read.
        """
        made_anew = db.execute("PRAGMA application_id").fetchone()[0]
        theirs = generation(self.path) if happened == "was replaced" else -1
        try:
            if theirs <= made_anew:
                put_copy(db, self.path, made_anew + 1)
        except (OSError, sqlite3.DatabaseError) as error:
            _log.warning("the state file %s %s; no copy of it can be made: %s", self.path, happened, error)
            if happened in ("was damaged", "was truncated"):
                self._damaged = True
                with suppress(OSError):
                    set_aside(self.path)
            raise StoreError(f"the state file {self.path} {happened} while it was in use") from error
        finally:
            with suppress(sqlite3.DatabaseError):
                db.execute("ROLLBACK")
            if sqlite3.sqlite_version_info < LEAVES_OTHER_JOURNALS:  # It stays open.
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(db))
                self._connection = None
            self._let_go()
        self.mended = f"the state file {self.path} {happened} while it was in use; it was made anew", time.monotonic()
        _log.warning("%s", self.mended[0])

    def close(self) -> None:
        with self.lock:
            self._closed = True
            self._let_go()

    def _let_go_for_a_fork(self) -> None:
        """No connection may cross a fork: SQLite in the child would take its parent's locks for its own, and hold none.

        A fork holds the lock.
        """
        if self._connection is not None and self._happened() is not None:
            with suppress(_Lost, StoreError, sqlite3.DatabaseError):
                self._transaction(lambda: None)  # Only this connection still reads what was in the file.
        self._let_go()

    def _let_go(self) -> None:
        """Close the connection until the next step."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return self._connect()
        except NewerSchemaError as error:
            raise StoreError(
                f"the state file {self.path} was written by a newer version (schema {error.version}). "
                "Upgrade litellm-router-config, or choose another path under `state:`."
            ) from None
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise StoreError(f"{cannot_use(self.path, error)}. Check the path and its permissions.") from error
        except OSError as error:
            raise StoreError(
                f"{cannot_use(self.path, error)}. Choose another path under `state:` or mend the permissions."
            ) from error
        self.set_aside = set_aside(self.path)
        _log.warning("the state file %s was damaged; it is kept as %s, counting begins anew", self.path, self.set_aside)
        return self._connect()

    def _connect(self) -> sqlite3.Connection:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return self._connect_once()
            except sqlite3.DatabaseError as error:
                # SQLite waits for no lock of another process that turns a new file to WAL at the same time.
                if not is_busy(error) or time.monotonic() > until:
                    raise
            time.sleep(random.uniform(0.0002, 0.002))

    def _connect_once(self) -> sqlite3.Connection:
        if not self.path.exists():  # Opening one that is there would drop the locks that this process has on it.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        self.opened += 1
        try:
            connection.execute(f"PRAGMA page_size={PAGE_SIZE}")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            bring_up_to_date(connection)
            connection.execute("SELECT count(*) FROM meter").fetchone()
            found = os.stat(self.path)
            self._inode, self._size, self._damaged = (found.st_dev, found.st_ino), found.st_size, False
            self._unsound = False
            _watch(self)
            connection.execute(f"PRAGMA busy_timeout={AT_ONCE}")  # Longer waiting is ours, off the event loop.
        except BaseException:
            connection.close()
            raise
        return connection


class _Lost(Exception):
    """Something happened to the file while it was in use."""

    def __init__(self, happened: str) -> None:
        super().__init__(happened)
        self.happened = happened


_open_files: WeakSet[StateFile] = WeakSet()
_watcher: threading.Thread | None = None


def _watch(file: StateFile) -> None:
    """Look at the file twice a second beside the steps, on one thread for all files, which ends with the last."""
    global _watcher
    _open_files.add(file)
    if _watcher is None or not _watcher.is_alive():
        _watcher = threading.Thread(target=_look_at_all, name="router-config state", daemon=True)
        _watcher.start()


def _look_at_all() -> None:
    global _watcher
    while True:
        time.sleep(WATCH_EVERY)
        try:
            files = list(_open_files)
        except RuntimeError:  # One was opened meanwhile.
            continue
        if not files:
            _watcher = None
            if not _open_files:  # Whoever opens one from now on starts another thread.
                return
            continue
        for file in files:
            try:
                file.look()
            except Exception:  # The thread looks after the others, too, for months.
                _log.exception("the state file %s could not be looked at", file.path)
        del file, files  # Neither keeps a file that nobody else has.
