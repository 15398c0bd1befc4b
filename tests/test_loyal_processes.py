"""Processes that share a store keep a tool loop where it is together, and one that is killed forgets nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from rig import NOON, reference, refusals
from rig_processes import SharedClock, Team
from rig_redis import RedisServer

from router_config.simulator import Simulator

pytestmark = pytest.mark.contract

GROQ = {"limits": {"rpm": 1}, "models": ["llama-3.3-70b-versatile"]}


@pytest.fixture(params=["sqlite", "redis"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/state.db"
        return
    server = RedisServer()
    yield server.url
    server.stop()


def test_a_loop_goes_on_in_another_process_through_kills_and_moves(state: str, tmp_path: Path) -> None:
    clock = SharedClock.create(tmp_path / "clock", NOON, speed=0.05)  # However slow the machine, a loop is fast.
    with Simulator(clock=clock.now) as simulator:
        path = tmp_path / "litellm.yaml"
        path.write_text(yaml.safe_dump(reference(simulator, state=state, providers={"groq": GROQ})), "utf-8")
        with Team(2, path, simulator.env(), tmp_path / "clock") as team:

            def ask(process: int, calls: int, **asked: Any) -> str:
                (answer,) = team.do("in loop", calls, asked, only=[process])
                return str(answer)

            assert ask(0, 0, text="Something else.") == "groq"
            assert ask(0, 0) == "gemini"
            clock.advance(61)
            assert ask(1, 1) == "gemini"  # Though groq has room again.
            assert ask(0, 2) == "gemini"
            team.kill(0)
            team.replace(0)
            assert ask(0, 3, stream=True) == "gemini"
            clock.advance(1)  # A process looks twice a second how fast its loops are.
            simulator.fault("gemini", status=500, times=1)
            assert ask(0, 4) == "openrouter"  # A loop is too fast for groq's minute.
            clock.advance(400)  # gemini's cooldown is over.
            assert ask(1, 5) == "openrouter"  # Where the other process has moved it.
            clock.advance(601)
            assert ask(0, 6) == "groq"  # It is forgotten.
        assert refusals(simulator) == 0
