"""Boots of this machine in the state file. Each has a time of its own, which never steps.

A machine that was off may start with any wall clock, so nobody knows at first how long it was off. What was written
before is moved in the file, as if the machine had been off only since it was started: a window that the wall clock
alone would free stays counted. Once the clock is sure (`SystemClock`), all of that is moved to where it belongs.

Slots of earlier boots have numbers below -1. So nothing of this boot is ever added to them.
"""

import json
import sqlite3
from math import inf
from typing import Final, NamedTuple

from router_config.ledger.interfaces import MovableClock
from router_config.ledger.local.pages import NO_SLOT
from router_config.ledger.rules.history import HOUR_SECONDS, MINUTE_SECONDS, SLOT_SECONDS
from router_config.ledger.rules.meters import ObservedLimit
from router_config.ledger.rules.windows import MINUTE

NOTICED: Final = 5.0
"""Seconds by which a pause must be longer than it was for sure, before anything is moved."""

_BELIEF: Final = """CREATE TABLE IF NOT EXISTS belief (
    began REAL NOT NULL, displaced REAL NOT NULL, sure INTEGER NOT NULL, disbelieved REAL)"""


class Belief(NamedTuple):
    """What the processes of this boot believe, in its time.

    began: when the first of them used the file. displaced: seconds by which what was written before stands later in the
    file than it was; where they are `sure`, that is the clock's correction with the other sign. disbelieved: as in
    `SystemClock`.
    """

    began: float
    displaced: float = 0.0
    sure: bool = True
    disbelieved: float | None = None

    @property
    def correction(self) -> float:
        return -self.displaced if self.sure else 0.0


def begin(db: sqlite3.Connection, clock: MovableClock) -> None:
    """Have a clock follow the time of this boot, which the first process of it sets."""
    if not clock.boot:
        return
    db.execute(_BELIEF)
    belief = _belief(db)
    seen = _last_used(db)
    row = db.execute("SELECT epoch FROM boot WHERE id=?", (clock.boot,)).fetchone()
    if row is not None and (seen is None or row[0] + clock.seconds() > seen - NOTICED):
        belief = belief or Belief(-inf)
        clock.follow(row[0], belief.correction, belief.disbelieved, unsure=not belief.sure, pause=belief.displaced)
    else:
        belief = _begin_another(db, clock, belief, seen)
        db.execute("DELETE FROM boot")
        db.execute("INSERT INTO boot VALUES (?,?)", (clock.boot, clock.boot_epoch))
        _put(db, belief)


def exchange(db: sqlite3.Connection, clock: MovableClock, *, tells: bool) -> bool:
    """Agree with the other processes on what is believed; whether anything was moved.

    tells: this clock has found out something itself.
    """
    belief = _belief(db) if clock.boot else None
    if belief is None:
        return False
    if tells and not clock.unsure:
        _move(db, -clock.correction - belief.displaced, belief.began)
        _put(db, Belief(belief.began, -clock.correction, True, clock.disbelieved))
        return True
    if belief.sure and (clock.unsure or belief.correction != clock.correction):
        clock.follow(clock.boot_epoch, belief.correction, belief.disbelieved)
    return False


def _begin_another(db: sqlite3.Connection, clock: MovableClock, before: Belief | None, seen: float | None) -> Belief:
    seen = before.began if seen is None and before is not None else seen
    if seen is None:  # A new file.
        return Belief(clock.now(), -clock.correction, True, clock.disbelieved)
    displaced = 0.0 if before is None else before.displaced
    earliest = seen - displaced + clock.seconds()
    pause, now = clock.now() - earliest, max(clock.now(), earliest)
    sure = abs(pause) < NOTICED
    disbelieved = clock.wall_epoch if pause < 0 and not sure else None
    clock.follow(clock.boot_epoch + max(0.0, -pause), 0.0, disbelieved, unsure=not sure, pause=abs(pause))
    more = pause if pause >= NOTICED else 0.0
    _make_old(db)
    _move(db, more - displaced, inf)
    db.execute("UPDATE lease SET expires_at=min(expires_at+?, ?)", (more - displaced, now))
    db.execute("DELETE FROM process")
    return Belief(now, more, sure, disbelieved)


def _last_used(db: sqlite3.Connection) -> float | None:
    """The last moment at which the file is known to have been used."""
    moments = [db.execute("SELECT max(seen_at) FROM process").fetchone()[0]]
    newest = db.execute("SELECT max(minute_slot) FROM meter").fetchone()[0]
    moments += [newest * MINUTE.width] if newest is not None and newest > NO_SLOT else []
    moments += [json.loads(text)[0] for (text,) in db.execute("SELECT text FROM decision ORDER BY number DESC LIMIT 1")]
    return max((each for each in moments if each is not None), default=None)


def _belief(db: sqlite3.Connection) -> Belief | None:
    row = db.execute("SELECT began, displaced, sure, disbelieved FROM belief").fetchone()
    return None if row is None else Belief(row[0], row[1], bool(row[2]), row[3])


def _put(db: sqlite3.Connection, belief: Belief) -> None:
    db.execute("DELETE FROM belief")
    db.execute("INSERT INTO belief VALUES (?,?,?,?)", belief)


def _make_old(db: sqlite3.Connection) -> None:
    """Give all slots numbers of earlier boots."""
    kept = db.execute("SELECT scope, period, leaves, requests, tokens, usd FROM slot").fetchall()
    for period in ("minute", "day"):
        sums = ", ".join(f"{period}_{each}-{period}_older_{each}" for each in ("requests", "tokens", "usd"))
        kept += db.execute(
            f"SELECT scope, '{period}', {period}_slot_leaves, {sums} FROM meter WHERE {period}_slot<>{NO_SLOT}"
        ).fetchall()
        older = ", ".join(f"{period}_older_{each}={period}_{each}" for each in ("requests", "tokens", "usd"))
        db.execute(f"UPDATE meter SET {period}_slot={NO_SLOT}, {period}_slot_leaves=9e999, {older}")
    db.execute("DELETE FROM slot")
    rows = ((scope, period, NO_SLOT - number, *rest) for number, (scope, period, *rest) in enumerate(kept, 1))
    db.executemany("INSERT INTO slot VALUES (?,?,?,?,?,?,?)", rows)


def _move(db: sqlite3.Connection, seconds: float, before: float) -> None:
    """Move what earlier boots wrote, that is, before a moment."""
    if abs(seconds) < NOTICED:
        return
    db.execute("UPDATE slot SET leaves=leaves+? WHERE slot<?", (seconds, NO_SLOT))
    db.execute("UPDATE meter SET minute_leaves=0, day_leaves=0")  # The next reading finds out.
    db.execute(
        "UPDATE rest SET since=since+?1, until=until+?1, probe_until=probe_until+?1 WHERE since<?2", (seconds, before)
    )
    for scope, text in db.execute("SELECT scope, seen FROM meter WHERE seen IS NOT NULL").fetchall():
        moved = {name: _moved(ObservedLimit(*each), seconds, before) for name, each in json.loads(text).items()}
        db.execute("UPDATE meter SET seen=? WHERE scope=?", (json.dumps(moved), scope))
    db.execute("UPDATE event SET at=at+?1, until=until+?1 WHERE at<?2", (seconds, before))
    db.execute("UPDATE last_error SET at=at+? WHERE at<?", (seconds, before))
    for number, text in db.execute("SELECT number, text FROM decision").fetchall():
        at, *rest = json.loads(text)
        if at < before:
            db.execute("UPDATE decision SET text=? WHERE number=?", (json.dumps([at + seconds, *rest]), number))
    db.execute("UPDATE course SET minute=minute+? WHERE minute<?", _in_slots(MINUTE_SECONDS, seconds, before))
    for table, length in (("minute", MINUTE_SECONDS), ("usage", SLOT_SECONDS), ("hour", HOUR_SECONDS)):
        _, earlier = slots = _in_slots(length, seconds, before)
        rows = db.execute(f"SELECT provider, slot+?, requests, tokens, usd, errors FROM {table} WHERE slot<?", slots)
        moved_rows = rows.fetchall()
        db.execute(f"DELETE FROM {table} WHERE slot<?", (earlier,))
        db.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?,?,?,?,?,?)", moved_rows)


def _moved(observed: ObservedLimit, seconds: float, before: float) -> ObservedLimit:
    if observed.asked_at >= before:
        return observed
    return observed._replace(
        asked_at=observed.asked_at + seconds,
        observed_at=observed.observed_at + seconds,
        until=observed.until + seconds,
    )


def _in_slots(length: int, seconds: float, before: float) -> tuple[int, float]:
    return round(seconds / length), before / length
