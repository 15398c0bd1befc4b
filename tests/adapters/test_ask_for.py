"""Typed answers: the question shows the schema, one answer that does not fit is sent back, the next one is an error."""

import asyncio
import pickle
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, Literal

import litellm
import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from rig import MakeRouter
from typing_extensions import TypedDict

from adapters import BaseAgent, InvalidAnswer
from router_config import Router
from router_config.clock import VirtualClock
from router_config.presets.lookup import REFERENCE
from router_config.simulator import Simulator

pytestmark = pytest.mark.contract


class Side(Enum):
    BUY = "buy"
    SELL = "sell"


class Order(BaseModel):
    """What to trade."""

    side: Side
    metal: str
    tons: int = Field(ge=1, le=100)


class Leaf(BaseModel):
    name: str
    children: list["Leaf"] = []


@dataclass
class Point:
    x: int
    y: int


class Quote(TypedDict):
    metal: str
    price: float


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)
    day: date
    pair: tuple[int, int]


GOOD = '{"side": "buy", "metal": "tin", "tons": 3}'
BAD = '{"side": "keep", "metal": "tin", "tons": 300}'
ORDER = Order(side=Side.BUY, metal="tin", tons=3)


@pytest.fixture
def agent(router: Router) -> BaseAgent:
    return BaseAgent(router=router)


def test_the_answer_is_a_validated_model(agent: BaseAgent, heard: Any, simulator: Simulator) -> None:
    heard.answers(GOOD)
    assert agent.ask_for("Buy or sell?", Order) == ORDER
    assert simulator.count() == 1


def test_a_coroutine_gets_the_same(agent: BaseAgent, heard: Any) -> None:
    heard.answers(BAD, GOOD)
    assert asyncio.run(agent.aask_for("Buy or sell?", Order)) == ORDER


@pytest.mark.parametrize("models", ["known", "a server of one's own", "one may not"])
def test_a_format_is_sent_to_a_model_that_is_known_to_take_it(
    make_router: MakeRouter, heard: Any, models: str, simulator: Simulator
) -> None:
    """Many free models refuse `response_format`."""
    asked, model = {
        "known": ("openai", "gpt-4o-mini"),
        "a server of one's own": ("openai", "small-135m"),
        "one may not": ("groq", "small-135m"),
    }[models]
    others: dict[str, Any] = {name: {"enabled": name == asked} for name in REFERENCE}
    providers = others | {asked: {"priority": 1, "models": [model]}}
    agent = BaseAgent(router=make_router(providers=providers))
    heard.answers(GOOD)
    assert agent.ask_for("Buy or sell?", Order) == ORDER
    sent = heard.requests[-1].get("response_format")
    if models == "one may not":
        assert sent is None
        return
    assert sent["json_schema"]["name"] == "Order"
    simulator.fault("openai", status=400, body={"error": {"message": "response_format is not supported"}}, times=1)
    assert asyncio.run(agent.aask_for("Buy or sell?", Order)) == ORDER
    assert ["response_format" in request for request in heard.requests] == [True, True, False]


def test_each_model_of_a_group_is_asked_in_the_way_that_it_takes(
    make_router: MakeRouter, heard: Any, simulator: Simulator
) -> None:
    others: dict[str, Any] = {name: {"enabled": False} for name in REFERENCE}
    asked: dict[str, Any] = {
        "groq": {"priority": 1, "models": ["small-135m"]},
        "openai": {"priority": 2, "models": ["gpt-4o-mini"]},
    }
    agent = BaseAgent(router=make_router(providers=others | asked))
    simulator.fault("groq", status=500, body={"error": {"message": "down"}}, times=1)
    heard.answers(GOOD)
    assert agent.ask_for("Buy or sell?", Order) == ORDER
    assert ["response_format" in request for request in heard.requests] == [False, True]


def test_the_question_shows_the_schema(agent: BaseAgent, heard: Any) -> None:
    heard.answers(GOOD)
    agent.ask_for("Buy or sell?", Order)
    (question,) = heard.messages
    assert question["content"].startswith("Buy or sell?\n\n")
    assert '"What to trade."' in question["content"]
    assert '"maximum": 100' in question["content"]


def test_the_agents_prompt_and_parameters_go_with_the_question(router: Router, heard: Any) -> None:
    class Agent(BaseAgent):
        system_prompt = "Be bold."
        temperature = 0.0

    heard.answers(BAD, GOOD)
    Agent(router=router).ask_for("Buy or sell?", Order, max_tokens=90)
    for request in heard.requests:
        assert request["messages"][0] == {"role": "system", "content": "Be bold."}
        assert (request["temperature"], request["max_tokens"]) == (0.0, 90)


def test_an_answer_that_does_not_fit_is_sent_back_with_what_is_wrong(agent: BaseAgent, heard: Any) -> None:
    heard.answers(BAD, GOOD)
    assert agent.ask_for("Buy or sell?", Order) == ORDER
    question, answer, complaint = heard.messages
    assert question == heard.requests[0]["messages"][0]
    assert answer == {"role": "assistant", "content": BAD}
    assert "- side: Input should be 'buy' or 'sell'" in complaint["content"]
    assert "- tons: Input should be less than or equal to 100" in complaint["content"]


@pytest.mark.parametrize("text", ["I would buy tin.", '{"side": "buy", "metal": "ti', "{'side': 'buy'}", "[1, 2]"])
def test_an_answer_that_is_no_json_object_is_sent_back_too(agent: BaseAgent, heard: Any, text: str) -> None:
    heard.answers(text, GOOD)
    assert agent.ask_for("Buy or sell?", Order) == ORDER
    assert "JSON" in heard.messages[-1]["content"]


def test_a_second_answer_that_does_not_fit_is_an_error_that_holds_it(
    agent: BaseAgent, heard: Any, simulator: Simulator
) -> None:
    heard.answers("I do not know.", BAD)
    with pytest.raises(InvalidAnswer) as invalid:
        agent.ask_for("Buy or sell?", Order)
    assert simulator.count() == 2
    assert invalid.value.text == BAD
    assert invalid.value.errors == (
        "side: Input should be 'buy' or 'sell'",
        "tons: Input should be less than or equal to 100",
    )
    assert "no valid Order" in str(invalid.value)
    assert "tons: Input should be less than" in str(invalid.value)
    assert isinstance(invalid.value, ValueError)
    with pytest.raises(InvalidAnswer):
        asyncio.run(agent.aask_for("Buy or sell?", Order))


def test_an_answer_that_was_cut_off_says_so(agent: BaseAgent, heard: Any) -> None:
    heard.answers('{"value": [' + "1, " * 200 + "1]}")
    with pytest.raises(InvalidAnswer, match="cut off at its token limit"):
        agent.ask_for("Which?", list[int], max_tokens=20)
    assert "be shorter" in heard.messages[-1]["content"]


def test_the_error_survives_the_way_from_another_process() -> None:
    error = pickle.loads(pickle.dumps(InvalidAnswer("Order", BAD, ("side: no",))))
    assert (error.schema, error.text, error.errors) == ("Order", BAD, ("side: no",))


def test_an_answer_without_text_is_sent_back_as_something(agent: BaseAgent, heard: Any, simulator: Simulator) -> None:
    simulator.fault("groq", tool_call={"name": "f", "arguments": {}}, times=1)
    heard.answers(GOOD)
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    assert agent.ask_for("Buy or sell?", Order, tools=tools) == ORDER
    assert heard.messages[1]["content"]


@pytest.mark.parametrize(
    ("schema", "text", "answer"),
    [
        (Point, '{"x": 1, "y": 2}', Point(1, 2)),
        (Quote, '{"metal": "tin", "price": 3}', {"metal": "tin", "price": 3.0}),
        (dict[str, int], '{"tin": 1}', {"tin": 1}),
        (Strict, '{"day": "2026-11-23", "pair": [1, 2]}', Strict(day=date(2026, 11, 23), pair=(1, 2))),
        (Leaf, '{"name": "a", "children": [{"name": "b"}]}', Leaf(name="a", children=[Leaf(name="b")])),
        (list[Order], f'{{"value": [{GOOD}]}}', [ORDER]),
        (list[Order], f"[{GOOD}]", [ORDER]),
        (list[Order], f"Here they are:\n```json\n[{GOOD}]\n```", [ORDER]),
        (list[Leaf], '{"value": [{"name": "a"}]}', [Leaf(name="a")]),
        (int, '{"value": 42}', 42),
        (int, "42", 42),
        (bool, '{"value": false}', False),
        (str, '{"value": "tin"}', "tin"),
        (str, '"tin"', "tin"),
        (Side, '{"value": "sell"}', Side.SELL),
        (Literal["buy", "sell"], '{"value": "sell"}', "sell"),
        (TypeAdapter(Literal["buy", "sell"]), '{"value": "sell"}', "sell"),
        (Order | None, '{"value": null}', None),
        (Point | Order, GOOD, ORDER),
    ],
)
def test_whatever_pydantic_validates_can_be_asked_for(
    agent: BaseAgent, heard: Any, simulator: Simulator, schema: Any, text: str, answer: Any
) -> None:
    heard.answers(text)
    assert agent.ask_for("Well?", schema) == answer
    assert simulator.count() == 1


def test_a_schema_inside_another_is_shown_whole(agent: BaseAgent, heard: Any) -> None:
    heard.answers('{"value": []}')
    agent.ask_for("Well?", list[Order])
    (question,) = heard.messages
    schema = TypeAdapter(dict[str, Any]).validate_json(question["content"].split("JSON Schema:\n")[1])
    assert schema["properties"]["value"]["items"] == {"$ref": "#/$defs/Order"}
    assert set(schema["$defs"]) == {"Order", "Side"}


def test_a_draft_that_does_not_fit_is_passed_over_for_one_that_does(agent: BaseAgent, heard: Any) -> None:
    heard.answers(f'You gave me {{"type": "object"}}. So: {GOOD}')
    assert agent.ask_for("Buy or sell?", Order) == ORDER


def test_only_so_many_problems_are_listed(agent: BaseAgent, heard: Any) -> None:
    heard.answers('{"value": [' + ", ".join(['"x"'] * 500) + "]}")
    with pytest.raises(InvalidAnswer) as invalid:
        agent.ask_for("Well?", list[int])
    assert len(invalid.value.errors) == 21
    assert invalid.value.errors[-1] == "and 480 more"


REFUSED = {
    "schemas": ("'response_format' of type 'json_schema' is not supported with this model.", '"json_schema"'),
    "any format": ("The response_format parameter is unsupported at the moment. Leave it unset.", '"response_format"'),
}


def formats(heard: Any) -> list[str | None]:
    return [(request.get("response_format") or {}).get("type") for request in heard.requests]


@pytest.mark.parametrize(
    ("refused", "sent"),
    [
        ("schemas", ["json_schema", "json_schema", "json_object", "json_object"]),
        ("any format", ["json_schema", "json_schema", "json_object", "json_schema", None]),
    ],
)
def test_a_model_that_refused_a_format_is_asked_in_the_next_that_it_may_take(
    make_router: MakeRouter, heard: Any, simulator: Simulator, refused: str, sent: list[str | None]
) -> None:
    if "response_format" not in (litellm.get_supported_openai_params("m", "together_ai") or ()):
        pytest.skip("this LiteLLM sends no format to a model that it does not know")
    others: dict[str, Any] = {name: {"enabled": False} for name in REFERENCE}
    asked: dict[str, Any] = {
        "openai": {"priority": 1, "models": ["gpt-4o-mini"]},
        "together": {"priority": 2, "models": [{"name": "m", "supports": {"json_schema": True}}]},
    }
    agent = BaseAgent(router=make_router(providers=others | asked))
    words, telling = REFUSED[refused]
    simulator.fault("openai", status=400, body={"error": {"message": words}}, text=telling)
    heard.answers(GOOD)
    for _ in range(3):
        assert agent.ask_for("Buy or sell?", Order) == ORDER
    assert formats(heard) == sent
    assert simulator.count("together") == len(sent) - 3


def test_what_the_file_says_of_formats_is_heeded(make_router: MakeRouter, heard: Any, simulator: Simulator) -> None:
    others: dict[str, Any] = {name: {"enabled": False} for name in REFERENCE}
    models = {"json_schema": True}, {"json_schema": False}, {"json_schema": False, "json_object": False}
    heard.answers(GOOD)
    for supports in models:
        listed = [{"name": "gpt-4o-mini", "supports": supports}]
        agent = BaseAgent(router=make_router(providers=others | {"openai": {"models": listed}}))
        assert agent.ask_for("Buy or sell?", Order) == ORDER
    assert formats(heard) == ["json_schema", "json_object", None]


def test_a_week_later_a_schema_is_tried_again(
    make_router: MakeRouter, heard: Any, simulator: Simulator, clock: VirtualClock
) -> None:
    others: dict[str, Any] = {name: {"enabled": False} for name in REFERENCE}
    agent = BaseAgent(router=make_router(providers=others | {"openai": {"models": ["gpt-4o-mini"]}}))
    words, telling = REFUSED["schemas"]
    simulator.fault("openai", status=400, body={"error": {"message": words}}, text=telling, times=1)
    heard.answers(GOOD)
    agent.ask_for("Buy or sell?", Order)
    agent.ask_for("Buy or sell?", Order)
    clock.advance(7 * 86_400 + 1)
    for _ in range(2):
        agent.ask_for("Buy or sell?", Order)
    assert formats(heard) == ["json_schema", None, "json_object", "json_schema", "json_schema"]
