"""`prefer: fastest`: how fast models are, as measured, and in which order equal ones are asked by it."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from rig import MakeRouter, message, refusals

from router_config import Router
from router_config.deployments.deployment import Deployment, Scopes
from router_config.deployments.speed import LOOKS, SHARE_OF_LOOKS, Speed, Speeds
from router_config.routing.request import route_of
from router_config.simulator import Simulator


def deployment(name: str) -> Deployment:
    scopes = Scopes(f"provider:{name}", f"account:{name}", f"key:{name}", f"model:{name}")
    return Deployment(name, name, "m", 1, 1, 0, "free", ("default",), (), scopes)


A, B, C = map(deployment, "abc")


def measured(**seconds: float) -> Speeds:
    """Each answered a hundred tokens in so many seconds, some times."""
    speeds = Speeds()
    for name, took in seconds.items():
        for _ in range(5):
            speeds.of(deployment(name)).add_answer(100, took, 0.0)
    return speeds


def test_a_stream_tells_its_first_token_and_its_tokens_apart() -> None:
    speed = Speed()
    for tokens in (40, 200, 120):
        speed.add_first_token(0.5, 0.0)
        speed.add_answer(tokens, 0.5 + tokens * 0.01, 0.0)
    expected = speed.expected(1000)
    assert expected.first_token == pytest.approx(0.5)
    assert expected.per_token == pytest.approx(0.01, rel=0.05)
    assert expected.seconds == pytest.approx(10.5, rel=0.05)


def test_answers_of_one_length_tell_the_time_by_tokens() -> None:
    speed = Speed()
    for _ in range(5):
        speed.add_answer(100, 2.0, 0.0)
    assert speed.expected(100).seconds == pytest.approx(2.0)
    assert speed.expected(200).seconds == pytest.approx(4.0)


def test_who_begins_late_but_writes_fast_is_preferred_for_long_answers_alone() -> None:
    speeds = Speeds()
    for each, first, per_token in ((A, 0.1, 0.02), (B, 1.0, 0.002)):
        for tokens in (50, 300):
            speeds.of(each).add_first_token(first, 0.0)
            speeds.of(each).add_answer(tokens, first + tokens * per_token, 0.0)
    assert speeds.ranked([A, B], 10)[0] is A
    assert speeds.ranked([A, B], 500)[0] is B


def test_the_fastest_comes_first_and_room_decides_among_those_that_are_as_fast() -> None:
    speeds = measured(a=1.0, b=1.1, c=3.0)
    assert speeds.order([C, B, A], 100, 1.0) == ([A, B], [C])


def test_of_whom_nothing_is_known_all_are_equal_and_a_new_one_is_tried_by_one_request_at_a_time() -> None:
    assert Speeds().order([A, B], 100, 0.0) == ([A, B], ())
    speeds = measured(a=1.0)
    assert speeds.order([A, B], 100, 0.0) == ((B,), [A])
    assert speeds.order([A, B], 100, 0.1) == ([A], [B])  # While that one is under way.


def test_the_first_answer_of_a_model_is_soon_forgotten_for_connections_and_imports_took_part_of_it() -> None:
    speeds = measured(a=1.0)
    speeds.of(B).add_answer(100, 5.0, 0.0)
    assert speeds.order([A, B], 100, 0.0) == ((B,), [A])
    speeds.of(B).add_answer(100, 0.5, 0.0)
    assert speeds.order([A, B], 100, 0.0) == ([B], [A])


def test_a_slow_one_is_looked_at_again_after_a_minute_by_few_requests() -> None:
    speeds = measured(a=1.0, b=9.0)
    firsts = Counter(speeds.order([A, B], 100, float(second)).first[0].id for second in range(3600))
    assert 10 <= firsts["b"] <= min(3600 / LOOKS, 3600 * SHARE_OF_LOOKS)


def test_looks_are_never_more_than_their_share_of_the_requests() -> None:
    speeds = measured(a=1.0, b=9.0, c=9.0)
    firsts = [speeds.order([A, B, C], 100, number * 1000.0).first[0].id for number in range(1000)]
    assert 0 < sum(each != "a" for each in firsts) <= 1000 * SHARE_OF_LOOKS


def test_old_measurements_fade_so_that_a_recovery_is_noticed_at_once() -> None:
    speeds = measured(a=1.0, b=9.0)
    speeds.of(B).add_answer(100, 0.2, 600.0)
    assert speeds.ranked([A, B], 100)[0] is B


def test_failures_count_as_slow_and_one_that_was_beaten_is_at_least_as_slow_as_that() -> None:
    speeds = measured(a=1.0, b=2.0, c=1.2)
    speeds.failed(A, 100, 0.01, 1.0)
    assert speeds.ranked([A, B, C], 100)[0] is C
    speeds.beaten(C, 100, 8.0, 1.0)
    assert speeds.ranked([A, B, C], 100)[0] is B
    before = speeds.of(B).expected(100)
    speeds.beaten(B, 100, 0.1, 1.0)
    assert speeds.of(B).expected(100) == before


EQUAL: dict[str, Any] = {
    "groups": {"default": {"prefer": "fastest"}},
    "providers": {
        "openrouter": None,
        "together": None,
        "openai": None,
        "groq": {"priority": 1, "models": ["llama-3.3-70b-versatile"], "limits": {"rpm": 500}},
        "gemini": {"priority": 1, "models": ["gemini-2.5-pro"], "limits": {"rpm": 500}},
    },
}


def ask(router: Router, times: int, **kwargs: Any) -> Counter[str]:
    """Who answered, one after the other."""

    async def one() -> str:
        reply = await router.acompletion(model="default", messages=message(), **kwargs)
        if kwargs.get("stream"):
            async for _ in reply:
                pass
        return route_of(reply).provider

    async def asking() -> Counter[str]:
        return Counter([await one() for _ in range(times)])

    return asyncio.run(asking())


@pytest.mark.machine_clock
@pytest.mark.parametrize("stream", [False, True])
def test_the_faster_of_two_equal_providers_answers_nearly_all(
    make_router: MakeRouter, simulator: Simulator, stream: bool
) -> None:
    router = make_router(**EQUAL)
    ask(router, 4, stream=stream)  # LiteLLM's own first requests take long.
    simulator.set_options(latencies_ms={"groq": 400, "gemini": 1})
    answered = ask(router, 25, stream=stream)
    assert answered["gemini"] >= 20
    assert refusals(simulator) == 0


@pytest.mark.machine_clock
def test_status_and_explanation_tell_the_speed(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router(**EQUAL)
    assert "first_token_ms" not in router.status()["providers"][0]["models"][0]
    ask(router, 4, stream=True)
    simulator.set_options(latencies_ms={"groq": 300})
    ask(router, 10, stream=True)
    models = {each["name"]: each["models"][0] for each in router.status()["providers"]}
    assert models["gemini"]["first_token_ms"] < models["groq"]["first_token_ms"]
    assert models["gemini"]["tokens_per_second"] > 0
    shown = router.explain("default")
    speeds = {each["name"]: each["candidates"][0]["speed"] for each in shown["providers"]}
    assert speeds["gemini"].startswith("fastest of 2: ")
    assert speeds["groq"].startswith("slower of 2: ")
    assert speeds["groq"].endswith(" ms expected")
    assert shown["next"] == "gemini"


def see_that_gemini_is_faster(router: Router) -> None:
    for each in router.catalog.deployments.values():
        for _ in range(5):
            seconds = 5.0 if each.provider == "groq" else 0.1
            router._measurements.speeds.of(each).add_answer(40, seconds, router._clock.now())


def test_the_order_breaks_no_limit(make_router: MakeRouter, simulator: Simulator) -> None:
    limited = {**EQUAL["providers"], "gemini": {**EQUAL["providers"]["gemini"], "limits": {"rpm": 3}}}
    router = make_router(groups=EQUAL["groups"], providers=limited)
    see_that_gemini_is_faster(router)
    assert ask(router, 10) == {"gemini": 3, "groq": 7}
    assert refusals(simulator) == 0


def test_priority_comes_before_speed(make_router: MakeRouter) -> None:
    ranked = {**EQUAL["providers"], "gemini": {**EQUAL["providers"]["gemini"], "priority": 2}}
    router = make_router(groups=EQUAL["groups"], providers=ranked)
    see_that_gemini_is_faster(router)
    assert ask(router, 5) == {"groq": 5}


def test_without_the_rule_nothing_is_measured(make_router: MakeRouter) -> None:
    router = make_router(providers=EQUAL["providers"])
    ask(router, 3)
    assert not any(router._measurements.speeds.known(each) for each in router.catalog.deployments.values())
