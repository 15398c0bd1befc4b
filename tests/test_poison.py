"""A request that every provider fails takes nobody from the others, and healthy providers are soon found again."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from rig import MODELS, MakeRouter, message

from router_config import NoProviderAvailable, Router, route_of
from router_config.clock import VirtualClock
from router_config.ledger.rules.history import UNREACHABLE
from router_config.simulator import Simulator

FAULTS: list[dict[str, Any]] = [
    {"status": 500},
    {"status": 502},
    {"status": 503},
    {"status": 504},
    {"reset": True},
]


def ask(router: Router, text: str = "Buy or sell?") -> str:
    return route_of(router.completion(model="default", messages=message(text))).provider


def fail(router: Router, text: str) -> None:
    with pytest.raises(NoProviderAvailable):
        ask(router, text)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_message_that_all_fail_is_its_caller_s_problem_alone(
    make_router: MakeRouter, simulator: Simulator, fault: dict[str, Any]
) -> None:
    router = make_router()
    for _ in range(3):  # The caller tries again.
        simulator.fault("*", **fault)
        fail(router, "poison")
        simulator.clear()
        assert Counter(ask(router) for _ in range(5)) == {"groq": 5}
    assert {each["status"] for each in router.status()["providers"]} == {"available"}


def test_the_same_message_again_and_again_is_no_evidence_against_providers(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    router = make_router()
    simulator.fault("*", status=500)
    for _ in range(3):
        fail(router, "poison")
    simulator.clear()
    assert ask(router) == "groq"
    assert {each["status"] for each in router.status()["providers"]} == {"available"}


def test_a_provider_that_fails_what_another_answers_is_in_cooldown_for_five_minutes(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router()
    simulator.fault("groq", status=500)
    assert [ask(router) for _ in range(3)] == ["gemini"] * 3
    clock.advance(299)
    assert ask(router) == "gemini"
    assert simulator.count("groq") == 1


def test_two_that_fail_what_a_third_answers_are_doubted_first_and_then_in_cooldown(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router()
    for provider in ("groq", "gemini"):
        simulator.fault(provider, status=500)
    for _ in range(30):
        assert ask(router) == "openrouter"
        clock.advance(10)
    assert simulator.count("groq") <= 3
    assert simulator.count("gemini") <= 3
    simulator.clear()
    clock.advance(300)
    assert ask(router) == "groq"


def test_no_doubt_and_no_darkness_rests_a_provider_longer_than_the_configured_cooldown(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router(defaults={"cooldown": "2s"})

    def all_are_available_again() -> bool:
        clock.advance(2)
        return {each["status"] for each in router.status()["providers"]} == {"available"}

    for _ in range(3):  # The second finds two that were doubted, and probes them.
        for provider in ("groq", "gemini"):
            simulator.fault(provider, status=500)
        assert ask(router) == "openrouter"
        simulator.clear()
        assert all_are_available_again()
    simulator.fault("*", status=500)
    for number in range(6):
        fail(router, f"question {number}")
        assert all_are_available_again()
    simulator.clear()
    assert ask(router) == "groq"


def test_while_all_fail_they_are_asked_again_every_few_seconds_and_serve_as_soon_as_one_recovers(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router()
    for provider in MODELS:
        simulator.fault(provider, status=500)
    for second in range(60):
        fail(router, f"question {second}")
        clock.advance(1)
    assert simulator.count() < 60, "they are not hammered"
    simulator.clear("openai")
    served = []
    for _ in range(5):
        clock.advance(31)
        try:
            served.append(ask(router))
        except NoProviderAvailable:
            continue
    assert set(served) == {"openai"}


def test_when_all_are_in_cooldown_the_next_request_is_sent_at_once(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    two: dict[str, Any] = {name: None for name in MODELS if name not in ("groq", "openai")}
    router = make_router(providers=two)
    simulator.fault("groq", status=500, times=1)
    assert ask(router) == "openai"
    clock.advance(10)
    simulator.fault("openai", status=500, times=1)
    assert ask(router) == "groq"
    assert [ask(router) for _ in range(5)] == ["groq"] * 5


def test_a_poison_is_no_probe_and_another_request_is_sent_instead_of_it_once(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router()
    simulator.fault("*", status=500)
    fail(router, "poison")
    simulator.clear()
    assert ask(router) == "groq", "now it is known that the message is at fault"

    simulator.fault("*", status=500)
    for text in ("one", "two", "poison"):
        fail(router, text)
    asked = simulator.count("groq")
    for text in ("three", "four", "five"):
        fail(router, text)
    assert simulator.count("groq") == asked + 1, "one instead of the poison; the others keep away"
    clock.advance(60)
    fail(router, "poison")
    simulator.clear()
    assert ask(router, "six") in MODELS


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_message_that_the_only_provider_with_room_fails_takes_it_from_nobody_else(
    make_router: MakeRouter, simulator: Simulator, fault: dict[str, Any]
) -> None:
    two: dict[str, Any] = {name: None for name in MODELS if name not in ("groq", "openai")}
    router = make_router(providers={**two, "groq": {"limits": {"rpm": 1}}})
    assert ask(router) == "groq"
    simulator.fault("openai", text="poison", **fault)
    fail(router, "poison")

    async def others() -> set[str]:
        asked = (router.acompletion(model="default", messages=message(f"question {n}")) for n in range(5))
        return {route_of(reply).provider for reply in await asyncio.gather(*asked)}

    assert asyncio.run(others()) == {"openai"}
    assert {each["name"]: each["status"] for each in router.status()["providers"]}["openai"] == "available"


def test_a_machine_without_a_network_says_so_once_and_serves_soon_after_it_is_back(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router()
    simulator.fault("*", refused=True)
    for second in range(120):
        fail(router, f"question {second}")
        clock.advance(1)
    assert [each["reason"] for each in happened(router) if each["kind"] == "unreachable"] == [UNREACHABLE]
    simulator.clear()
    clock.advance(1)
    assert ask(router) in MODELS
    assert {each["status"] for each in router.status()["providers"]} == {"available"}


def test_connections_that_providers_cut_are_not_this_machine_s_network(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    router = make_router()
    simulator.fault("*", reset=True)
    fail(router, "poison")
    assert [each["kind"] for each in happened(router)] == []


def happened(router: Router) -> list[dict[str, Any]]:
    return list(asyncio.run(router.ahistory())["events"])


@pytest.mark.parametrize(("outage", "pause"), [(3, 10), (40, 10), (700, 60)])
@pytest.mark.parametrize("processes", [1, 2])
def test_after_an_outage_of_all_nobody_is_away_for_more_than_seconds(
    make_router: MakeRouter,
    simulator: Simulator,
    clock: VirtualClock,
    tmp_path: Path,
    processes: int,
    outage: int,
    pause: int,
) -> None:
    """Routers of one state file, as in several processes: each knows its own failures alone."""
    routers = [make_router(state=f"sqlite:///{tmp_path / 'state.db'}") for _ in range(processes)]
    simulator.fault("*", status=500)
    for second in range(outage):
        if second < 60 or second % 7 == 0:  # Cooldowns of five minutes would have ended, and begun again.
            fail(routers[second % processes], f"question {second}")
        clock.advance(1)
    simulator.clear()
    away = 0
    for router in routers:
        while True:
            try:
                ask(router)
            except NoProviderAvailable:
                away += 1
                clock.advance(1)
            else:
                break
    assert away <= pause
    clock.advance(pause)
    assert {each["status"] for each in routers[0].status()["providers"]} == {"available"}
    assert [ask(router) for router in routers] == ["groq"] * processes


def test_an_outage_of_an_hour_does_not_ask_a_small_quota_of_the_day_away(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    """Providers may count what they fail."""
    router = make_router(providers={name: None for name in MODELS if name != "openrouter"})
    simulator.fault("*", status=500)
    for second in range(0, 3600, 5):
        fail(router, f"question {second}")
        clock.advance(5)
    assert simulator.count("openrouter") <= 90
