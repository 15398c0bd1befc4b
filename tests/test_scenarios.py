"""The scenarios of the reference: over HTTP, against providers that enforce limits, on a clock that tests move."""

from collections import Counter
from pathlib import Path

import pytest
from rig import MakeRouter, message, refusals

from router_config import NoProviderAvailable, Router, route_of
from router_config.clock import VirtualClock
from router_config.simulator import Simulator


def provider_of_next(router: Router) -> str:
    return route_of(router.completion(model="default", messages=message())).provider


def test_thirty_requests_go_to_groq_the_next_sixty_minute_to_gemini_and_then_groq_again(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router()
    asked = [provider_of_next(router) for _ in range(60)]
    assert asked == ["groq"] * 30 + ["gemini"] * 30
    clock.advance(61)
    assert provider_of_next(router) == "groq"
    assert refusals(simulator) == 0


def test_a_provider_that_times_out_is_in_cooldown_for_five_minutes_and_then_probed_once(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router(defaults={"timeout": "1s"})
    simulator.fault("groq", timeout=True, times=1)
    route = route_of(router.completion(model="default", messages=message()))
    assert route.provider == "gemini"
    assert [(each.provider, each.outcome) for each in route.attempts] == [("groq", "timeout"), ("gemini", "ok")]

    for _ in range(5):
        clock.advance(59)
        assert provider_of_next(router) == "gemini"
    assert simulator.count("groq") == 1

    clock.advance(6)
    assert [provider_of_next(router) for _ in range(3)] == ["groq"] * 3


def test_a_probe_that_fails_costs_one_request_and_another_five_minutes(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router()
    simulator.fault("groq", status=503)
    assert provider_of_next(router) == "gemini"
    clock.advance(301)
    assert [provider_of_next(router) for _ in range(3)] == ["gemini"] * 3
    assert simulator.count("groq") == 2


@pytest.mark.parametrize("restart", [False, True], ids=["one process", "restarted in between"])
def test_at_95_percent_of_its_daily_tokens_groq_goes_behind_gemini_until_the_next_day(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock, tmp_path: Path, restart: bool
) -> None:
    state = f"sqlite:///{tmp_path}/state.db"
    simulator.set_options(answer_tokens=2000)
    router = make_router(state=state)
    while groq_tokens(router) < 95_000:
        assert provider_of_next(router) == "groq"
        clock.advance(3)
    if restart:
        router.close()
        router = make_router(state=state)
    assert groq_tokens(router) >= 95_000
    assert provider_of_next(router) == "gemini"
    clock.advance(24 * 3600 + 60)
    assert provider_of_next(router) == "groq"
    assert refusals(simulator) == 0


def groq_tokens(router: Router) -> int:
    tokens = router.status()["providers"][0]["limits"]["tpd"]["used"]
    assert isinstance(tokens, int)
    return tokens


def test_past_its_soft_limit_a_provider_is_used_up_when_nothing_else_free_is_left(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    simulator.set_options(answer_tokens=900)
    router = make_router(
        providers={
            "groq": {"limits": {"tpd": 3000}},
            "gemini": {"limits": {"rpm": 2}},
            "openrouter": None,
            "together": None,
        },
        defaults={"soft_limit": "50%", "output_tokens": 900},
    )
    asked = [provider_of_next(router) for _ in range(6)]
    assert asked == ["groq", "groq", "gemini", "gemini", "groq", "openai"]


def test_when_all_five_are_down_the_error_names_each(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router()
    simulator.fault("*", status=503)
    with pytest.raises(NoProviderAvailable) as raised:
        router.completion(model="default", messages=message())
    error = raised.value
    assert set(error.verdicts) == {"groq", "gemini", "openrouter", "together", "openai"}
    assert {verdict.status for verdict in error.verdicts.values()} == {"failed"}
    assert [attempt.provider for attempt in error.attempts] == ["groq", "gemini", "openrouter", "together", "openai"]
    assert error.retry_after == pytest.approx(1, abs=0.1)


def test_the_paid_provider_serves_only_when_every_free_one_is_out(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    router = make_router()
    asked = Counter(provider_of_next(router) for _ in range(200))
    assert asked == {"groq": 30, "gemini": 60, "openrouter": 50, "together": 40, "openai": 20}
    assert refusals(simulator) == 0
