"""Who asks: the name of an agent says of which class a request is, and nothing else of the request does."""

import asyncio
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest
import yaml
from rig import MakeRouter, message, reference

from adapters import BaseAgent
from router_config import ConfigError, NoProviderAvailable, Router
from router_config.config.agent_classes import AgentClass
from router_config.routing.intake.callers import KEPT, Callers
from router_config.simulator import Simulator

TRADER = AgentClass(name="trader", agents=("TradingAgent", "exec-*"))
CALLERS = Callers((TRADER, AgentClass(name="default")))
PATIENT = {"trader": {"agents": ["TradingAgent"], "max_wait": "100s"}}
ALONE: dict[str, Any] = {"gemini": None, "openrouter": None, "together": None, "openai": None}


def name(**asked: Any) -> str | None:
    found = CALLERS.of(asked)
    return None if found is None else found.name


def test_the_agent_of_the_metadata_says_the_class() -> None:
    assert name(metadata={"agent": "TradingAgent"}) == "trader"
    assert name(litellm_metadata={"agent": "exec-7"}) == "trader"
    assert name(metadata={"agent": "nobody"}) == name() == name(metadata=None) == "default"


def test_no_request_names_its_own_class() -> None:
    assert name(metadata={"class": "trader"}) == name(metadata={"agent": None}) == "default"


def test_without_classes_nobody_has_one() -> None:
    assert Callers().of({"metadata": {"agent": "TradingAgent"}}) is None


def test_names_from_outside_fill_no_memory() -> None:
    callers = Callers((TRADER, AgentClass(name="default")))
    for number in range(3 * KEPT):
        callers.named(f"agent-{number}")
    assert len(callers._known) <= KEPT


def only_groq(**changes: Any) -> dict[str, Any]:
    groq = {"limits": {"tpm": 5000}, "models": ["llama-3.3-70b-versatile"]}
    return {"providers": {"groq": groq, **ALONE}, **changes}


async def waits(router: Router, simulator: Simulator, ask: Callable[[], Any]) -> bool:
    """Whether a request waits for the room that another one gives back."""
    before = simulator.count()
    holding = asyncio.create_task(router.acompletion("default", message(), max_tokens=2600))
    async with asyncio.timeout(30):
        while simulator.count() == before:
            await asyncio.sleep(0.001)
        try:
            await ask()
        except NoProviderAvailable:
            return False
        finally:
            await holding
        return True


def of_agent(router: Router, agent: str, **more: Any) -> Callable[[], Any]:
    return lambda: router.acompletion("default", message(), max_tokens=2600, metadata={"agent": agent}, **more)


def test_a_request_waits_as_long_as_its_class_may_unless_it_says_otherwise(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    simulator.set_options(latency_ms=200)
    router = make_router(**only_groq(classes=PATIENT))

    async def main() -> None:
        assert await waits(router, simulator, of_agent(router, "TradingAgent"))
        assert not await waits(router, simulator, of_agent(router, "somebody"))
        assert not await waits(router, simulator, of_agent(router, "TradingAgent", max_wait=0))

    asyncio.run(main())


def test_an_agent_is_of_a_class_by_the_name_of_its_python_class(make_router: MakeRouter, simulator: Simulator) -> None:
    simulator.set_options(latency_ms=200)
    router = make_router(**only_groq(classes=PATIENT))

    class TradingAgent(BaseAgent):
        litellm_params = MappingProxyType({"max_tokens": 2600})

    class OtherAgent(TradingAgent):
        pass

    async def main() -> None:
        assert await waits(router, simulator, lambda: TradingAgent(router=router).aask("buy?"))
        assert not await waits(router, simulator, lambda: OtherAgent(router=router).aask("buy?"))

    asyncio.run(main())


def test_an_edit_of_the_classes_counts_for_the_next_request(make_router: MakeRouter, simulator: Simulator) -> None:
    simulator.set_options(latency_ms=200)
    router = make_router(**only_groq())
    path = router.config.path if router.config is not None else None
    assert path is not None

    async def main() -> None:
        assert not await waits(router, simulator, of_agent(router, "TradingAgent"))
        path.write_text(yaml.safe_dump(reference(simulator, **only_groq(classes=PATIENT))), "utf-8")
        assert (await router.areload()).changes == ("+class trader", "+class default")
        assert await waits(router, simulator, of_agent(router, "TradingAgent"))

    asyncio.run(main())


def test_a_router_without_a_file_takes_classes_of_the_same_form() -> None:
    deployment = {"model_name": "default", "litellm_params": {"model": "groq/m", "api_key": "k"}}
    router = Router([deployment], classes={"trader": {"reserve": {"groq": "30%"}, "agents": ("TradingAgent",)}})
    try:
        (trader, others) = router.terms.callers.classes
        assert (trader.name, trader.reserve_at("groq"), trader.agents) == ("trader", 0.3, ("TradingAgent",))
        assert others.name == "default"
    finally:
        router.close()
    with pytest.raises(ConfigError, match=r'classes: class trader: there is no provider "grok"\n  Did you mean groq?'):
        Router([deployment], classes={"trader": {"providers": ["grok"]}})
