"""The ledger of one machine: an SQLite file that all its processes share and that survives them."""

import json
import math
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any, Final, TypeVar, cast

from router_config.ledger.gates import Rest, Status
from router_config.ledger.local import LocalStore
from router_config.ledger.meters import NOTHING, Amount, Counts, Limit, LimitName, Meter, Seen
from router_config.ledger.sqlite_file import StateFile
from router_config.ledger.sqlite_past import SQLitePast
from router_config.ledger.store import Attendance, Lease
from router_config.ledger.windows import Period

T = TypeVar("T")


@dataclass(slots=True)
class _Page:
    """A row of `meter`, and when (epoch seconds) the first slot of each window leaves it; `due` is the sooner one."""

    counts: Counts
    leaves: dict[Period, float]
    due: float = 0.0

    def __post_init__(self) -> None:
        self.due = min(self.leaves.values())

    def leaves_from(self, period: Period, moment: float) -> None:
        self.leaves[period] = moment
        self.due = min(self.leaves.values())


AT_ONCE_READ: Final = 500
"""Rows that one statement asks for by name; SQLite takes at least 999 names."""


class SQLiteStore(LocalStore):
    """Every step is one transaction.

    What a transaction has read or written holds in the next one, unless another connection has written in between.
    """

    name = "sqlite"
    shared = True

    def __init__(self, path: str | Path) -> None:
        self._file = StateFile(Path(path))
        super().__init__(SQLitePast(self._file))
        # What is in the file as of `_as_of`: rows of `meter` by scope (None: there is none), and all rests.
        self._as_of: tuple[int, int] | None = None
        self._pages: dict[str, _Page | None] = {}
        self._rests: dict[str, Rest] | None = None

    @property
    def set_aside(self) -> Path | None:
        """Where a damaged file found at opening was moved to."""
        return self._file.set_aside

    @property
    def _db(self) -> sqlite3.Connection:
        return self._file.db

    async def _atomically(self, now: float, step: Callable[[], T]) -> T:
        return await self._file.atomically(lambda: self._step(now, step))

    def _step(self, now: float, step: Callable[[], T]) -> T:
        self._now = now
        self._keep_what_still_holds(self._file.as_of())
        return step()

    def _keep_what_still_holds(self, as_of: tuple[int, int]) -> None:
        if as_of != self._as_of:
            self._as_of = as_of
            self._pages.clear()
            self._rests = None

    def counts(self, meter: Meter) -> Counts | None:
        page = self._page(meter.scope)
        if page is None:
            return Counts() if meter.limits else None
        if page.due <= self._now:
            page.counts.minute = self._forget(meter.scope, "minute", page.counts.minute, page)
            page.counts.day = self._forget(meter.scope, "day", page.counts.day, page)
        return page.counts

    def _page(self, scope: str) -> _Page | None:
        if scope in self._pages:
            return self._pages[scope]
        row = self._db.execute("SELECT * FROM meter WHERE scope=?", (scope,)).fetchone()
        self._pages[scope] = page = None if row is None else _page(row)
        return page

    def _prefetch(self, meters: Sequence[Meter]) -> None:
        unread = [meter.scope for meter in meters if meter.scope not in self._pages]
        for start in range(0, len(unread), AT_ONCE_READ):
            part = unread[start : start + AT_ONCE_READ]
            marks = ",".join("?" * len(part))
            self._pages.update(dict.fromkeys(part))
            for row in self._db.execute(f"SELECT * FROM meter WHERE scope IN ({marks})", part):
                self._pages[row[0]] = _page(row)

    def _forget(self, scope: str, period: Period, total: Amount, page: _Page) -> Amount:
        """Drop the slots that left the window; a reading that drops some writes the row at once."""
        if page.leaves[period] > self._now:
            return total
        of_window = (scope, period)
        gone = self._db.execute(
            "DELETE FROM slot WHERE scope=? AND period=? AND leaves<=? RETURNING requests, tokens, usd",
            (*of_window, self._now),
        ).fetchall()
        for row in gone:
            total = total.minus(Amount(*row))
        left = self._db.execute("SELECT min(leaves) FROM slot WHERE scope=? AND period=?", of_window).fetchone()[0]
        if left is None:
            total = NOTHING
        page.leaves_from(period, math.inf if left is None else left)
        self._db.execute(
            f"UPDATE meter SET {period}_requests=?, {period}_tokens=?, {period}_usd=?, {period}_leaves=? WHERE scope=?",
            (*total, left, scope),
        )
        return total

    def _save_counts(self, meter: Meter, counts: Counts) -> None:
        page = self._page(meter.scope)
        if page is None:
            self._pages[meter.scope] = _Page(counts, {"minute": math.inf, "day": math.inf})
        else:
            page.counts = counts
        self._db.execute(
            "INSERT INTO meter VALUES (?,?,?,?,?,?,?,NULL,?,?,?,NULL,?) ON CONFLICT (scope) DO UPDATE SET "
            "open_requests=excluded.open_requests, open_tokens=excluded.open_tokens, open_usd=excluded.open_usd, "
            "minute_requests=excluded.minute_requests, minute_tokens=excluded.minute_tokens, "
            "minute_usd=excluded.minute_usd, day_requests=excluded.day_requests, day_tokens=excluded.day_tokens, "
            "day_usd=excluded.day_usd, seen=excluded.seen",
            (meter.scope, *counts.open, *counts.minute, *counts.day, _seen_text(counts.seen)),
        )

    def _add(self, meter: Meter, period: Period, slot: int, amount: Amount) -> None:
        leaves = meter.window(period).leaves(slot)
        self._db.execute(
            "INSERT INTO slot VALUES (?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET "
            "requests=requests+excluded.requests, tokens=tokens+excluded.tokens, usd=usd+excluded.usd",
            (meter.scope, period, slot, leaves, *amount),
        )
        page = self._page(meter.scope)
        if page is not None and leaves < page.leaves[period]:
            page.leaves_from(period, leaves)
            self._db.execute(f"UPDATE meter SET {period}_leaves=? WHERE scope=?", (leaves, meter.scope))

    def _oldest_first(self, meter: Meter, period: Period) -> Iterator[tuple[float, Amount]]:
        rows = self._db.execute(
            "SELECT leaves, requests, tokens, usd FROM slot WHERE scope=? AND period=? ORDER BY leaves",
            (meter.scope, period),
        )
        return ((row[0], Amount(*row[1:])) for row in rows)

    def _whole_again(self, meter: Meter, limit: Limit) -> float:
        row = self._db.execute(
            f"SELECT leaves FROM slot WHERE scope=? AND period=? AND {limit.metric}>0 ORDER BY slot DESC LIMIT 1",
            (meter.scope, limit.period),
        ).fetchone()
        return meter.window(limit.period).frees(self._now) if row is None else float(row[0])

    def _put_lease(self, lease: Lease) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO lease VALUES (?,?,?,?,?,?,?,?,?)",
            (
                lease.id,
                lease.deployment,
                json.dumps(lease.scopes),
                *lease.amount,
                lease.taken_at,
                lease.expires_at,
                json.dumps(lease.probes),
            ),
        )

    def _pop_lease(self, lease_id: str) -> Lease | None:
        row = self._db.execute("DELETE FROM lease WHERE id=? RETURNING *", (lease_id,)).fetchone()
        return None if row is None else _lease(row)

    def _expired_leases(self, now: float) -> list[Lease]:
        rows = self._db.execute("SELECT * FROM lease WHERE expires_at<=?", (now,)).fetchall()
        if rows:
            self._db.execute("DELETE FROM lease WHERE expires_at<=?", (now,))
        return [_lease(row) for row in rows]

    def rest_of(self, scope: str) -> Rest | None:
        return self._all_rests().get(scope)

    def _put_rest(self, rest: Rest) -> None:
        self._rests = None
        self._db.execute("DELETE FROM rest WHERE until<=? AND NOT probes", (self._now,))
        self._db.execute(
            "INSERT OR REPLACE INTO rest VALUES (?,?,?,?,?,?,?,?)",
            (
                rest.scope,
                rest.status,
                rest.reason,
                rest.since,
                rest.until,
                rest.probes,
                rest.probe,
                rest.probe_until,
            ),
        )

    def _drop_rest(self, scope: str) -> None:
        self._rests = None
        self._db.execute("DELETE FROM rest WHERE scope=?", (scope,))

    def _all_rests(self) -> dict[str, Rest]:
        if self._rests is None:
            self._rests = {row[0]: _rest(row) for row in self._db.execute("SELECT * FROM rest")}
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


def _page(row: tuple[Any, ...]) -> _Page:
    counts = Counts(Amount(*row[1:4]), Amount(*row[4:7]), Amount(*row[8:11]), _seen(row[12]))
    minute, day = (math.inf if row[place] is None else row[place] for place in (7, 11))
    return _Page(counts, {"minute": minute, "day": day})


def _lease(row: tuple[str, str, str, int, int, float, float, float, str]) -> Lease:
    lease_id, deployment, scopes, requests, tokens, usd, taken_at, expires_at, probes = row
    amount = Amount(requests, tokens, usd)
    return Lease(
        lease_id,
        deployment,
        tuple(json.loads(scopes)),
        amount,
        taken_at,
        expires_at,
        tuple(json.loads(probes)),
    )


def _rest(row: tuple[str, Status, str, float, float, int, str | None, float]) -> Rest:
    scope, status, reason, since, until, probes, probe, probe_until = row
    return Rest(scope, status, reason, since, until, bool(probes), probe, probe_until)


def _seen(text: str | None) -> dict[LimitName, Seen]:
    if not text:
        return {}
    return {cast(LimitName, name): Seen(*values) for name, values in json.loads(text).items()}


def _seen_text(seen: dict[LimitName, Seen]) -> str | None:
    if not seen:
        return None
    return json.dumps({k: (v.limit, v.extra, v.asked_at, v.heard_at, v.until, v.refills) for k, v in seen.items()})
