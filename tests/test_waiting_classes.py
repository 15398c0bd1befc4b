"""Agents of several classes wait for room: nobody is held up by a class that has none, and nobody is starved."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from rig import MakeRouter, all_sleep, message, refusals
from rig_load import passing

from router_config import Router
from router_config.clock import VirtualClock
from router_config.simulator import Simulator

ALONE: dict[str, Any] = {"gemini": None, "openrouter": None, "together": None, "openai": None}
CLASSES: dict[str, Any] = {
    "trader": {"reserve": "30%", "agents": ["TradingAgent"]},
    "batch": {"share": "50%"},
    "default": {},
}


def only_groq(**limits: Any) -> dict[str, Any]:
    return {"groq": {"limits": limits, "models": ["llama-3.3-70b-versatile"]}, **ALONE}


class Agents:
    """Requests of agents by name, which may wait; the names of those that were answered stand in `answered`."""

    def __init__(self, router: Router, clock: VirtualClock) -> None:
        self._router, self._clock = router, clock
        self.answered: list[str] = []
        self.calls: list[asyncio.Task[None]] = []

    async def _ask(self, agent: str, text: str, **kwargs: Any) -> None:
        await self._router.acompletion("default", message(text), metadata={"agent": agent}, max_wait=600, **kwargs)
        self.answered.append(agent)

    async def come(self, agent: str, text: str = "hello", **kwargs: Any) -> None:
        """One more request, which is answered or waits before this returns."""
        self.calls.append(asyncio.create_task(self._ask(agent, text, **kwargs)))
        await self.settle()

    async def settle(self) -> None:
        async with asyncio.timeout(30):
            while not await all_sleep(self._clock, self.calls) and not all(each.done() for each in self.calls):
                await asyncio.sleep(0.001)

    async def pass_time(self, seconds: float) -> None:
        """Let time pass from one wish to wake to the next."""
        until = self._clock.now() + seconds
        while (wakes := self._clock.wakes) and wakes[0] <= until:
            self._clock.set(wakes[0])
            await self.settle()
        self._clock.set(until)
        await self.settle()

    async def end(self) -> None:
        for each in self.calls:
            each.cancel()
        await asyncio.gather(*self.calls, return_exceptions=True)


@pytest.fixture
def run(make_router: MakeRouter, clock: VirtualClock) -> Callable[..., None]:
    """Runs a scene with the agents of a router that has groq alone, with these limits."""

    def scene(play: Callable[[Agents], Awaitable[None]], classes: dict[str, Any] = CLASSES, **limits: Any) -> None:
        router = make_router(providers=only_groq(**limits), classes=classes)

        async def main() -> None:
            agents = Agents(router, clock)
            await play(agents)
            await agents.end()

        asyncio.run(main())

    return scene


def test_one_who_is_held_back_by_its_share_holds_up_nobody_behind_it(run: Callable[..., None]) -> None:
    async def play(agents: Agents) -> None:
        for _ in range(6):
            await agents.come("batch")
        await agents.come("somebody")
        await agents.come("TradingAgent")
        assert agents.answered == ["batch"] * 5 + ["somebody", "TradingAgent"]

    run(play, rpm=10)


def test_one_who_waits_for_what_is_not_kept_holds_up_no_class_for_which_room_is_kept(
    run: Callable[..., None], simulator: Simulator
) -> None:
    async def play(agents: Agents) -> None:
        for _ in range(9):
            await agents.come("somebody")
        for _ in range(4):
            await agents.come("TradingAgent")
        assert agents.answered == ["somebody"] * 7 + ["TradingAgent"] * 3
        await agents.pass_time(61)
        assert sorted(agents.answered[10:]) == ["TradingAgent", "somebody", "somebody"]

    run(play, rpm=10)
    assert refusals(simulator) == 0


def test_small_requests_of_another_class_do_not_nibble_away_what_a_large_one_waits_for(
    run: Callable[..., None],
) -> None:
    classes = {**CLASSES, "batch": {}}

    async def play(agents: Agents) -> None:
        await agents.come("somebody", "word " * 2500, max_tokens=100)
        await agents.come("somebody", "word " * 2500, max_tokens=3000)
        await agents.come("batch", max_tokens=100)
        await agents.come("TradingAgent", max_tokens=2800)
        assert agents.answered == ["somebody", "TradingAgent"]
        for _ in range(22):
            await agents.come("batch", max_tokens=100)
            await agents.pass_time(3)
        assert agents.answered[2] == "somebody"

    run(play, classes, tpm=10_000)


def test_a_better_class_is_served_first_but_whoever_waits_ten_seconds_longer_comes_before_it(
    run: Callable[..., None],
) -> None:
    classes = {"trader": {"agents": ["TradingAgent"], "priority": -1}}

    async def play(agents: Agents) -> None:
        await agents.come("somebody")
        await agents.come("early")
        await agents.pass_time(5)
        await agents.come("late")
        await agents.pass_time(9)
        await agents.come("TradingAgent")
        await agents.pass_time(300)
        assert agents.answered == ["somebody", "early", "TradingAgent", "late"]

    run(play, classes, rpm=1)


def test_a_hundred_of_two_classes_on_threads_and_loops_are_all_served_each_class_in_its_order(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    simulator.set_limits({"groq": {"rpm": 40, "strict_rolling": True}})
    router = make_router(providers=only_groq(rpm=40), classes=CLASSES)
    agents = ["TradingAgent", "somebody"] * 50

    def ask(number: int) -> None:
        router.completion("default", message(str(number)), metadata={"agent": agents[number]}, max_wait=900)

    async def aask(number: int) -> None:
        await router.acompletion("default", message(str(number)), metadata={"agent": agents[number]}, max_wait=900)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(40) as threads:
            async with passing(clock, 20):
                on_threads = [loop.run_in_executor(threads, ask, number) for number in range(40)]
                async with asyncio.timeout(60):
                    await asyncio.gather(*on_threads, *(aask(number) for number in range(40, 100)))

    asyncio.run(main())
    assert simulator.count("groq") == 100
    assert refusals(simulator) == 0
