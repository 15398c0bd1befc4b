"""The state file is deleted, replaced or truncated while processes use it."""

import asyncio
import gc
import os
import shutil
import sqlite3
import time
import weakref
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from rig_ledger import START, Place, run, spend, taken, used

from router_config.clock import SystemClock
from router_config.ledger.interfaces import Store
from router_config.ledger.local import sqlite_file
from router_config.ledger.local.sqlite import SQLiteStore
from router_config.ledger.local.sqlite_file import WATCH_EVERY, StateFile
from router_config.ledger.opening import open_store
from router_config.ledger.outage.failover import LOOK_EVERY
from router_config.ledger.outage.store import ResilientStore
from router_config.ledger.rules.gates import Need
from router_config.ledger.rules.meters import Amount, Limit
from router_config.ledger.values import Settlement

GROQ = Place("groq", (Limit("rpd", 20),))


NOW_OPEN = {"state.db", "state.db-shm", "state.db-wal"}
MOST_OPEN = 5
"""SQLite closes the file of one that only read it no sooner than that of the steps: to close it drops all locks."""


def test_a_file_may_be_looked_at_while_it_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that looks at all files may come between any two steps of opening one."""
    looked: list[StateFile] = []

    def look_at_once(file: StateFile) -> None:
        file.look()
        looked.append(file)

    monkeypatch.setattr(sqlite_file, "_watch", look_at_once)
    run(SQLiteStore(tmp_path / "state.db").aclose())
    assert looked


def test_the_thread_that_looks_at_the_files_keeps_none(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "state.db")
    kept = weakref.ref(file)
    time.sleep(2 * WATCH_EVERY)  # It was looked at.
    del file
    until = time.monotonic() + 10
    while kept() is not None and time.monotonic() < until:
        gc.collect()
        time.sleep(0.05)
    assert kept() is None


def files(path: Path) -> list[Path]:
    return [each for suffix in ("", "-wal", "-shm") if (each := path.with_name(path.name + suffix)).exists()]


def delete(path: Path) -> None:
    path.unlink()


def delete_all(path: Path) -> None:
    for each in files(path):
        each.unlink()


def put_back_a_backup(path: Path) -> None:
    os.replace(path.with_name("backup.db"), path)


def put_garbage(path: Path) -> None:
    (path.parent / "other").write_bytes(b"this is no database" * 1000)
    os.replace(path.parent / "other", path)


def put_an_empty_one(path: Path) -> None:
    run(SQLiteStore(path.parent / "empty.db").aclose())
    os.replace(path.parent / "empty.db", path)


def truncate(path: Path) -> None:
    os.truncate(path, 0)


def truncate_in_the_middle(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwrite(path: Path) -> None:
    path.write_bytes(os.urandom(path.stat().st_size))


DAMAGES: list[Callable[[Path], None]] = [
    delete, delete_all, put_back_a_backup, put_garbage, put_an_empty_one, truncate, truncate_in_the_middle,
]  # fmt: skip


def spend_one(store: Store) -> None:
    lease = taken(store, GROQ)
    assert lease
    spend(store, lease)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_it_is_made_anew_with_everything_and_no_process_gets_the_limit_again(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    path = tmp_path / "state.db"
    first, second = open_store(f"sqlite:///{path}"), open_store(f"sqlite:///{path}")
    spend_one(first)
    with sqlite3.connect(path) as source, sqlite3.connect(tmp_path / "backup.db") as backup:
        source.backup(backup)
    for _ in range(9):
        spend_one(first)
    open_lease = taken(second, GROQ)
    for _ in range(5):
        spend_one(second)
    damage(path)
    inode = path.stat().st_ino if path.exists() else 0
    until = time.monotonic() + 5
    while not path.exists() or path.stat().st_ino == inode:  # Noticed though nobody asks.
        assert time.monotonic() < until
        time.sleep(0.01)
    third = open_store(f"sqlite:///{path}")
    assert used(third, GROQ) == (Amount(1, 100), Amount(15, 1500))
    for store in (first, second, third):
        spend_one(store)
    assert first.degraded
    assert str(path) in first.degraded.reason
    assert open_lease
    spend(second, open_lease)
    spend_one(third)
    assert [taken(store, GROQ) for store in (first, second, third)] == [None] * 3
    for store in (first, second, third):
        assert used(store, GROQ) == (Amount(0, 0), Amount(20, 2000))
        assert any(each.kind == "state_lost" for each in run(store.history(60, START - 60, START)).events)
        run(store.aclose())
    shutil.rmtree(tmp_path)


def test_one_that_turns_corrupt_is_noticed_and_what_was_known_goes_into_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = open_store(f"sqlite:///{path}")
    for _ in range(5):
        spend_one(store)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.seek(8192)
            file.write(os.urandom(size - 8192))
    inode, until = path.stat().st_ino, time.monotonic() + 5
    while path.exists() and path.stat().st_ino == inode:
        assert time.monotonic() < until
        time.sleep(0.01)
    while run(asking(store)):
        assert time.monotonic() < until + 5
    other_store = open_store(f"sqlite:///{path}")
    assert used(other_store, GROQ)[1].requests == 5


@pytest.mark.parametrize("forks", [False, True], ids=["", "before a fork"])
@pytest.mark.parametrize("damage", [*DAMAGES, overwrite], ids=lambda damage: damage.__name__)
def test_however_often_it_is_made_anew_nothing_of_the_former_ones_stays_open(
    tmp_path: Path, damage: Callable[[Path], None], forks: bool
) -> None:
    path, seconds = tmp_path / "state.db", 0.0
    store = ResilientStore(SQLiteStore(path), reopen=lambda: SQLiteStore(path), monotonic=lambda: seconds)

    async def look() -> None:
        nonlocal seconds
        seconds += LOOK_EVERY
        await store.rooms([GROQ], Need(1, 1), START)
        if store._failover.looking:
            await store._failover.looking

    async def round_of_damage() -> None:
        lease = (await store.reserve([GROQ], Need(100, 0), START, 60.0))[1]
        assert lease
        await store.settle(lease, Settlement(Amount(1, 100), START, START), START)
        await look()
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(tmp_path / "backup.db")) as backup:
            source.backup(backup)
        await asyncio.to_thread(damage, path)
        if forks:
            child = os.fork()
            if not child:
                os._exit(0)
            os.waitpid(child, 0)
        await look()
        while store._failover.degraded or not path.exists():
            await look()

    for number in range(1, 9):
        run(round_of_damage())
        assert used(store, GROQ)[1].requests == number
        until = time.monotonic() + 5
        while set(files_open_under(tmp_path)) != NOW_OPEN or len(files_open_under(tmp_path)) > MOST_OPEN:
            assert time.monotonic() < until, files_open_under(tmp_path)
            gc.collect()  # The error of a step that failed holds a connection.
            time.sleep(0.01)
    run(store.aclose())
    assert files_open_under(tmp_path) == []


def files_open_under(folder: Path) -> list[str]:
    links = [Path("/proc/self/fd", each) for each in os.listdir("/proc/self/fd")]
    return sorted(to.name for each in links if each.is_symlink() and folder in (to := each.readlink()).parents)


async def asking(store: Store) -> bool:
    """Whether the store still counts for itself, after a look at what it wraps."""
    await store.rooms([GROQ], Need(1, 1), START)
    await asyncio.sleep(0.1)
    return store.degraded is not None and "anew" not in store.degraded.reason


def test_a_file_that_is_opened_anew_goes_by_the_time_of_this_boot_from_its_first_row_on(tmp_path: Path) -> None:
    """Half a day after the machine was started: what stands in it is of no earlier boot for another process."""
    path, booted = tmp_path / "state.db", START - 40_000

    def clock() -> SystemClock:
        return SystemClock(lambda: START, lambda: START - booted, "this boot")

    first = SQLiteStore(path)
    first.lead(clock())
    spend_one(first)
    first._file._let_go_for_a_fork()
    delete_all(path)
    spend_one(first)
    run(first.sign_in("first", START, 60.0))
    second = SQLiteStore(path)
    second.lead(later := clock())
    assert (later.now(), later.unsure) == (START, False)
    assert used(second, GROQ)[1] == Amount(1, 100)
