"""The router that all agents of a process share."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from rig import reference
from rig_wall_clock import child_variables

import adapters
from adapters import BaseAgent, use_router
from adapters.shared_router import ashared_router, shared_router
from router_config import ConfigError, Router, route_of
from router_config.simulator import Simulator

pytestmark = pytest.mark.machine_clock
HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
def directory(simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory of a process that has no router yet, with a litellm.yaml and its keys."""
    (tmp_path / "litellm.yaml").write_text(yaml.safe_dump(reference(simulator, state="sqlite:///state.db")), "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ROUTER_CONFIG", raising=False)
    for name, value in simulator.env().items():
        monkeypatch.setenv(name, value)
    before = use_router(None)
    yield tmp_path
    made = use_router(before)
    if made is not None:
        made.close()


def test_it_comes_from_the_litellm_yaml_of_the_working_directory(directory: Path, simulator: Simulator) -> None:
    assert BaseAgent().ask("hello")
    assert simulator.count("groq") == 1
    config = shared_router().config
    assert config is not None
    assert config.path == directory / "litellm.yaml"


def test_a_variable_names_another_file(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (directory / "litellm.yaml").rename(directory / "other.yaml")
    monkeypatch.setenv("ROUTER_CONFIG", "other.yaml")
    assert BaseAgent().ask("hello")


def test_it_follows_its_file(directory: Path, simulator: Simulator) -> None:
    agent, deadline = BaseAgent(), time.monotonic() + 30
    assert route_of(agent.chat(HELLO)).provider == "groq"
    edited = reference(simulator, state="sqlite:///state.db", providers={"groq": {"enabled": False}})
    (directory / "litellm.yaml").write_text(yaml.safe_dump(edited), "utf-8")
    while route_of(agent.chat(HELLO)).provider == "groq":
        assert time.monotonic() < deadline
    assert route_of(agent.chat(HELLO)).provider == "gemini"


def test_made_for_a_coroutine_it_reads_its_file_at_sighup_too(directory: Path) -> None:
    path = directory / "litellm.yaml"
    path.write_text(f"{path.read_text('utf-8')}\ndefaults: {{reload: off}}\n", "utf-8")
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)

    async def main() -> None:
        router = await ashared_router()
        path.write_text(f"{path.read_text('utf-8')}\nrouter_settings: {{num_retries: 0}}\n", "utf-8")
        os.kill(os.getpid(), signal.SIGHUP)
        async with asyncio.timeout(30):
            while router.config is None or not router.config.router_settings:
                await asyncio.sleep(0.01)

    try:
        asyncio.run(main())
    finally:
        signal.signal(signal.SIGHUP, before)


def test_it_is_made_once_however_many_need_it_first(directory: Path) -> None:
    async def at_once() -> list[Router]:
        return await asyncio.gather(*[ashared_router() for _ in range(10)])

    with ThreadPoolExecutor(10) as threads:
        made = list(threads.map(lambda _: shared_router(), range(20)))
    assert len({*map(id, made), *map(id, asyncio.run(at_once()))}) == 1


def test_a_coroutine_can_be_the_first(directory: Path) -> None:
    assert asyncio.run(BaseAgent().aask("hello"))


def test_a_file_that_cannot_be_used_is_an_error_until_it_is_mended(directory: Path) -> None:
    good = directory / "litellm.yaml"
    good.rename(directory / "away.yaml")
    with pytest.raises(ConfigError, match=r"litellm\.yaml"):
        BaseAgent().ask("hello")
    (directory / "away.yaml").rename(good)
    assert BaseAgent().ask("hello")


def test_another_router_can_take_its_place_and_give_it_back(router: Router, simulator: Simulator) -> None:
    before = use_router(router)
    assert shared_router() is router
    assert BaseAgent().ask("hello")
    assert use_router(before) is router


def test_an_agents_own_router_is_asked_before_the_shared_one(shared: Router, make_router: Any) -> None:
    own = make_router(providers={"groq": None})

    class Agent(BaseAgent):
        router = own

    Agent().ask("hello")
    assert own.status()["providers"][0]["usage_today"]["requests"] == 1
    assert shared.status()["providers"][0]["usage_today"]["requests"] == 0


PROGRAM = """
import sys
import adapters

assert "litellm" not in sys.modules, "importing adapters must not take seconds"

class TradingAgent(adapters.BaseAgent):
    system_prompt = "You are a careful trader."

    def decide(self, market: str) -> str:
        return self.ask(f"Buy or sell? {market}")

print(TradingAgent().decide("tin"))
left = TradingAgent().stream("And copper?")
next(left)
"""


def test_a_program_ends_cleanly_even_with_a_stream_half_read(directory: Path, simulator: Simulator) -> None:
    simulator.set_options(answer="Hold. " * 50)
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, **child_variables(Path(adapters.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.strip() == ("Hold. " * 50).strip()
    assert simulator.count("groq") == 2
