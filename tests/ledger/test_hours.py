"""Usage by the hour for sixty days: the same from every store, small, and there at once in an older state file."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from rig_ledger import START, Place, run, taken
from rig_redis import RedisServer

from router_config.ledger.interfaces import Store
from router_config.ledger.local.sqlite import SQLiteStore
from router_config.ledger.opening import open_store
from router_config.ledger.rules.gates import Need
from router_config.ledger.rules.history import HOURS_KEPT, SLOTS_KEPT
from router_config.ledger.rules.meters import Amount
from router_config.ledger.values import History, Outcome, Settlement, Usage

DAY = 86400.0
HOUR = 3600
FIRST = int(START // HOUR)
GROQ = Place("groq")
NEED = Need(100, 10)


def settle(store: Store, at: float, provider: str = "groq", tokens: int = 100, error: str | None = None) -> None:
    lease = taken(store, GROQ, at=at)
    assert lease
    outcome = Outcome(provider, "llama", 0.1, error)
    run(store.settle(lease, Settlement(Amount(1, tokens, 0.25), at, at, outcome=outcome), at))


def hours(store: Store, since: float, now: float) -> dict[int, Usage]:
    found = run(store.history(3600, since, now)).slots.get("groq", {})
    return dict(found)


def test_an_hour_sums_its_five_minutes_with_the_one_that_runs(store: Store) -> None:
    for at in (0, 299, 300, 3599):
        settle(store, START + at)
    settle(store, START + 3600, error="timeout")
    now = START + 3600
    assert hours(store, START, now) == {FIRST: Usage(4, 400, 1.0, 0), FIRST + 1: Usage(1, 100, 0.25, 1)}
    assert hours(store, START + 3600, now) == {FIRST + 1: Usage(1, 100, 0.25, 1)}


def test_hours_outlive_their_five_minutes_whole(store: Store) -> None:
    """Every five minutes that are dropped are added to their hour, wherever in it that happens."""
    for at in (0, 1500, 3300):
        settle(store, START + at)
    for later in (8 * DAY, 8 * DAY + 600, 8 * DAY + 1800, 8 * DAY + 3600):
        settle(store, START + later)
        found = hours(store, START, START + later)
        assert found[FIRST] == Usage(3, 300, 0.75, 0)
        assert sum(each.requests for each in found.values()) == 3 + sum(
            1 for each in (8 * DAY, 8 * DAY + 600, 8 * DAY + 1800, 8 * DAY + 3600) if each <= later
        )
    now = START + 8 * DAY + 3600
    assert not [slot for slot in run(store.history(300, START, now)).slots["groq"] if slot < FIRST * 12 + 12]


def test_usage_told_late_is_added_to_its_hour(store: Store) -> None:
    settle(store, START)
    settle(store, START + 9 * DAY)
    settle(store, START + 60)  # As after a failure of the store.
    settle(store, START + 9 * DAY + 600)
    assert hours(store, START, START + 9 * DAY + 600)[FIRST] == Usage(2, 200, 0.5, 0)


def test_hours_are_kept_for_sixty_days(store: Store) -> None:
    for day in range(75):
        settle(store, START + day * DAY)
    now = START + 74 * DAY
    found = hours(store, 0.0, now)
    assert max(found) == int(now // HOUR)
    assert len(found) in range(59, 70)  # The sixty-day edge is looked at when five minutes leave: eight days late.
    assert min(found) >= int(now // HOUR) - HOURS_KEPT - SLOTS_KEPT // 12
    assert all(each == Usage(1, 100, 0.25, 0) for each in found.values())


def test_a_provider_that_nobody_asks_for_a_fortnight_keeps_its_hours(store: Store) -> None:
    settle(store, START)
    settle(store, START + 14 * DAY, "gemini")
    assert hours(store, START, START + 14 * DAY) == {FIRST: Usage(1, 100, 0.25, 0)}


@pytest.fixture
def older_file(tmp_path: Path) -> Path:
    """A state file of the same schema from before there were hours, with eight days in slots of five minutes."""
    path = tmp_path / "state.db"
    store = SQLiteStore(path)
    for day in range(8):
        settle(store, START + day * DAY)
    run(store.aclose())
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("DROP VIEW hour_usage")
        file.execute("DROP TABLE hour")
    return path


def test_an_older_state_file_has_the_hours_of_its_eight_days_at_once(older_file: Path) -> None:
    store = SQLiteStore(older_file)
    assert hours(store, START, START + 7 * DAY) == {FIRST + 24 * day: Usage(1, 100, 0.25, 0) for day in range(8)}
    settle(store, START + 10 * DAY)
    assert len(hours(store, START, START + 10 * DAY)) == 9


def test_a_router_of_before_goes_on_with_a_file_that_has_hours(older_file: Path) -> None:
    """No number of the schema changes, so that nobody who goes back a version begins without counts."""
    with closing(sqlite3.connect(older_file)) as file:
        before = file.execute("PRAGMA user_version").fetchone()
    run(SQLiteStore(older_file).aclose())
    with closing(sqlite3.connect(older_file)) as file:
        assert file.execute("PRAGMA user_version").fetchone() == before


def test_hours_are_shown_while_the_store_fails_with_what_this_process_adds(own_redis: RedisServer) -> None:
    async def story() -> History:
        store = open_store(own_redis.url)
        for at in (START, START + 1):
            _, lease = await store.reserve([GROQ], NEED, at, 600.0)
            assert lease
            outcome = Outcome("groq", "llama", 0.1)
            await store.settle(lease, Settlement(Amount(1, 50), at, at, outcome=outcome), at)
            await store.history(3600, START, at)
            own_redis.freeze()
        found = await store.history(3600, START, START + 1)
        own_redis.thaw()
        await store.aclose()
        return found

    assert run(story()).slots == {"groq": {FIRST: Usage(2, 100, 0.0, 0)}}
