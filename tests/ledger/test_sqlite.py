"""What the SQLite store adds: restarts, several processes, and files that cannot be used."""

import multiprocessing
import os
import sqlite3
import stat
from pathlib import Path

import pytest
from rig_ledger import START, Place, reserve, run, spend, taken, used

from router_config.ledger.interfaces import StoreError
from router_config.ledger.local.sqlite import SQLiteStore
from router_config.ledger.opening import open_store
from router_config.ledger.rules.gates import Cooldown
from router_config.ledger.rules.meters import Amount, Limit
from router_config.ledger.rules.windows import ROLLING_DAY, CalendarDay, Window

PACIFIC = CalendarDay("America/Los_Angeles")
GROQ = Place("groq", (Limit("rpm", 40), Limit("tpd", 100_000)))


def test_counts_leases_and_rests_survive_a_restart(tmp_path: Path) -> None:
    first = SQLiteStore(tmp_path / "state.db")
    lease = taken(first, GROQ, tokens=500)
    assert lease
    assert taken(first, GROQ, tokens=700)
    spend(first, lease, tokens=400)
    run(first.begin_cooldown(Cooldown("key:groq", "disabled", "bad key", START, START + 300, 1)))
    run(first.aclose())

    second = SQLiteStore(tmp_path / "state.db")
    assert used(second, GROQ) == (Amount(1, 700), Amount(1, 400))
    assert taken(second, GROQ) is None
    assert run(second.snapshot(GROQ.meters, {}, START)).cooldowns["key:groq"].until == START + 300


def _take_all(path: str, results: "multiprocessing.Queue[int]") -> None:
    store = SQLiteStore(path)
    results.put(sum(taken(store, GROQ, tokens=1) is not None for _ in range(30)))


def test_four_processes_together_take_exactly_what_the_limit_allows(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[int] = context.Queue()
    path = str(tmp_path / "state.db")
    processes = [context.Process(target=_take_all, args=(path, results)) for _ in range(4)]
    for process in processes:
        process.start()
    counts = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(timeout=60)
    assert sum(counts) == 40


@pytest.mark.parametrize("damage", ["garbage", "torn page"])
def test_a_damaged_file_is_set_aside_and_a_new_one_begun(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "state.db"
    if damage == "garbage":
        path.write_bytes(b"this is no database" * 1000)
    else:
        run(SQLiteStore(path).aclose())
        content = bytearray(path.read_bytes())
        content[100:4096] = os.urandom(3996)
        path.write_bytes(bytes(content))
    before = path.read_bytes()
    store = SQLiteStore(path)
    assert store.set_aside is not None
    assert store.set_aside.read_bytes() == before
    assert str(store.set_aside) in caplog.text
    assert taken(store, GROQ)


def test_a_file_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=99")
    with pytest.raises(StoreError, match="newer version"):
        SQLiteStore(path)


def test_a_path_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot use the state file"):
        open_store(f"sqlite:///{tmp_path}/file/state.db")


def test_a_url_that_names_no_store_says_which_forms_there_are() -> None:
    with pytest.raises(StoreError, match="sqlite:///path"):
        open_store("postgres://host/db")


def test_the_state_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "state.db")
    reserve(store, GROQ)
    assert stat.S_IMODE((tmp_path / "state.db").stat().st_mode) & 0o077 == 0


@pytest.mark.parametrize("days", [(ROLLING_DAY, PACIFIC), (PACIFIC, ROLLING_DAY)], ids=["to calendar", "to rolling"])
def test_what_a_day_is_may_change_between_two_starts(tmp_path: Path, days: tuple[Window, Window]) -> None:
    before, after = (Place("groq", (Limit("tpd", 1000),), day=day) for day in days)
    store = SQLiteStore(tmp_path / "state.db")
    lease = taken(store, before, tokens=600)
    assert lease
    spend(store, lease, tokens=600)
    run(store.aclose())
    store = SQLiteStore(tmp_path / "state.db")
    assert used(store, after)[1] == Amount(1, 600)
    assert taken(store, after, tokens=600) is None
    assert taken(store, after, tokens=600, at=START + 25 * 3600)
