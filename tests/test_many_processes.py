"""Four processes on one SQLite file, or one Redis, are one router: limits, cooldowns, probes; no crash loses any."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from rig import MODELS, NOON, refusals
from rig_processes import SharedClock, Team
from rig_redis import RedisServer

from benchmarks.foresight import accounts_of, allowed
from benchmarks.load import Result, timetable
from router_config import Router
from router_config.ledger.rules.windows import MINUTE
from router_config.simulator import Simulator

SPEED: Final = 10.0
PROCESSES: Final = 4
LIMITS: Final[dict[str, dict[str, int]]] = {
    "groq": {"rpm": 30}, "gemini": {"rpm": 60}, "openrouter": {"rpm": 50}, "together": {"rpm": 40},
}  # fmt: skip
ANSWER_TOKENS: Final = 40


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def state(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "sqlite":
        yield "sqlite:///state.db"
        return
    server = RedisServer()
    yield server.url
    server.stop()


@pytest.fixture(scope="module")
def directory(state: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for each store."""
    return tmp_path_factory.mktemp("processes")


@pytest.fixture(scope="module")
def clock(directory: Path) -> SharedClock:
    return SharedClock.create(directory / "clock", NOON, SPEED)


@pytest.fixture(scope="module")
def simulator(clock: SharedClock) -> Iterator[Simulator]:
    limits = {name: {**each, "strict_rolling": True} for name, each in LIMITS.items()}
    latency = (50 / SPEED, 800 / SPEED)
    with Simulator(limits, clock=clock.now, latency_ms=latency, answer_tokens=ANSWER_TOKENS) as running:
        yield running


@pytest.fixture(scope="module")
def running(simulator: Simulator, directory: Path, state: str) -> Iterator[Team]:
    path = directory / "litellm.yaml"
    path.write_text(yaml.safe_dump(document(simulator, state)), "utf-8")
    with Team(PROCESSES, path, simulator.env(), directory / "clock") as team:
        yield team


@pytest.fixture
def team(running: Team, simulator: Simulator, clock: SharedClock) -> Team:
    """Four processes that have warmed up; what they did before has left every minute and every cooldown."""
    settle(simulator)
    clock.advance(1000)
    running.do("ready")
    clock.advance(61)
    return running


def document(simulator: Simulator, state: str) -> dict[str, Any]:
    return {
        "version": 1,
        "state": state,
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
    before, refused = simulator.count(), refusals(simulator)
    start = clock.now() + 5
    each: dict[str, Any] = {"seconds": 97.0, "rate": 1.5, "callers": 50}
    results: list[Result] = [result for member in team.do("load", start, each) for result in member]
    settle(simulator)

    assert refusals(simulator) == refused
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
    before = simulator.count("groq")
    simulator.fault("groq", status=503, times=1)
    team.do("ask", 1, only=[0])
    assert simulator.count("groq") == before + 1
    assert team.do("ask", 2) == [[[("gemini", "ok")]] * 2] * PROCESSES

    simulator.fault("groq", timeout=True, latency_ms=0)
    clock.advance(301)
    others = simulator.summary()["gemini"]["outcomes"]["ok"] + 5 * PROCESSES - 1
    asked = team.begin("ask", 5)
    until(lambda: simulator.summary()["gemini"]["outcomes"]["ok"] == others)
    assert simulator.count("groq") == before + 2
    simulator.clear("groq")
    routes = [route for member in asked for route in member.result()]
    assert sum(route[0][0] == "groq" for route in routes) == 1


def test_a_key_that_one_process_finds_bad_is_asked_by_none_until_one_finds_it_mended(
    team: Team, simulator: Simulator
) -> None:
    simulator.fault("groq", status=401, times=1)
    assert team.do("ask", 1, only=[2]) == [[[("groq", "bad_key"), ("gemini", "ok")]]]
    asked = simulator.count("groq")
    assert team.do("ask", 3) == [[[("gemini", "ok")]] * 3] * PROCESSES
    assert simulator.count("groq") == asked
    team.do("wake", only=[1])
    assert team.do("ask", 1) == [[[("groq", "ok")]]] * PROCESSES


def test_a_killed_process_loses_nothing_that_was_settled_and_holds_up_nobody(
    team: Team, simulator: Simulator, clock: SharedClock, directory: Path
) -> None:
    begun, refused = simulator.count(), refusals(simulator)
    start = clock.now() + 2
    loads = team.begin("load", start, {"seconds": 30.0, "rate": 2.0, "callers": 30})
    for number in (0, 1):
        until(partial(_counted, simulator, begun + 30 * (number + 1)))
        team.kill(number)
    for load in loads:
        load.result()
    settle(simulator)
    assert refusals(simulator) == refused

    router = Router.from_yaml(directory / "litellm.yaml", env=simulator.env(), clock=clock)
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
    assert refusals(simulator) == refused
    for number in (0, 1):
        team.replace(number)


def settle(simulator: Simulator) -> None:
    """Until the simulator has noticed that the callers of its last requests have gone."""
    until(lambda: not any(each["open"] for each in simulator.summary().values()))


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _counted(simulator: Simulator, wanted: int) -> bool:
    return simulator.count() >= wanted
