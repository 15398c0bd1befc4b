"""A tool loop stays with the model that answers it; a new turn goes by priority again."""

import asyncio
from typing import Any

import pytest
from rig import MakeRouter, message, refusals
from rig_abilities import TOOLS
from rig_loops import ask, history

from router_config import Router, route_of
from router_config.attempts.tried import Tried
from router_config.clock import VirtualClock
from router_config.simulator import Simulator

pytestmark = pytest.mark.contract


@pytest.fixture
def full(make_router: MakeRouter, simulator: Simulator, clock: VirtualClock) -> Router:
    """A Router of which groq's minute is full; then that passes."""
    return make_router(providers={"groq": {"limits": {"rpm": 1}, "models": ["llama-3.3-70b-versatile"]}})


def begin_elsewhere(router: Router, clock: VirtualClock, **asked: Any) -> None:
    """A loop begins at gemini, since groq has no room, and a minute later it has."""
    assert ask(router, 0, "Something else.") == "groq"
    assert ask(router, 0, **asked) == "gemini"
    clock.advance(61)


def test_a_loop_stays_with_its_model_though_one_before_it_has_room_again(full: Router, clock: VirtualClock) -> None:
    begin_elsewhere(full, clock)
    assert [ask(full, calls) for calls in range(1, 6)] == ["gemini"] * 5


def test_a_new_turn_goes_by_priority_again(full: Router, clock: VirtualClock) -> None:
    begin_elsewhere(full, clock, metadata={"session": "7"})
    assert ask(full, 1, metadata={"session": "7"}) == "gemini"
    turn = [*history(1), {"role": "assistant", "content": "Hold."}, *message("And now?")]
    reply = asyncio.run(full.acompletion("default", turn, max_tokens=50, metadata={"session": "7"}))
    assert route_of(reply).provider == "groq"


def test_streams_and_synchronous_callers_stay_alike(full: Router, clock: VirtualClock) -> None:
    begin_elsewhere(full, clock, stream=True)
    assert ask(full, 1, stream=True) == "gemini"
    reply = full.completion("default", history(2), max_tokens=50)
    assert route_of(reply).provider == "gemini"


def test_a_stream_that_is_broken_off_after_the_call_counts_as_an_answer(full: Router, clock: VirtualClock) -> None:
    assert ask(full, 0, "Something else.") == "groq"

    async def break_off() -> str:
        stream = await full.acompletion("default", history(0), stream=True, tools=TOOLS, max_tokens=50)
        async for _ in stream:
            break
        await stream.aclose()
        return route_of(stream).provider

    assert asyncio.run(break_off()) == "gemini"
    clock.advance(61)
    assert ask(full, 1) == "gemini"


def test_conversations_are_told_apart_by_agent_session_and_first_message(full: Router, clock: VirtualClock) -> None:
    begin_elsewhere(full, clock)
    assert ask(full, 1, metadata={"agent": "another"}) == "groq"
    clock.advance(61)
    assert ask(full, 1, "Another question.") == "groq"
    clock.advance(61)
    assert ask(full, 1, metadata={"session": "7"}) == "groq"
    assert ask(full, 1) == "gemini"


def test_who_cuts_its_history_is_known_by_session_or_user(full: Router, clock: VirtualClock) -> None:
    for known in ({"metadata": {"session": "7"}}, {"user": "me"}):
        begin_elsewhere(full, clock, **known)
        assert ask(full, 1, "The first messages were cut off.", **known) == "gemini"
        clock.advance(86_400)


def test_without_tools_nothing_is_remembered(full: Router, clock: VirtualClock) -> None:
    assert ask(full, 0, "Something else.") == "groq"
    assert ask(full, 0, tools=None) == "gemini"
    clock.advance(61)
    assert ask(full, 1) == "groq"


@pytest.mark.parametrize("off", [{"defaults": {"sticky": False}}, {"groups": {"default": {"sticky": "off"}}}])
def test_off_goes_by_priority_at_each_call(
    off: dict[str, dict[str, bool]], make_router: MakeRouter, clock: VirtualClock
) -> None:
    router = make_router(providers={"groq": {"limits": {"rpm": 1}, "models": ["llama-3.3-70b-versatile"]}}, **off)
    begin_elsewhere(router, clock)
    assert ask(router, 1) == "groq"


def test_it_is_forgotten_after_sticky(make_router: MakeRouter, clock: VirtualClock) -> None:
    groq = {"limits": {"rpm": 1}, "models": ["llama-3.3-70b-versatile"]}
    router = make_router(providers={"groq": groq}, defaults={"sticky": "2m"})
    begin_elsewhere(router, clock)
    clock.advance(50)
    assert ask(router, 1) == "gemini"
    clock.advance(121)
    assert ask(router, 2) == "groq"


def test_a_full_model_hands_the_loop_over_and_the_next_one_keeps_it(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    groq = {"limits": {"rpm": 1}, "models": ["llama-3.3-70b-versatile"]}
    gemini = {"limits": {"rpm": 2}, "models": ["gemini-1.5-flash"]}
    router = make_router(providers={"groq": groq, "gemini": gemini})
    begin_elsewhere(router, clock)
    assert [ask(router, calls) for calls in range(1, 4)] == ["gemini", "gemini", "groq"]
    clock.advance(61)
    assert ask(router, 4) == "groq"
    assert refusals(simulator) == 0


def test_a_failure_hands_the_loop_over_at_once(full: Router, simulator: Simulator, clock: VirtualClock) -> None:
    begin_elsewhere(full, clock)
    simulator.fault("gemini", status=500, times=1)
    assert ask(full, 1) == "groq"
    assert ask(full, 2) == "openrouter"  # groq's minute is full, gemini is in cooldown.
    clock.advance(61)
    assert ask(full, 3) == "openrouter"


def test_a_loop_goes_beyond_the_soft_limit_of_its_model_and_not_beyond_the_limit(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    groq = {"limits": {"rpd": 4}, "models": ["llama-3.3-70b-versatile"]}
    router = make_router(providers={"groq": groq}, defaults={"soft_limit": "50%"})
    found = [ask(router, calls) for calls in range(6)]
    assert found == ["groq"] * 4 + ["gemini"] * 2
    assert refusals(simulator) == 0


def test_what_costs_money_is_left_once_somebody_free_has_room(make_router: MakeRouter, clock: VirtualClock) -> None:
    groq = {"limits": {"rpm": 1}, "models": ["llama-3.3-70b-versatile"]}
    router = make_router(providers={"groq": groq, "gemini": None, "openrouter": None, "together": None})
    assert ask(router, 0, "Something else.") == "groq"
    assert [ask(router, calls) for calls in range(2)] == ["openai", "openai"]
    clock.advance(61)
    assert ask(router, 2) == "groq"


def test_the_same_key_goes_on_and_else_the_same_model_with_another(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    groq = {
        "limits": {"rpm": 3},
        "models": ["llama-3.3-70b-versatile", "mixtral-8x7b-32768"],
        "api_key": ["key-one", "key-two"],
    }
    router = make_router(providers={"groq": groq})
    for calls in range(6):
        ask(router, calls)
    keys = [call.key for call in simulator.calls()]
    models = {call.model for call in simulator.calls()}
    assert keys[:3] == keys[:1] * 3
    assert keys[3:] == keys[3:4] * 3 != keys[:3]
    assert models == {"llama-3.3-70b-versatile"}


def test_a_response_that_goes_on_with_another_goes_where_that_was_given(full: Router, clock: VirtualClock) -> None:
    async def story() -> list[str]:
        await full.aresponses(model="default", input="Something else.", max_output_tokens=50)
        given: Any = await full.aresponses(model="default", input="Buy or sell?", max_output_tokens=50)
        clock.advance(61)
        found = []
        for before in (given.id, None):
            asked = {"model": "default", "input": "And now?", "previous_response_id": before}
            request = full._request("aresponses", asked, clock.now())
            flight = await full._reservations.reserve(request, Tried(), clock.now())
            assert flight is not None
            found.append(flight.deployment.provider)
        return found

    assert asyncio.run(story()) == ["gemini", "groq"]


def test_decisions_say_which_call_of_a_loop_stayed(full: Router, clock: VirtualClock) -> None:
    begin_elsewhere(full, clock)
    for calls in range(1, 4):
        ask(full, calls)
    found = full._background.run(full._store.decisions())
    assert [each.stays for each in reversed(found)] == [None, None, 2, 3, 4]
