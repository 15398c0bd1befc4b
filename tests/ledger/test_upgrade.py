"""A state file that an older version wrote is opened with everything that is in it."""

import json
import multiprocessing
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from rig_ledger import START, Place, reserve, run, spend, taken, used

from router_config.clock import SystemClock
from router_config.ledger.interfaces import StoreError
from router_config.ledger.local.sqlite import SQLiteStore
from router_config.ledger.rules.decisions import Decision, decision_text
from router_config.ledger.rules.gates import Cooldown, Need
from router_config.ledger.rules.meters import Amount, Limit, ObservedLimit
from router_config.ledger.rules.totals import Counted, Ending, Sums
from router_config.ledger.rules.windows import CalendarMonth, CalendarWeek, rolling
from router_config.ledger.values import LastError, Lease, Outcome, Settlement, Usage

SCHEMA_4, SCHEMA_5 = (Path(__file__).with_name(f"schema_{number}.sql").read_text("utf-8") for number in (4, 5))
GROQ = Place("groq", (Limit("rpm", 3), Limit("tpd", 1000)))
SCOPE = "account:groq"
LEASE = Lease("before-1", "groq", (SCOPE,), Amount(1, 200), START - 5, START + 595)
DECISION = Decision(START, None, "default", "groq", "llama", "ok", (), (), 400, 0.4)
MINUTE_SLOT, DAY_SLOT = int((START - 5) * 2), int((START - 5) // 60)
MINUTE = int(START // 60)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of schema 4: one request answered five seconds ago, one still open, a rest, and their past."""
    path = tmp_path / "state.db"
    observed = '{"tpm": [6000, 10.0, 1.0, 2.0, 9e99, false]}'
    leaves = ((MINUTE_SLOT + 1) / 2 + 60, (DAY_SLOT + 1) * 60 + 86400.0)
    rows: dict[str, list[tuple[Any, ...]]] = {
        "boot": [("boot", 17.0)],
        "meter": [(SCOPE, 1, 200, 0.0, 1, 400, 0.0, leaves[0], 2, 500, 0.0, leaves[1] - 60, observed)],
        "slot": [
            (SCOPE, "minute", MINUTE_SLOT, leaves[0], 1, 400, 0.0),
            (SCOPE, "day", DAY_SLOT - 1, leaves[1] - 60, 1, 100, 0.0),
            (SCOPE, "day", DAY_SLOT, leaves[1], 1, 400, 0.0),
        ],
        "lease": [(*LEASE[:2], f'["{SCOPE}"]', *LEASE.amount, LEASE.taken_at, LEASE.expires_at, "[]")],
        "rest": [("key:groq", "disabled", "bad key", START, float("inf"), 0, None, 0.0)],
        "usage": [("groq", MINUTE // 5, 2, 500, 0.0, 1)],
        "minute": [("groq", MINUTE % 130, MINUTE, 2, 500, 0.0, 1)],
        "decision": [(7, decision_text(DECISION))],
        "event": [(1, START, "failover", "groq", "timeout", START)],
        "answer": [("groq", 0, 400), ("groq", 199, 12_345_678)],
        "last_error": [("groq", START, "timeout", "no answer")],
        "attempt_total": [("groq", "llama", "ok", 2, 1, 400, 0.0, 0.4)],
        "counted_total": [("cooldown", "groq", "llama", 3)],
        "process": [("one", START)],
        "identity": [("its name",)],
    }
    write(path, SCHEMA_4, 4, rows)
    return path


def write(path: Path, schema: str, version: int, rows: dict[str, list[tuple[Any, ...]]]) -> None:
    with closing(sqlite3.connect(path)) as file, file:
        file.executescript(f"PRAGMA journal_mode=WAL;{schema}")
        for table, of_table in rows.items():
            marks = ",".join("?" * len(of_table[0]))
            file.executemany(f"INSERT INTO {table} VALUES ({marks})", of_table)
        file.execute(f"PRAGMA user_version={version}")


def test_counts_leases_and_rests_are_as_they_were(path: Path) -> None:
    store = SQLiteStore(path)
    snapshot = run(store.snapshot(GROQ.meters, {}, START))
    counts = snapshot.counts[SCOPE]
    assert (counts.open, counts.minute, counts.long) == (Amount(1, 200), Amount(1, 400), Amount(2, 500))
    assert counts.observed == {"tpm": ObservedLimit(6000, 10.0, 1.0, 2.0, 9e99)}
    assert snapshot.cooldowns == {"key:groq": Cooldown("key:groq", "disabled", "bad key", START, START + 86400, 5)}
    clock = SystemClock(lambda: START + 99.0, lambda: START - 17.0, "boot")
    store.lead(clock)
    assert clock.boot_epoch == 17.0
    assert run(store.sign_in("one", START, 60.0)).store == "its name"


def test_it_goes_on_counting_where_the_older_version_stopped(path: Path) -> None:
    store = SQLiteStore(path)
    run(store.end_cooldown("key:groq"))
    spend(store, LEASE, tokens=150)
    assert used(store, GROQ) == (Amount(), Amount(3, 650))
    assert taken(store, GROQ, tokens=400) is None
    assert taken(store, GROQ, tokens=350)
    assert taken(store, GROQ, tokens=0) is None  # Three in this minute,
    assert taken(store, GROQ, tokens=0, at=START + 56)  # of which the first leaves it now,
    assert used(store, GROQ, START + 86400)[1] == Amount(1, 150)  # and two leave the day a day later.


def test_a_lease_that_was_open_expires_in_its_time(path: Path) -> None:
    store = SQLiteStore(path)
    reserve(store, GROQ, at=START + 594)
    assert used(store, GROQ, START + 594)[0] == Amount(1, 200)
    reserve(store, GROQ, at=START + 595)
    assert used(store, GROQ, START + 595) == (Amount(), Amount(3, 700))


def test_its_past_is_as_it_was_and_grows_on(path: Path) -> None:
    store = SQLiteStore(path)
    now = START + 1
    outcome = Outcome("groq", "llama", 0.4)
    run(store.settle(LEASE, Settlement(Amount(1, 400), now, now, outcome=outcome), now))
    usage = run(store.snapshot((), {"groq": START - 600}, now)).usage["groq"]
    assert (usage.requests, usage.tokens, usage.errors) == (3, 900, 1)
    assert sorted(usage.latencies) == [400, 400, 9_999_999]
    for seconds in (60, 300):
        history = run(store.history(60 if seconds == 60 else 300, START - 600, now))
        assert history.slots["groq"] == {int(START // seconds): Usage(3, 900, 0.0, 1)}
        assert [event.kind for event in history.events] == ["failover"]
    assert run(store.decisions()) == (DECISION._replace(number=7),)
    assert run(store.snapshot((), {}, now)).last_errors == {"groq": LastError(START, "timeout", "no answer")}
    totals = run(store.totals(now))
    assert totals.attempts == {Ending("groq", "llama", "ok", 2): Sums(2, 800, 0.0, 0.8)}
    assert totals.counted == {Counted("cooldown", "groq", "llama"): 3}


def test_a_file_of_the_first_schema_is_taken_over(path: Path) -> None:
    """It had no decisions, events, minutes nor totals, and a history by model."""
    with closing(sqlite3.connect(path)) as file, file:
        for table in ("usage", "minute", "answer", "decision", "event", "attempt_total", "counted_total"):
            file.execute(f"DROP TABLE {table}")
        file.execute("CREATE TABLE history (provider, model, slot)")
        file.execute("PRAGMA user_version=1")
    store = SQLiteStore(path)
    assert used(store, GROQ) == (Amount(1, 200), Amount(2, 500))
    run(store.record(DECISION, START))
    assert run(store.decisions()) == (DECISION._replace(number=1),)


CALIFORNIA = "America/Los_Angeles"
PLAN = Place(
    "plan",
    (Limit("rpm", 9),),
    more=(
        (rolling(5 * 3600.0), (Limit("requests_per_5h", 4),)),
        (CalendarWeek(CALIFORNIA), (Limit("tpw", 2000),)),
        (CalendarMonth(CALIFORNIA, day=31), (Limit("usd_per_month", 5.0),)),
    ),
    price=0.001,
)


def test_long_windows_and_a_lease_in_all_of_them_go_on_from_schema_5(tmp_path: Path) -> None:
    """Two requests before: one in an older slot of the rolling window, one in the newest of each."""
    path, nothing = tmp_path / "state.db", (0, 0, 0.0, float("inf"), -1, float("inf"), 0, 0, 0.0)
    meters, slots = [], []
    for meter in (PLAN.meters[0], *PLAN.meters[2:]):
        before, last = (meter.long.slot(START - seconds) for seconds in (600, 5))
        apart = before != last
        older = (1, 300, 0.3) if apart else (0, 0, 0.0)
        leaves = meter.long.leaves(before), meter.long.leaves(last)
        held = (2, 500, 0.5, leaves[0], last, leaves[1], *older)
        meters.append((meter.scope, 1, 200, 0.2, *nothing, *held, None))
        if apart:
            slots.append((meter.scope, "day", before, leaves[0], *older))
    scopes = tuple(row[0] for row in meters)
    lease = Lease("before-1", "plan", scopes, Amount(1, 200, 0.2), START - 5, START + 595)
    rows: dict[str, list[tuple[Any, ...]]] = {
        "meter": meters,
        "slot": slots,
        "lease": [(*lease[:2], json.dumps(scopes), *lease.amount, lease.taken_at, lease.expires_at, "[]")],
    }
    write(path, SCHEMA_5, 5, rows)
    store = SQLiteStore(path)
    store.register_meters(PLAN.meters)
    snapshot = run(store.snapshot(PLAN.meters, {}, START))
    for scope in scopes:
        assert snapshot.counts[scope].open == Amount(1, 200, 0.2)
        assert snapshot.counts[scope].long == Amount(2, 500, 0.5)
    spend(store, lease, tokens=150, usd=0.15)
    assert taken(store, PLAN, tokens=100)
    assert taken(store, PLAN, tokens=0) is None  # The fifth in five hours,
    assert taken(store, PLAN, tokens=0, at=START + 5 * 3600 - 500)  # of which one has left.
    assert taken(store, PLAN, tokens=1300, at=START + 6 * 3600) is None  # 650 of 2000 tokens a week, and one open,
    assert taken(store, PLAN, tokens=1300, at=START + 7 * 86400)  # until that is over.
    assert taken(store, PLAN, tokens=3000, at=START + 7 * 86400) is None
    with closing(sqlite3.connect(path)) as file:
        assert {row[-2:] for row in file.execute("SELECT * FROM lease")} == {(None, None)}


def _reserve_once(path: str, results: "multiprocessing.Queue[bool]") -> None:
    results.put(taken(SQLiteStore(path), Place("gemini", (Limit("rpm", 3),))) is not None)


def test_a_file_without_the_tables_of_a_later_day_gets_them(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    run(SQLiteStore(path).record(DECISION, START))
    with closing(sqlite3.connect(path)) as file:
        for table in ("decision_later", "prompt_usage", "affinity"):
            file.execute(f"DROP TABLE {table}")
    store = SQLiteStore(path)
    run(store.record(DECISION._replace(agent_class="batch"), START))
    assert [each.agent_class for each in run(store.decisions())] == ["batch", None]


def test_of_processes_that_open_it_at_the_same_time_one_upgrades_it(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[bool] = context.Queue()
    processes = [context.Process(target=_reserve_once, args=(str(path), results)) for _ in range(4)]
    for process in processes:
        process.start()
    found = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(timeout=60)
    assert sorted(found) == [False, True, True, True]
    assert used(SQLiteStore(path), GROQ) == (Amount(1, 200), Amount(2, 500))


def test_an_upgrade_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("CREATE TABLE old_minute (in_the_way)")
    with pytest.raises(StoreError, match="cannot use the state file"):
        SQLiteStore(path)
    with closing(sqlite3.connect(path)) as file, file:
        assert file.execute("PRAGMA user_version").fetchone() == (4,)
        assert file.execute("SELECT count(*) FROM meter").fetchone() == (1,)
        file.execute("DROP TABLE old_minute")
    choice = run(SQLiteStore(path).explain([GROQ], Need(100, 10), START))
    assert choice[0].status == "disabled"
