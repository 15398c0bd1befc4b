"""What the router writes down of each request: who asked, what was tried, what was skipped, how it ended."""

import asyncio
from typing import Any

import pytest
from rig import MakeRouter, message

from router_config import NoProviderAvailable, Router
from router_config.clock import VirtualClock
from router_config.ledger.rules.decisions import SKIPPED_KEPT, Decision, SkippedModel
from router_config.simulator import Simulator
from router_config.status.history import decision_document


def ask(router: Router, **params: Any) -> Any:
    return router.completion(**{"model": "default", "messages": message(), **params})


def decisions(router: Router) -> tuple[Decision, ...]:
    found = router._background.run(router._store.decisions())
    assert isinstance(found, tuple)
    return found


def only(router: Router) -> Decision:
    (decision,) = decisions(router)
    return decision


def test_an_answer(make_router: MakeRouter) -> None:
    router = make_router()
    reply = ask(router, metadata={"agent": "trader"})
    decision = only(router)
    assert (decision.number, decision.agent, decision.group) == (1, "trader", "default")
    assert (decision.provider, decision.model, decision.outcome) == ("groq", "llama-3.3-70b-versatile", "ok")
    assert decision.tokens == reply.usage.total_tokens
    assert [(each.provider, each.outcome) for each in decision.attempts] == [("groq", "ok")]
    assert (decision.skipped, decision.error) == ((), None)


def test_an_answer_and_a_refusal_tell_the_class_of_the_agent(make_router: MakeRouter) -> None:
    classes = {"trader": {"agents": ["TradingAgent"]}, "batch": {"providers": ["groq"]}}
    others = dict.fromkeys(("gemini", "openrouter", "together", "openai"))
    router = make_router(classes=classes, providers={"groq": {"limits": {"rpm": 1}}, **others})
    ask(router, metadata={"agent": "TradingAgent"})
    for agent in ("batch", "somebody"):
        with pytest.raises(NoProviderAvailable):
            ask(router, metadata={"agent": agent})
    assert [each.agent_class for each in decisions(router)] == ["default", "batch", "trader"]
    assert [each.get("class") for each in map(decision_document, decisions(router))] == ["default", "batch", "trader"]


def test_where_there_are_no_classes_a_decision_has_none(make_router: MakeRouter) -> None:
    router = make_router()
    ask(router)
    assert only(router).agent_class is None
    assert "class" not in decision_document(only(router))


def test_a_failover_tells_every_attempt(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router()
    simulator.fault("groq", status=500, times=1)
    ask(router)
    decision = only(router)
    assert [(each.provider, each.outcome) for each in decision.attempts] == [("groq", "server_error"), ("gemini", "ok")]
    assert (decision.agent, decision.provider, decision.outcome) == (None, "gemini", "ok")


def test_what_was_passed_over_is_told_with_its_status(make_router: MakeRouter) -> None:
    router = make_router(providers={"groq": {"limits": {"rpm": 1}}})
    for _ in range(2):
        ask(router)
    assert decisions(router)[0].skipped == (
        SkippedModel("groq", "llama-3.3-70b-versatile", "rate_limited"),
        SkippedModel("groq", "mixtral-8x7b-32768", "rate_limited"),
    )


def test_of_many_passed_over_the_first_are_told(make_router: MakeRouter) -> None:
    models = [f"model-{number}" for number in range(SKIPPED_KEPT + 5)]
    router = make_router(providers={"groq": {"limits": {"rpm": 0}, "models": models}})
    ask(router)
    assert [each.model for each in only(router).skipped] == models[:SKIPPED_KEPT]


def test_a_refusal_is_told_with_when_to_try_again(make_router: MakeRouter) -> None:
    others = dict.fromkeys(("gemini", "openrouter", "together", "openai"))
    router = make_router(providers={"groq": {"limits": {"rpm": 1}}, **others})
    ask(router)
    with pytest.raises(NoProviderAvailable):
        ask(router)
    decision = decisions(router)[0]
    assert (decision.outcome, decision.provider, decision.attempts, decision.tokens) == ("refused", None, (), None)
    assert {each.status for each in decision.skipped} == {"rate_limited"}
    assert decision.error is not None
    assert decision.error.startswith("no provider can serve it now; try again in 6")


def test_a_request_at_fault_is_told_as_what_it_is(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router()
    simulator.fault("groq", status=400, times=1, body={"error": {"message": "messages is empty; temperature too high"}})
    with pytest.raises(Exception, match="temperature"):
        ask(router)
    decision = only(router)
    assert (decision.outcome, decision.provider) == ("bad_request", None)
    assert [(each.provider, each.outcome) for each in decision.attempts] == [("groq", "bad_request")]
    assert decision.error is not None
    assert "temperature too high" in decision.error


def test_a_stream_is_told_when_it_has_ended(make_router: MakeRouter, clock: VirtualClock) -> None:
    router = make_router()
    stream = ask(router, stream=True)
    assert decisions(router) == ()
    clock.advance(3)
    for _ in stream:
        pass
    decision = only(router)
    assert (decision.outcome, decision.provider, decision.seconds) == ("ok", "groq", 3.0)
    assert decision.tokens is not None
    assert [(each.provider, each.outcome) for each in decision.attempts] == [("groq", "ok")]


def test_a_stream_that_its_reader_leaves_is_cancelled(make_router: MakeRouter) -> None:
    router = make_router()
    stream = ask(router, stream=True)
    next(stream)
    stream.close()
    decision = only(router)
    assert (decision.outcome, decision.provider, decision.tokens) == ("cancelled", "groq", None)


def test_a_stream_that_breaks_after_its_beginning_failed(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router()
    simulator.fault("groq", cut=2, times=1)
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever LiteLLM makes of it
        for _ in ask(router, stream=True):
            pass
    decision = only(router)
    assert decision.provider is None
    assert [(each.provider, each.outcome) for each in decision.attempts] == [("groq", decision.outcome)]
    assert decision.outcome in ("connection", "timeout")


def test_a_cancelled_request_is_told(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router()
    simulator.fault("groq", timeout=True, times=1)

    async def story() -> None:
        asked = asyncio.create_task(router.acompletion(model="default", messages=message()))
        while simulator.count() == 0:
            await asyncio.sleep(0.01)
        asked.cancel()
        await asyncio.wait({asked})
        (decision,) = await router._store.decisions()
        assert (decision.outcome, decision.provider, decision.error) == ("cancelled", None, None)
        assert [(each.provider, each.outcome) for each in decision.attempts] == [("groq", "cancelled")]

    asyncio.run(story())


def test_one_who_leaves_the_line_is_told(make_router: MakeRouter) -> None:
    others = dict.fromkeys(("gemini", "openrouter", "together", "openai"))
    router = make_router(providers={"groq": {"limits": {"rpm": 1}}, **others})

    async def story() -> None:
        await router.acompletion(model="default", messages=message())
        asked = asyncio.create_task(router.acompletion(model="default", messages=message(), max_wait=100))
        line = router._reservations._lines["default"]
        while not line:
            await asyncio.sleep(0)
        asked.cancel()
        await asyncio.wait({asked})
        decision = (await router._store.decisions())[0]
        assert (decision.outcome, decision.attempts) == ("cancelled", ())
        assert {each.status for each in decision.skipped} == {"rate_limited"}

    asyncio.run(story())


def test_a_request_that_litellm_itself_refuses_is_told_without_its_content(make_router: MakeRouter) -> None:
    router = make_router(providers=dict.fromkeys(("gemini", "openrouter", "together", "openai")))
    with pytest.raises(Exception):  # noqa: B017, PT011 - LiteLLM's own
        ask(router, messages=message("my secret plan"), thinking={"type": "enabled"}, logit_bias={"1": 1})
    decision = only(router)
    assert decision.outcome == "bad_request"
    assert "secret plan" not in str(decision)


def test_the_agents_name_does_not_reach_the_provider(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router()
    ask(router, metadata={"agent": "trader-of-this-test", "mine": "kept"})
    (call,) = simulator.calls("groq")
    assert "metadata" not in call.parameters
