"""The ledger of one machine: an SQLite file that all its processes share and that survives them."""

import asyncio
import json
import logging
import math
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import chain
from pathlib import Path
from secrets import token_hex
from typing import Any, Final, TypeVar, cast

from router_config.ledger.decisions import DECISIONS_KEPT, Decision, decision_of, decision_text
from router_config.ledger.events import EVENTS_KEPT, Event
from router_config.ledger.gates import Rest, Status
from router_config.ledger.history import LATENCIES_KEPT, MINUTES_KEPT, SLOT_SECONDS, SLOTS_KEPT, minute_of, slot_of
from router_config.ledger.local import LocalStore
from router_config.ledger.meters import NOTHING, Amount, Counts, Limit, LimitName, Meter, Seen
from router_config.ledger.store import Attendance, LastError, Lease, Outcome, SlotSeconds, StoreError, Usage
from router_config.ledger.totals import Counted, Ending, Sums, Totals
from router_config.ledger.windows import Period

T = TypeVar("T")
_log = logging.getLogger("router_config")

_forks = 0
"""How many forks lie between this process and the one that imported this; asking for its number is a system call."""


def _forked() -> None:
    global _forks
    _forks += 1


os.register_at_fork(after_in_child=_forked)

SCHEMA_VERSION: Final = 4
PATIENCE: Final = 2.0
"""Seconds for which no step of this process gets hold of the file before it counts as locked for good."""

TRIES: Final = 20
"""It counts as locked no sooner than after so many tries of this process: one that is starved itself has made few."""

AT_ONCE: Final = 10
"""Milliseconds that SQLite itself waits in each try; a transaction takes a third of one."""


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
    """WAL mode; one connection a process, one `BEGIN IMMEDIATE` transaction a step.

    What a transaction has read or written holds in the next one, unless another connection has written in between.
    """

    name = "sqlite"
    shared = True

    def __init__(self, path: str | Path) -> None:
        super().__init__()
        self.path = Path(path)
        self.set_aside: Path | None = None
        """Where a damaged file found at opening was moved to."""
        self._lock = threading.Lock()
        self._forks = _forks
        self._connection: sqlite3.Connection | None = self._open()
        # What is in the file as of `_version`: rows of `meter` by scope (None: there is none), and all rests.
        self._version: int | None = None
        self._pages: dict[str, _Page | None] = {}
        self._rests: dict[str, Rest] | None = None
        self._positions: dict[str, int] = {}
        self._held_at = 0.0
        self._tries = 0
        """Since the file was held last, by all steps together: each try keeps the event loop."""

    def _open(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return self._connect()
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise StoreError(
                    f"cannot use the state file {self.path}: {error}. Check the path and its permissions."
                ) from error
        except OSError as error:
            raise StoreError(
                f"cannot write the state file {self.path}: {error.strerror or error}. "
                "Choose another path under `state:` or mend the permissions."
            ) from error
        self.set_aside = _set_aside(self.path)
        _log.warning("the state file %s was damaged; it is kept as %s, counting begins anew", self.path, self.set_aside)
        return self._connect()

    def _connect(self) -> sqlite3.Connection:
        if not self.path.exists():  # Opening one that is there would drop the locks that this process has on it.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA_VERSION:
                raise StoreError(
                    f"the state file {self.path} was written by a newer version (schema {version}). "
                    "Upgrade litellm-router-config, or choose another path under `state:`."
                )
            if version < SCHEMA_VERSION:
                script = files("router_config.ledger").joinpath("schema.sql").read_text("utf-8")
                connection.executescript(f"BEGIN IMMEDIATE;{script};PRAGMA user_version={SCHEMA_VERSION};COMMIT;")
            connection.execute("SELECT count(*) FROM meter").fetchone()
            connection.execute(f"PRAGMA busy_timeout={AT_ONCE}")  # Longer waiting is ours, off the event loop.
        except BaseException:
            connection.close()
            raise
        return connection

    @property
    def _db(self) -> sqlite3.Connection:
        if self._forks != _forks:  # A connection must not cross a fork.
            self._forks, self._lock, self._connection = _forks, threading.Lock(), self._open()
            self._version = None
        if self._connection is None:
            raise StoreError(f"the state file {self.path} is closed")
        return self._connection

    async def _atomically(self, now: float, step: Callable[[], T]) -> T:
        began = time.monotonic()
        while True:
            try:
                result = self._transaction(now, step)
            except sqlite3.DatabaseError as error:
                self._tries += 1
                locked_for = time.monotonic() - max(began, self._held_at)
                if not _is_busy(error) or (locked_for > PATIENCE and self._tries >= TRIES):
                    raise StoreError(f"cannot use the state file {self.path}: {error}") from error
            else:
                self._held_at, self._tries = time.monotonic(), 0
                return result
            await asyncio.sleep(random.uniform(0.0002, 0.002))

    def _transaction(self, now: float, step: Callable[[], T]) -> T:
        with self._lock:
            db = self._db
            db.execute("BEGIN IMMEDIATE")
            self._now = now
            try:
                self._keep_what_still_holds(db.execute("PRAGMA data_version").fetchone()[0])
                result = step()
                db.execute("COMMIT")
            except BaseException:
                self._version = None  # What the step has changed of it is undone.
                db.execute("ROLLBACK")
                raise
            return result

    def _keep_what_still_holds(self, version: int) -> None:
        """`version` is another one after each commit of another connection, and after none of this one."""
        if version != self._version:
            self._version = version
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

    def _record(self, outcome: Outcome, spent: Amount, now: float) -> None:
        provider, slot = outcome.provider, slot_of(now)
        new = self._db.execute(
            "INSERT INTO usage VALUES (?,?,?,?,?,?) ON CONFLICT DO UPDATE SET requests=requests+excluded.requests, "
            "tokens=tokens+excluded.tokens, usd=usd+excluded.usd, errors=errors+excluded.errors RETURNING requests",
            (provider, slot, *spent, outcome.error is not None),
        ).fetchone()
        if new[0] <= 1:
            self._db.execute("DELETE FROM usage WHERE provider=? AND slot<=?", (provider, slot - SLOTS_KEPT))
        self._record_minute(outcome, spent, minute_of(now))
        if outcome.error is None:
            place = self._positions.get(provider)
            place = random.randrange(LATENCIES_KEPT) if place is None else (place + 1) % LATENCIES_KEPT
            self._positions[provider] = place
            row = (provider, place, round(outcome.seconds * 1000))
            self._db.execute("INSERT OR REPLACE INTO answer VALUES (?,?,?)", row)
        else:
            self._db.execute(
                "INSERT OR REPLACE INTO last_error VALUES (?,?,?,?)",
                (outcome.provider, now, outcome.error, outcome.message),
            )

    def _record_minute(self, outcome: Outcome, spent: Amount, minute: int) -> None:
        self._db.execute(
            "INSERT INTO minute VALUES (?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET "
            "requests=requests*(slot=excluded.slot)+excluded.requests, "
            "tokens=tokens*(slot=excluded.slot)+excluded.tokens, usd=usd*(slot=excluded.slot)+excluded.usd, "
            "errors=errors*(slot=excluded.slot)+excluded.errors, slot=excluded.slot WHERE excluded.slot>=slot",
            (outcome.provider, minute % MINUTES_KEPT, minute, *spent, outcome.error is not None),
        )

    def _slots_since(self, slot_seconds: SlotSeconds, since: float) -> dict[str, dict[int, Usage]]:
        table = "usage" if slot_seconds == SLOT_SECONDS else "minute"
        rows = self._db.execute(
            f"SELECT provider, slot, requests, tokens, usd, errors FROM {table} WHERE slot>=?", (since // slot_seconds,)
        )
        found: dict[str, dict[int, Usage]] = {}
        for provider, slot, *usage in rows:
            found.setdefault(provider, {})[slot] = Usage(*usage)
        return found

    def _put_decision(self, decision: Decision) -> None:
        text = decision_text(decision)
        number = self._db.execute("INSERT INTO decision (text) VALUES (?)", (text,)).lastrowid or 0
        if number % 50 == 0:  # Seldom, for it costs as much as to insert one.
            self._db.execute("DELETE FROM decision WHERE number<=?", (number - DECISIONS_KEPT,))

    def _decisions(self, after: int, last: int) -> tuple[Decision, ...]:
        newest = self._db.execute("SELECT max(number) FROM decision").fetchone()[0] or 0
        rows = self._db.execute(
            "SELECT number, text FROM decision WHERE number>? ORDER BY number DESC LIMIT ?",
            (after if after <= newest else 0, min(last, DECISIONS_KEPT)),
        )
        return tuple(decision_of(text, number) for number, text in rows)

    def _put_event(self, event: Event) -> None:
        row = (event.at, event.kind, event.provider, event.reason, event.until)
        put = self._db.execute("INSERT INTO event (at, kind, provider, reason, until) VALUES (?,?,?,?,?)", row)
        self._db.execute("DELETE FROM event WHERE number<=?", ((put.lastrowid or 0) - EVENTS_KEPT,))

    def _events(self) -> tuple[Event, ...]:
        rows = self._db.execute("SELECT at, kind, provider, reason, until FROM event ORDER BY number")
        return tuple(Event(*row) for row in rows)

    def _usage(self, since: Mapping[str, float]) -> dict[str, Usage]:
        found: dict[str, Usage] = {}
        for provider, moment in since.items():
            sums = self._db.execute(
                "SELECT sum(requests), sum(tokens), sum(usd), sum(errors) FROM usage WHERE provider=? AND slot>=?",
                (provider, moment // SLOT_SECONDS),
            ).fetchone()
            took = self._db.execute("SELECT milliseconds FROM answer WHERE provider=?", (provider,))
            latencies = tuple(chain.from_iterable(took))
            if sums[0] is not None or latencies:
                requests, tokens, usd, errors = (each or 0 for each in sums)
                found[provider] = Usage(requests, tokens, usd, errors, latencies)
        return found

    def _tokens_since(self, provider: str, moment: float) -> int:
        wanted = (provider, moment // SLOT_SECONDS)
        tokens = self._db.execute("SELECT sum(tokens) FROM usage WHERE provider=? AND slot>=?", wanted).fetchone()[0]
        return tokens or 0

    def _last_errors(self) -> dict[str, LastError]:
        rows = self._db.execute("SELECT provider, at, kind, message FROM last_error")
        return {row[0]: LastError(*row[1:]) for row in rows}

    def _add_up(self, ending: Ending, outcome: Outcome, spent: Amount) -> None:
        self._db.execute(
            "INSERT INTO attempt_total VALUES (?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET "
            "attempts=attempts+excluded.attempts, tokens=tokens+excluded.tokens, usd=usd+excluded.usd, "
            "seconds=seconds+excluded.seconds",
            (*ending, 1, spent.tokens, spent.usd, outcome.seconds),
        )

    def _count_on(self, counted: Counted, times: int) -> None:
        self._db.execute(
            "INSERT INTO counted_total VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET times=times+excluded.times",
            (*counted, times),
        )

    def _totals(self) -> Totals:
        attempts = self._db.execute("SELECT * FROM attempt_total")
        counted = self._db.execute("SELECT * FROM counted_total")
        return Totals(
            {Ending(*row[:4]): Sums(*row[4:]) for row in attempts}, {Counted(*row[:3]): row[3] for row in counted}
        )

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
        with self._lock:
            try:
                self._db.execute("INSERT OR IGNORE INTO boot VALUES (?,?)", (boot, proposed))
                self._db.execute("DELETE FROM boot WHERE id<>?", (boot,))
            except sqlite3.OperationalError:
                return proposed  # Another process writes just now; its proposal is as good as ours.
            found: float = self._db.execute("SELECT epoch FROM boot WHERE id=?", (boot,)).fetchone()[0]
            return found

    async def aclose(self) -> None:
        with self._lock:
            if self._connection is not None and self._forks == _forks:
                self._connection.close()
            self._connection = None


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


def _is_busy(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _set_aside(path: Path) -> Path:
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
