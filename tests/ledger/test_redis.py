"""What the Redis store adds: many processes and machines, callers that leave, servers that restart."""

import asyncio
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from rig_ledger import START, Place, run, spend, taken, used
from rig_redis import RedisServer

from router_config.clock import SystemClock
from router_config.ledger.interfaces import StoreError
from router_config.ledger.opening import open_store
from router_config.ledger.outage.store import ResilientStore
from router_config.ledger.redis import connection as redis_line
from router_config.ledger.redis.store import FIRST, PREFIX, RedisStore
from router_config.ledger.rules.gates import Cooldown, Need
from router_config.ledger.rules.meters import NOTHING, Amount, Limit
from router_config.ledger.values import Outcome, Settlement

GROQ = Place("groq", (Limit("rpm", 40), Limit("tpd", 100_000)))
FULL = tuple(Place(f"full{number}", (Limit("rpm", 0),)) for number in range(5 * FIRST))


@pytest.fixture
def store(redis_url: str) -> RedisStore:
    return RedisStore(redis_url)


def calls(server: RedisServer) -> int:
    """How many scripts the server has run."""
    found = re.search(rb"cmdstat_evalsha:calls=(\d+)", server.ask("INFO", "commandstats"))
    return int(found[1]) if found else 0


def test_a_request_costs_two_round_trips(store: RedisStore, redis_server: RedisServer) -> None:
    lease = taken(store, GROQ)
    assert lease
    before = calls(redis_server)
    lease = taken(store, *(Place(f"p{number}", (Limit("rpm", 9),)) for number in range(FIRST)), GROQ)
    assert lease
    spend(store, lease)
    assert calls(redis_server) == before + 2


class Machine:
    """A machine whose wall clock is some seconds from the server's, and whose seconds a test lets pass."""

    def __init__(self, server: RedisServer, wrong: float) -> None:
        self.passed = 0.0
        told = [float(word) for word in server.ask("TIME").split() if word.isdigit()]
        self._from_server = told[0] + told[1] / 1e6 - time.monotonic()
        self.clock = SystemClock(
            wall=lambda: time.monotonic() + self._from_server + wrong,
            since_boot=lambda: time.monotonic() + self.passed,
        )
        self.store = ResilientStore(RedisStore(server.url))

    def led(self) -> "Machine":
        self.store.lead(self.clock)
        return self

    @property
    def off(self) -> float:
        """Seconds by which its time is from the server's."""
        return self.clock.now() - time.monotonic() - self._from_server

    def take_all(self) -> int:
        asked = [taken(self.store, GROQ, at=self.clock.now()) for _ in range(50)]
        return sum(lease is not None for lease in asked)


@pytest.mark.parametrize(
    ("wrong", "off"),
    [((0, 90), 0), ((0, -90), 0), ((90, -90), 0), ((90_000, 90_091), 90_000), ((-90_000, 90_090), -90_000)],
)
def test_machines_whose_clocks_are_apart_share_one_window(
    redis_server: RedisServer, redis_url: str, wrong: tuple[float, float], off: float
) -> None:
    """The server's clock decides, but not what day it is where it is hours from the first machine's."""
    first, second = (Machine(redis_server, seconds).led() for seconds in wrong)
    for _ in range(4):
        lease = taken(first.store, GROQ, at=first.clock.now())
        assert lease
        spend(first.store, lease, at=first.clock.now())
    assert [second.take_all(), first.take_all()] == [36, 0]
    assert (first.off, second.off) == pytest.approx((off, off), abs=0.5)


def test_a_clock_that_goes_wrong_later_is_moved_with_the_next_step_and_asked_once_a_second(
    redis_server: RedisServer, redis_url: str
) -> None:
    machine = Machine(redis_server, 0.0).led()
    for passed in (90.0, -90.0, 7200.0):  # As after a sleep that the machine did not count, or months of drift.
        machine.passed += passed
        machine.store._failover.backend._time._next = 0.0  # type: ignore[attr-defined]
        taken(machine.store, GROQ, at=machine.clock.now())
        assert machine.off == pytest.approx(0, abs=0.5)
    before = calls(redis_server)
    taken(machine.store, GROQ, at=machine.clock.now())
    assert calls(redis_server) == before + 1
    assert machine.clock.correction == 0


def test_a_server_that_was_set_right_is_believed_by_the_next_process(redis_server: RedisServer, redis_url: str) -> None:
    assert Machine(redis_server, 90_000.0).led().off == pytest.approx(90_000, abs=0.5)
    assert Machine(redis_server, 90.0).led().off == pytest.approx(0, abs=0.5)


def test_a_server_that_was_not_there_at_the_start_leads_with_the_first_step(own_redis: RedisServer) -> None:
    machine = Machine(own_redis, 90.0)
    own_redis.stop()
    assert machine.led().off == pytest.approx(90, abs=0.5)
    own_redis.start()
    machine.passed = 2.0
    taken(machine.store, GROQ, at=machine.clock.now())
    assert machine.off == pytest.approx(0, abs=0.5)


def test_a_candidate_behind_many_full_ones_is_found_and_all_before_it_were_passed_over(store: RedisStore) -> None:
    choice, lease = run(store.reserve((*FULL, GROQ), Need(100, 10), START, 600.0))
    assert lease
    assert lease.deployment == "groq"
    assert [(each.deployment, each.status) for each in choice.skipped] == [(each.id, "rate_limited") for each in FULL]


@pytest.mark.parametrize(
    ("behind", "chosen"), [(GROQ, "groq"), (Place("paid", tier="paid"), "soft"), (FULL[-1], "soft")]
)
def test_one_past_its_soft_limit_is_kept_while_better_ones_are_looked_for_in_further_calls(
    store: RedisStore, behind: Place, chosen: str
) -> None:
    soft = Place("soft", (Limit("tpd", 1000, soft=0),))
    choice, lease = run(store.reserve((FULL[0], soft, *FULL[1:-1], behind), Need(100, 10), START, 600.0))
    assert lease
    assert lease.deployment == chosen
    assert len(choice.skipped) == (1 if chosen == "soft" else len(FULL))


def test_what_a_caller_who_left_may_have_taken_is_given_back(store: RedisStore) -> None:
    async def leave() -> None:
        await store.reserve([GROQ], Need(10, 1), START, 600.0)  # The connection stands.
        for _ in range(30):
            asking = asyncio.create_task(store.reserve([GROQ], Need(10, 1), START, 600.0))
            await asyncio.sleep(0)
            asking.cancel()
            with suppress(asyncio.CancelledError):
                await asking
        await store.rooms([GROQ], Need(1, 1), START)

    run(leave())
    assert used(store, GROQ)[0] == Amount(1, 10)


def test_a_settlement_whose_caller_left_is_carried_out(store: RedisStore) -> None:
    async def leave() -> None:
        _, lease = await store.reserve([GROQ], Need(10, 1), START, 600.0)
        assert lease
        settling = asyncio.create_task(store.settle(lease, Settlement(Amount(1, 7), START, START), START))
        await asyncio.sleep(0)
        settling.cancel()

    run(leave())
    assert used(store, GROQ) == (NOTHING, Amount(1, 7))


def test_steps_at_the_same_time_each_get_their_own_answer(store: RedisStore) -> None:
    async def many() -> list[str]:
        places = [Place(f"p{number}", (Limit("rpm", 1),)) for number in range(200)]
        found = await asyncio.gather(*(store.reserve([each], Need(1, 1), START, 600.0) for each in places))
        return [lease.deployment for _, lease in found if lease]

    assert run(many()) == [f"p{number}" for number in range(200)]


def test_a_process_that_is_starved_itself_does_not_take_the_server_for_dead(
    store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_line, "ANSWER", 0.02)

    async def starve() -> bool:
        await store.rooms([GROQ], Need(1, 1), START)
        asking = asyncio.create_task(store.reserve([GROQ], Need(1, 1), START, 600.0))
        for _ in range(5):
            await asyncio.sleep(0)
        time.sleep(0.1)  # Keeps the loop from reading the answer in time.
        return (await asking)[1] is not None

    assert run(starve())


def test_event_loops_of_several_threads_share_one_store(store: RedisStore) -> None:
    async def take_all() -> int:
        found = await asyncio.gather(*(store.reserve([GROQ], Need(1, 1), START, 600.0) for _ in range(25)))
        return sum(lease is not None for _, lease in found)

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(lambda _: run(take_all()), range(8))) == 40


def test_a_server_that_forgot_the_scripts_is_taught_them_again(store: RedisStore, redis_server: RedisServer) -> None:
    assert taken(store, GROQ)
    redis_server.ask("SCRIPT", "FLUSH")
    assert taken(store, GROQ)
    assert used(store, GROQ)[0].requests == 2


def test_counts_leases_and_rests_outlive_the_process(store: RedisStore, redis_url: str) -> None:
    lease = taken(store, GROQ, tokens=500)
    assert lease
    assert taken(store, GROQ, tokens=700)
    spend(store, lease, tokens=400)
    run(store.begin_cooldown(Cooldown("key:groq", "disabled", "bad key", START, START + 300, 1)))
    run(store.aclose())

    second = RedisStore(redis_url)
    assert used(second, GROQ) == (Amount(1, 700), Amount(1, 400))
    assert taken(second, GROQ) is None
    assert run(second.snapshot(GROQ.meters, {}, START)).cooldowns["key:groq"].until == START + 300


def test_a_forked_process_gets_a_connection_of_its_own(store: RedisStore) -> None:
    async def fork() -> int:
        await store.reserve([GROQ], Need(1, 1), START, 600.0)
        child = os.fork()
        if child == 0:
            with suppress(BaseException):
                asyncio.events._set_running_loop(None)
                os._exit(0 if taken(store, GROQ) else 1)
            os._exit(2)
        status = os.waitpid(child, 0)[1]
        await store.reserve([GROQ], Need(1, 1), START, 600.0)
        return os.waitstatus_to_exitcode(status)

    assert run(fork()) == 0
    assert used(store, GROQ)[0].requests == 3


def test_abandoned_counts_vanish_but_what_is_disabled_stays(store: RedisStore, redis_server: RedisServer) -> None:
    lease = taken(store, GROQ)
    assert lease
    taken(store, GROQ)
    spend(store, lease)
    run(store.begin_cooldown(Cooldown("key:groq", "disabled", "bad key", START, START + 300, 1)))
    keys = [word for word in redis_server.ask("KEYS", "*").decode().split() if word.startswith(PREFIX)]
    days = {key.removeprefix(PREFIX + ":"): int(redis_server.ask("TTL", key)[1:]) / 86400 for key in keys}
    assert days.pop("rests") < 0
    assert all(2 < lasts <= 33 for lasts in days.values()), days


def test_a_text_that_is_no_text_settles_all_the_same(store: RedisStore) -> None:
    lease = taken(store, GROQ)
    assert lease
    outcome = Outcome("groq", "llama", 1.0, "timeout", "half a surrogate \ud83d and a zero \0 byte")
    cooldown = Cooldown("key:groq", "disabled", outcome.message, START, START + 300, 1)
    run(store.settle(lease, Settlement(Amount(1), START, START, False, (cooldown,), outcome=outcome), START))
    snapshot = run(store.snapshot(GROQ.meters, {"groq": START - 1}, START))
    assert snapshot.last_errors["groq"].message == snapshot.cooldowns["key:groq"].reason
    assert "half a surrogate ?" in snapshot.last_errors["groq"].message


def test_moments_keep_their_fractions(store: RedisStore) -> None:
    odd = START + 0.123456789
    run(store.begin_cooldown(Cooldown("key:groq", "cooldown", "", odd, odd + 1, probes=True)))
    assert run(store.snapshot((), {}, odd)).cooldowns["key:groq"].since == odd


def test_a_server_that_is_not_there_says_so_without_the_password(own_redis: RedisServer) -> None:
    own_redis.stop()
    store = RedisStore(f"redis://:geheim@127.0.0.1:{own_redis.port}/0")
    with pytest.raises(StoreError, match=rf"127\.0\.0\.1:{own_redis.port} does not answer") as raised:
        taken(store, GROQ)
    assert "geheim" not in str(raised.value)


def test_a_wrong_password_says_so(store: RedisStore, redis_server: RedisServer) -> None:
    redis_server.ask("CONFIG", "SET", "requirepass", "geheim")
    try:
        with pytest.raises(StoreError, match=r"(?i)auth"):
            taken(store, GROQ)
        assert taken(RedisStore(redis_server.url.replace("//", "//:geheim@")), GROQ)
    finally:
        subprocess.run([sys.executable, "-c", _UNLOCK, redis_server.url.replace("//", "//:geheim@")], check=True)


def test_every_database_of_a_server_is_a_store_of_its_own(store: RedisStore, redis_server: RedisServer) -> None:
    other = RedisStore(redis_server.url.removesuffix("/0") + "/7")
    assert taken(other, GROQ)
    assert used(store, GROQ) == (NOTHING, NOTHING)
    assert used(other, GROQ)[0] == Amount(1, 100)


def test_a_server_that_does_not_speak_tls_says_so(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_line, "CONNECT", 0.05)
    store = RedisStore(redis_server.url.replace("redis:", "rediss:"))
    with pytest.raises(StoreError, match=rf"127\.0\.0\.1:{redis_server.port} over TLS does not answer"):
        taken(store, GROQ)


_UNLOCK = "import redis, sys; redis.Redis.from_url(sys.argv[1]).config_set('requirepass', '')"


@pytest.mark.parametrize("url", ["redis://host:port/0", "redis://host:99999999/0"])
def test_a_url_that_is_wrong_says_what_one_looks_like(url: str) -> None:
    with pytest.raises(StoreError, match="redis://host:6379/0"):
        open_store(url)


def test_without_the_client_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['redis'] = None\n"
        "from router_config.ledger.interfaces import StoreError\n"
        "from router_config.ledger.opening import open_store\n"
        "try: open_store('redis://127.0.0.1/0')\n"
        "except StoreError as error: print(error)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'litellm-router-config[redis]'" in told.stdout
