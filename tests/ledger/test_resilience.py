"""Stores fail in the middle of a run, and no request notices."""

import asyncio
import os
import resource
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from rig_ledger import START, Place, run
from rig_redis import RedisServer

from router_config.ledger.interfaces import Backend, StoreError
from router_config.ledger.local import sqlite_file
from router_config.ledger.local.memory import MemoryStore
from router_config.ledger.local.sqlite import SQLiteStore
from router_config.ledger.outage.backlog import MOST, Backlog, Unsent
from router_config.ledger.outage.failover import LOOK_EVERY
from router_config.ledger.outage.journal import STORE_ERROR
from router_config.ledger.outage.store import ResilientStore
from router_config.ledger.redis.store import PREFIX, RedisStore
from router_config.ledger.rules.decisions import Decision
from router_config.ledger.rules.gates import Cooldown, Need
from router_config.ledger.rules.meters import Amount, Limit, SplitAmount
from router_config.ledger.values import Lease, Outcome, Settlement, Snapshot

GROQ = Place("groq", (Limit("rpm", 40), Limit("tpd", 100_000)))
NEED = Need(100, 10)


class Ticks:
    """The seconds by which a store decides when to look again, moved by the test."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Process:
    """One process' store, and its requests in one call each."""

    def __init__(self, store: Backend, reopen: Callable[[], Backend] | None = None) -> None:
        self.ticks = Ticks()
        self.store = ResilientStore(store, reopen=reopen, monotonic=self.ticks)
        self.store.register_meters(GROQ.meters)

    async def take(self, need: Need = NEED, at: float = START) -> Lease | None:
        return (await self.store.reserve([GROQ], need, at, 600.0))[1]

    async def take_all(self, at: float = START) -> int:
        taken = 0
        while await self.take(at=at):
            taken += 1
        return taken

    async def settle(self, lease: Lease | None, tokens: int = 50, at: float = START) -> None:
        assert lease
        outcome = Outcome("groq", "llama", 0.1)
        await self.store.settle(lease, Settlement(Amount(1, tokens), at, at, True, outcome=outcome), at)

    async def request(self, tokens: int = 50, at: float = START) -> None:
        await self.settle(await self.take(at=at), tokens, at)

    async def look(self, at: float = START) -> None:
        """Have the store look at what it wraps, as it does once a second beside the requests."""
        self.ticks.now += LOOK_EVERY
        await self.store.rooms([GROQ], NEED, at)
        looking = self.store._failover.looking
        assert looking
        await looking

    async def snapshot(self, at: float = START) -> Snapshot:
        return await self.store.snapshot(GROQ.meters, {"groq": START - 60}, at)

    async def used(self, at: float = START) -> tuple[Amount, Amount]:
        counts = (await self.snapshot(at)).counts["account:groq"]
        return counts.open, counts.long


@pytest.fixture
def server(own_redis: RedisServer) -> RedisServer:
    return own_redis


def process(server: RedisServer) -> Process:
    return Process(RedisStore(server.url))


def test_requests_go_on_within_the_limit_when_redis_is_gone_and_it_is_taken_up_again(server: RedisServer) -> None:
    async def story() -> None:
        ours, other = process(server), process(server)
        for _ in range(10):
            await ours.request()
        await ours.look()
        server.freeze()
        assert await ours.take()
        assert ours.store.degraded
        assert f"127.0.0.1:{server.port}" in ours.store.degraded.reason
        assert ours.store.degraded.since == START
        await ours.request()
        assert await ours.take_all() == 40 - 10 - 2
        server.thaw()
        await ours.look()
        assert ours.store.degraded is None
        assert await other.used() == (Amount(29, 2900), Amount(11, 550))
        assert (await other.snapshot()).usage["groq"].requests == 11
        assert await other.take() is None
        await ours.store.aclose()
        await other.store.aclose()

    run(story())


def test_a_dead_store_costs_its_timeout_once_and_then_nothing(server: RedisServer) -> None:
    async def story() -> None:
        ours = process(server)
        await ours.request()
        server.freeze()
        began = time.monotonic()
        await asyncio.gather(*(ours.take() for _ in range(10)))
        once = time.monotonic() - began
        began = time.monotonic()
        for _ in range(500):
            await ours.take(at=START + 61)
            ours.ticks.now += 0.001
        after = time.monotonic() - began
        server.thaw()
        assert once < 3
        assert after < 1
        await ours.store.aclose()

    run(story())


def test_without_the_store_each_of_two_processes_keeps_to_half_of_the_room_left(server: RedisServer) -> None:
    async def story() -> None:
        one, two = process(server), process(server)
        for _ in range(10):
            await one.request()
        await two.request()
        for each in (one, two, one):
            await each.look()
        server.stop()
        assert [await one.take_all(), await two.take_all()] == [14, 14]
        assert [await one.take_all(at=START + 700), await two.take_all(at=START + 700)] == [20, 20]

    run(story())


@pytest.mark.parametrize(("parallel", "at_once", "later"), [(1, [0, 0, 0], [1, 0, 0]), (5, [1, 1, 1], [2, 2, 1])])
def test_requests_at_a_time_that_do_not_divide_go_to_the_processes_that_came_first(
    server: RedisServer, parallel: int, at_once: list[int], later: list[int]
) -> None:
    """From a minute on: until then another may still have under way what it began with the store."""
    local = Place("local", (Limit("parallel", parallel),))

    async def story() -> None:
        three = [process(server) for _ in range(3)]
        for moment, each in enumerate((*three, *three)):
            await each.request(at=START - 6 + moment)
            await each.look(at=START - 6 + moment)
        server.stop()

        async def taken(at: float) -> list[list[Lease]]:
            found: list[list[Lease]] = [[] for _ in three]
            for each, leases in zip(three, found, strict=True):
                while (lease := (await each.store.reserve([local], NEED, at, 600.0))[1]) is not None:
                    leases.append(lease)
            return found

        for at, expected in ((START + 1, at_once), (START + 61, later), (START + 900, later)):
            found = await taken(at)
            assert [len(leases) for leases in found] == expected
            for each, leases in zip(three, found, strict=True):
                for lease in leases:
                    await each.settle(lease, at=at)

    run(story())


def test_input_and_output_tokens_are_kept_apart_in_shares_and_when_the_store_is_back(server: RedisServer) -> None:
    place = Place("anthropic", parts=(("input", (Limit("itpm", 1000),)), ("output", (Limit("otpm", 900),))))

    async def story() -> None:
        two = [process(server) for _ in range(2)]
        for each in (*two, *two):
            each.store.register_meters(place.meters)
            await each.request()
            await each.look()
        server.freeze()
        leases: list[Lease] = []
        for each in two:  # Twice 220 input tokens and twice 200 output tokens for each request.
            await each.snapshot()
            assert each.store.degraded
            for _ in range(2):
                lease = (await each.store.reserve([place], Need(420, 220), START, 600.0))[1]
                assert lease
                leases.append(lease)
            assert (await each.store.reserve([place], Need(420, 220), START, 600.0))[1] is None
            assert (await each.store.reserve([place], Need(60, 50), START, 600.0))[1]
        spent = SplitAmount.of(1, 300, 0.0, 210, 90)
        await two[0].store.settle(leases[0], Settlement(spent, START, START, True), START)
        server.thaw()
        for each in (*two, *two):
            await each.look()
        counts = (await two[0].store.snapshot(place.meters, {}, START)).counts
        of_input, of_output = counts["account:anthropic of input"], counts["account:anthropic of output"]
        assert (of_input.open, of_input.minute) == (Amount(5, 3 * 220 + 2 * 50), Amount(1, 210))
        assert (of_output.open, of_output.minute) == (Amount(5, 3 * 200 + 2 * 10), Amount(1, 90))
        for each in two:
            await each.store.aclose()

    run(story())


def test_a_process_that_was_away_so_long_that_another_may_have_its_place_takes_none_of_it(server: RedisServer) -> None:
    local = Place("local", (Limit("parallel", 1),))

    async def story() -> None:
        one, two = process(server), process(server)
        for moment, each in enumerate((one, two, one, two)):
            await each.request(at=START + moment)
            await each.look(at=START + moment)
        await two.look(at=START + 200)
        await two.look(at=START + 201)
        server.stop()
        for at in (START + 202, START + 263):
            one_s, two_s = [(await each.store.reserve([local], NEED, at, 600.0))[1] for each in (one, two)]
            assert one_s is None
            await two.settle(two_s, at=at)  # It knows that it is alone.

    run(story())


def test_who_signed_in_first_comes_first_as_long_as_it_is_there(server: RedisServer, tmp_path: Path) -> None:
    async def story(store: Backend) -> None:
        async def rank(name: str, after: float) -> int:
            return (await store.sign_in(name, START + after, 60.0)).rank

        assert [await rank("b", 0), await rank("a", 1), await rank("b", 30), await rank("c", 30)] == [0, 1, 0, 2]
        assert [await rank("c", 70), await rank("b", 71), await rank("a", 72)] == [1, 0, 2]
        await store.aclose()

    run(story(SQLiteStore(tmp_path / "state.db")))
    run(story(RedisStore(server.url)))


def test_processes_that_were_idle_do_not_forget_each_other_before_they_have_looked_twice(server: RedisServer) -> None:
    async def story() -> None:
        one, two = process(server), process(server)
        for each in (one, two, one):
            await each.request()
            await each.look()
        await one.take(at=START + 3600)
        await one.look(at=START + 3600)
        server.stop()
        assert await one.take_all(at=START + 3700) == 20 - 1

    run(story())


def test_a_request_larger_than_a_share_waits_for_the_store(server: RedisServer) -> None:
    async def story() -> None:
        one, two = process(server), process(server)
        for each in (one, two):
            await each.request()
        for each in (one, two, one):
            await each.look()
        server.stop()
        assert await one.take(Need(60_000, 10)) is None
        (examined,) = await one.store.explain([GROQ], Need(120_000, 10), START)
        assert examined.blocking
        assert examined.blocking.limit == "tpd"
        assert await one.take(Need(40_000, 10))

    run(story())


def test_leases_opened_with_the_store_and_settled_without_it_and_the_other_way_round(server: RedisServer) -> None:
    async def story() -> None:
        ours, other = process(server), process(server)
        before, long = await ours.take(), await ours.take()
        await ours.look()
        server.freeze()
        during, later = await ours.take(), await ours.take()
        await ours.settle(before, 11)
        await ours.settle(during, 22)
        server.thaw()
        await ours.look()
        assert await other.used() == (Amount(2, 200), Amount(2, 33))
        await ours.settle(later, 33)
        await ours.settle(long, 44)
        await ours.settle(long, 44)
        assert await other.used() == (Amount(), Amount(4, 110))
        await ours.store.aclose()
        await other.store.aclose()

    run(story())


def test_a_store_that_comes_back_empty_is_given_what_was_known_of_it(server: RedisServer) -> None:
    async def story() -> None:
        one, two = process(server), process(server)
        for _ in range(9):
            await one.request()
        open_all_along = await two.take()
        await one.store.begin_cooldown(Cooldown("key:other", "disabled", "bad key", START, float("inf")))
        for each in (one, two, one):
            await each.look()
        await one.request()  # After the last look.
        server.stop()
        await one.request()
        await two.request()
        server.start()
        for each in (one, two, one, two):  # Not taken up before both have told what they spent.
            assert each.store.degraded
            await each.look()
        assert one.store.degraded is two.store.degraded is None
        opened, counted = await one.used()
        assert opened == Amount(1, 100)
        assert counted == Amount(12, 600)
        assert "key:other" in (await two.snapshot()).cooldowns
        await two.settle(open_all_along)
        assert await one.used() == (Amount(), Amount(13, 650))
        assert await one.take_all() == 40 - 13
        for each in (one, two):
            await each.store.aclose()

    run(story())


def test_a_flushed_store_is_noticed_without_any_failure(server: RedisServer) -> None:
    async def story() -> None:
        ours = process(server)
        for _ in range(5):
            await ours.request()
        await ours.look()
        server.ask("FLUSHALL")
        await ours.look()
        assert (await ours.used())[1] == Amount(5, 250)
        await ours.store.aclose()

    run(story())


@pytest.mark.parametrize("killed", [True, False])
def test_an_emptied_store_that_all_notice_at_once_is_given_the_same_counts_only_once(
    server: RedisServer, killed: bool
) -> None:
    async def story() -> None:
        processes = [process(server) for _ in range(3)]
        for each in processes:
            for _ in range(3):
                await each.request()
        for each in processes * 2:
            await each.look()
        requests = 9
        if killed:
            server.stop()
            for each in processes:
                await each.request()
            requests += len(processes)
            server.start()
        else:
            open_before = [await each.take() for each in processes]
            server.ask("FLUSHALL")
            for each, lease in zip(processes, open_before, strict=True):
                await each.settle(lease)
                await each.request()
            requests += 2 * len(processes)
        for _ in range(3):
            await asyncio.gather(*(each.look() for each in processes))
        for each in processes:
            assert each.store.degraded is None
            assert await each.used() == (Amount(), Amount(requests, 50 * requests))
            await each.store.aclose()

    run(story())


@pytest.mark.parametrize("kind", ["redis", "sqlite"])
@pytest.mark.parametrize("first", ["who read it early", "who read it late", "both"])
def test_whoever_notices_first_an_emptied_store_is_given_what_was_read_last(
    server: RedisServer, tmp_path: Path, first: str, kind: str
) -> None:
    async def story() -> None:
        path = tmp_path / "state.db"
        early, late = (process(server) if kind == "redis" else sqlite_process(path) for _ in range(2))
        for at, each, requests in ((START, early, 3), (START + 30, late, 5), (START + 200, late, 7)):
            for _ in range(requests):
                await each.request(at=at)
            await each.look(at)
        if kind == "redis":
            server.ask("FLUSHALL")
        else:
            put_garbage(path)
        now = START + 201
        for _ in range(3):
            if first == "both":
                await asyncio.gather(early.look(now), late.look(now))
            else:
                for each in (early, late) if first == "who read it early" else (late, early):
                    await each.look(now)
        assert early.store._failover.degraded is late.store._failover.degraded is None
        counts = (await early.snapshot(now)).counts["account:groq"]
        assert counts.long == Amount(15, 750)
        assert counts.minute == Amount(7, 350)
        for each in (early, late):
            await each.store.aclose()

    run(story())


OURS = (
    *("everything", "name", "scopes", "processes", "leases", "expiries", "rests", "resting", "meter:account:groq"),
    *("order:minute:account:groq", "slots:minute:account:groq", "order:day:account:groq", "slots:day:account:groq"),
)


@pytest.mark.parametrize("busy", [False, True])
@pytest.mark.parametrize("lost", OURS)
def test_one_key_that_is_evicted_is_noticed_like_the_loss_of_all(server: RedisServer, lost: str, busy: bool) -> None:
    """Whether or not steps go on before the next look, and nothing is counted in the journal twice."""

    async def story() -> None:
        ours, other = process(server), process(server)
        for _ in range(4):
            await ours.request()
        open_ours, open_other = await ours.take(), await other.take()
        await ours.store.begin_cooldown(Cooldown("key:other", "disabled", "bad key", START, START + 9000, 1))
        for each in (ours, other, ours):
            await each.look()
        everything = lost == "everything"
        server.ask("FLUSHALL") if everything else server.ask("DEL", f"{PREFIX}:{lost}")
        requests = 4
        if busy:
            await ours.request()
            requests += 1
        new = process(server)  # It notices first, and knows nothing that it could restore.
        new.store._failover.serves = True
        await new.look()
        for each in (other, ours):
            await each.look()
        assert await other.used() == (Amount(2, 200), Amount(requests, 50 * requests))
        assert "key:other" in (await other.snapshot()).cooldowns
        events = [each.kind for each in (await other.store.history(60, START - 60, START)).events]
        harmless = lost in ("scopes", "processes", "resting") or (busy and lost.startswith("slots"))
        assert events.count("state_lost") == (not harmless)
        assert everything or (await other.snapshot()).usage["groq"].requests == requests
        await ours.settle(open_ours)
        await other.settle(open_other)
        assert await ours.used() == (Amount(), Amount(requests + 2, 50 * (requests + 2)))
        assert await ours.take_all() == 40 - requests - 2
        for each in (ours, other, new):
            await each.store.aclose()

    run(story())


JOURNAL = {
    "attempt_total": "totals", "counted_total": "totals", "decisions": "decisions", "minutes:groq": "history",
    "events": "events",
}  # fmt: skip
DECISION = Decision(START, None, "default", "groq", "llama", "ok", (), (), 400, 0.4)


@pytest.mark.parametrize("busy", [False, True])
@pytest.mark.parametrize("lost", [*JOURNAL, "decided"])
def test_a_key_of_the_journal_that_is_evicted_is_an_event_once(server: RedisServer, lost: str, busy: bool) -> None:
    """Counts stay, for no limit depends on it."""

    async def events() -> list[str]:
        found = (await ours.store.history(60, START - 60, START + 99)).events
        return [each.reason for each in found if each.kind == "state_lost"]

    async def told() -> None:
        for minute in range(4):
            at = START + 60 * minute
            await ours.store.record(DECISION, at)
            await ours.request(at=at)
            await ours.store.begin_cooldown(
                Cooldown(f"key:{minute}", "disabled", "bad key", at, at + 9000, 1), ("disabled", "groq")
            )
            await ours.store.begin_cooldown(
                Cooldown(f"model:{minute}", "cooldown", "slow", at, at + 9000, 1), ("timeout", "groq")
            )

    async def story() -> None:
        await told()
        for _ in range(3):
            await ours.look()
        assert await events() == []
        assert b"1" in server.ask("DEL", f"{PREFIX}:{lost}")
        if busy:
            await ours.store.record(DECISION, START)
            await ours.request()
            await ours.store.begin_cooldown(
                Cooldown("key:busy", "cooldown", "slow", START, START + 9000, 1), ("timeout", "groq")
            )
        for _ in range(3):
            await ours.look()
        part = JOURNAL.get(lost)
        assert await events() == ([f"the redis store lost its {part}; they begin anew"] if part else [])
        await ours.store.record(DECISION, START)
        if lost != "decisions":
            numbers = [each.number for each in await ours.store.decisions()]
            assert numbers == list(range(len(numbers), 0, -1))
        assert (await ours.used())[1].requests == 4 + busy
        await ours.store.aclose()

    ours = process(server)
    run(story())


def test_what_lies_idle_for_days_is_not_taken_for_lost(server: RedisServer) -> None:
    async def story() -> None:
        ours = process(server)
        await ours.request()
        await ours.look()
        name = server.ask("GET", f"{PREFIX}:name")
        for days in (0.5, 1.5, 2.5, 30):
            for key in ("meter", "order:minute", "slots:minute", "order:day", "slots:day"):
                left = int(server.ask("TTL", f"{PREFIX}:{key}:account:groq")[1:])
                server.ask("EXPIRE", f"{PREFIX}:{key}:account:groq", str(int(left - days * 86400)))
            await ours.look(at=START + days * 86400)
            assert server.ask("GET", f"{PREFIX}:name") == name
        await ours.store.aclose()

    run(story())


def test_rests_of_the_outage_are_shared_afterwards(server: RedisServer) -> None:
    async def story() -> None:
        ours, other = process(server), process(server)
        await ours.request()
        await ours.store.begin_cooldown(Cooldown("model:groq", "cooldown", "", START, START + 300))
        await ours.look()
        server.freeze()
        await ours.store.end_cooldown("model:groq")
        await ours.store.begin_cooldown(
            Cooldown("provider:x", "cooldown", "timed out", START, START + 300, probes=True)
        )
        lease = await ours.take()
        assert lease
        gone = Cooldown("key:groq", "disabled", "bad key", START, float("inf"))
        await ours.store.settle(lease, Settlement(Amount(1), START, START, True, (gone,)), START)
        assert await ours.take() is None
        server.thaw()
        await ours.look()
        assert (await other.snapshot()).cooldowns.keys() == {"provider:x", "key:groq"}
        await ours.store.aclose()
        await other.store.aclose()

    run(story())


def test_a_server_that_is_not_there_at_the_start_is_taken_up_when_it_comes(server: RedisServer) -> None:
    async def story() -> None:
        server.stop()
        ours = process(server)
        await ours.request()
        assert ours.store.degraded
        server.start()
        await ours.look()
        assert ours.store.degraded is None
        assert await ours.used() == (Amount(), Amount(1, 50))
        await ours.store.aclose()

    run(story())


def test_what_is_owed_at_the_end_is_told_when_closing(server: RedisServer) -> None:
    async def story() -> None:
        ours, other = process(server), process(server)
        await ours.request()
        await ours.look()
        server.freeze()
        await ours.request()
        server.thaw()
        await ours.store.aclose()
        assert await other.used() == (Amount(), Amount(2, 100))
        await other.store.aclose()

    run(story())


def test_a_long_outage_is_added_up_minute_by_minute_and_no_token_is_lost() -> None:
    async def story() -> None:
        backlog, store = Backlog(), MemoryStore()
        store.register_meters(GROQ.meters)
        scopes = ("account:groq",)
        for number in range(MOST + 1):
            at = START + number / 100
            lease = Lease(f"lease-{number}", "groq", scopes, Amount(1, 100), at, at + 600)
            backlog.add(Unsent(lease, Settlement(Amount(1, 7), at, at, True), at, stored=False))
        assert len(backlog) < MOST * 0.6
        await backlog.send(store, wiped=False)
        assert not backlog
        counts = (await store.snapshot(GROQ.meters, {}, START + 300)).counts["account:groq"]
        assert (counts.open, counts.long) == (Amount(), Amount(MOST + 1, 7 * (MOST + 1)))

    run(story())


# SQLite.


def put_garbage(path: Path) -> None:
    """Into the file itself, which is too damaged then to be read by anybody."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.execute("DELETE FROM last_error")
    other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.write(os.urandom(path.stat().st_size))
    other.close()


def sqlite_process(path: Path) -> Process:
    return Process(SQLiteStore(path), reopen=lambda: SQLiteStore(path))


def test_requests_go_on_while_another_program_locks_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "PATIENCE", 0.05)
    path = tmp_path / "state.db"

    async def story() -> None:
        ours = sqlite_process(path)
        await ours.request()
        await ours.look()
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        await ours.request()
        assert ours.store.degraded
        assert "locked" in ours.store.degraded.reason
        await ours.look()
        assert ours.store.degraded
        other.execute("ROLLBACK")
        other.close()
        await ours.look()
        assert ours.store.degraded is None
        assert await ours.used() == (Amount(), Amount(2, 100))
        await ours.store.aclose()

    run(story())


def test_requests_go_on_while_the_disk_takes_no_more(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    async def story() -> None:
        ours = sqlite_process(path)
        await ours.request()
        await ours.look()
        resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(f"{path}-wal"), hard))
        try:
            for _ in range(20):
                await ours.request()
            assert ours.store.degraded
            assert "disk I/O error" in ours.store.degraded.reason
            assert str(path) in ours.store.degraded.reason
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await ours.look()
        assert ours.store.degraded is None
        assert await ours.used() == (Amount(), Amount(21, 1050))
        await ours.store.aclose()

    run(story())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mounting, capture_output=True).returncode:
        pytest.skip("only root mounts a file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("also", ["", "deleted", "truncated"])
def test_a_full_disk_is_named_as_such_and_all_is_told_when_there_is_room(small_disk: Path, also: str) -> None:
    path, filler = small_disk / "state.db", small_disk / "filler"

    async def story() -> None:
        ours = sqlite_process(path)
        await ours.request()
        await ours.look()
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(b"0" * 4096):
                pass
        if also == "deleted":
            path.unlink()
        if also == "truncated":
            os.truncate(path, 0)
        if also:
            with suppress(OSError), filler.open("ab", buffering=0) as file:
                while file.write(b"0" * 4096):
                    pass
        for number in range(1, 21):
            await ours.request()
            if number % 5 == 0:
                await ours.look()
        assert ours.store.degraded
        assert "the disk is full" in ours.store.degraded.reason
        assert str(path) in ours.store.degraded.reason
        assert (await ours.used())[1] == Amount(21, 1050)
        filler.unlink()
        await ours.look()
        assert ours.store._failover.degraded is None
        assert await ours.used() == (Amount(), Amount(21, 1050))
        assert (await ours.store.totals(START)).counted[STORE_ERROR] > 0
        await ours.store.aclose()
        with closing(sqlite3.connect(path)) as other:
            assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)

    run(story())


def test_a_process_that_begins_on_a_full_disk_is_told_so(small_disk: Path) -> None:
    with suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as file:
        while file.write(b"0" * 4096):
            pass
    with pytest.raises(StoreError, match="the disk is full"):
        SQLiteStore(small_disk / "state.db")


def test_a_file_damaged_in_the_middle_of_a_run_is_set_aside_and_what_was_known_goes_into_a_new_one(
    tmp_path: Path,
) -> None:
    path = tmp_path / "state.db"

    async def story() -> None:
        ours = sqlite_process(path)
        for _ in range(5):
            await ours.request()
        await ours.look()
        put_garbage(path)
        await ours.request()
        assert ours.store.degraded
        await ours.look()
        assert ours.store.degraded is None
        assert ours.store.set_aside
        assert await ours.used() == (Amount(), Amount(6, 300))
        await ours.store.aclose()

    run(story())
