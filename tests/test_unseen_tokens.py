"""Providers count tokens that nobody sees, by tokenizers of their own: their limits are kept, and used."""

import argparse
import asyncio
from typing import Any

import pytest
from rig import MakeRouter, message

from benchmarks.unseen_tokens.__main__ import ADDED, FACTORS, Row, virtual_run
from router_config import Router
from router_config.clock import VirtualClock
from router_config.simulator import Simulator

LOAD = argparse.Namespace(seconds=150.0, rate=8.0, verbose=False)


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("added", ADDED)
def test_once_learned_no_limit_is_exceeded_and_the_room_is_used(added: int, factor: float, processes: int) -> None:
    for seed in (1, 5):
        found = virtual_run(Row("memory", processes, added, factor, seed), LOAD)
        assert not found.missed, (seed, found)


@pytest.mark.contract
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("answered", [True, False])
def test_what_is_broken_off_before_the_first_answer_counts_once_it_is_known_or_after_a_minute(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock, stream: bool, answered: bool
) -> None:
    router = make_router(providers={"groq": {"limits": {"rpm": 30, "tpm": 6000}}})

    async def main() -> None:
        await given_up(router, simulator, stream)
        held = limits_of(router)
        assert (held["tpm"]["reserved"], held["rpm"]["reserved"], held["tpm"]["used"]) == (373, 1, 0)
        if not answered:
            clock.advance(61)
        reply = await ask(router)
        of_both = limits_of(router)["tpm"]["used"]
        assert limits_of(router)["tpm"]["reserved"] == 0
        if answered:
            assert of_both == reply.usage.total_tokens + reply.usage.prompt_tokens + 100
            assert limits_of(router)["rpm"]["used"] == 2

    asyncio.run(main())


def test_what_is_broken_off_before_the_first_answer_counts_when_the_router_closes(
    make_router: MakeRouter, simulator: Simulator, tmp_path: Any
) -> None:
    state = f"sqlite:///{tmp_path}/state.db"
    changes = {"state": state, "providers": {"groq": {"limits": {"rpm": 30, "tpm": 6000}}}}
    router = make_router(**changes)
    asyncio.run(given_up(router, simulator, stream=False))
    router.close()
    found = limits_of(make_router(**changes))
    assert (found["tpm"]["used"], found["tpm"]["reserved"], found["rpm"]["used"]) == (373, 0, 1)


async def ask(router: Router, **how: Any) -> Any:
    return await router.acompletion(model="default", messages=message(), max_tokens=100, **how)


async def given_up(router: Router, simulator: Simulator, stream: bool) -> None:
    if stream:
        reply = await ask(router, stream=True)
        async for _ in reply:
            break
        await reply.aclose()
        return
    simulator.set_options(latency_ms=(300, 300))
    task = asyncio.create_task(ask(router))
    while not simulator.count("groq"):
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    simulator.set_options(latency_ms=(0, 0))


def limits_of(router: Router) -> dict[str, Any]:
    found: dict[str, Any] = router.status()["providers"][0]["limits"]
    return found
