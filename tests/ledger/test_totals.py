"""Sums that only rise, one suite for all stores."""

import asyncio

import pytest
from rig_ledger import START, Place, run, taken
from rig_redis import RedisServer

from router_config.ledger.interfaces import Store
from router_config.ledger.opening import open_store
from router_config.ledger.outage.failover import LOOK_EVERY
from router_config.ledger.outage.store import ResilientStore
from router_config.ledger.redis.store import RedisStore
from router_config.ledger.rules.gates import Cooldown, Need
from router_config.ledger.rules.meters import Amount
from router_config.ledger.rules.totals import BUCKETS, Counted, Ending, Sums, Totals
from router_config.ledger.values import Outcome, Settlement

GROQ = Place("groq")


def settle(
    store: Store,
    outcome: Outcome,
    spent: Amount | None = None,
    cooldowns: tuple[Cooldown, ...] = (),
    at: float = START,
    counted: tuple[Counted, ...] = (),
) -> None:
    lease = taken(store, GROQ, at=at)
    assert lease
    settlement = Settlement(
        spent, at, at, cooldowns=cooldowns, outcome=outcome, counted=tuple((each, 1) for each in counted)
    )
    run(store.settle(lease, settlement, at))


def totals(store: Store) -> Totals:
    return run(store.totals(START))


def test_a_new_store_has_none(store: Store) -> None:
    assert totals(store) == Totals()


def test_attempts_are_summed_by_how_they_ended_and_answers_by_how_long_they_took(store: Store) -> None:
    settle(store, Outcome("groq", "llama", 0.25), Amount(1, 100, 0.5))
    settle(store, Outcome("groq", "llama", 0.2), Amount(1, 10, 0.25))
    settle(store, Outcome("groq", "llama", 300.0), Amount(1, 7))
    settle(store, Outcome("groq", "llama", 30.0, "timeout", "no answer"), Amount(1, 500))
    settle(store, Outcome("groq", "llama", 9.0, "connection"))
    settle(store, Outcome("groq", "mixtral: 8x7b", 4.0, cancelled=True), Amount(1, 20))
    assert totals(store).attempts == {
        Ending("groq", "llama", "ok", 1): Sums(2, 110, 0.75, 0.45),
        Ending("groq", "llama", "ok", len(BUCKETS)): Sums(1, 7, 0.0, 300.0),
        Ending("groq", "llama", "timeout", 0): Sums(1, 500, 0.0, 30.0),
        Ending("groq", "llama", "connection", 0): Sums(1, 0, 0.0, 9.0),
        Ending("groq", "mixtral: 8x7b", "cancelled", 0): Sums(1, 20, 0.0, 4.0),
    }


def test_what_else_happened_is_counted(store: Store) -> None:
    limited = Counted("http_429", "groq", "llama")
    settle(store, Outcome("groq", "llama", 1.0, "rate_limit"), counted=(limited,))
    settle(store, Outcome("groq", "llama", 1.0), counted=(limited, limited, Counted("failover", "groq", "llama")))
    assert totals(store).counted == {limited: 3, Counted("failover", "groq", "llama"): 1}


def test_a_cooldown_counts_once_however_many_requests_failed_in_it_and_again_when_its_probe_fails(store: Store) -> None:
    failed = Outcome("groq", "llama", 1.0, "server_error")

    def cooldown_from(at: float) -> Cooldown:
        return Cooldown("provider:groq", "cooldown", "", at, at + 300, probes=True)

    together = [taken(store, GROQ) for _ in range(5)]
    for number, lease in enumerate(together):
        assert lease
        run(
            store.settle(
                lease, Settlement(None, START, START, False, (cooldown_from(START + number),), (), failed), START
            )
        )
    cooldown = Counted("cooldown", "groq", "llama")
    assert totals(store).counted == {cooldown: 1}
    probe = taken(store, GROQ, at=START + 400)
    assert probe
    at = START + 401
    run(store.settle(probe, Settlement(None, at, at, False, (cooldown_from(at),), (), failed), at))
    assert totals(store).counted == {cooldown: 2}


def test_a_rest_of_another_kind_is_no_cooldown(store: Store) -> None:
    spent = Cooldown("account:groq", "exhausted", "", START, START + 100)
    settle(store, Outcome("groq", "llama", 1.0, "daily_limit"), cooldowns=(spent,))
    assert totals(store).counted == {}


@pytest.mark.parametrize("url", ["sqlite", "redis"], indirect=True)
def test_totals_survive_a_restart_and_cover_all_processes(url: str) -> None:
    for _ in range(3):
        store = open_store(url)
        settle(store, Outcome("groq", "llama", 0.25), Amount(1, 10), counted=(Counted("failover", "groq"),))
        run(store.aclose())
    told = totals(open_store(url))
    assert told.attempts == {Ending("groq", "llama", "ok", 1): Sums(3, 30, 0.0, 0.75)}
    assert told.counted == {Counted("failover", "groq"): 3}


def test_totals_never_fall_while_a_store_fails_and_its_errors_are_counted_for_all(own_redis: RedisServer) -> None:
    async def story() -> None:
        now = 0.0
        store = ResilientStore(RedisStore(own_redis.url), monotonic=lambda: now)
        error, answered = Counted("store_error"), Ending("groq", "llama", "ok", 1)

        async def request() -> None:
            _, lease = await store.reserve([GROQ], Need(10, 1), START, 600.0)
            assert lease
            outcome = Outcome("groq", "llama", 0.2)
            await store.settle(lease, Settlement(Amount(1, 10), START, START, True, outcome=outcome), START)

        await request()
        before = await store.totals(START)
        assert before.attempts[answered].attempts == 1
        own_redis.freeze()
        await request()
        during = await store.totals(START)
        assert during.attempts == before.attempts
        assert during.counted[error] >= 1
        own_redis.thaw()
        now += LOOK_EVERY
        await request()
        looking = store._failover.looking
        assert looking
        await looking
        after = await store.totals(START)
        assert store.degraded is None
        assert after.attempts[answered].attempts == 3
        assert after.counted[error] == during.counted[error]
        other = RedisStore(own_redis.url)
        assert await other.totals(START) == after
        await store.aclose()
        await other.aclose()

    asyncio.run(story())
