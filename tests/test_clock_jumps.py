"""A Router whose machine's wall clock jumps by an hour, and one that lives through the nights of daylight saving."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from rig import message, reference, refusals
from test_clock import Machine

from router_config import NoProviderAvailable, Router
from router_config.clock import Clock, VirtualClock
from router_config.simulator import Simulator

OTHERS: dict[str, Any] = {"groq": None, "openrouter": None, "together": None, "openai": None}
PACIFIC = ZoneInfo("America/Los_Angeles")


def pacific(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=PACIFIC).timestamp()


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def provider(machine: Machine) -> Iterator[Simulator]:
    """One that knows what time it really is."""
    with Simulator(clock=lambda: 1.8e9 + machine.seconds) as running:
        yield running


def gemini(simulator: Simulator, clock: Clock, tmp_path: Path, *, state: str = "memory", **limits: int) -> Router:
    simulator.set_limits({"gemini": {**limits, "strict_rolling": "rpm" in limits}})
    url = "memory://" if state == "memory" else f"sqlite:///{tmp_path}/state.db"
    providers = {"gemini": {"limits": limits, "models": ["gemini-2.5-pro"]}, **OTHERS}
    path = tmp_path / "litellm.yaml"
    path.write_text(yaml.safe_dump(reference(simulator, state=url, providers=providers)), "utf-8")
    return Router.from_yaml(path, env=simulator.env(), clock=clock)


def served(router: Router) -> bool:
    try:
        router.completion(model="default", messages=message())
    except NoProviderAvailable:
        return False
    return True


@pytest.mark.parametrize("state", ["memory", "sqlite"])
@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_jump_of_the_wall_clock_neither_frees_nor_blocks_the_minute(
    machine: Machine, provider: Simulator, tmp_path: Path, jump: float, state: str
) -> None:
    router = gemini(provider, machine.clock(), tmp_path, state=state, rpm=3)
    for second in range(1500):  # The clock is set after a minute, and believed ten minutes later.
        machine.set_by = jump if second > 60 else 0.0
        machine.seconds += 1
        if second % 5 == 0:
            served(router)
    assert refusals(provider) == 0
    assert provider.count("gemini") >= 3 * (1500 // 65)
    router.close()


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_the_day_of_a_calendar_follows_a_wall_clock_that_was_mended(
    machine: Machine, provider: Simulator, tmp_path: Path, jump: float
) -> None:
    machine.seconds = pacific("2027-02-03T12:00:00") - 1.8e9
    machine.set_by = -jump  # Wrong when the router starts, and mended afterwards.
    router = gemini(provider, machine.clock(), tmp_path, rpd=2)
    machine.set_by = 0.0
    for _ in range(70):
        machine.seconds += 10
        router.status()
    assert [served(router) for _ in range(3)] == [True, True, False]
    machine.seconds = pacific("2027-02-03T23:59:58") - 1.8e9
    assert not served(router)
    machine.seconds += 3
    assert [served(router) for _ in range(3)] == [True, True, False]
    assert refusals(provider) == 0
    router.close()


@pytest.mark.parametrize("night", ["2026-03-08", "2026-11-01"], ids=["an hour shorter", "an hour longer"])
def test_in_the_nights_of_daylight_saving_a_day_is_free_from_midnight_on_and_not_before(
    simulator: Simulator, clock: VirtualClock, tmp_path: Path, night: str
) -> None:
    begins = pacific(f"{night}T00:00:00")
    clock.set(begins - 60)
    router = gemini(simulator, clock, tmp_path, rpd=2)
    assert [served(router) for _ in range(3)] == [True, True, False]
    clock.set(begins)
    assert [served(router) for _ in range(3)] == [True, True, False]
    ends = datetime.fromtimestamp(begins, PACIFIC).replace(hour=23, minute=59, second=59).timestamp()
    assert ends - begins in (23 * 3600 - 1, 25 * 3600 - 1)
    for hours in range(1, 22):
        clock.set(begins + hours * 3600)
        assert not served(router), hours
    clock.set(ends)
    assert not served(router)
    clock.set(ends + 1)
    assert [served(router) for _ in range(3)] == [True, True, False]
    assert refusals(simulator) == 0
    router.close()
