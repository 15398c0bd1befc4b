"""A request may wait for room, first come first served; one that may not is told when to come back."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from rig import MakeRouter, all_sleep, message, refusals

from router_config import NoProviderAvailable, Router
from router_config.clock import VirtualClock
from router_config.simulator import Simulator

ALONE: dict[str, Any] = {"gemini": None, "openrouter": None, "together": None, "openai": None}


def only_groq(**limits: Any) -> dict[str, Any]:
    return {"providers": {"groq": {"limits": limits, "models": ["llama-3.3-70b-versatile"]}, **ALONE}}


def ask(router: Router, text: str = "hello", **kwargs: Any) -> Coroutine[Any, Any, Any]:
    return router.acompletion(model="default", messages=message(text), **kwargs)


async def until(condition: Callable[[], bool]) -> None:
    """Let everything on the loop and at the simulator go on until the condition holds."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.001)


async def answered(clock: VirtualClock, *calls: Awaitable[Any]) -> None:
    """Wait for calls, time passing from one wish to wake to the next whenever none of them is at a provider."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    while waiting := [task for task in tasks if not task.done()]:
        await asyncio.sleep(0.001)
        if await all_sleep(clock, waiting):
            clock.set(clock.wakes[0])
    for task in tasks:
        await task


def asked_in_order(simulator: Simulator) -> list[str]:
    return [str(call.body and call.body["messages"][0]["content"]) for call in simulator.calls("groq")]


def test_those_who_wait_are_served_in_the_order_of_their_arrival(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    simulator.set_options(keep_bodies=True)
    simulator.set_limits({"groq": {"rpm": 2, "strict_rolling": True}})
    router = make_router(**only_groq(rpm=2))

    async def main() -> None:
        calls: list[asyncio.Task[Any]] = []
        for number in range(9):
            calls.append(asyncio.create_task(ask(router, str(number), max_wait=600)))
            await until(lambda: len(clock.wakes) + simulator.count() == len(calls))
            clock.advance(1)
        await answered(clock, *calls)

    asyncio.run(main())
    assert asked_in_order(simulator) == [str(number) for number in range(9)]
    assert refusals(simulator) == 0


def test_a_newcomer_who_may_wait_does_not_overtake_those_who_do(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    simulator.set_options(keep_bodies=True)
    router = make_router(**only_groq(rpm=1))

    async def main() -> None:
        await ask(router, "first")
        waiting = asyncio.create_task(ask(router, "waits", max_wait=600))
        await until(lambda: len(clock.wakes) == 1)
        newcomer = asyncio.create_task(ask(router, "newcomer", max_wait=600))
        clock.advance(61)  # The newcomer runs before the one who waits has woken.
        await answered(clock, waiting, newcomer)

    asyncio.run(main())
    assert asked_in_order(simulator) == ["first", "waits", "newcomer"]


def test_a_request_that_could_not_be_served_in_time_anyway_is_refused_at_once(
    make_router: MakeRouter, clock: VirtualClock
) -> None:
    router = make_router(**only_groq(rpm=1))
    router.completion(model="default", messages=message())
    with pytest.raises(NoProviderAvailable) as refused:
        router.completion(model="default", messages=message(), max_wait=30)
    assert refused.value.retry_after == pytest.approx(60, abs=1)


def test_a_request_waits_no_longer_than_its_bound(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    simulator.fault("groq", timeout=True)
    router = make_router(**only_groq(tpm=5000))

    async def main() -> None:
        holding = asyncio.create_task(ask(router, max_tokens=4900))
        await until(lambda: simulator.count() == 1)
        begun = clock.now()
        with pytest.raises(NoProviderAvailable):
            await answered(clock, ask(router, max_tokens=4900, max_wait=30))
        assert clock.now() - begun == pytest.approx(30, abs=0.1)
        holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)

    asyncio.run(main())
    assert simulator.count() == 1


def test_whoever_waits_is_served_as_soon_as_another_gives_back_what_it_did_not_need(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    simulator.set_options(latency_ms=50)
    router = make_router(**only_groq(tpm=5000))
    begun = clock.now()

    async def main() -> None:
        async with asyncio.timeout(20):
            await asyncio.gather(*(ask(router, max_tokens=2600, max_wait=100) for _ in range(5)))

    asyncio.run(main())
    assert clock.now() == begun
    assert simulator.count("groq") == 5


@pytest.mark.parametrize("state", ["memory", "sqlite"])
def test_a_cancelled_request_leaves_the_line_and_the_next_one_moves_up(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock, tmp_path: Any, state: str
) -> None:
    simulator.set_options(keep_bodies=True)
    url = "memory://" if state == "memory" else f"sqlite:///{tmp_path}/state.db"
    router = make_router(state=url, **only_groq(rpm=1))

    async def main() -> None:
        await ask(router, "first")
        waiting = [asyncio.create_task(ask(router, f"waits {number}", max_wait=600)) for number in range(3)]
        await until(lambda: len(clock.wakes) == 3)
        waiting[0].cancel()
        await until(lambda: len(clock.wakes) == 2)
        waiting[1].cancel()
        await until(lambda: len(clock.wakes) == 1)
        await answered(clock, waiting[2])

    asyncio.run(main())
    assert asked_in_order(simulator) == ["first", "waits 2"]
    limits = router.status()["providers"][0]["limits"]["rpm"]
    assert (limits["used"], limits["reserved"]) == (1, 0)


def test_synchronous_callers_wait_too(make_router: MakeRouter, simulator: Simulator, clock: VirtualClock) -> None:
    simulator.set_options(latency_ms=50)
    router = make_router(**only_groq(tpm=5000))

    async def main() -> None:
        threads = [
            asyncio.to_thread(router.completion, model="default", messages=message(), max_tokens=2600, max_wait=100)
            for _ in range(3)
        ]
        await asyncio.gather(*threads, ask(router, max_tokens=2600, max_wait=100))

    asyncio.run(main())
    assert simulator.count("groq") == 4


def test_a_request_that_fits_no_limit_does_not_hold_up_those_behind_it(
    make_router: MakeRouter, clock: VirtualClock
) -> None:
    router = make_router(**only_groq(rpm=10, tpm=500))
    with pytest.raises(NoProviderAvailable):
        router.completion(model="default", messages=message("word " * 4000), max_wait=600)
    router.completion(model="default", messages=message(), max_wait=600)


@pytest.mark.parametrize("seed", range(20))
def test_whoever_comes_back_after_retry_after_is_served_and_no_second_earlier(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock, seed: int
) -> None:
    chance = random.Random(seed)
    limits: dict[str, dict[str, Any]] = {
        name: {
            "rpm": chance.randint(1, 6),
            **({"tpm": chance.randint(300, 3000)} if chance.random() < 0.7 else {}),
            **({"rpd": chance.randint(3, 12)} if chance.random() < 0.3 else {}),
        }
        for name in ("groq", "gemini", "together")[: chance.randint(1, 3)]
    }
    simulator.set_limits({name: {**each, "strict_rolling": True} for name, each in limits.items()})
    left_out = {name: None for name in ("groq", "gemini", "openrouter", "together", "openai") if name not in limits}
    router = make_router(providers={**{name: {"limits": each} for name, each in limits.items()}, **left_out})

    def served(**kwargs: Any) -> float | None:
        """None when it was, else the seconds to wait."""
        refused: NoProviderAvailable | None = None
        try:
            router.completion(model="default", **kwargs)
        except NoProviderAvailable as error:
            refused = error
        if refused is None:
            return None
        assert refused.retry_after is not None
        return refused.retry_after

    refused = 0
    while refused < 3:
        clock.advance(chance.choice((0, 0, 0.01, 0.3, 2, 11)))
        kwargs = {"messages": message("word " * chance.randint(1, 150)), "max_tokens": chance.choice((10, 40, 200))}
        wait = served(**kwargs)
        if wait is None:
            continue
        refused += 1
        if wait > 1:
            clock.advance(wait - 1)
            again = served(**kwargs)
            assert again == pytest.approx(1, abs=1e-3)
            wait = 1
        clock.advance(wait)
        assert served(**kwargs) is None
    assert refusals(simulator) == 0


def test_requests_beyond_those_allowed_at_a_time_wait_until_one_has_ended(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router(**only_groq(parallel=1))

    async def main() -> None:
        first, *others = [asyncio.create_task(ask(router, str(number), max_wait=60)) for number in range(4)]
        await asyncio.gather(first, *others)
        with pytest.raises(NoProviderAvailable):
            await asyncio.gather(*(ask(router, max_wait=0) for _ in range(2)))

    asyncio.run(main())
    assert simulator.count("groq") == 5


def test_who_may_not_wait_for_requests_in_flight_is_told_to_come_back_soon(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    simulator.fault("groq", timeout=True)
    router = make_router(**only_groq(parallel=1))

    async def main() -> None:
        holding = asyncio.create_task(ask(router))
        await until(lambda: simulator.count() == 1)
        with pytest.raises(NoProviderAvailable, match="Try again in 1 s") as refused:
            await ask(router)
        assert refused.value.retry_after == 1
        explained = router.explain()
        assert (explained["clears_at"], explained["waits_for_in_flight"]) == (None, True)
        holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)

    asyncio.run(main())
    assert router.explain()["waits_for_in_flight"] is False
