"""A tool loop is not begun where the day's room does not last for all of it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rig import MakeRouter, message, refusals
from rig_abilities import TOOLS
from rig_loops import ask
from rig_redis import RedisServer

from router_config import Router, route_of
from router_config.clock import VirtualClock
from router_config.ledger.rules.loops import (
    AGENTS_KEPT,
    FEWEST,
    LOOPS_KEPT,
    Loop,
    both,
    expected,
    loops_of,
    loops_text,
)
from router_config.simulator import Simulator

pytestmark = pytest.mark.contract

GROQ = {"limits": {"rpd": 10}, "models": ["llama-3.3-70b-versatile"]}
GEMINI = {"limits": {"rpd": 1000}, "models": ["gemini-1.5-flash"]}
Given = dict[tuple[str, str], tuple[Loop, ...]]


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    server = RedisServer()
    yield server
    server.stop()


def loop_of_four(router: Router, text: str = "A question.", **asked: Any) -> list[str]:
    return [ask(router, calls, text, **asked) for calls in range(4)]


def loops_of_four(router: Router, number: int, **asked: Any) -> list[str]:
    """Run so many loops of four calls one after the other; who began each."""
    return [loop_of_four(router, f"Question {each}.", **asked)[0] for each in range(number)]


def learn(router: Router, simulator: Simulator, clock: VirtualClock) -> None:
    """Three loops of four calls, and a day later."""
    loops_of_four(router, 3)
    clock.advance(90_000)
    ask(router, 0, "The last one.")


def test_a_loop_that_would_not_end_here_begins_at_the_next(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router(providers={"groq": GROQ, "gemini": GEMINI})
    learn(router, simulator, clock)  # The last one took one of groq's ten.
    assert [loop_of_four(router, f"{each}") for each in range(3)] == [["groq"] * 4, ["groq"] * 4, ["gemini"] * 4]
    assert [ask(router, 0, tools=None) for _ in range(2)] == ["groq", "gemini"]  # What is left is there for others.


def test_each_agent_is_judged_by_its_own_loops(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router(providers={"groq": {**GROQ, "limits": {"rpd": 13}}, "gemini": GEMINI})
    learn(router, simulator, clock)
    assert loops_of_four(router, 2) == ["groq"] * 2  # Four are left.
    assert ask(router, 0, "Mine.", metadata={"agent": "short"}) == "groq"
    assert ask(router, 0, "Another.") == "gemini"


def test_where_nobody_has_room_for_all_the_order_is_that_of_priority(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    few = {"limits": {"rpd": 3}, "models": ["llama-3.3-70b-versatile"]}
    router = make_router(
        providers={
            "groq": few, "gemini": {**few, "models": ["gemini-1.5-flash"]}, "openrouter": None, "together": None,
            "openai": None,
        }
    )  # fmt: skip
    for calls in range(4):
        ask(router, calls, metadata={"session": "a"})
    for session in ("b", "c"):
        clock.advance(90_000)
        for calls in range(4):
            ask(router, calls, metadata={"session": session})
    clock.advance(90_000)
    assert [ask(router, 0, f"{number}") for number in range(4)] == ["groq"] * 3 + ["gemini"]


def test_what_costs_money_is_not_preferred_for_its_room(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router(providers={"groq": GROQ, "gemini": None, "openrouter": None, "together": None})
    learn(router, simulator, clock)
    assert loops_of_four(router, 3) == ["groq"] * 3


def test_a_full_minute_begins_no_loop_elsewhere_and_tokens_count_too(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    groq = {"limits": {"rpm": 30, "tpd": 2000}, "models": ["llama-3.3-70b-versatile"]}
    router = make_router(providers={"groq": groq, "gemini": GEMINI})
    learn(router, simulator, clock)
    began = loops_of_four(router, 6)
    assert (began[0], began[-1]) == ("groq", "gemini")
    assert refusals(simulator) == 0


@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_other_processes_and_a_restart_know_the_loops(
    store: str,
    request: pytest.FixtureRequest,
    make_router: MakeRouter,
    simulator: Simulator,
    clock: VirtualClock,
    tmp_path: Path,
) -> None:
    state = request.getfixturevalue("redis").url if store == "redis" else f"sqlite:///{tmp_path}/state.db"
    router = make_router(state=state, providers={"groq": GROQ, "gemini": GEMINI})
    learn(router, simulator, clock)
    clock.advance(2)
    ask(router, 0, tools=None)  # What was learned is told with the next request.
    another = make_router(state=state, providers={"groq": GROQ, "gemini": GEMINI})
    assert loops_of_four(another, 2) == ["groq", "groq"]
    assert loops_of_four(another, 1, metadata={"session": "x"}) == ["gemini"]


def test_an_answer_that_calls_no_tool_ends_its_loop_at_once(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router()
    simulator.fault("groq", tool_call=True)

    async def story() -> None:
        reply = await router.acompletion("default", message(), tools=TOOLS, max_tokens=50)
        assert route_of(reply).provider == "groq"
        assert not router._learned.loops.known
        simulator.clear()
        await router.acompletion("default", message(), tools=TOOLS, max_tokens=50)
        assert router._learned.loops.known

    asyncio.run(story())


names = st.text(max_size=3)
loop = st.builds(Loop, names, st.floats(0, 2e9), st.integers(1, 99), st.integers(0, 10**6))
known = st.dictionaries(st.tuples(names, names), st.lists(loop, min_size=1, max_size=30).map(tuple), max_size=5)


@given(known, known)
def test_what_two_processes_know_becomes_one_in_any_order_and_again(one: Given, other: Given) -> None:
    found = both(one, other)
    assert found == both(other, one) == both(found, one) == both(found, found)
    assert loops_of(loops_text(found)) == found
    assert all(len(theirs) <= LOOPS_KEPT for theirs in found.values())
    assert len(both({(f"{number}", ""): (Loop("a", number, 1, 1),) for number in range(99)}, one)) == AGENTS_KEPT


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    loops_of(text)


def test_what_four_of_five_loops_did_not_exceed_is_expected() -> None:
    loops = [Loop(f"{calls}", calls, calls, calls * 100) for calls in range(1, 11)]
    found = expected(loops)
    assert found is not None
    assert (found.calls, found.tokens) == (9, 900)
    assert expected(loops[: FEWEST - 1]) is None
