"""`first_token_timeout`: a stream whose first token is late goes to the next candidate, before anything was shown."""

import asyncio
import json
from typing import Any

import pytest
from rig import MakeRouter, message, refusals

from router_config import NoProviderAvailable, Router
from router_config.attempts.late_first_tokens import LateFirstTokens
from router_config.routing.request import route_of
from router_config.simulator import Simulator

RULES = {"groups": {"default": {"first_token_timeout": "700ms"}}}
STALLS = {"latency_ms": 20_000}


def event(delta: dict[str, str]) -> str:
    """A chunk of a chat as it comes over the wire."""
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return f"data: {json.dumps(chunk)}\n\n"


def read(router: Router) -> tuple[str, list[tuple[str, str]]]:
    """The text of a stream, and the attempts of its route."""
    return asyncio.run(reading(router))


async def reading(router: Router) -> tuple[str, list[tuple[str, str]]]:
    stream = await router.acompletion(model="default", messages=message(), stream=True)
    text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
    return text, [(each.provider, each.outcome) for each in route_of(stream).attempts]


def test_a_stream_that_shows_nothing_in_time_is_answered_by_the_next_candidate(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    router = make_router(**RULES)
    simulator.fault("groq", model="llama-3.3-70b-versatile", **STALLS)
    text, attempts = read(router)
    assert text
    assert attempts == [("groq", "timeout"), ("groq", "ok")]
    assert refusals(simulator) == 0


def test_a_synchronous_stream_goes_on_just_so(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router(**RULES)
    simulator.fault("groq", **STALLS)
    stream = router.completion(model="default", messages=message(), stream=True)
    assert [each.outcome for each in route_of(stream).attempts] == ["timeout", "timeout", "ok"]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def test_a_role_alone_and_keep_alive_comments_are_no_first_token(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router(**RULES)
    role = event({"role": "assistant", "content": ""})
    pings = {"text": ": ping\n\n", "repeat": 100, "every_ms": 100}
    simulator.fault("groq", model="llama-3.3-70b-versatile", parts=[role, pings])
    _, attempts = read(router)
    assert attempts == [("groq", "timeout"), ("groq", "ok")]


def test_a_token_of_reasoning_is_one_for_the_caller_sees_it(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router(**RULES)
    thought = event({"role": "assistant", "reasoning_content": "Hm."})
    pings = {"text": ": ping\n\n", "repeat": 10, "every_ms": 100}
    simulator.fault("groq", parts=[thought, pings, {"events": [0, None]}])
    text, attempts = read(router)
    assert text
    assert attempts == [("groq", "ok")]


def test_after_the_first_token_a_stream_never_goes_elsewhere(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router(**RULES)
    simulator.fault(
        "groq",
        chunk_delay_ms=0,
        parts=[{"events": [0, 3]}, {"text": ": ping\n\n", "repeat": 10, "every_ms": 100}, {"events": [3, None]}],
    )
    text, attempts = read(router)
    assert text
    assert attempts == [("groq", "ok")]
    assert simulator.count() == 1


def test_a_late_stream_is_waited_for_where_nobody_else_has_room(make_router: MakeRouter, simulator: Simulator) -> None:
    others = {name: {"enabled": False} for name in ("gemini", "openrouter", "together", "openai")}
    router = make_router(providers={**others, "groq": {"models": ["llama-3.3-70b-versatile"]}}, **RULES)
    simulator.fault("groq", latency_ms=1500)
    text, attempts = read(router)
    assert text
    assert attempts == [("groq", "ok")]


def test_an_answer_without_a_stream_is_not_timed_by_its_first_token(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    router = make_router(**RULES)
    simulator.fault("groq", latency_ms=1000)
    reply = router.completion(model="default", messages=message())
    assert [each.outcome for each in route_of(reply).attempts] == ["ok"]


def test_a_late_stream_counts_as_reserved_and_one_alone_puts_nobody_into_cooldown(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    router = make_router(**RULES)
    simulator.fault("groq", model="llama-3.3-70b-versatile", times=1, **STALLS)
    read(router)
    groq = next(each for each in router.status()["providers"] if each["name"] == "groq")
    assert groq["status"] == "available"
    assert groq["limits"]["rpm"]["used"] == 2
    assert (read(router))[1] == [("groq", "ok")]


def test_three_late_ones_in_a_row_put_the_model_into_cooldown_for_a_minute(
    make_router: MakeRouter, simulator: Simulator, clock: Any
) -> None:
    router = make_router(**RULES)
    simulator.fault("groq", model="llama-3.3-70b-versatile", **STALLS)
    for _ in range(3):
        clock.advance(1)
        assert (read(router))[1] == [("groq", "timeout"), ("groq", "ok")]
    clock.advance(1)
    assert (read(router))[1] == [("groq", "ok")]
    simulator.clear()
    clock.advance(60)
    stream = router.completion(model="default", messages=message(), stream=True)
    assert route_of(stream).model == "llama-3.3-70b-versatile"
    stream.close()


def test_the_stream_timeout_of_litellm_holds_where_it_is_shorter(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router(groups={"default": {"first_token_timeout": "20s"}}, router_settings={"stream_timeout": 1})
    simulator.fault("groq", **STALLS)
    assert (read(router))[1] == [("groq", "timeout"), ("gemini", "ok")]


def test_streams_of_responses_go_on_too(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router(**RULES)
    simulator.fault("groq", **STALLS)
    stream = router.responses(model="default", input="Buy?", stream=True)
    assert route_of(stream).attempts[0].outcome == "timeout"
    assert [event.type for event in stream][-1] == "response.completed"


def test_nobody_at_all_in_time_is_an_error_that_names_each(make_router: MakeRouter, simulator: Simulator) -> None:
    others = {name: {"enabled": False} for name in ("gemini", "openrouter", "together", "openai")}
    router = make_router(providers=others, **RULES)
    simulator.fault("groq", latency_ms=1500)
    text, attempts = read(router)  # The last is waited for.
    assert text
    assert attempts == [("groq", "timeout"), ("groq", "ok")]
    simulator.clear()
    simulator.fault("groq", model="mixtral-8x7b-32768", status=500)
    simulator.fault("groq", model="llama-3.3-70b-versatile", **STALLS)
    with pytest.raises(NoProviderAvailable) as caught:
        read(router)
    assert [each.outcome for each in caught.value.attempts] == ["timeout", "server_error"]


def test_giving_up_a_stream_leaves_no_task_and_no_open_request(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router(**RULES)
    simulator.fault("groq", model="llama-3.3-70b-versatile", **STALLS)

    async def tasks_left() -> int:
        before = len(asyncio.all_tasks())
        await asyncio.gather(*(reading(router) for _ in range(10)))
        return len(asyncio.all_tasks()) - before

    assert asyncio.run(tasks_left()) == 0
    groq = next(each for each in router.status()["providers"] if each["name"] == "groq")
    assert groq["limits"]["rpm"]["reserved"] == 0


def test_those_that_were_under_way_together_are_one_in_the_row() -> None:
    late = LateFirstTokens()
    assert [late.late("m", began, now) for began, now in ((0, 5), (1, 6), (2, 7))] == [False] * 3
    assert [late.late("m", began, now) for began, now in ((5, 10), (10, 15))] == [False, True]


def test_one_that_came_in_time_ends_the_row() -> None:
    late = LateFirstTokens()
    late.late("m", 0, 5)
    late.late("m", 5, 10)
    late.in_time("m")
    assert not late.late("m", 10, 15)
