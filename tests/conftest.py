"""What most tests stand on: a clock that they move, the simulated providers on it, and Routers against them."""

import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from rig import NOON, MakeRouter, reference

from router_config import Router
from router_config.clock import VirtualClock
from router_config.simulator import Simulator


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOON)


@pytest.fixture
def simulator(clock: VirtualClock) -> Iterator[Simulator]:
    with Simulator(clock=clock.now) as running:
        yield running


@pytest.fixture
def make_router(simulator: Simulator, clock: VirtualClock, tmp_path: Path) -> Iterator[MakeRouter]:
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
