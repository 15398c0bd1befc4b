"""`pace: even` of a Router at providers that enforce their limits: there is room in every hour, and none is lost."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from rig import MODELS, MakeRouter, all_sleep, message, refusals
from rig_redis import RedisServer

from router_config import NoProviderAvailable, Router, route_of
from router_config.clock import VirtualClock
from router_config.simulator import Simulator

HOUR: Final = 3600.0
OTHERS: Final[dict[str, Any]] = dict.fromkeys(MODELS)
A_DAY: Final = {"rpd": 48}
PACED: Final = {"limits": A_DAY, "pace": "even", "day": {"window": "calendar", "timezone": "UTC"}}


@pytest.fixture(params=["memory", "sqlite", "redis"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a store."""
    if request.param == "redis":
        server = RedisServer()
        yield server.url
        server.stop()
    else:
        yield "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/state.db"


def to_midnight(clock: VirtualClock) -> None:
    clock.advance(-clock.now() % (24 * HOUR))


async def served_by_hour(router: Router, clock: VirtualClock) -> dict[str, Counter[int]]:
    """Of six requests an hour, over a day: who served how many, by hour."""
    served: dict[str, Counter[int]] = {"groq": Counter(), "gemini": Counter()}
    for number in range(6 * 24):
        reply = await router.acompletion(model="default", messages=message())
        served[route_of(reply).provider][number // 6] += 1
        clock.advance(HOUR / 6)
    return served


def test_every_hour_finds_room_and_all_of_the_day_is_used(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock, state: str
) -> None:
    to_midnight(clock)
    simulator.set_limits({"groq": A_DAY, "gemini": None})
    router = make_router(state=state, providers={**OTHERS, "groq": PACED, "gemini": {"limits": {}}})
    served = asyncio.run(served_by_hour(router, clock))
    assert all(1 <= served["groq"][hour] <= 4 for hour in range(24))
    assert served["groq"].total() == simulator.count("groq")
    assert 46 <= simulator.count("groq") <= 48, "the last request comes ten minutes before midnight"
    assert refusals(simulator) == 0


def test_where_nobody_else_is_it_says_what_holds_back_and_until_when(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    to_midnight(clock)
    router = make_router(providers={**OTHERS, "groq": PACED})
    router.completion(model="default", messages=message())
    with pytest.raises(NoProviderAvailable) as refused:
        router.completion(model="default", messages=message())
    verdict = refused.value.verdicts["groq"]
    assert verdict.status == "paced"
    assert "pace: " in str(verdict.reason)
    assert refused.value.retry_after is not None
    assert 0 < refused.value.retry_after < HOUR
    assert router.explain()["providers"][0]["candidates"][0]["status"] == "paced"
    clock.advance(refused.value.retry_after)
    assert router.completion(model="default", messages=message()).choices
    assert simulator.count() == 2


def test_a_request_that_may_wait_waits_for_its_hour(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    to_midnight(clock)
    router = make_router(providers={**OTHERS, "groq": PACED})

    async def main() -> None:
        await router.acompletion(model="default", messages=message())
        waiting = asyncio.create_task(router.acompletion(model="default", messages=message(), max_wait=HOUR))
        while not await all_sleep(clock, [waiting]):
            await asyncio.sleep(0.001)
        assert simulator.count() == 1
        clock.set(clock.wakes[0])
        assert (await waiting).choices

    asyncio.run(main())
    assert simulator.count() == 2
