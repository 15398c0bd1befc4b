"""Every kind of edit, one in five broken, while requests go on: none fails, none is refused, none is lost."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from rig import message

from benchmarks.reload.edits import KINDS, LIMITED, File
from router_config import ConfigError, Router, route_of
from router_config.clock import VirtualClock
from router_config.simulator import Simulator

PROVIDERS = ("groq", "gemini", "openrouter", "together", "openai")
EDITS = 60
"""So many that every kind has its turn."""


@pytest.fixture
def file(simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> File:
    monkeypatch.setattr("benchmarks.reload.edits.WRITING", 0.0)
    monkeypatch.setattr("benchmarks.reload.edits.LIMITED", dict.fromkeys(LIMITED, 30))
    simulator.set_limits({name: {"rpm": 30} for name in LIMITED} | {"together": {}, "openai": {}})
    bases = {name: simulator.api_base(name) for name in PROVIDERS}
    return File(tmp_path, bases, f"sqlite:///{tmp_path}/state.db", seed=1)


@pytest.fixture
def router(file: File, clock: VirtualClock) -> Iterator[Router]:
    router = Router.from_yaml(file.path, env={}, clock=clock, watch=False)
    yield router
    router.close()


def test_edits_under_load(file: File, router: Router, simulator: Simulator) -> None:
    made = set()

    async def edit() -> None:
        for _ in range(EDITS):
            edit = await asyncio.to_thread(file.edit)
            made.add(edit.kind)
            try:
                await router.areload()
            except ConfigError:
                assert edit.broken, edit
            else:
                assert not edit.broken, edit
        await asyncio.to_thread(file.restore)
        await router.areload()

    async def ask(*, stream: bool) -> None:
        reply = await router.acompletion(model="default", messages=message(), max_tokens=9, stream=stream)
        assert route_of(reply).provider in PROVIDERS
        if stream:
            assert [chunk async for chunk in reply]

    async def caller(editing: asyncio.Task[None]) -> int:
        asked = 0
        while not editing.done():
            asked += 1
            await ask(stream=asked % 4 == 0)
        return asked

    async def main() -> int:
        editing = asyncio.create_task(edit())
        asked = await asyncio.gather(*(caller(editing) for _ in range(4)))
        await editing
        return sum(asked)

    asked = asyncio.run(main())
    assert KINDS.keys() <= made
    summary = simulator.summary()
    assert sum(each["requests"] for each in summary.values()) == asked
    assert not any(each["rate_limited"] for each in summary.values())
    counted = {each["name"]: each["limits"]["rpd"]["used"] for each in router.status()["providers"]}
    assert counted == {name: summary[name]["requests"] for name in PROVIDERS}
