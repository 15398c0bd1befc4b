"""What a reservation and its settlement cost in each store, with few and with many leases open. No LiteLLM."""

import asyncio
import gc
import itertools
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.costs.replay import ROOT
from benchmarks.costs.round_trips import CountingProxy
from benchmarks.costs.rows import Judged, Row, ratio
from benchmarks.costs.setting import Setting, our_environment, write_ours
from router_config.clock import Moments, SystemClock
from router_config.config.loading import load_config
from router_config.deployments.deployment import Deployment
from router_config.deployments.model_list import deployments_of
from router_config.ledger.interfaces import Store
from router_config.ledger.opening import open_store
from router_config.ledger.rules.gates import Need
from router_config.ledger.values import Lease, Outcome, Settlement

FEW: Final = 30
MANY: Final = 3000
LEASE: Final = 600.0

MORE: Final[Mapping[str, Any]] = {"rpw": 10**8, "tpmo": 10**12, "itpm": 10**9, "otpm": 10**9}
"""Four more windows for each account than the setting has."""


class Counter:
    """One store with so many leases open, and requests that come and go in it."""

    def __init__(self, store: Store, deployments: Sequence[Deployment]) -> None:
        self._store, self._deployments = store, deployments
        self._moments = Moments(SystemClock())

    async def open(self, leases: int) -> None:
        for deployment, _ in zip(itertools.cycle(self._deployments), range(leases), strict=False):
            await self._reserve([deployment])

    async def one(self) -> None:
        lease = await self._reserve(self._deployments)
        now, spent = self._moments.next(), self._deployments[0].need(260, 180)
        outcome = Outcome("groq", "openai/gpt-oss-120b", 0.4)
        await self._store.settle(lease, Settlement(spent, now, now, alive=True, outcome=outcome), now)

    async def _reserve(self, candidates: Sequence[Deployment]) -> Lease:
        _, lease = await self._store.reserve(candidates, Need(380, 180), self._moments.next(), LEASE)
        assert lease is not None
        return lease

    async def pairs(self, number: int) -> float:
        """Microseconds of one reservation with its settlement."""
        gc.collect()
        began = time.perf_counter()
        for _ in range(number):
            await self.one()
        return (time.perf_counter() - began) / number * 1e6

    async def close(self) -> None:
        await self._store.aclose()


def stores(rounds: int, say: Callable[[str], None]) -> list[Row]:
    with TemporaryDirectory() as directory, ExitStack() as stack:
        path = write_ours(Setting("groq", "http://127.0.0.1:1", directory), "memory://")
        config = load_config(path, our_environment())
        deployments = deployments_of(config)
        limited = [replace(each, limits=replace(each.limits, **MORE)) for each in config.providers]
        more = deployments_of(replace(config, providers=tuple(limited)))
        files = (Path(directory) / f"{number}.db" for number in itertools.count())
        rows = [
            asyncio.run(_row("in-memory store", lambda: "memory://", deployments, 500, rounds, 20.0, say)),
            asyncio.run(_row("SQLite", lambda: f"sqlite:///{next(files)}", deployments, 200, rounds, 250.0, say)),
            asyncio.run(_with_more("in-memory store", lambda: "memory://", deployments, more, 500, rounds, 20.0, say)),
            asyncio.run(
                _with_more("SQLite", lambda: f"sqlite:///{next(files)}", deployments, more, 200, rounds, 250.0, say)
            ),
        ]
        if (servers := stack.enter_context(_redis_servers())) is None:
            say("reserve + settle, Redis: left out, for the development dependencies are not installed")
            return rows
        url, second = servers
        urls = iter((url, second))
        rows.append(asyncio.run(_row("Redis", lambda: next(urls), deployments, 200, rounds, None, say)))
        with CountingProxy(url) as proxy:
            trips = [asyncio.run(_round_trips(proxy, each)) for each in (deployments, more)]
        judged = Judged("ours", trips[0], 2), Judged("with four more windows", trips[1], 2)
        rows.append(Row("reserve + settle, Redis", "round trips", judged))
    return rows


async def _row(
    name: str,
    url: Callable[[], str],
    deployments: Sequence[Deployment],
    pairs: int,
    rounds: int,
    bar: float | None,
    say: Callable[[str], None],
) -> Row:
    say(f"reserve + settle, {name}: {rounds} rounds of {pairs}, with {FEW} and with {MANY} leases open")
    few, many = (Counter(open_store(url()), deployments) for _ in range(2))
    await few.open(FEW)
    await many.open(MANY)
    for counter in (few, many):
        await counter.pairs(pairs)
    measured: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for counter, figures in zip((few, many), measured, strict=True):
            figures.append(await counter.pairs(pairs))
    for counter in (few, many):
        await counter.close()
    return Row(
        f"reserve + settle, {name}",
        "us",
        (
            Judged(f"{FEW} leases open", median(measured[0]), bar),
            Judged(f"{MANY} leases open", median(measured[1])),
            Judged(f"{MANY} / {FEW} leases open", ratio(measured[1], measured[0]), 1.5),
        ),
    )


async def _with_more(
    name: str,
    url: Callable[[], str],
    deployments: Sequence[Deployment],
    more: Sequence[Deployment],
    pairs: int,
    rounds: int,
    bar: float,
    say: Callable[[str], None],
) -> Row:
    """The same with four more windows for each account, in turn."""
    say(f"reserve + settle, {name}: {rounds} rounds of {pairs}, without and with four more windows")
    counters = [Counter(open_store(url()), each) for each in (deployments, more)]
    measured: tuple[list[float], list[float]] = ([], [])
    for counter in counters:
        await counter.open(FEW)
        await counter.pairs(pairs)
    for _ in range(rounds):
        for counter, figures in zip(counters, measured, strict=True):
            figures.append(await counter.pairs(pairs))
    for counter in counters:
        await counter.close()
    return Row(
        f"reserve + settle, {name}, four more windows",
        "us",
        (
            Judged("with them", median(measured[1]), bar),
            Judged("with / without", ratio(measured[1], measured[0])),
        ),
    )


async def _round_trips(proxy: CountingProxy, deployments: Sequence[Deployment], requests: int = 50) -> float:
    counter = Counter(open_store(proxy.url), deployments)
    await counter.open(1)
    await counter.one()
    before = proxy.round_trips
    for _ in range(requests):
        await counter.one()
    trips = (proxy.round_trips - before) / requests
    await counter.close()
    return trips


@contextmanager
def _redis_servers() -> Iterator[tuple[str, str] | None]:
    """Two real servers, of the wheel that the tests use; None without it."""
    sys.path.append(str(ROOT / "tests"))
    started: list[Any] = []
    try:
        from rig_redis import RedisServer

        started += [RedisServer(), RedisServer()]
    except ModuleNotFoundError:
        yield None
        return
    try:
        yield started[0].url, started[1].url
    finally:
        for server in started:
            server.stop()
