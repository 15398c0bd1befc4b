"""What is kept for a class of agents is there for it and for nobody else, over HTTP, against providers with quotas."""

import asyncio
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from rig import NOON, MakeRouter, all_sleep, message, reference, refusals
from rig_processes import SharedClock, Team
from rig_redis import RedisServer

from adapters import BaseAgent
from router_config import NoProviderAvailable, Router, route_of
from router_config.clock import VirtualClock
from router_config.simulator import Simulator

ALONE: dict[str, Any] = {"gemini": None, "openrouter": None, "together": None, "openai": None}
THREE: dict[str, Any] = {
    "trader": {"reserve": "30%", "agents": ["TradingAgent"]},
    "batch": {"share": "50%"},
    "default": {},
}


def only_groq(**limits: Any) -> dict[str, Any]:
    return {"groq": {"limits": limits, "models": ["llama-3.3-70b-versatile"]}, **ALONE}


def asked(router: Router, agent: str, **kwargs: Any) -> str | NoProviderAvailable:
    """The provider that answered, or the refusal."""
    try:
        return route_of(router.completion("default", message(), metadata={"agent": agent}, **kwargs)).provider
    except NoProviderAvailable as error:
        return error


def served(router: Router, agent: str, times: int, **kwargs: Any) -> int:
    """How many of so many requests."""
    return sum(isinstance(asked(router, agent, **kwargs), str) for _ in range(times))


def refused(router: Router, agent: str) -> NoProviderAvailable:
    told = asked(router, agent)
    assert isinstance(told, NoProviderAvailable)
    return told


def strictly(simulator: Simulator, **limits: Any) -> None:
    simulator.set_limits({"groq": {**limits, "strict_rolling": True}})


@pytest.mark.parametrize("state", ["memory://", "sqlite:///state.db"])
def test_nobody_else_uses_what_is_kept_for_a_class_to_the_request(
    make_router: MakeRouter, simulator: Simulator, state: str
) -> None:
    strictly(simulator, rpm=10)
    router = make_router(state=state, providers=only_groq(rpm=10), classes=THREE)
    assert served(router, "somebody", 20) == 7
    assert served(router, "TradingAgent", 20) == 3
    assert refusals(simulator) == 0


def test_what_a_class_used_counts_against_its_own_reserve_first(make_router: MakeRouter, simulator: Simulator) -> None:
    strictly(simulator, rpm=10)
    router = make_router(providers=only_groq(rpm=10), classes=THREE)
    assert served(router, "TradingAgent", 2) == 2
    assert served(router, "somebody", 20) == 7
    assert served(router, "TradingAgent", 20) == 1


def test_a_class_uses_no_more_than_its_share_however_much_is_free(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    strictly(simulator, rpm=10)
    router = make_router(providers=only_groq(rpm=10), classes=THREE)
    assert served(router, "batch", 4) == 4
    clock.advance(20)
    assert served(router, "batch", 20) == 1
    told = refused(router, "batch")
    assert told.retry_after is not None
    assert told.agent_class == "batch"
    assert told.verdicts["groq"].status == "share_used"
    assert "class batch has used its share" in str(told)
    assert told.retry_after == pytest.approx(40, abs=0.6)
    clock.advance(told.retry_after - 1)
    assert served(router, "batch", 1) == 0
    clock.advance(1)
    assert served(router, "batch", 1) == 1
    assert refusals(simulator) == 0


def test_who_takes_leftovers_gives_way_within_a_minute(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    strictly(simulator, rpm=20)
    router = make_router(providers=only_groq(rpm=20), classes={**THREE, "batch": {"use": "leftover"}})
    assert served(router, "batch", 20) == 12
    assert served(router, "somebody", 5) == 2
    clock.advance(61)
    assert served(router, "somebody", 20) == 14
    assert served(router, "batch", 5) == 0
    assert served(router, "TradingAgent", 10) == 6
    assert refusals(simulator) == 0


def test_a_share_of_a_single_request_at_a_time_shuts_nobody_out(make_router: MakeRouter) -> None:
    router = make_router(providers=only_groq(rpm=100, parallel=1), classes=THREE)
    assert served(router, "batch", 3) == 3


def test_who_meets_what_is_kept_for_others_is_told_so_and_when_to_come_back(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    strictly(simulator, rpm=10)
    router = make_router(providers=only_groq(rpm=10), classes=THREE)
    assert served(router, "somebody", 1) == 1
    clock.advance(20)
    assert served(router, "somebody", 20) == 6
    told = refused(router, "somebody")
    assert told.retry_after is not None
    assert told.verdicts["groq"].status == "kept"
    assert "kept for class trader" in told.verdicts["groq"].reason
    assert told.retry_after == pytest.approx(40, abs=0.6)
    clock.advance(told.retry_after)
    assert served(router, "somebody", 2) == 1
    assert refusals(simulator) == 0


def test_who_finds_no_room_goes_on_to_the_next_provider(make_router: MakeRouter) -> None:
    few = {"openrouter": None, "together": None, "openai": None}
    router = make_router(providers={"groq": {"limits": {"rpm": 10}}, **few}, classes=THREE)
    assert [asked(router, "batch") for _ in range(7)] == ["groq"] * 5 + ["gemini"] * 2
    assert [asked(router, "somebody") for _ in range(3)] == ["groq"] * 2 + ["gemini"]
    assert [asked(router, "TradingAgent") for _ in range(4)] == ["groq"] * 3 + ["gemini"]


def test_tokens_are_kept_as_requests_are(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router(providers=only_groq(tpm=10_000), classes=THREE)
    assert isinstance(asked(router, "somebody", max_tokens=7100), NoProviderAvailable)
    assert asked(router, "somebody", max_tokens=6800) == "groq"
    assert asked(router, "TradingAgent", max_tokens=7100) == "groq"


def test_an_agent_is_kept_room_for_by_its_name(make_router: MakeRouter) -> None:
    router = make_router(providers=only_groq(rpm=10), classes=THREE)

    class TradingAgent(BaseAgent):
        pass

    class OtherAgent(BaseAgent):
        pass

    for _ in range(7):
        OtherAgent(router=router).ask("hello")
    with pytest.raises(NoProviderAvailable):
        OtherAgent(router=router).ask("hello")
    assert TradingAgent(router=router).ask("buy?")
    assert "".join(TradingAgent(router=router).stream("buy?"))


def test_streams_count_as_other_answers_do(make_router: MakeRouter, simulator: Simulator) -> None:
    strictly(simulator, rpm=10)
    router = make_router(providers=only_groq(rpm=10), classes=THREE)

    def stream(agent: str) -> bool:
        try:
            return bool(list(router.completion("default", message(), stream=True, metadata={"agent": agent})))
        except NoProviderAvailable:
            return False

    assert sum(stream("batch") for _ in range(9)) == 5
    assert sum(stream("somebody") for _ in range(9)) == 2
    assert sum(stream("TradingAgent") for _ in range(9)) == 3
    assert refusals(simulator) == 0


def test_an_edit_of_the_classes_counts_while_requests_wait(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    strictly(simulator, rpm=10)
    router = make_router(providers=only_groq(rpm=10), classes=THREE)
    assert router.config is not None
    assert router.config.path is not None
    assert served(router, "somebody", 20) == 7
    edited: dict[str, Any] = {"providers": only_groq(rpm=10), "classes": {**THREE, "trader": {"reserve": "20%"}}}
    path, text = router.config.path, yaml.safe_dump(reference(simulator, **edited))

    async def main() -> None:
        waiting = asyncio.create_task(
            router.acompletion("default", message(), metadata={"agent": "somebody"}, max_wait=600)
        )
        while not await all_sleep(clock, [waiting]):
            await asyncio.sleep(0.001)
        path.write_text(text, "utf-8")
        assert (await router.areload()).changes == (
            "class trader agents TradingAgent -> trader",
            "class trader reserve 30% -> 20%",
        )
        async with asyncio.timeout(20):
            await waiting

    asyncio.run(main())
    assert served(router, "somebody", 5) == 0
    assert served(router, "TradingAgent", 5) == 0  # It is of class default now.
    assert served(router, "trader", 5) == 2
    assert refusals(simulator) == 0


def test_many_threads_of_three_classes_never_take_of_each_other(make_router: MakeRouter, simulator: Simulator) -> None:
    strictly(simulator, rpm=40)
    router = make_router(providers=only_groq(rpm=40), classes=THREE)
    agents = ["somebody"] * 60 + ["batch"] * 40
    random.Random(5).shuffle(agents)
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda agent: isinstance(asked(router, agent), str), agents))
    assert sum(answers) == 28
    assert served(router, "TradingAgent", 30) == 12
    assert refusals(simulator) == 0


def test_what_a_class_used_stays_counted_when_the_account_gets_a_name(make_router: MakeRouter) -> None:
    state = {"state": "sqlite:///state.db", "classes": THREE}
    router = make_router(providers=only_groq(rpm=10), **state)
    assert served(router, "TradingAgent", 2) == 2
    router.close()
    named = only_groq(rpm=10)
    named["groq"]["account"] = "mine"
    router = make_router(providers=named, **state)
    assert served(router, "somebody", 20) == 7
    assert served(router, "TradingAgent", 20) == 1


def test_explain_tells_whose_share_a_limit_is_and_for_whom_it_is_kept(make_router: MakeRouter) -> None:
    router = make_router(providers=only_groq(rpm=10), classes=THREE)
    assert served(router, "batch", 5) == 5
    assert served(router, "somebody", 9) == 2
    (groq,) = router.explain(agent="batch")["providers"]
    (candidate,) = groq["candidates"]
    assert candidate["status"] == "share_used"
    account, own = candidate["gates"]
    assert (account["status"], account["kept"], account["kept_for"]) == ("kept", 3, ["trader"])
    assert (own["status"], own["class"], own["limit"]) == ("share_used", "batch", 5)


@pytest.fixture(params=["sqlite", "redis"])
def shared(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "sqlite":
        yield "sqlite:///state.db"
        return
    server = RedisServer()
    yield server.url
    server.stop()


def test_two_processes_of_one_store_keep_the_same_room(tmp_path: Path, shared: str) -> None:
    clock = SharedClock.create(tmp_path / "clock", NOON, 1.0)
    limits = {"groq": {"rpm": 40, "strict_rolling": True}}
    with Simulator(limits, clock=clock.now) as simulator:
        document = reference(simulator, state=shared, providers=only_groq(rpm=40), classes=THREE)
        (tmp_path / "litellm.yaml").write_text(yaml.safe_dump(document), "utf-8")
        with Team(2, tmp_path / "litellm.yaml", simulator.env(), tmp_path / "clock") as team:
            team.do("ready")
            clock.advance(61)
            assert sum(team.do("ask as", "batch", 20)) == 20
            assert sum(team.do("ask as", "somebody", 40)) == 8
            assert sum(team.do("ask as", "TradingAgent", 20)) == 12
            assert sum(team.do("ask as", "batch", 5)) == 0
        assert refusals(simulator) == 0


def test_four_processes_at_once_never_take_of_what_is_kept(tmp_path: Path, shared: str) -> None:
    clock = SharedClock.create(tmp_path / "clock", NOON, 0.01)  # All within one minute, however slow the machine.
    with Simulator({"groq": {"rpm": 80, "strict_rolling": True}}, clock=clock.now) as simulator:
        document = reference(simulator, state=shared, providers=only_groq(rpm=80), classes=THREE)
        (tmp_path / "litellm.yaml").write_text(yaml.safe_dump(document), "utf-8")
        with Team(4, tmp_path / "litellm.yaml", simulator.env(), tmp_path / "clock") as team:
            team.do("ready")
            clock.advance(61)
            batch = team.begin("ask as", "batch", 50, only=[0])
            others = team.begin("ask as", "somebody", 40, only=[1, 2])
            traders = team.begin("ask as", "TradingAgent", 24, only=[3])
            assert [each.result() for each in traders] == [24]
            assert batch[0].result() <= 40
            assert sum(each.result() for each in [*batch, *others]) == 56
        assert refusals(simulator) == 0
