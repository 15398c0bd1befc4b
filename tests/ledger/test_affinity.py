"""Which deployment answers a conversation, in every store."""

from itertools import count
from pathlib import Path

import pytest
from rig_ledger import START, Place, run, taken
from rig_redis import RedisServer

from router_config.ledger.interfaces import Store
from router_config.ledger.local import memory, sqlite
from router_config.ledger.local.memory import MemoryStore
from router_config.ledger.local.sqlite import SQLiteStore
from router_config.ledger.opening import open_store
from router_config.ledger.outage.store import ResilientStore
from router_config.ledger.redis.store import PREFIX
from router_config.ledger.rules.gates import Need
from router_config.ledger.rules.meters import Amount
from router_config.ledger.values import Affinity, Settlement

GROQ = Place("groq")


def answered(
    store: Store, conversation: str, *, until: float = START + 600, at: float = START, by: str = "groq"
) -> None:
    lease = taken(store, GROQ, at=at)
    assert lease
    affinity = Affinity(conversation, f"{by}/m#1", by, "m", 3, 900, at, until)
    run(store.settle(lease, Settlement(Amount(1, 300), at, at, alive=True, affinity=affinity), at))


def who(store: Store, conversation: str, at: float = START) -> str | None:
    found = run(store.affinity(conversation, at))
    return None if found is None else found.provider


def test_a_settlement_says_who_answered_and_the_last_one_counts(store: Store) -> None:
    assert who(store, "one") is None
    answered(store, "one")
    answered(store, "one", by="gemini")
    answered(store, "two")
    assert run(store.affinity("one", START)) == Affinity("one", "gemini/m#1", "gemini", "m", 3, 900, START, START + 600)
    assert who(store, "two") == "groq"


def test_it_is_over_when_its_time_has_passed(store: Store) -> None:
    answered(store, "one")
    assert who(store, "one", START + 599.9) == "groq"
    assert who(store, "one", START + 600) is None


@pytest.mark.parametrize("url", ["sqlite", "redis"], indirect=True)
def test_another_process_and_a_restart_know_it(url: str) -> None:
    first, second = open_store(url), open_store(url)
    answered(first, "one")
    assert who(second, "one") == "groq"
    run(first.aclose())
    assert who(open_store(url), "one") == "groq"


def test_those_that_are_over_are_dropped_and_only_so_many_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "AFFINITIES_KEPT", 3)
    monkeypatch.setattr(sqlite, "AFFINITIES_KEPT", 3)
    for store in (MemoryStore(), SQLiteStore(tmp_path / "state.db")):
        for number in range(6):
            answered(store, f"{number}", until=START + 600 + number)
        answered(store, "late", at=START + 100, until=START + 700)
        kept = [name for name in (*map(str, range(6)), "late") if who(store, name) is not None]
        assert kept == ["4", "5", "late"]
        answered(store, "last", at=START + 604, until=START + 9999)
        if isinstance(store, SQLiteStore):
            assert store._db.execute("SELECT conversation FROM affinity ORDER BY 1").fetchall() == [
                ("5",),
                ("last",),
                ("late",),
            ]


def test_a_redis_lets_it_expire(own_redis: RedisServer) -> None:
    store = open_store(own_redis.url)
    answered(store, "one", until=START + 90.5)
    assert 60 < int(own_redis.ask("TTL", f"{PREFIX}:affinity:one")[1:]) <= 91


def test_what_was_answered_in_an_outage_is_known_to_all_afterwards(tmp_path: Path) -> None:
    path, ticks = tmp_path / "state.db", count(1)
    backend = SQLiteStore(path)
    store = ResilientStore(backend, reopen=lambda: SQLiteStore(path), monotonic=lambda: float(next(ticks)))
    answered(store, "before")
    backend._file.close()
    answered(store, "meanwhile", by="gemini")
    assert store.degraded is not None

    async def look() -> None:
        await store.rooms([GROQ], Need(1, 1), START)
        assert store._failover.looking
        await store._failover.looking

    run(look())
    assert store.degraded is None
    assert [who(SQLiteStore(path), name) for name in ("before", "meanwhile")] == ["groq", "gemini"]
