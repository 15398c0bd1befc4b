"""The ledger of one machine: an SQLite file that all its processes share and that survives them."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from pathlib import Path
from secrets import token_hex
from typing import Any, Final, TypeVar

from router_config.ledger.interfaces import MovableClock
from router_config.ledger.local.pages import Page, Tally, blank
from router_config.ledger.local.sqlite_boots import begin, exchange
from router_config.ledger.local.sqlite_file import PATIENCE, StateFile
from router_config.ledger.local.sqlite_journal import SQLiteJournal
from router_config.ledger.local.sqlite_renaming import take_over
from router_config.ledger.local.sqlite_rows import (
    LEASE_COLUMNS,
    adding,
    cooldown_of_row,
    lease_of_row,
    lease_row,
    page_of_row,
    page_row,
)
from router_config.ledger.local.store import LocalStore, atomic
from router_config.ledger.rules.gates import Cooldown
from router_config.ledger.rules.history import Event, is_news
from router_config.ledger.rules.meters import NOTHING, Amount, Meter
from router_config.ledger.rules.windows import STORED
from router_config.ledger.values import AFFINITIES_KEPT, Affinity, Degraded, Lease, Membership

T = TypeVar("T")

MENDED_SHOWN: Final = 10.0
"""Seconds for which the status shows that the file was made anew."""

AT_ONCE_READ: Final = 500
"""Rows that one statement asks for by name. SQLite takes at least 999 names."""

AGREE_EVERY: Final = 1.0
"""Seconds between two looks at what other processes have found out about the time."""

CLAIMED: Final = """
CREATE TABLE claimed (
    lost TEXT NOT NULL, scope TEXT NOT NULL, at REAL NOT NULL,
    requests INTEGER NOT NULL, tokens INTEGER NOT NULL, usd REAL NOT NULL,
    PRIMARY KEY (lost, scope)
) WITHOUT ROWID
"""
"""What processes have restored of a lost file (`Backend.claim`). Made by whoever is the first to find a new one."""

SWEEP_EVERY: Final = 60.0
"""Seconds between two looks for conversations that are over."""

_NEWEST: Final = """
DELETE FROM affinity WHERE conversation IN (
    SELECT conversation FROM affinity ORDER BY until DESC LIMIT -1 OFFSET ?
)
"""
_PUT_PAGE: Final = f"INSERT OR REPLACE INTO meter VALUES ({','.join('?' * len(page_row('', blank(''))))})"
_PUT_LEASE: Final = f"INSERT OR REPLACE INTO lease VALUES ({','.join('?' * LEASE_COLUMNS)})"
_SIGN_IN: Final = "INSERT INTO process VALUES (?,?,?) ON CONFLICT (name) DO UPDATE SET seen_at=excluded.seen_at"
_ADD_TO_SLOT: Final = adding("slot", 4, "requests", "tokens", "usd")


class SQLiteStore(LocalStore):
    """Every step is one transaction.

    path: the file, made where there is none. Raises `StoreError` where it cannot be used.

    What a transaction read or wrote is kept for the next one, unless another connection has written in between.
    """

    name = "sqlite"
    shared = True

    def __init__(self, path: str | Path) -> None:
        self._file = StateFile(Path(path))
        super().__init__(SQLiteJournal(self._file))
        # What is in the file as of `_as_of`: pages by scope (None: there is no row), all cooldowns (None: not read),
        # and a moment before which no lease expires (None: not read).
        self._told: tuple[str, float] | None = None
        self._as_of: tuple[int, int] | None = None
        self._pages: dict[str, Page | None] = {}
        self._cooldowns: dict[str, Cooldown] | None = None
        self._expires_after: float | None = None
        self._changed: dict[str, Page] = {}
        self._clock: MovableClock | None = None
        self._agreed: tuple[float, bool] | None = None
        self._agreeing: tuple[float, bool] | None = None
        """The clock's correction and whether it was unsure, when it last agreed with the other processes."""
        self._agree_next = 0.0
        self._next_sweep = 0.0
        self._begun = 0
        """Which opening of the file the time of this boot was read from, or written to."""
        self._read: dict[str, tuple[tuple[Any, ...], Page]] = {}
        """By scope the row that was read last and the page made of it, until a step changes that page."""

    @property
    def set_aside(self) -> Path | None:
        return self._file.set_aside

    @property
    def degraded(self) -> Degraded | None:
        """For some seconds after the file had to be made anew."""
        mended = self._file.mended
        if mended is None or time.monotonic() - mended[1] > MENDED_SHOWN:
            return None
        return Degraded(mended[0], self._now)

    @property
    def _db(self) -> sqlite3.Connection:
        return self._file.db

    async def _atomically(self, step: Callable[[], T]) -> T:
        formerly, turned = self._formerly, self._turned
        result = await self._file.atomically(lambda: self._step(step))
        self._agreed = self._agreeing
        if formerly and self._formerly is formerly:
            self._formerly = {}
        if turned and self._turned is turned:
            self._turned = ()
        return result

    def _step(self, step: Callable[[], T]) -> T:
        if self._clock is not None:
            self._now = self._clock.now()
            self._agree(self._clock)
        self._keep_what_still_holds(self._file.as_of())
        if self._file.mended is not self._told:
            self._tell_of_the_loss()
        if self._formerly and take_over(self._db, self._formerly):
            self._as_of = None
            self._keep_what_still_holds(self._file.as_of())
        if self._turned:
            self._turn_days()
        result = step()
        self._write_pages()
        return result

    def _tell_of_the_loss(self) -> None:
        """Keep it as an event, once for all processes."""
        self._told = mended = self._file.mended
        if mended is not None:
            event = Event(self._now, "state_lost", "state", mended[0], self._now)
            if is_news(event, self._journal.events()):
                self._journal.put_event(event)

    def _keep_what_still_holds(self, as_of: tuple[int, int]) -> None:
        if as_of != self._as_of:
            self._as_of = as_of
            self._pages.clear()
            self._changed.clear()
            self._cooldowns = None
            self._expires_after = None

    def _write_pages(self) -> None:
        """Write the pages that a step has changed, once, at its end."""
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
        """The page of a row: the one made before where the row is the same, as nearly always."""
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
        self._db.execute(_ADD_TO_SLOT, (tally.scope, STORED[tally.period], slot, leaves, *amount))

    def _drop_slots(self, tally: Tally) -> tuple[Amount, float]:
        of_tally, gone = (tally.scope, STORED[tally.period]), NOTHING
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
            (tally.scope, STORED[tally.period]),
        )
        return ((row[0], Amount(*row[1:])) for row in rows)

    def _put_lease(self, lease: Lease) -> None:
        self._db.execute(_PUT_LEASE, lease_row(lease))
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

    @property
    def any_cooldown(self) -> bool:
        return bool(self._all_cooldowns())

    def cooldown_of(self, scope: str) -> Cooldown | None:
        return self._all_cooldowns().get(scope)

    def _put_cooldown(self, cooldown: Cooldown) -> None:
        self._cooldowns = None
        self._db.execute("DELETE FROM rest WHERE until<=? AND NOT probes", (self._now,))
        self._db.execute("INSERT OR REPLACE INTO rest VALUES (?,?,?,?,?,?,?,?)", cooldown)

    def _drop_cooldown(self, scope: str) -> None:
        self._cooldowns = None
        self._db.execute("DELETE FROM rest WHERE scope=?", (scope,))

    def _all_cooldowns(self) -> dict[str, Cooldown]:
        if self._cooldowns is None:
            self._cooldowns = {row[0]: cooldown_of_row(row) for row in self._db.execute("SELECT * FROM rest")}
        return self._cooldowns

    def _curves(self) -> dict[str, str]:
        # In whatever file there is, for the rest of it is of the same schema.
        self._db.execute("CREATE TABLE IF NOT EXISTS curve (model TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID")
        return dict(self._db.execute("SELECT model, text FROM curve").fetchall())

    def _put_curve(self, name: str, text: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO curve VALUES (?,?)", (name, text))

    def _affinity(self, conversation: str) -> Affinity | None:
        row = self._db.execute("SELECT * FROM affinity WHERE conversation=?", (conversation,)).fetchone()
        return None if row is None else Affinity(*row)

    def _put_affinity(self, affinity: Affinity) -> None:
        self._db.execute("INSERT OR REPLACE INTO affinity VALUES (?,?,?,?,?,?,?,?)", affinity)
        if self._now >= self._next_sweep:
            self._next_sweep = self._now + SWEEP_EVERY
            self._db.execute("DELETE FROM affinity WHERE until<=?", (self._now,))
            self._db.execute(_NEWEST, (AFFINITIES_KEPT,))

    @atomic
    def sign_in(self, process: str, now: float, lasts: float) -> Membership:
        self._db.execute(_SIGN_IN, (process, now, now))
        self._db.execute("DELETE FROM process WHERE seen_at<=?", (now - lasts,))
        in_order = [name for (name,) in self._db.execute("SELECT name FROM process ORDER BY joined_at, name")]
        names = self._db.execute("SELECT name FROM identity").fetchall()
        name = names[0][0] if names else token_hex(8)
        if not names:
            self._db.execute("INSERT INTO identity VALUES (?)", (name,))
            self._db.execute(CLAIMED)
        return Membership(len(in_order), name, not names, rank=in_order.index(process))

    @atomic
    def claim(self, lost: str, at: float, days: Mapping[str, Amount], membership: Membership) -> Mapping[str, Amount]:
        if not self._db.execute("SELECT 1 FROM sqlite_master WHERE name='claimed'").fetchone():
            return {}  # Another file was put in the place of the one that is lost.
        found: dict[str, Amount] = {}
        for scope, day in days.items():
            row = self._db.execute("SELECT * FROM claimed WHERE lost=? AND scope=?", (lost, scope)).fetchone()
            if row is None or row[2] < at:
                found[scope] = NOTHING if row is None else Amount(*row[3:])
                self._db.execute("INSERT OR REPLACE INTO claimed VALUES (?,?,?,?,?,?)", (lost, scope, at, *day))
        return found

    def lead(self, clock: MovableClock) -> None:
        self._clock = clock
        until = time.monotonic() + PATIENCE
        while not self._file.try_step(self._begin):
            if time.monotonic() > until:
                return  # The first step will.
            time.sleep(0.002)
        self._agreed = self._agreeing

    def _begin(self) -> None:
        if self._clock is not None:
            begin(self._file.db, self._clock)
            self._begun = self._file.opened
            self._agreeing = self._clock.correction, self._clock.unsure
        self._as_of = None

    def _agree(self, clock: MovableClock) -> None:
        """With the other processes on what time it really is: once a second, and when this one has found out.

        First of all in a file that was opened anew: else what is written there first would be of no boot.
        """
        if self._agreed is None or self._begun != self._file.opened:
            self._begin()
            return
        tells = self._agreed != (clock.correction, clock.unsure)
        if not tells and clock.seconds() < self._agree_next:
            return
        self._agree_next = clock.seconds() + AGREE_EVERY
        if exchange(self._db, clock, tells=tells):
            self._as_of = None
        self._agreeing = clock.correction, clock.unsure

    async def aclose(self) -> None:
        self._file.close()
