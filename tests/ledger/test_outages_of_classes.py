"""The store fails while classes of agents use it: what is kept for one, and what is a share, hold then and after."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from rig_ledger import START, Place, Seen, run
from rig_outages import frozen, full_disk, gone, locked
from rig_redis import RedisServer

from router_config.ledger.interfaces import Backend
from router_config.ledger.local import sqlite_file
from router_config.ledger.local.sqlite import SQLiteStore
from router_config.ledger.outage.failover import LOOK_EVERY
from router_config.ledger.outage.store import ResilientStore
from router_config.ledger.redis.store import RedisStore
from router_config.ledger.rules.classes.keeps import Release
from router_config.ledger.rules.gates import Cooldown, Examination, Need
from router_config.ledger.rules.meters import Amount, Limit
from router_config.ledger.rules.windows import CalendarDay
from router_config.ledger.values import Lease, Settlement

RESERVES = (("trader", 0.3),)
GROQ = Place("groq", (Limit("rpm", 40), Limit("tpd", 100_000)))
HOUR = 3600.0


class Classes(NamedTuple):
    """A place as three classes see it."""

    trader: Seen
    batch: Seen
    default: Seen


def seen(place: Place = GROQ, release: Release = HOUR, share: float = 0.5) -> Classes:
    return Classes(
        Seen(place, "trader", RESERVES, release=release),
        Seen(place, "batch", RESERVES, share, release),
        Seen(place, "default", RESERVES, release=release),
    )


class Process:
    """One process' store, and what its requests take."""

    def __init__(self, store: Backend, reopen: Callable[[], Backend] | None, classes: Classes) -> None:
        self.seconds = 0.0
        self.classes = classes
        self.store = ResilientStore(store, reopen=reopen, monotonic=lambda: self.seconds)
        self.store.register_meters(tuple(meter for each in classes for meter in each.meters))

    async def take(self, place: Seen, tokens: int = 100, at: float = START) -> Lease | None:
        return (await self.store.reserve([place], Need(tokens, tokens // 10), at, 600.0))[1]

    async def settle(self, lease: Lease, at: float = START) -> None:
        await self.store.settle(lease, Settlement(lease.amount, at, at, True), at)

    async def served(self, place: Seen, times: int = 100, tokens: int = 100, at: float = START) -> int:
        """How many of so many requests are let in; each spends what it takes."""
        done = 0
        for _ in range(times):
            lease = await self.take(place, tokens, at)
            if lease is not None:
                await self.settle(lease, at)
                done += 1
        return done

    async def examined(self, place: Seen, tokens: int = 100, at: float = START) -> Examination:
        (found,) = await self.store.explain([place], Need(tokens, tokens // 10), at)
        return found

    async def look(self, at: float = START) -> None:
        self.seconds += LOOK_EVERY
        await self.store.rooms([self.classes.default], Need(1, 1), at)
        looking = self.store._failover.looking
        assert looking
        await looking


class Site:
    """A kind of store, how processes open it, and how it fails."""

    def __init__(
        self, store: Callable[[], Backend], outage: Callable[[], AbstractContextManager[None]], *, file: bool
    ) -> None:
        self.open, self.outage, self._file = store, outage, file

    def processes(self, number: int = 2, classes: Classes | None = None) -> list[Process]:
        reopen = self.open if self._file else None
        return [Process(self.open(), reopen, classes or seen()) for _ in range(number)]


@pytest.fixture(params=["redis gone", "redis frozen", "sqlite locked", "sqlite full"])
def site(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    if request.param.startswith("sqlite"):
        monkeypatch.setattr(sqlite_file, "PATIENCE", 0.05)
        path, fails = tmp_path / "state.db", locked if request.param == "sqlite locked" else full_disk
        yield Site(lambda: SQLiteStore(path), lambda: fails(path), file=True)
        return
    server, breaks = RedisServer(), gone if request.param == "redis gone" else frozen
    yield Site(lambda: RedisStore(server.url), lambda: breaks(server), file=False)
    server.stop()


async def known(processes: list[Process], at: float = START) -> None:
    """Each has read the store, and knows of the others and of all that they spent."""
    for each in processes:
        await each.served(each.classes.default, 2, at=at - 61)
    await known_again(processes, at)


async def known_again(processes: list[Process], at: float = START) -> None:
    """Twice: what a process spent just before its last reading counts as if the others had not read it."""
    for each in (*processes, *processes):
        await each.look(at)


async def returned(processes: list[Process], at: float = START) -> None:
    for each in (*processes, *processes, *processes):
        await each.look(at)
    assert [each.store._failover.degraded for each in processes] == [None] * len(processes)


async def lost(processes: list[Process]) -> None:
    """Each has met the failure; a file that cannot grow takes a little more at first."""
    for each in processes:
        for number in range(200):
            if each.store._failover.degraded is None:
                await each.store.begin_cooldown(Cooldown(f"key:{number}", "cooldown", "", START, START + 1))
        assert each.store._failover.degraded


async def close(processes: list[Process]) -> None:
    for each in processes:
        await each.store.aclose()


def test_what_is_kept_for_a_class_is_there_for_it_in_an_outage_and_for_nobody_else(site: Site) -> None:
    async def story() -> None:
        two = site.processes()
        await known(two)
        with site.outage():
            await lost(two)
            assert [await each.served(each.classes.default) for each in two] == [14, 14]
            assert [(await each.examined(each.classes.default)).status for each in two] == ["kept", "kept"]
            assert [await each.served(each.classes.trader) for each in two] == [6, 6]
        await returned(two)
        for each in two:
            assert [await each.served(place) for place in each.classes] == [0, 0, 0]
        await close(two)

    run(story())


def test_a_share_is_divided_among_the_processes_of_an_outage(site: Site) -> None:
    async def story() -> None:
        two = site.processes()
        await known(two)
        assert await two[0].served(two[0].classes.batch, 4) == 4
        await known_again(two)
        with site.outage():
            await lost(two)
            assert [await each.served(each.classes.batch) for each in two] == [8, 8]
            told = [(await each.examined(each.classes.batch)).reason or "" for each in two]
            assert [each.startswith("class batch has used its share: rpm: 20 used") for each in told] == [True, True]
        await returned(two)
        assert [await each.served(each.classes.batch) for each in two] == [0, 0]
        assert await two[1].served(two[1].classes.default) == 8
        assert await two[0].served(two[0].classes.trader) == 12
        await close(two)

    run(story())


def test_what_a_class_used_in_an_outage_counts_against_its_reserve_after_it(site: Site) -> None:
    async def story() -> None:
        two = site.processes()
        await known(two)
        assert await two[0].served(two[0].classes.trader, 2) == 2
        with site.outage():
            await lost(two)
            assert [await each.served(each.classes.trader, 3) for each in two] == [3, 3]
            still_open = await two[1].take(two[1].classes.trader)
        await returned(two)
        assert await two[0].served(two[0].classes.default) == 28
        assert await two[1].served(two[1].classes.trader) == 3
        assert still_open
        await two[1].settle(still_open)
        assert await two[0].served(two[0].classes.trader) == 0
        await close(two)

    run(story())


@pytest.mark.parametrize("seed", range(3))
def test_whatever_comes_in_an_outage_the_reserve_is_there_and_nothing_is_exceeded(site: Site, seed: int) -> None:
    place = Place("groq", (Limit("rpm", 40), Limit("tpd", 20_000)), own=(Limit("rpm", 35),))
    chance, used = Random(seed), {"trader": Amount(), "batch": Amount(), "default": Amount()}

    async def story() -> None:
        three = site.processes(3, seen(place))
        await known(three)
        for name in used:
            used[name] = Amount()
        opened: list[tuple[Process, Lease]] = []

        async def some(number: int) -> None:
            for _ in range(number):
                process, view = chance.choice(three), chance.choice(three[0].classes)
                lease = await process.take(view, tokens=chance.randint(1, 600))
                if lease is None:
                    continue
                used[view.name] = used[view.name].plus(lease.amount)
                opened.append((process, lease))
                if chance.random() < 0.7:
                    process, lease = opened.pop(chance.randrange(len(opened)))
                    await process.settle(lease)
                for most, keep in ((35, 10), (40, 12)):
                    assert used["batch"].requests + used["default"].requests <= most - keep
                    assert sum(each.requests for each in used.values()) <= most
                assert used["batch"].requests <= 17
                assert sum(each.tokens for each in used.values()) + 900 <= 20_000
                assert used["batch"].tokens + used["default"].tokens <= 14_000

        await some(12)
        for each in three:
            await each.look()
        with site.outage():
            await lost(three)
            await some(60)
            trader = sum([await each.served(each.classes.trader, tokens=1) for each in three])
            used["trader"] = used["trader"].plus(Amount(trader, trader))
        await returned(three)
        await some(30)
        trader = await three[0].served(three[0].classes.trader, tokens=1)
        assert used["trader"].requests + trader >= 10
        assert sum(each.requests for each in used.values()) + trader <= 35
        await close(three)

    run(story())


def test_what_is_kept_is_released_in_an_outage_too(site: Site) -> None:
    midnight = START + 12 * HOUR
    place = Place("groq", (Limit("tpd", 10_000),), day=CalendarDay("UTC"))

    async def story() -> None:
        two = site.processes(classes=seen(place))
        await known(two)  # 400 tokens of the others.
        with site.outage():
            await lost(two)
            assert [await each.served(each.classes.default) for each in two] == [33, 33]
            assert [await each.served(each.classes.default, at=midnight - HOUR - 1) for each in two] == [0, 0]
            assert [await each.served(each.classes.default, at=midnight - HOUR) for each in two] == [15, 15]
        await returned(two, midnight - HOUR)
        assert await two[0].served(two[0].classes.trader, at=midnight - HOUR) == 0
        await close(two)

    run(story())


def test_a_request_that_only_a_part_of_the_room_cannot_hold_waits_for_the_store(site: Site) -> None:
    async def story() -> None:
        two = site.processes()
        await known(two)
        assert (await two[0].examined(two[0].classes.default, 40_000)).status == "available"
        with site.outage():
            await lost(two)
            assert await two[0].take(two[0].classes.default, 40_000) is None  # As one of two: 80000, of 70000.
            examined = await two[0].examined(two[0].classes.default, 40_000)
            assert examined.blocks
            assert examined.may_clear(START + 1)
        await returned(two)
        assert await two[0].take(two[0].classes.default, 40_000)
        await close(two)

    run(story())


def test_an_account_that_gets_another_name_in_an_outage_keeps_what_each_class_used(site: Site) -> None:
    now = seen(Place("other", GROQ.limits))
    whose = ("", *(f" of class {each.name}" for each in now))
    formerly = {f"account:groq{each}": f"account:other{each}" for each in whose}

    async def story() -> None:
        two = site.processes()
        await known(two)
        with site.outage():
            await lost(two)
            assert [await each.served(each.classes.trader, 2) for each in two] == [2, 2]
            for each in two:
                each.store.register_meters(tuple(meter for view in now for meter in view.meters), formerly)
            assert [await each.served(now.default) for each in two] == [14, 14]
            assert [await each.served(now.trader) for each in two] == [4, 4]
        for each in two:
            each.classes = now
        await returned(two)
        assert [await two[0].served(place) for place in now] == [0, 0, 0]
        await close(two)

    run(story())
