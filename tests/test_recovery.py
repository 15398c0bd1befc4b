"""A provider that hangs costs its callers one timeout, and afterwards one probe at a time."""

import asyncio
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from rig import MODELS, MakeRouter, message

from router_config import NoProviderAvailable, Router, route_of
from router_config.clock import VirtualClock
from router_config.simulator import Simulator

WORKERS = 50
STORES = ["memory", "sqlite"]


def state_of(store: str, tmp_path: Path) -> str:
    return "memory://" if store == "memory" else f"sqlite:///{tmp_path}/state.db"


async def ask(router: Router, **kwargs: Any) -> Any:
    return await router.acompletion(model="default", messages=message(), **kwargs)


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streaming"])
@pytest.mark.parametrize("store", STORES)
def test_after_a_cooldown_one_of_fifty_workers_probes_the_hung_host_and_the_others_do_not_wait_for_it(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock, tmp_path: Path, store: str, stream: bool
) -> None:
    router = make_router(state=state_of(store, tmp_path))
    simulator.fault("groq", status=503, times=1)

    async def main() -> None:
        await ask(router)
        simulator.fault("groq", timeout=True)
        clock.advance(301)
        workers = [asyncio.create_task(ask(router, stream=stream)) for _ in range(WORKERS)]
        await until(lambda: sum(worker.done() for worker in workers) == WORKERS - 1)
        probing = [worker for worker in workers if not worker.done()]
        assert simulator.count("groq") == 2, "one probe, which still waits"
        routes = [route_of(worker.result()) for worker in workers if worker.done()]
        assert {route.provider for route in routes} == {"gemini"}
        assert {len(route.attempts) for route in routes} == {1}
        assert router_status(await router.astatus()) == "probing"
        simulator.clear("groq")  # Which breaks its connections off; one that was kept is made anew once.
        simulator.fault("groq", reset=True)
        probe = route_of(await probing[0])
        assert [(each.provider, each.outcome) for each in probe.attempts] == [("groq", "connection"), ("gemini", "ok")]

        assert router_status(await router.astatus()) == "cooldown", "a failed probe is another five minutes"
        await asyncio.gather(*(ask(router) for _ in range(10)))
        assert simulator.count("groq") == 3

    asyncio.run(main())


def router_status(status: dict[str, Any]) -> str:
    return str(status["providers"][0]["status"])


@pytest.mark.parametrize("store", STORES)
def test_when_the_probe_succeeds_everybody_returns(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock, tmp_path: Path, store: str
) -> None:
    router = make_router(state=state_of(store, tmp_path))
    simulator.fault("groq", status=503, times=1)
    simulator.set_options(latencies_ms={"groq": 200})

    async def main() -> None:
        await ask(router)
        clock.advance(301)
        first = await asyncio.gather(*(ask(router) for _ in range(20)))
        assert Counter(route_of(each).provider for each in first) == {"groq": 1, "gemini": 19}
        second = await asyncio.gather(*(ask(router) for _ in range(20)))
        assert {route_of(each).provider for each in second} == {"groq"}

    asyncio.run(main())


@pytest.mark.parametrize("processes", [1, 2])
def test_who_can_ask_nobody_else_waits_for_the_outcome_of_a_probe(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock, tmp_path: Path, processes: int
) -> None:
    """For a moment only, and without `max_wait`: an answer is worth more than an error that comes at once."""
    only: dict[str, Any] = {name: None for name in MODELS if name != "groq"}
    routers = [make_router(state=state_of("sqlite", tmp_path), providers=only) for _ in range(processes)]
    simulator.fault("groq", status=401, times=1)
    simulator.set_options(latencies_ms={"groq": 200})

    async def asked() -> list[Any]:
        asking = [asyncio.create_task(ask(routers[at % processes])) for at in range(10)]
        while not all(each.done() for each in asking):
            await asyncio.sleep(0.01)
            clock.advance(0.01)
        return [each.exception() or route_of(each.result()).provider for each in asking]

    async def main() -> None:
        with pytest.raises(NoProviderAvailable):
            await ask(routers[0])
        clock.advance(301)
        assert await asked() == ["groq"] * 10

        simulator.fault("groq", status=401, times=1)
        with pytest.raises(NoProviderAvailable):
            await ask(routers[0])
        clock.advance(301)
        simulator.fault("groq", status=401)
        assert all(isinstance(each, NoProviderAvailable) for each in await asked())

    asyncio.run(main())


@pytest.mark.parametrize("store", STORES)
def test_a_cancelled_probe_lets_the_next_request_probe(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock, tmp_path: Path, store: str
) -> None:
    router = make_router(state=state_of(store, tmp_path))
    simulator.fault("groq", status=503, times=1)

    async def main() -> None:
        await ask(router)
        clock.advance(301)
        simulator.fault("groq", timeout=True)
        probe = asyncio.create_task(ask(router))
        await until(lambda: simulator.count("groq") == 2)
        probe.cancel()
        await asyncio.gather(probe, return_exceptions=True)
        simulator.clear()
        assert route_of(await ask(router)).provider == "groq"

    asyncio.run(main())


@pytest.mark.parametrize("status", [401, 402, 405])
def test_a_probe_of_a_process_that_died_keeps_nobody_from_the_only_provider_that_is_left(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock, tmp_path: Path, status: int
) -> None:
    only: dict[str, Any] = {name: None for name in MODELS if name not in ("groq", "openai")}
    one, other = (make_router(state=state_of("sqlite", tmp_path), providers=only) for _ in range(2))
    simulator.fault("groq", status=status, times=1)

    async def main() -> None:
        assert route_of(await ask(one)).provider == "openai"
        clock.advance(301)
        simulator.fault("openai", status=401)
        simulator.fault("groq", timeout=True, times=1)
        probe = asyncio.create_task(ask(one))
        await until(lambda: simulator.count("groq") == 2)
        waiting = [asyncio.create_task(ask(other)) for _ in range(5)]
        await until(lambda: len(clock.wakes) >= len(waiting))
        assert simulator.count("groq") == 2, "the probe may still tell"
        clock.advance(2)
        assert {route_of(each).provider for each in await asyncio.gather(*waiting)} == {"groq"}
        assert router_status(await other.astatus()) == "available"
        probe.cancel()
        await asyncio.gather(probe, return_exceptions=True)
        assert [route_of(await ask(other)).provider for _ in range(3)] == ["groq"] * 3

    asyncio.run(main())


def test_a_stream_that_is_dropped_during_a_probe_has_shown_that_the_provider_works(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router()
    simulator.set_options(answer_tokens=200)
    simulator.fault("groq", status=503, times=1)

    async def main() -> None:
        await ask(router)
        clock.advance(301)
        stream = await ask(router, stream=True)
        async for _ in stream:
            break
        await stream.aclose()
        assert route_of(await ask(router)).provider == "groq"

    asyncio.run(main())


def test_fifty_workers_that_are_on_the_host_when_it_hangs_lose_one_timeout_and_no_more(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    # Gemini is given longer: on a busy machine, fifty answers may take more than three seconds.
    impatient = [{"name": name, "litellm_params": {"timeout": 3}} for name in MODELS["groq"]]
    router = make_router(providers={"groq": {"limits": {}, "models": impatient}, "gemini": {"limits": {}}})
    simulator.set_limits({"groq": None, "gemini": None})
    simulator.fault("groq", timeout=True)

    async def main() -> None:
        replies = await asyncio.gather(*(ask(router) for _ in range(WORKERS)))
        assert {tuple(each.outcome for each in route_of(reply).attempts) for reply in replies} == {("timeout", "ok")}
        assert route_of(await ask(router)).attempts[0].provider == "gemini"

    asyncio.run(main())
    assert simulator.count("groq") == WORKERS


def test_requests_that_time_out_because_this_process_stood_still_put_nobody_in_cooldown(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    """An agent that computes on the event loop, while others wait for their answers."""
    router = make_router(defaults={"timeout": "1s"})
    simulator.set_options(latency_ms=300)

    async def main() -> None:
        waiting = [asyncio.create_task(ask(router)) for _ in range(5)]
        await until(lambda: simulator.count("groq") == 5)
        time.sleep(3)  # What is wrong with this agent.
        simulator.set_options(latency_ms=0)
        routes = [route_of(reply) for reply in await asyncio.gather(*waiting)]
        assert {attempt.outcome for route in routes for attempt in route.attempts} <= {"timeout", "ok"}
        assert router_status(await router.astatus()) == "available"

    asyncio.run(main())
