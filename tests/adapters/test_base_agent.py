"""What an agent class gains by its base class, over HTTP against the simulated providers."""

import asyncio
import copy
import pickle
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import litellm
import pytest
from litellm.exceptions import BadRequestError
from litellm.integrations.custom_logger import CustomLogger
from pydantic import BaseModel
from rig_callbacks import callbacks_put_back

from adapters import BaseAgent
from router_config import NoProviderAvailable, Router, route_of
from router_config.simulator import Simulator

pytestmark = pytest.mark.contract


class TradingAgent(BaseAgent):
    system_prompt = "You are a careful trader."

    def decide(self, market: str) -> str:
        return self.ask(f"Buy or sell? {market}")


# Asking.


def test_an_agent_needs_nothing_but_its_base_class(shared: Router, heard: Any) -> None:
    heard.answers("Hold.")
    assert TradingAgent().decide("tin") == "Hold."
    assert heard.messages == [
        {"role": "system", "content": "You are a careful trader."},
        {"role": "user", "content": "Buy or sell? tin"},
    ]


def test_a_coroutine_awaits_the_answer(shared: Router, heard: Any) -> None:
    heard.answers("Hold.")
    assert asyncio.run(TradingAgent().aask("Buy or sell?")) == "Hold."


def test_synchronous_methods_work_inside_a_running_event_loop(shared: Router, heard: Any) -> None:
    heard.answers('{"value": "Hold."}')

    async def cell_of_a_notebook() -> list[str]:
        agent = TradingAgent()
        return [
            agent.ask("now"),
            "".join(agent.stream("again")),
            await agent.aask("later"),
            agent.ask_for("typed", str),
        ]

    assert asyncio.run(cell_of_a_notebook()) == ['{"value": "Hold."}'] * 3 + ["Hold."]


def test_many_threads_and_coroutines_share_one_router_without_a_refusal(shared: Router, simulator: Simulator) -> None:
    async def at_once() -> list[str]:
        return await asyncio.gather(*[TradingAgent().aask(f"question {number}") for number in range(20)])

    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(TradingAgent().ask, [f"question {number}" for number in range(20)]))
    answers += asyncio.run(at_once())
    assert all(answers)
    assert simulator.count() == 40
    assert simulator.count("groq") == 30
    assert all(each["rate_limited"] == 0 for each in simulator.summary().values())


def test_a_question_of_many_turns_is_a_chat_whose_reply_has_a_route(shared: Router, heard: Any) -> None:
    heard.answers("Hold.")
    agent = TradingAgent()
    messages: list[Any] = [{"role": "user", "content": "Buy or sell?"}]
    reply = agent.chat(messages)
    assert isinstance(reply, litellm.ModelResponse)
    assert route_of(reply).provider == "groq"
    messages += [reply.choices[0].message, {"role": "user", "content": "Why?"}]
    asyncio.run(agent.achat(messages))
    assert [each["role"] for each in heard.messages] == ["system", "user", "assistant", "user"]
    assert len(messages) == 3


def test_a_chat_that_brings_a_system_message_keeps_it(shared: Router, heard: Any) -> None:
    TradingAgent().chat([{"role": "system", "content": "Be bold."}, {"role": "user", "content": "Buy?"}])
    assert [each["content"] for each in heard.messages] == ["Be bold.", "Buy?"]


def test_an_answer_without_text_is_an_empty_string(shared: Router, simulator: Simulator) -> None:
    simulator.fault("groq", tool_call={"name": "price_of", "arguments": {"metal": "tin"}})
    tools = [{"type": "function", "function": {"name": "price_of", "parameters": {"type": "object"}}}]
    assert TradingAgent().ask("What does tin cost?", tools=tools) == ""
    reply: Any = TradingAgent().chat([{"role": "user", "content": "What does tin cost?"}], tools=tools)
    assert reply.choices[0].message.tool_calls[0].function.name == "price_of"


# What is sent.


def test_the_agents_parameters_are_sent_and_those_of_one_request_win(shared: Router, heard: Any) -> None:
    class Terse(BaseAgent):
        temperature = 0.2
        litellm_params = {"max_tokens": 30, "top_p": 0.9}  # noqa: RUF012

    Terse().ask("hello", max_tokens=5)
    sent = heard.requests[-1]
    assert (sent["temperature"], sent["max_tokens"], sent["top_p"]) == (0.2, 5, 0.9)
    assert "system" not in {each["role"] for each in heard.messages}
    Terse().ask("hello", temperature=0.0)
    assert heard.requests[-1]["temperature"] == 0.0


@pytest.mark.parametrize("provider", ["groq", "gemini", "openrouter", "together", "openai"])
def test_nothing_of_ours_reaches_a_provider(make_router: Any, simulator: Simulator, heard: Any, provider: str) -> None:
    others = {each: None for each in ("groq", "gemini", "openrouter", "together", "openai") if each != provider}
    TradingAgent(router=make_router(providers=others)).ask("hello")
    (call,) = simulator.calls(provider)
    openai_chat = {"messages", "model", "stream"}
    # Usage is what LiteLLM asks OpenRouter for.
    assert set(call.parameters) <= openai_chat | {"contents", "system_instruction"} | {"usage"}


def test_the_router_is_told_which_agent_asks(router: Router) -> None:
    seen: list[Any] = []

    class Log(CustomLogger):
        def log_pre_api_call(self, model: str, messages: Any, kwargs: dict[str, Any]) -> None:
            seen.append(kwargs["litellm_params"]["metadata"])

    theirs = {"trace": "7"}
    with callbacks_put_back():
        litellm.input_callback.append(Log())
        TradingAgent(router=router).ask("hello", metadata=theirs)
    assert (seen[0]["agent"], seen[0]["trace"]) == ("TradingAgent", "7")
    assert theirs == {"trace": "7"}


@pytest.mark.parametrize(("name", "called"), [("desk 7", "desk 7"), ("", "TradingAgent"), (7, "TradingAgent")])
def test_an_agent_with_a_name_is_called_by_it(router: Router, name: Any, called: str) -> None:
    agent = TradingAgent(router=router)
    agent.name = name  # type: ignore[attr-defined]
    agent.ask("hello")
    (decision,) = asyncio.run(router._store.decisions())
    assert decision.agent == called


def test_the_model_is_a_group_of_the_agent_or_of_one_request(make_router: Any) -> None:
    models = [{"name": "gemini-1.5-flash", "groups": ["fast"]}]
    router = make_router(providers={"gemini": {"models": models}}, aliases={"gpt-4o": "default"})

    class Fast(BaseAgent):
        model = "fast"

    def provider_of(agent: BaseAgent, **params: Any) -> str:
        return route_of(agent.chat([{"role": "user", "content": "hello"}], **params)).provider

    assert provider_of(Fast(router=router)) == "gemini"
    assert provider_of(Fast(router=router), model="gpt-4o") == "groq"
    assert provider_of(TradingAgent(router=router)) == "groq"


def test_stream_is_no_parameter(shared: Router, simulator: Simulator) -> None:
    with pytest.raises(TypeError, match=r"stream\(\)"):
        TradingAgent().ask("hello", stream=True)
    assert simulator.count() == 0


# Failures.


def test_a_provider_that_fails_is_not_the_agents_concern(shared: Router, simulator: Simulator) -> None:
    simulator.fault("groq", status=500)
    reply = TradingAgent().chat([{"role": "user", "content": "Buy or sell?"}])
    assert [attempt.provider for attempt in route_of(reply).attempts] == ["groq", "gemini"]


def test_when_nobody_can_serve_the_agent_gets_the_routers_own_error(shared: Router, simulator: Simulator) -> None:
    simulator.fault(status=500)
    agent = TradingAgent()
    with pytest.raises(NoProviderAvailable) as refused:
        agent.ask("hello")
    assert set(refused.value.verdicts) == {"groq", "gemini", "openrouter", "together", "openai"}
    with pytest.raises(NoProviderAvailable):
        list(agent.stream("hello"))
    with pytest.raises(NoProviderAvailable):
        agent.ask_for("hello", int)
    with pytest.raises(NoProviderAvailable):
        asyncio.run(agent.aask("hello"))


def test_a_request_that_is_at_fault_raises_litellms_error(shared: Router, simulator: Simulator) -> None:
    simulator.fault(status=400, body={"error": {"message": "'messages' must not be empty"}})
    with pytest.raises(BadRequestError):
        TradingAgent().ask("hello")
    assert simulator.count() == 1


# Existing classes.


class Old:
    """An agent's class as it may have been before."""

    def __init__(self, name: str) -> None:
        self.name = name


def test_an_init_that_knows_nothing_of_the_base_class_is_enough(shared: Router) -> None:
    class Agent(BaseAgent):
        def __init__(self, name: str) -> None:
            self.name, self.history, self.stream_of_news = name, ["tin"], None

    assert Agent("Ann").ask("hello")


def test_other_base_classes_get_their_arguments(router: Router) -> None:
    class Agent(BaseAgent, Old):
        pass

    class Reversed(Old, BaseAgent):
        pass

    agent = Agent("Ann", router=router)
    assert (agent.name, agent.router) == ("Ann", router)
    assert agent.ask("hello")
    reversed_agent = Reversed("Bob")
    reversed_agent.router = router
    assert reversed_agent.ask("hello")


def test_an_abstract_agent_stays_abstract(shared: Router) -> None:
    class Abstract(BaseAgent, ABC):
        @abstractmethod
        def decide(self) -> str: ...

    class Concrete(Abstract):
        def decide(self) -> str:
            return self.ask("hello")

    with pytest.raises(TypeError, match="abstract"):
        Abstract()  # type: ignore[abstract]
    assert Concrete().decide()


def test_dataclasses_are_agents(shared: Router, heard: Any) -> None:
    @dataclass
    class Plain(BaseAgent):
        market: str
        system_prompt: str = "Be brief."

    @dataclass(frozen=True, slots=True)
    class Frozen(BaseAgent):
        market: str
        model: str = "gpt-4o"

    assert Plain("tin").ask("hello")
    assert heard.messages[0] == {"role": "system", "content": "Be brief."}
    assert Frozen("tin").ask("hello")
    assert Plain("tin") == Plain("tin")
    assert Frozen("tin") in {Frozen("tin")}


def test_a_pydantic_model_is_an_agent(shared: Router) -> None:
    class First(BaseAgent, BaseModel):
        market: str

    class Last(BaseModel, BaseAgent):
        market: str

    assert First(market="tin").ask("hello")
    assert Last(market="tin").ask("hello")
    assert "router" not in First.model_fields


def test_slots_that_were_never_filled_count_as_not_set(shared: Router, heard: Any) -> None:
    class Agent(BaseAgent):
        __slots__ = ("litellm_params", "model", "router", "system_prompt", "temperature")

    assert Agent().ask("hello")
    assert [each["role"] for each in heard.messages] == ["user"]


def test_a_subclass_may_use_the_names_of_the_methods_for_itself(shared: Router, heard: Any) -> None:
    class Agent(BaseAgent):
        chat = "a chat room's name"  # type: ignore[assignment]
        stream = True  # type: ignore[assignment]

        def ask(self, prompt: str, **litellm_params: Any) -> str:
            return super().ask(prompt.upper(), **litellm_params)

    heard.answers('{"value": 3}')
    assert Agent().ask("hello") == '{"value": 3}'
    assert heard.messages[-1]["content"] == "HELLO"
    assert Agent().ask_for("how many?", int) == 3


def test_agents_can_be_copied_and_pickled() -> None:
    agent = TradingAgent()
    agent.model = "fast"
    assert copy.deepcopy(agent).model == "fast"
    assert pickle.loads(pickle.dumps(agent)).model == "fast"
