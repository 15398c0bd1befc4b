"""Four processes on one SQLite file are one router: the same limits, cooldowns and probes, and a crash loses nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from rig import MODELS, NOON, refusals
from rig_processes import SharedClock, Team

from benchmarks.foresight import accounts_of, allowed
from benchmarks.load import Result, timetable
from router_config import Router
from router_config.ledger.windows import MINUTE
from router_config.simulator import Simulator

SPEED: Final = 10.0
PROCESSES: Final = 4
LIMITS: Final[dict[str, dict[str, int]]] = {
    "groq": {"rpm": 30}, "gemini": {"rpm": 60}, "openrouter": {"rpm": 50}, "together": {"rpm": 40},
}  # fmt: skip
ANSWER_TOKENS: Final = 40


@pytest.fixture
def clock(tmp_path: Path) -> SharedClock:
    return SharedClock.create(tmp_path / "clock", NOON, SPEED)


@pytest.fixture
def simulator(clock: SharedClock) -> Iterator[Simulator]:
    limits = {name: {**each, "strict_rolling": True} for name, each in LIMITS.items()}
    latency = (50 / SPEED, 800 / SPEED)
    with Simulator(limits, clock=clock.now, latency_ms=latency, answer_tokens=ANSWER_TOKENS) as running:
        yield running


@pytest.fixture
def team(simulator: Simulator, clock: SharedClock, tmp_path: Path) -> Iterator[Team]:
    """Four processes that have each asked once, on a store that holds only this."""
    path = tmp_path / "litellm.yaml"
    path.write_text(yaml.safe_dump(document(simulator)), "utf-8")
    with Team(PROCESSES, path, simulator.env(), tmp_path / "clock") as team:
        yield team


def document(simulator: Simulator) -> dict[str, Any]:
    return {
        "version": 1,
        "state": "sqlite:///state.db",
        "providers": {
            name: {
                "priority": priority,
                "api_base": simulator.api_base(name),
                "limits": each,
                "models": MODELS[name][:1],
            }
            for priority, (name, each) in enumerate(LIMITS.items(), start=1)
        },
    }


def test_at_full_load_no_limit_is_exceeded_and_what_they_allow_is_used(
    team: Team, simulator: Simulator, clock: SharedClock
) -> None:
    clock.advance(61)  # Nothing of the beginning is in any minute.
    before = simulator.count()
    start = clock.now() + 5
    each = {"seconds": 97.0, "rate": 1.5, "callers": 50}
    results: list[Result] = [result for member in team.do("load", start, each) for result in member]
    settle(simulator)

    assert refusals(simulator) == 0
    for name in LIMITS:
        worst = simulator.worst_rolling_minute(name)
        assert worst.requests_ratio is not None
        assert worst.requests_ratio <= 1, name

    load = sorted((one for seed in range(PROCESSES) for one in timetable(**each, seed=seed)), key=lambda one: one.at)
    late = max(result.began - result.due for result in results)
    longest = max(result.ended - result.began for result in results if result.outcome != "refused")
    possible = allowed(load, accounts_of(LIMITS), ANSWER_TOKENS, lag=late + longest + MINUTE.width)
    assert simulator.count() - before >= 0.97 * sum(possible.values())

    for status in team.do("status"):
        for provider in status["providers"]:
            if provider["name"] in LIMITS:
                assert provider["usage_today"]["requests"] == simulator.count(provider["name"])
                assert provider["limits"]["rpm"]["reserved"] == 0


def test_a_cooldown_holds_for_all_processes_and_one_request_of_all_probes(
    team: Team, simulator: Simulator, clock: SharedClock
) -> None:
    clock.advance(61)
    before = simulator.count("groq")
    simulator.fault("groq", status=503, times=1)
    assert team.do("ask", 1, only=[0]) == [[[("groq", "server_error"), ("gemini", "ok")]]] or simulator.count("groq")
    assert simulator.count("groq") == before + 1
    assert team.do("ask", 2) == [[[("gemini", "ok")]] * 2] * PROCESSES

    simulator.fault("groq", timeout=True)
    clock.advance(301)
    asked = team.begin("ask", 5)
    while simulator.count() < before + 1 + 1 + 2 * PROCESSES + 5 * PROCESSES:
        pass
    assert simulator.count("groq") == before + 2
    simulator.clear("groq")
    routes = [route for member in asked for route in member.result()]
    assert sum(route[0][0] == "groq" for route in routes) == 1


def test_a_killed_process_loses_nothing_that_was_settled_and_holds_up_nobody(
    team: Team, simulator: Simulator, clock: SharedClock, tmp_path: Path
) -> None:
    clock.advance(61)
    begun = simulator.count()
    start = clock.now() + 2
    loads = team.begin("load", start, {"seconds": 30.0, "rate": 2.0, "callers": 30})
    for number in (0, 1):
        while simulator.count() < begun + 30 * (number + 1):
            pass
        team.kill(number)
    for load in loads:
        load.result()
    settle(simulator)
    assert refusals(simulator) == 0

    router = Router.from_yaml(tmp_path / "litellm.yaml", env=simulator.env(), clock=clock)
    try:
        for provider in router.status()["providers"]:
            if provider["name"] in LIMITS:
                counted, open_leases = provider["usage_today"]["requests"], provider["limits"]["rpm"]["reserved"]
                arrived = simulator.count(provider["name"])
                assert counted <= arrived <= counted + open_leases, provider["name"]
        clock.advance(700)  # By now the leases of the dead have expired.
        router.completion(model="default", messages=[{"role": "user", "content": "hello"}])
        for provider in router.status()["providers"]:
            assert all(limit["reserved"] == 0 for limit in provider["limits"].values())
    finally:
        router.close()
    assert refusals(simulator) == 0


def settle(simulator: Simulator) -> None:
    """Until the simulator has noticed that the callers of its last requests have gone."""
    while any(each["open"] for each in simulator.summary().values()):
        pass
