"""A budget of dollars a day holds, but for the one answer whose length nobody could know."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rig import MakeRouter, message
from rig_redis import RedisServer

from router_config import NoProviderAvailable, Router, route_of
from router_config.simulator import Simulator

CENT = 10_000.0
"""Dollars for a million tokens: a cent for each."""

OTHERS: dict[str, Any] = {"groq": None, "gemini": None, "openrouter": None, "together": None}


@pytest.fixture(params=["memory", "sqlite", "redis"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param != "redis":
        yield "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/state.db"
        return
    server = RedisServer()
    yield server.url
    server.stop()


def budget(dollars: float) -> dict[str, Any]:
    model = {"name": "gpt-4o-mini", "price": {"input": 0.0, "output": CENT}}
    return {"openai": {"limits": {"usd_per_day": dollars}, "models": [model]}, **OTHERS}


def ask_all(router: Router, times: int, **kwargs: Any) -> int:
    """How many of so many concurrent requests were answered."""

    async def main() -> list[Any]:
        calls = (router.acompletion(model="default", messages=message(), **kwargs) for _ in range(times))
        return await asyncio.gather(*calls, return_exceptions=True)

    outcomes = asyncio.run(main())
    assert all(isinstance(each, NoProviderAvailable) for each in outcomes if isinstance(each, Exception))
    return sum(not isinstance(each, Exception) for each in outcomes)


def spent(router: Router) -> float:
    (openai,) = router.status()["providers"]
    assert openai["limits"]["usd_per_day"]["reserved"] == 0
    return float(openai["limits"]["usd_per_day"]["used"])


def test_a_budget_of_nothing_sends_nothing(make_router: MakeRouter, simulator: Simulator, state: str) -> None:
    router = make_router(state=state, providers=budget(0))
    assert ask_all(router, 5, max_tokens=1) == 0
    assert simulator.count() == 0


def test_answers_of_known_length_never_exceed_the_budget(
    make_router: MakeRouter, simulator: Simulator, state: str
) -> None:
    simulator.set_options(answer_tokens=100)
    router = make_router(state=state, providers=budget(5.5))
    assert ask_all(router, 50, max_tokens=100) == 5
    assert spent(router) == pytest.approx(5)


@pytest.mark.parametrize("longer", [600, 2000])
def test_answers_of_unknown_length_exceed_the_budget_by_one_of_them_at_most(
    make_router: MakeRouter, simulator: Simulator, state: str, longer: int
) -> None:
    simulator.set_options(answer_tokens=longer, latency_ms=20)
    router = make_router(state=state, providers=budget(50))
    for _ in range(20):
        ask_all(router, 10)
    assert 50 - longer / 100 <= spent(router) < 50 + longer / 100


def test_an_unknown_length_does_not_starve_a_small_budget(
    make_router: MakeRouter, simulator: Simulator, state: str
) -> None:
    simulator.set_options(answer_tokens=10)
    router = make_router(state=state, providers=budget(6))
    assert sum(ask_all(router, 1) for _ in range(10)) == 10
    assert spent(router) == pytest.approx(1)


def as_agent(name: str, **more: Any) -> dict[str, Any]:
    return {"max_tokens": 100, "metadata": {"agent": name}, **more}


def test_a_class_spends_no_more_than_its_dollars_at_all_providers_together(
    make_router: MakeRouter, simulator: Simulator, state: str
) -> None:
    simulator.set_options(answer_tokens=100)
    model = {"price": {"input": 0.0, "output": CENT}}
    providers = {
        "openai": {"limits": {"rpm": 2}, "models": [{"name": "gpt-4o-mini", **model}]},
        "groq": {"tier": "paid", "priority": 9, "limits": {}, "models": [{"name": "m", **model}]},
        **dict.fromkeys(("gemini", "openrouter", "together")),
    }
    router = make_router(state=state, providers=providers, classes={"batch": {"usd_per_day": 3.5}})
    assert ask_all(router, 9, **as_agent("batch")) == 3
    assert (simulator.count("openai"), simulator.count("groq")) == (2, 1)
    with pytest.raises(NoProviderAvailable, match="class batch has used its share: usd_per_day: 3 used") as refused:
        router.completion("default", message(), **as_agent("batch"))
    assert refused.value.verdicts["openai"].status == "share_used"
    assert ask_all(router, 9, **as_agent("somebody")) == 9


def test_a_class_without_dollars_left_is_still_served_by_those_that_cost_nothing(make_router: MakeRouter) -> None:
    free = {"groq": {"limits": {}, "models": ["m"], "priority": 9}}
    others = dict.fromkeys(("gemini", "openrouter", "together"))
    router = make_router(providers={**budget(9)} | others | free, classes={"batch": {"usd_per_day": 0}})
    assert route_of(router.completion("default", message(), **as_agent("batch"))).provider == "groq"


def test_what_of_a_budget_is_kept_for_a_class_is_left_by_answers_of_unknown_length(
    make_router: MakeRouter, simulator: Simulator, state: str
) -> None:
    simulator.set_options(answer_tokens=100)
    short = {"output_tokens": 100}
    router = make_router(state=state, providers=budget(10), classes={"trader": {"reserve": "40%"}}, defaults=short)
    for _ in range(9):
        ask_all(router, 1, metadata={"agent": "somebody"})
    assert spent(router) == pytest.approx(6)
    assert ask_all(router, 9, **as_agent("trader")) == 4
