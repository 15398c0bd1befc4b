"""Several processes on one store: exactly what the limits allow, one probe, and nothing lost when one is killed."""

import multiprocessing
import time
from pathlib import Path

import pytest
from rig_ledger import START, run, spend, taken, used
from rig_redis import RedisServer
from rig_workers import CALLERS, CLAIMED, GEMINI, GROQ, SPENT, workers

from router_config.ledger.local.sqlite import SQLiteStore
from router_config.ledger.opening import open_store
from router_config.ledger.rules.gates import Cooldown
from router_config.ledger.rules.meters import Amount

PROCESSES = 4
KILLS = 5


@pytest.fixture(params=["sqlite", "redis"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state.db"
    url: str = request.getfixturevalue("redis_url")
    return url


def test_four_processes_at_full_load_take_exactly_what_the_limit_allows_and_count_every_token(url: str) -> None:
    with workers(PROCESSES, "everything", url) as started:
        spent = [int(tokens) for worker in started for tokens in worker.told().split()]
    assert len(spent) == 300
    store = open_store(url)
    assert used(store, GROQ) == (Amount(), Amount(300, sum(spent)))
    run(store.aclose())


def test_processes_that_make_the_file_at_the_same_moment_all_count_in_it(tmp_path: Path) -> None:
    at_once, rounds = 8, 30
    forking = multiprocessing.get_context("fork")
    together, told = forking.Barrier(at_once), forking.SimpleQueue()

    def begin() -> None:
        try:
            for number in range(rounds):
                together.wait(60)
                store = SQLiteStore(tmp_path / f"{number}" / "state.db")
                for _ in range(3):
                    lease = taken(store, GROQ)
                    assert lease
                    spend(store, lease)
                run(store.aclose())
            told.put("done")
        except BaseException as error:
            together.abort()
            told.put(repr(error))

    processes = [forking.Process(target=begin) for _ in range(at_once)]
    for each in processes:
        each.start()
    assert [told.get() for _ in processes] == ["done"] * at_once
    for each in processes:
        each.join()
    for number in range(rounds):
        store = SQLiteStore(tmp_path / f"{number}" / "state.db")
        assert used(store, GROQ)[1].requests == 3 * at_once
        run(store.aclose())
        assert [each.name for each in (tmp_path / f"{number}").iterdir()] == ["state.db"]


def test_after_a_cooldown_one_request_of_all_processes_probes_and_the_others_go_elsewhere(url: str) -> None:
    store = open_store(url)
    run(store.begin_cooldown(Cooldown("provider:groq", "cooldown", "timed out", START, START + 300, probes=True)))
    run(store.aclose())
    with workers(PROCESSES, "probe", url) as started:
        asked = [name for worker in started for name in worker.told().decode().split()]
    assert len(asked) == PROCESSES * CALLERS * 6
    assert asked.count("groq") == 1
    assert asked.count("gemini") == len(asked) - 1


def test_of_eight_processes_one_alone_gets_to_ask_again_what_a_model_refused(url: str) -> None:
    with workers(8, "claims", url) as started:
        got = [name for worker in started for name in worker.told().decode().split()]
    assert sorted(got) == sorted(f"groq/{each}" for each in range(CLAIMED))


def test_a_process_that_is_killed_loses_nothing_settled_and_its_leases_expire(url: str) -> None:
    told = 0
    for kills in range(1, KILLS + 1):
        with workers(1, "endless", url) as (worker,):
            told += len(worker.told(100))
            worker.kill()
            told += len(worker.told())
        began = time.monotonic()
        store = open_store(url)
        opened, counted = used(store, GEMINI)
        assert time.monotonic() - began < 1.0
        # In flight at each kill: what was not settled yet, and what was but could not be told of any more.
        assert told <= counted.requests
        assert counted.requests + opened.requests <= told + kills * CALLERS
        assert counted.tokens == SPENT * counted.requests
        run(store.aclose())
    store = open_store(url)
    opened, counted = used(store, GEMINI)
    assert taken(store, GEMINI, tokens=1, at=START + 601)
    assert used(store, GEMINI, START + 601) == (Amount(1, 1), counted.plus(opened))
    run(store.aclose())


def test_when_redis_dies_at_full_load_all_processes_together_keep_to_the_limit(own_redis: RedisServer) -> None:
    with workers(PROCESSES, "until_refused", own_redis.url) as started:
        # Long enough for each to have looked at the store and seen the others, as it does once a second.
        told = sum(len(worker.told(300)) for worker in started)
        own_redis.stop()
        told += sum(len(worker.told()) for worker in started)
    assert (
        1500 <= told <= 2000
    )  # What the others did since the last look is not known, and so assumed on the high side.
