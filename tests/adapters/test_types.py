"""What a type checker is told of an agent: it reads these `assert_type`, and running them shows that they are true."""

from collections.abc import AsyncGenerator, Generator
from typing import Any, Literal, assert_type

import litellm
from pydantic import BaseModel, TypeAdapter
from typing_extensions import TypedDict

from adapters import BaseAgent, use_router
from router_config import Router


class Order(BaseModel):
    metal: str


class Quote(TypedDict):
    metal: str


class TradingAgent(BaseAgent):
    system_prompt = "You are a careful trader."
    litellm_params = {"max_tokens": 300}  # noqa: RUF012

    def __init__(self, market: str) -> None:
        self.market = market


def test_texts(shared: Router) -> None:
    agent = TradingAgent("tin")
    assert_type(agent.ask("hello"), str)
    assert_type(agent.stream("hello"), Generator[str, None, None])
    assert_type(agent.astream("hello"), AsyncGenerator[str, None])
    assert_type(agent.chat([{"role": "user", "content": "hello"}]), litellm.ModelResponse)


def test_typed_answers(shared: Router, heard: Any) -> None:
    agent = TradingAgent("tin")
    heard.answers('{"metal": "tin"}')
    assert_type(agent.ask_for("which?", Order), Order)
    assert_type(agent.ask_for("which?", Quote), Quote)
    heard.answers('{"value": []}')
    assert_type(agent.ask_for("which?", list[Order]), list[Order])
    heard.answers('{"value": "buy"}')
    side: TypeAdapter[Literal["buy", "sell"]] = TypeAdapter(Literal["buy", "sell"])
    assert_type(agent.ask_for("which?", side), Literal["buy", "sell"])


async def coroutines(agent: TradingAgent) -> None:
    assert_type(await agent.aask("hello"), str)
    assert_type(await agent.achat([]), litellm.ModelResponse)
    assert_type(await agent.aask_for("which?", Order), Order)


def test_the_routers(router: Router) -> None:
    assert_type(TradingAgent("tin").router, Router | None)
    assert_type(BaseAgent(router=router).router, Router | None)
    assert_type(use_router(use_router(router)), Router | None)
