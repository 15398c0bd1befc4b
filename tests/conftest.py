"""What most tests stand on: a clock that they move, the simulated providers on it, and Routers against them.

No test has today's date, so none can come to depend on it unseen: each runs 400 days ahead. One that depends on the
date, since it works on the machine's clock or starts a process that does, is marked `machine_clock`: it runs today, and
with --dates at each date of `rig_wall_clock.MOMENTS`. One that measures what a request costs is marked `measured` and
keeps the machine's own clock, for reading a moved one takes ten times as long.
"""

import os
import signal

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from rig import NOON, MakeRouter, reference
from rig_callbacks import callbacks_put_back
from rig_wall_clock import ELSEWHERE, MOMENTS, wall_clock_ahead

from router_config import Router
from router_config.clock import Clock, SystemClock, VirtualClock
from router_config.simulator import Simulator

# A shell ignores Ctrl-C in what it runs in the background, and commands that tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--dates", action="store_true", help="run tests marked machine_clock at other dates than today")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.config.getoption("dates") and metafunc.definition.get_closest_marker("machine_clock"):
        metafunc.parametrize("today", MOMENTS, indirect=True)


@pytest.fixture(autouse=True)
def today(request: pytest.FixtureRequest) -> Iterator[None]:
    """Moves the wall clock of this process and of those that it starts."""
    if request.node.get_closest_marker("measured"):
        yield
        return
    if request.node.get_closest_marker("machine_clock"):
        seconds = MOMENTS[request.param]() if hasattr(request, "param") else 0.0
    else:
        seconds = ELSEWHERE
    with wall_clock_ahead(seconds):
        yield


@pytest.fixture(autouse=True)
def callbacks_of_one_test() -> Iterator[None]:
    """LiteLLM moves the callbacks that it is given into further lists of its own, and leaves them there."""
    with callbacks_put_back():
        yield


@pytest.fixture
def clock(request: pytest.FixtureRequest) -> Clock:
    """Of the simulator and the routers: one that stands at noon, or the machine's."""
    return SystemClock() if request.node.get_closest_marker("machine_clock") else VirtualClock(NOON)


@pytest.fixture
def simulator(clock: Clock) -> Iterator[Simulator]:
    with Simulator(clock=clock.now) as running:
        yield running


@pytest.fixture
def make_router(simulator: Simulator, clock: Clock, tmp_path: Path) -> Iterator[MakeRouter]:
    """Makes Routers of the reference table against the simulator; keyword arguments change its YAML."""
    made: list[Router] = []

    def make(**changes: Any) -> Router:
        path = tmp_path / "litellm.yaml"
        path.write_text(yaml.safe_dump(reference(simulator, **changes)), "utf-8")
        router = Router.from_yaml(path, env=simulator.env(), clock=clock)
        made.append(router)
        return router

    yield make
    for router in made:
        router.close()
