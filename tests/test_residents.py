"""Tool loops do not drive each other out: one begins where the minute has room for it beside those that live there."""

from collections.abc import Sequence

import pytest
from rig import MakeRouter, refusals
from rig_loops import ask

from router_config import Router
from router_config.clock import VirtualClock
from router_config.routing.loops.residents import Crowd, Pace, Resident
from router_config.simulator import Simulator

pytestmark = pytest.mark.contract


@pytest.fixture(autouse=True)
def every_answer_calls_a_tool(simulator: Simulator) -> None:
    simulator.fault("*", tool_call=True)


GROQ = {"limits": {"rpm": 14}, "models": ["llama-3.3-70b-versatile"]}
GEMINI = {"limits": {"rpm": 60}, "models": ["gemini-1.5-flash"]}


def rounds(router: Router, clock: VirtualClock, sessions: Sequence[str], first: int, last: int) -> list[set[str]]:
    """Each session asks once in ten seconds. Who answered each of them."""
    found: list[set[str]] = [set() for _ in sessions]
    for calls in range(first, last):
        for place, session in enumerate(sessions):
            found[place].add(ask(router, calls, metadata={"session": session}))
        clock.advance(10)
    return found


def test_a_third_loop_begins_elsewhere_where_two_fill_the_minute_and_all_stay(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router(providers={"groq": GROQ, "gemini": GEMINI})
    assert rounds(router, clock, "ab", 0, 3) == [{"groq"}, {"groq"}]
    assert ask(router, 0, metadata={"session": "c"}) == "gemini"
    clock.advance(10)
    assert rounds(router, clock, "abc", 3, 15) == [{"groq"}, {"groq"}, {"gemini"}]
    assert ask(router, 0, tools=None) == "groq"  # Who uses no tools goes by priority.
    assert refusals(simulator) == 0


def test_a_loop_that_ended_makes_room_for_the_next(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router(providers={"groq": GROQ, "gemini": GEMINI})
    rounds(router, clock, "ab", 0, 3)
    simulator.clear()
    ask(router, 3, metadata={"session": "a"})  # Its answer calls no tool.
    clock.advance(1)
    assert ask(router, 0, metadata={"session": "c"}) == "groq"


def test_what_nobody_goes_on_with_for_a_minute_lives_nowhere(make_router: MakeRouter, clock: VirtualClock) -> None:
    router = make_router(providers={"groq": GROQ, "gemini": GEMINI})
    rounds(router, clock, "ab", 0, 3)
    clock.advance(61)
    assert ask(router, 0, metadata={"session": "c"}) == "groq"


def test_a_loop_that_is_driven_out_goes_where_there_is_room_for_it(
    make_router: MakeRouter, clock: VirtualClock
) -> None:
    openrouter = {"limits": {"rpm": 50}, "models": ["deepseek/deepseek-r1:free"]}
    router = make_router(providers={"groq": GROQ, "gemini": {**GEMINI, "limits": {"rpm": 6}}, "openrouter": openrouter})
    rounds(router, clock, "ab", 0, 3)
    assert ask(router, 0, metadata={"session": "c"}) == "gemini"
    for number in range(14):
        ask(router, 0, f"{number}", tools=None)  # groq's minute is full, and gemini's.
    clock.advance(10)
    assert ask(router, 3, metadata={"session": "a"}) == "openrouter"


def test_money_is_not_spent_for_a_quieter_minute(make_router: MakeRouter, clock: VirtualClock) -> None:
    router = make_router(providers={"groq": GROQ, "gemini": None, "openrouter": None, "together": None})
    rounds(router, clock, "ab", 0, 3)
    assert ask(router, 0, metadata={"session": "c"}) == "groq"


def test_where_no_pace_is_known_nobody_counts_as_crowded() -> None:
    crowd = Crowd.of([Resident(("groq",), 1, 100, 0.0, 0.0)])
    assert crowd == Crowd({}, None)


def test_loops_of_one_call_count_as_the_others_ask_on_average() -> None:
    known = Resident(("groq",), 4, 400, 0.0, 30.0)
    new = Resident(("groq", "model"), 1, 100, 30.0, 30.0)
    assert known.pace() == Pace(6.0, 600.0)
    assert Crowd.of([known, new]) == Crowd({"groq": Pace(12.0, 1200.0), "model": Pace(6.0, 600.0)}, Pace(6.0, 600.0))
