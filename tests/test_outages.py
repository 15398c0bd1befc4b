"""The store fails in the middle of a run: no request fails for it, no limit is exceeded, and it is taken up again."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from rig import MakeRouter, message, refusals
from rig_outages import frozen, full_disk, gone, locked
from rig_redis import RedisServer

from router_config import NoProviderAvailable, Router
from router_config.clock import VirtualClock
from router_config.ledger.local import sqlite_file
from router_config.ledger.outage import failover
from router_config.simulator import Simulator

Outage = Callable[[], AbstractContextManager[None]]
STRICT = {"groq": {"rpm": 30, "strict_rolling": True}, "gemini": {"rpm": 60, "strict_rolling": True}}
TWO = {"openrouter": None, "together": None, "openai": None}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is locked counts as lost sooner, and the store is looked at more often than once a second."""
    monkeypatch.setattr(sqlite_file, "PATIENCE", 0.05)
    monkeypatch.setattr(failover, "LOOK_EVERY", 0.05)


@pytest.fixture(params=["locked file", "full disk", "frozen Redis", "Redis gone"])
def failing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Outage]]:
    """The URL of a store, and its outage."""
    path = tmp_path / "state.db"
    if "Redis" not in request.param:
        outage = locked if request.param == "locked file" else full_disk
        yield f"sqlite:///{path}", lambda: outage(path)
        return
    server = RedisServer()
    away = frozen if request.param == "frozen Redis" else gone
    yield server.url, lambda: away(server)
    server.stop()


def ask(router: Router, times: int) -> int:
    """How many of so many concurrent requests were answered; the others found no room."""

    async def main() -> list[object]:
        calls = (router.acompletion(model="default", messages=message()) for _ in range(times))
        answers: list[object] = await asyncio.gather(*calls, return_exceptions=True)
        return answers

    outcomes = asyncio.run(main())
    assert all(isinstance(each, NoProviderAvailable) for each in outcomes if isinstance(each, Exception))
    return sum(not isinstance(each, Exception) for each in outcomes)


def degraded(router: Router) -> bool:
    return "degraded" in router.status()["state"]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_requests_go_on_within_the_limits_and_what_they_spent_is_told_afterwards(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock, failing: tuple[str, Outage]
) -> None:
    state, outage = failing
    simulator.set_limits(STRICT)
    router = make_router(state=state, providers=TWO)
    assert ask(router, 20) == 20
    looked = time.monotonic()
    until(lambda: not degraded(router) and time.monotonic() > looked + 2 * failover.LOOK_EVERY)
    with outage():
        assert ask(router, 100) == 70
        assert degraded(router)
        clock.advance(61)
        assert ask(router, 100) == 90
    until(lambda: not degraded(router))
    assert ask(router, 10) == 0
    clock.advance(61)
    assert ask(router, 100) == 90
    assert refusals(simulator) == 0
    for provider in router.status()["providers"]:
        if provider["name"] in STRICT:
            limits = provider["limits"]
            assert limits["rpm"]["used"] == STRICT[provider["name"]]["rpm"]
            assert limits["tpd"]["used"] >= simulator.summary()[provider["name"]]["tokens"]
            assert limits["rpm"]["reserved"] == limits["tpd"]["reserved"] == 0


def test_a_key_that_is_disabled_during_an_outage_stays_so_afterwards(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock, failing: tuple[str, Outage]
) -> None:
    state, outage = failing
    router = make_router(state=state, providers=TWO)
    assert ask(router, 1) == 1
    until(lambda: not degraded(router))
    simulator.fault("groq", status=401)
    with outage():
        assert ask(router, 1) == 1
        assert degraded(router)
    until(lambda: not degraded(router))
    asked = simulator.count("groq")
    clock.advance(290)
    assert ask(router, 5) == 5
    assert simulator.count("groq") == asked
    again = make_router(state=state, providers=TWO)
    assert ask(again, 5) == 5
    assert simulator.count("groq") == asked
    clock.advance(20)
    assert ask(again, 5) == 5
    assert simulator.count("groq") == asked + 1, "one request asks again"
