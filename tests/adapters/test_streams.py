"""An agent's streams: pieces of text, and a settled account however they end."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from adapters import BaseAgent
from router_config import Router
from router_config.simulator import Simulator

pytestmark = pytest.mark.contract

TEXT = "Tin is dear. Copper is dear, too. Hold what you have, and sell nothing before Friday." * 4


@pytest.fixture
def agent(router: Router, heard: Any) -> BaseAgent:
    heard.answers(TEXT)
    return BaseAgent(router=router)


def account(router: Router, provider: str = "groq") -> tuple[int, int]:
    """Requests used and reserved."""
    status = next(each for each in router.status()["providers"] if each["name"] == provider)
    rpm, tpd = status["limits"]["rpm"], status["limits"]["tpd"]
    assert (rpm["reserved"] == 0) == (tpd["reserved"] == 0)
    return rpm["used"], rpm["reserved"]


async def every(pieces: AsyncIterator[str]) -> list[str]:
    return [piece async for piece in pieces]


def test_a_stream_yields_the_text_in_pieces_and_nothing_else(agent: BaseAgent) -> None:
    pieces = list(agent.stream("hello"))
    assert len(pieces) > 5
    assert all(pieces)
    assert "".join(pieces) == TEXT


def test_a_coroutine_reads_the_same_pieces(agent: BaseAgent) -> None:
    assert "".join(asyncio.run(every(agent.astream("hello")))) == TEXT


def test_nothing_is_sent_before_the_first_piece_is_asked_for(agent: BaseAgent, simulator: Simulator) -> None:
    pieces = agent.stream("hello")
    assert simulator.count() == 0
    next(pieces)
    assert simulator.count() == 1


def test_a_stream_read_to_its_end_is_settled_with_what_it_used(
    agent: BaseAgent, router: Router, simulator: Simulator
) -> None:
    list(agent.stream("hello"))
    asyncio.run(every(agent.astream("hello")))
    assert account(router) == (2, 0)
    used = next(each for each in router.status()["providers"] if each["name"] == "groq")["limits"]["tpd"]["used"]
    assert used == simulator.summary()["groq"]["tokens"]


def broken_off(agent: BaseAgent) -> None:
    for _ in agent.stream("hello"):
        break


def closed(agent: BaseAgent) -> None:
    pieces = agent.stream("hello")
    next(pieces)
    pieces.close()


def left_by_an_error(agent: BaseAgent) -> None:
    def work(pieces: Iterator[str]) -> None:
        for _ in pieces:
            raise KeyError("the agent's own")

    with pytest.raises(KeyError):
        work(agent.stream("hello"))


def dropped_in_a_cycle(agent: BaseAgent) -> None:
    holder: dict[str, Any] = {"pieces": agent.stream("hello")}
    holder["itself"] = holder
    next(holder["pieces"])
    del holder
    gc.collect()


def dropped_by_a_coroutine(agent: BaseAgent) -> None:
    async def work() -> None:
        async for _ in agent.astream("hello"):
            break

    asyncio.run(work())


def closed_by_a_coroutine(agent: BaseAgent) -> None:
    async def work() -> None:
        pieces = agent.astream("hello")
        await anext(pieces)
        await pieces.aclose()

    asyncio.run(work())


def cancelled_amid_the_stream(agent: BaseAgent) -> None:
    async def work() -> None:
        started = asyncio.Event()

        async def read() -> None:
            async for _ in agent.astream("hello"):
                started.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(read())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(work())


def left_when_its_loop_ended(agent: BaseAgent) -> None:
    pieces = agent.astream("hello")

    async def work() -> None:
        await anext(pieces)

    asyncio.run(work())


def dropped_outside_any_loop(agent: BaseAgent) -> None:
    loop = asyncio.new_event_loop()
    pieces = agent.astream("hello")
    loop.run_until_complete(pieces.__anext__())
    loop.close()
    del pieces
    gc.collect()


@pytest.mark.parametrize(
    "leave",
    [
        broken_off,
        closed,
        left_by_an_error,
        dropped_in_a_cycle,
        dropped_by_a_coroutine,
        closed_by_a_coroutine,
        cancelled_amid_the_stream,
        left_when_its_loop_ended,
        dropped_outside_any_loop,
    ],
)
def test_a_stream_left_early_is_settled(agent: BaseAgent, router: Router, simulator: Simulator, leave: Any) -> None:
    leave(agent)
    assert account(router) == (1, 0)
    assert simulator.count("groq") == 1
    assert agent.ask("Is the router still there?") == TEXT


def test_a_provider_that_fails_before_the_first_piece_is_replaced(
    agent: BaseAgent, router: Router, simulator: Simulator
) -> None:
    simulator.fault("groq", cut=0, times=1)
    assert "".join(agent.stream("hello")) == TEXT
    assert account(router, "gemini") == (1, 0)


def test_a_stream_that_breaks_later_raises_and_is_settled(
    agent: BaseAgent, router: Router, simulator: Simulator
) -> None:
    simulator.fault("groq", cut=4)
    pieces: list[str] = []
    with pytest.raises(Exception, match=r".") as broken:
        pieces.extend(agent.stream("hello"))
    assert type(broken.value).__module__.startswith(("litellm", "openai"))
    assert account(router) == (1, 0)
    pieces = []

    async def read() -> None:
        async for piece in agent.astream("hello"):
            pieces.append(piece)

    asyncio.run(read())
    assert "".join(pieces) == TEXT
