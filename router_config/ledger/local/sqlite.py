"""The ledger of one machine: an SQLite file that all its processes share and that survives them."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from math import inf
from pathlib import Path
from secrets import token_hex
from typing import Any, Final, TypeVar, TypeVarTuple

from router_config.ledger.local.pages import Page, Tally, blank
from router_config.ledger.local.sqlite_file import StateFile
from router_config.ledger.local.sqlite_journal import SQLitePast
from router_config.ledger.local.sqlite_rows import lease_of_row, lease_row, page_of_row, page_row, rest_of_row, rest_row
from router_config.ledger.local.store import LocalStore
from router_config.ledger.rules.gates import Rest
from router_config.ledger.rules.meters import NOTHING, Amount, Meter
from router_config.ledger.store import Attendance, Lease

T = TypeVar("T")
Given = TypeVarTuple("Given")


AT_ONCE_READ: Final = 500
"""Rows that one statement asks for by name; SQLite takes at least 999 names."""

_PUT_PAGE: Final = f"INSERT OR REPLACE INTO meter VALUES ({','.join('?' * 23)})"


class SQLiteStore(LocalStore):
    """Every step is one transaction.

    What a transaction has read or written holds in the next one, unless another connection has written in between.
    """

    name = "sqlite"
    shared = True

    def __init__(self, path: str | Path) -> None:
        self._file = StateFile(Path(path))
        super().__init__(SQLitePast(self._file))
        # What is in the file as of `_as_of`: rows of `meter` by scope (None: there is none), all rests, and a moment
        # before which no lease expires (None: not known).
        self._as_of: tuple[int, int] | None = None
        self._pages: dict[str, Page | None] = {}
        self._rests: dict[str, Rest] | None = None
        self._expires_after: float | None = None
        self._changed: dict[str, Page] = {}
        self._read: dict[str, tuple[tuple[Any, ...], Page]] = {}
        """By scope the row that was read last and the page made of it, until a step changes that page."""

    @property
    def set_aside(self) -> Path | None:
        """Where a damaged file found at opening was moved to."""
        return self._file.set_aside

    @property
    def _db(self) -> sqlite3.Connection:
        return self._file.db

    async def _atomically(self, now: float, step: Callable[[*Given], T], *given: *Given) -> T:
        return await self._file.atomically(lambda: self._step(now, lambda: step(*given)))

    def _step(self, now: float, step: Callable[[], T]) -> T:
        self._now = now
        self._keep_what_still_holds(self._file.as_of())
        result = step()
        self._write_pages()
        return result

    def _keep_what_still_holds(self, as_of: tuple[int, int]) -> None:
        if as_of != self._as_of:
            self._as_of = as_of
            self._pages.clear()
            self._changed.clear()
            self._rests = None
            self._expires_after = None

    def _write_pages(self) -> None:
        """What a step has changed of pages is written once, at its end."""
        if self._changed:
            self._db.executemany(_PUT_PAGE, [page_row(scope, page) for scope, page in self._changed.items()])
            self._changed.clear()

    def _page(self, scope: str) -> Page | None:
        if scope in self._pages:
            return self._pages[scope]
        row = self._db.execute("SELECT * FROM meter WHERE scope=?", (scope,)).fetchone()
        self._pages[scope] = page = None if row is None else self._page_of(row)
        return page

    def _page_of(self, row: tuple[Any, ...]) -> Page:
        """Of what others have written since the last step, few rows are other ones; to compare one takes no time."""
        scope: str = row[0]
        read = self._read.get(scope)
        if read is None or read[0] != row:
            read = self._read[scope] = row, page_of_row(row)
        return read[1]

    def _prefetch(self, meters: Sequence[Meter]) -> None:
        unread = [meter.scope for meter in meters if meter.scope not in self._pages]
        for start in range(0, len(unread), AT_ONCE_READ):
            part = unread[start : start + AT_ONCE_READ]
            marks = ",".join("?" * len(part))
            self._pages.update(dict.fromkeys(part))
            for row in self._db.execute(f"SELECT * FROM meter WHERE scope IN ({marks})", part):
                self._pages[row[0]] = self._page_of(row)

    def _page_to_write(self, scope: str) -> Page:
        page = self._page(scope)
        if page is None:
            page = self._pages[scope] = blank(scope)
        self._read.pop(scope, None)
        page.reading = None
        self._changed[scope] = page
        return page

    def _put_slot(self, tally: Tally, slot: int, leaves: float, amount: Amount) -> None:
        self._db.execute(
            "INSERT INTO slot VALUES (?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET "
            "requests=requests+excluded.requests, tokens=tokens+excluded.tokens, usd=usd+excluded.usd",
            (tally.scope, tally.period, slot, leaves, *amount),
        )

    def _drop_slots(self, tally: Tally) -> tuple[Amount, float]:
        of_tally, gone = (tally.scope, tally.period), NOTHING
        for row in self._db.execute(
            "DELETE FROM slot WHERE scope=? AND period=? AND leaves<=? RETURNING requests, tokens, usd",
            (*of_tally, self._now),
        ).fetchall():
            gone = gone.plus(Amount(*row))
        left = self._db.execute("SELECT min(leaves) FROM slot WHERE scope=? AND period=?", of_tally).fetchone()[0]
        return gone, inf if left is None else left

    def _slots(self, tally: Tally) -> Iterator[tuple[float, Amount]]:
        rows = self._db.execute(
            "SELECT leaves, requests, tokens, usd FROM slot WHERE scope=? AND period=? ORDER BY leaves",
            (tally.scope, tally.period),
        )
        return ((row[0], Amount(*row[1:])) for row in rows)

    def _put_lease(self, lease: Lease) -> None:
        self._db.execute("INSERT OR REPLACE INTO lease VALUES (?,?,?,?,?,?,?,?,?)", lease_row(lease))
        if self._expires_after is not None and lease.expires_at < self._expires_after:
            self._expires_after = lease.expires_at

    def _pop_lease(self, lease: Lease) -> Lease | None:
        by_key = "DELETE FROM lease WHERE expires_at=? AND id=? RETURNING *"
        row = self._db.execute(by_key, (lease.expires_at, lease.id)).fetchone()
        if row is None:  # It was renewed, or it is closed.
            row = self._db.execute("DELETE FROM lease WHERE id=? RETURNING *", (lease.id,)).fetchone()
        return None if row is None else lease_of_row(row)

    def _expired_leases(self, now: float) -> list[Lease]:
        if self._expires_after is None:
            soonest = self._db.execute("SELECT min(expires_at) FROM lease").fetchone()[0]
            self._expires_after = inf if soonest is None else soonest
        if self._expires_after > now:
            return []
        rows = self._db.execute("SELECT * FROM lease WHERE expires_at<=?", (now,)).fetchall()
        self._db.execute("DELETE FROM lease WHERE expires_at<=?", (now,))
        self._expires_after = None
        return [lease_of_row(row) for row in rows]

    def rest_of(self, scope: str) -> Rest | None:
        return self._all_rests().get(scope)

    def _put_rest(self, rest: Rest) -> None:
        self._rests = None
        self._db.execute("DELETE FROM rest WHERE until<=? AND NOT probes", (self._now,))
        self._db.execute("INSERT OR REPLACE INTO rest VALUES (?,?,?,?,?,?,?,?)", rest_row(rest))

    def _drop_rest(self, scope: str) -> None:
        self._rests = None
        self._db.execute("DELETE FROM rest WHERE scope=?", (scope,))

    def _all_rests(self) -> dict[str, Rest]:
        if self._rests is None:
            self._rests = {row[0]: rest_of_row(row) for row in self._db.execute("SELECT * FROM rest")}
        return self._rests

    async def attend(self, process: str, now: float, lasts: float) -> Attendance:
        return await self._atomically(now, lambda: self._attend(process, now, lasts))

    def _attend(self, process: str, now: float, lasts: float) -> Attendance:
        self._db.execute("INSERT OR REPLACE INTO process VALUES (?,?)", (process, now))
        self._db.execute("DELETE FROM process WHERE seen_at<=?", (now - lasts,))
        names = self._db.execute("SELECT name FROM identity").fetchall()
        name = names[0][0] if names else token_hex(8)
        if not names:
            self._db.execute("INSERT INTO identity VALUES (?)", (name,))
        return Attendance(self._db.execute("SELECT count(*) FROM process").fetchone()[0], name, not names)

    def boot_epoch(self, boot: str, proposed: float) -> float:
        if not boot:
            return proposed
        with self._file.lock:
            try:
                self._db.execute("INSERT OR IGNORE INTO boot VALUES (?,?)", (boot, proposed))
                self._db.execute("DELETE FROM boot WHERE id<>?", (boot,))
            except sqlite3.OperationalError:
                return proposed  # Another process writes just now; its proposal is as good as ours.
            found: float = self._db.execute("SELECT epoch FROM boot WHERE id=?", (boot,)).fetchone()[0]
            return found

    async def aclose(self) -> None:
        self._file.close()
