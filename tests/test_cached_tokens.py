"""What providers say they read from their prompt caches is shown, from the wire to the status."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from rig import MODELS, MakeRouter, message
from rig_ledger import START, Place, run, taken
from rig_loops import ask, history
from rig_redis import RedisServer

from router_config.clock import VirtualClock
from router_config.ledger.local.sqlite import SQLiteStore
from router_config.ledger.opening import open_store
from router_config.ledger.rules.meters import Amount
from router_config.ledger.values import Outcome, Settlement
from router_config.simulator import Simulator

pytestmark = pytest.mark.contract

SYSTEM = [{"role": "system", "content": "Be brief. " * 200}]


def usage(status: dict[str, Any], provider: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in status["providers"] if each["name"] == provider)["usage_today"]
    return found


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("provider", MODELS)
def test_the_same_beginning_is_read_from_the_cache_and_told(
    provider: str, stream: bool, make_router: MakeRouter, simulator: Simulator
) -> None:
    simulator.set_options(prompt_caches=True)
    router = make_router(providers=dict.fromkeys(each for each in MODELS if each != provider))

    async def story() -> dict[str, Any]:
        for calls in range(4):
            reply = await router.acompletion("default", [*SYSTEM, *history(calls)], max_tokens=50, stream=stream)
            if stream:
                async for _ in reply:
                    pass
        return await router.astatus()

    told = usage(asyncio.run(story()), provider)
    calls = simulator.calls()
    assert told["prompt_tokens"] == sum(each.prompt_tokens for each in calls)
    assert told["cached_tokens"] == sum(each.cached_tokens for each in calls) > told["prompt_tokens"] / 2
    totals = router._background.run(router._store.totals(0.0))
    counted = {each.kind: times for each, times in totals.counted.items()}
    assert counted["cached_tokens"] == told["cached_tokens"]


@pytest.mark.parametrize("store", ["memory", "sqlite", "redis"])
def test_each_store_keeps_them_for_a_day(
    store: str, request: pytest.FixtureRequest, make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    simulator.set_options(prompt_caches=True)
    if store == "redis":
        server = RedisServer()
        request.addfinalizer(server.stop)
    state = {"memory": "memory://", "sqlite": "sqlite:///state.db"}.get(store) or server.url
    router = make_router(state=state)
    for calls in range(3):
        ask(router, calls)
        clock.advance(301)
    told = usage(router.status(), "groq")
    assert told["prompt_tokens"] == sum(each.prompt_tokens for each in simulator.calls())
    assert told["cached_tokens"] == 0  # The cache holds for five minutes.
    for calls in range(3, 6):
        ask(router, calls)
    told = usage(router.status(), "groq")
    assert told["cached_tokens"] == sum(each.cached_tokens for each in simulator.calls()) > 0
    if store != "memory":
        other = make_router(state=state)
        assert usage(other.status(), "groq") == told
    clock.advance(2 * 86_400)
    assert usage(router.status(), "groq")["prompt_tokens"] == 0


def test_what_is_not_cached_is_told_as_none(make_router: MakeRouter) -> None:
    router = make_router()
    router.completion("default", message(), max_tokens=50)
    told = usage(router.status(), "groq")
    assert told["prompt_tokens"] > 0
    assert told["cached_tokens"] == 0


def test_slots_of_prompts_are_dropped_after_eight_days(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/state.db")
    groq = Place("groq")
    for day in range(12):
        at = START + day * 86_400
        lease = taken(store, groq, at=at)
        assert lease
        outcome = Outcome("groq", "m", 0.1, prompt=100, cached=60)
        run(store.settle(lease, Settlement(Amount(1, 100), at, at, True, outcome=outcome), at))
    own = SQLiteStore(tmp_path / "state.db")
    assert own._db.execute("SELECT count(*) FROM prompt_usage").fetchone() == (8,)
