"""`hedge`: a second provider is asked beside one that is late; the first answer counts, and both are settled."""

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rig import MakeRouter, message, refusals

from router_config import NoProviderAvailable, Router
from router_config.deployments.speed import Speed
from router_config.routing.latency.budget import Budget
from router_config.routing.request import route_of
from router_config.simulator import Simulator

LATE: dict[str, Any] = {"latency_ms": 20_000}
PROVIDERS: dict[str, Any] = {
    "openrouter": None,
    "together": None,
    "openai": None,
    "groq": {"models": ["llama-3.3-70b-versatile"]},
    "gemini": {"models": ["gemini-2.5-pro"]},
}


def rules(**hedge: Any) -> dict[str, Any]:
    return {
        "groups": {"default": {"hedge": {"after": "300ms", "at_most": "100%", **hedge}}},
        "providers": {**PROVIDERS},
    }


def attempts(reply: Any) -> list[tuple[str, str]]:
    return [(each.provider, each.outcome) for each in route_of(reply).attempts]


def provider(router: Router, name: str) -> dict[str, Any]:
    return next(each for each in router.status()["providers"] if each["name"] == name)


def hedges(router: Router) -> dict[str, int]:
    counted = asyncio.run(router.areading()).totals.counted
    kinds = ("hedge_won", "hedge_lost", "hedge_failed")
    return {each.kind: times for each, times in counted.items() if each.kind in kinds}


def ask(router: Router, **kwargs: Any) -> Any:
    return router.completion(model="default", messages=message(), **kwargs)


def warm(router: Router) -> None:
    """LiteLLM's own first requests take long: both providers are asked once, none is hedged."""
    for name in ("groq", "gemini"):
        deployment = next(each for each in router.catalog.deployments.values() if each.provider == name)
        router.completion(model=deployment.id, messages=message())
        list(router.completion(model=deployment.id, messages=message(), stream=True))


@pytest.fixture
def make(make_router: MakeRouter) -> Callable[..., Router]:
    def made(**changes: Any) -> Router:
        router = make_router(**changes)
        warm(router)
        return router

    return made


def test_a_late_answer_is_overtaken_by_that_of_another_provider_and_both_are_settled(
    make: Callable[..., Router], simulator: Simulator
) -> None:
    router = make(**rules())
    used = provider(router, "groq")["limits"]["rpm"]["used"]
    simulator.fault("groq", times=1, **LATE)
    reply = ask(router)
    assert reply.choices[0].message.content
    assert attempts(reply) == [("groq", "hedged"), ("gemini", "ok")]
    groq = provider(router, "groq")
    assert (groq["limits"]["rpm"]["used"], groq["limits"]["rpm"]["reserved"]) == (used + 1, 0)
    assert groq["limits"]["tpd"]["reserved"] == 0
    assert groq["status"] == "available"
    assert hedges(router) == {"hedge_won": 1}
    decision = asyncio.run(router.adecision_log(last=1))["decisions"][0]
    assert [each["outcome"] for each in decision["attempts"]] == ["hedged", "ok"]
    assert (decision["provider"], decision["outcome"]) == ("gemini", "ok")
    assert refusals(simulator) == 0


def test_the_tokens_of_a_loser_are_counted_as_reserved(make: Callable[..., Router], simulator: Simulator) -> None:
    router = make(**rules())
    before = provider(router, "groq")["limits"]["tpd"]["used"]
    simulator.fault("groq", times=1, **LATE)
    ask(router, max_tokens=300)
    assert provider(router, "groq")["limits"]["tpd"]["used"] - before >= 300


def test_the_first_may_still_win(make: Callable[..., Router], simulator: Simulator) -> None:
    router = make(**rules())
    simulator.fault("groq", times=1, latency_ms=1200)
    simulator.fault("gemini", **LATE)
    assert attempts(ask(router)) == [("gemini", "hedged"), ("groq", "ok")]
    assert hedges(router) == {"hedge_lost": 1}
    assert provider(router, "gemini")["limits"]["rpm"]["reserved"] == 0


@pytest.mark.parametrize("call", ["completion", "responses"])
def test_a_stream_is_hedged_by_its_first_token(make: Callable[..., Router], simulator: Simulator, call: str) -> None:
    router = make(**rules())
    simulator.fault("groq", **LATE)
    asked = {"messages": message()} if call == "completion" else {"input": "Buy?"}
    stream = getattr(router, call)(model="default", stream=True, **asked)
    assert attempts(stream) == [("groq", "hedged"), ("gemini", "ok")]
    assert len(list(stream)) > 1
    assert provider(router, "groq")["limits"]["rpm"]["reserved"] == 0
    assert provider(router, "gemini")["limits"]["rpm"]["reserved"] == 0


def test_a_stream_that_has_begun_is_not_hedged(make: Callable[..., Router], simulator: Simulator) -> None:
    router = make(**rules())
    simulator.fault(
        "groq", parts=[{"events": [0, 3]}, {"text": ": ping\n\n", "repeat": 6, "every_ms": 100}, {"events": [3, None]}]
    )
    stream = ask(router, stream=True)
    assert attempts(stream) == [("groq", "ok")]
    list(stream)
    assert hedges(router) == {}


def test_where_the_first_fails_the_second_goes_on_alone(make: Callable[..., Router], simulator: Simulator) -> None:
    router = make(**rules())
    simulator.fault("groq", status=500, latency_ms=800)
    simulator.fault("gemini", latency_ms=1200)
    assert attempts(ask(router)) == [("groq", "server_error"), ("gemini", "ok")]
    assert hedges(router) == {"hedge_won": 1}


def test_where_the_second_fails_the_first_is_waited_for(make: Callable[..., Router], simulator: Simulator) -> None:
    router = make(**rules())
    simulator.fault("groq", latency_ms=1200)
    simulator.fault("gemini", status=500)
    assert attempts(ask(router)) == [("gemini", "server_error"), ("groq", "ok")]
    assert hedges(router) == {"hedge_failed": 1}


def test_where_both_fail_the_request_fails_once(make: Callable[..., Router], simulator: Simulator) -> None:
    router = make(**rules())
    simulator.fault("groq", status=500, latency_ms=800)
    simulator.fault("gemini", status=500, latency_ms=600)
    with pytest.raises(NoProviderAvailable) as caught:
        ask(router)
    assert {each.provider for each in caught.value.attempts} == {"groq", "gemini"}
    decisions = asyncio.run(router.adecision_log(last=10))["decisions"]
    assert [each["outcome"] for each in decisions].count("refused") == 1


def test_a_request_that_both_find_malformed_leaves_one_decision(
    make: Callable[..., Router], simulator: Simulator
) -> None:
    router = make(**rules())
    before = len(asyncio.run(router.adecision_log(last=50))["decisions"])
    for name in ("groq", "gemini"):
        simulator.fault(
            name,
            status=400,
            latency_ms=600,
            body={"error": {"message": "messages: invalid role", "type": "invalid_request_error"}},
        )
    with pytest.raises(Exception):  # noqa: B017, PT011
        ask(router)
    assert len(asyncio.run(router.adecision_log(last=50))["decisions"]) == before + 1


def test_nobody_is_hedged_before_enough_is_known_and_then_by_the_quantile_of_its_own_times(
    make: Callable[..., Router], simulator: Simulator
) -> None:
    router = make(**rules(after="p95"))
    simulator.fault("groq", times=1, latency_ms=700)
    assert attempts(ask(router)) == [("groq", "ok")]
    deployment = next(each for each in router.catalog.deployments.values() if each.provider == "groq")
    router._measurements.speeds.of(deployment).answers.extend([0.3] * 30)
    simulator.fault("groq", times=1, **LATE)
    assert attempts(ask(router)) == [("groq", "hedged"), ("gemini", "ok")]


def test_no_more_than_the_share_is_hedged(make: Callable[..., Router], simulator: Simulator) -> None:
    router = make(**rules(at_most="25%"))
    simulator.fault("groq", latency_ms=600)
    outcomes = [attempts(ask(router))[0][1] for _ in range(9)]
    assert outcomes.count("hedged") == 2


def test_nobody_past_its_soft_limit_is_asked_beside(make: Callable[..., Router], simulator: Simulator) -> None:
    changes = rules()
    changes["providers"]["gemini"] = {**PROVIDERS["gemini"], "limits": {"rpd": 100}}
    router = make(**changes, defaults={"soft_limit": "1%"})
    simulator.fault("groq", latency_ms=800)
    assert attempts(ask(router)) == [("groq", "ok")]


@pytest.mark.parametrize(("paid", "outcome"), [(False, "ok"), (True, "hedged")])
def test_one_that_costs_money_is_asked_beside_a_free_one_only_if_the_group_says_so(
    make: Callable[..., Router], simulator: Simulator, paid: bool, outcome: str
) -> None:
    changes = rules(paid=paid)
    changes["providers"]["gemini"] = {**PROVIDERS["gemini"], "tier": "paid"}
    router = make(**changes)
    simulator.fault("groq", latency_ms=1500)
    assert attempts(ask(router))[0] == ("groq", outcome)


def test_another_model_of_the_same_provider_is_no_hedge(make_router: MakeRouter, simulator: Simulator) -> None:
    changes = rules()
    changes["providers"] |= {"groq": {"models": ["llama-3.3-70b-versatile", "other"]}, "gemini": None}
    router = make_router(**changes)
    simulator.fault("groq", latency_ms=800)
    assert attempts(ask(router)) == [("groq", "ok")]


def test_without_the_rule_nobody_is_asked_beside(make: Callable[..., Router], simulator: Simulator) -> None:
    router = make(providers=PROVIDERS)
    simulator.fault("groq", latency_ms=800)
    assert attempts(ask(router)) == [("groq", "ok")]
    assert simulator.count("gemini") == 2


def test_a_caller_that_gives_up_ends_both_and_leaves_nothing_behind(
    make: Callable[..., Router], simulator: Simulator
) -> None:
    router = make(**rules())
    simulator.fault(**LATE)

    async def cancelled(times: int, *, stream: bool) -> int:
        before = len(asyncio.all_tasks())
        for _ in range(times):
            calls = [
                asyncio.ensure_future(router.acompletion(model="default", messages=message(), stream=stream))
                for _ in range(5)
            ]
            await asyncio.wait(calls, timeout=0.6)
            for each in calls:
                each.cancel()
            assert all(
                isinstance(each, asyncio.CancelledError)
                for each in await asyncio.gather(*calls, return_exceptions=True)
            )
        gc.collect()
        return len(asyncio.all_tasks()) - before

    assert asyncio.run(cancelled(3, stream=False)) == 0
    assert asyncio.run(cancelled(3, stream=True)) == 0
    for name in ("groq", "gemini"):
        limits = provider(router, name)["limits"]
        assert (limits["rpm"]["reserved"], limits["tpd"]["reserved"]) == (0, 0)
        assert provider(router, name)["status"] in ("available", "rate_limited")
    decisions = asyncio.run(router.adecision_log(last=30))["decisions"]
    assert [each["outcome"] for each in decisions].count("cancelled") == 30
    assert ["hedged", "cancelled"] in [[each["outcome"] for each in one["attempts"]] for one in decisions]


def test_stalls_do_not_set_the_mark_by_which_they_are_late() -> None:
    speed = Speed()
    speed.answers.extend([1.0] * 80 + [2.0] * 4 + [30.0] * 16)
    assert speed.late_after(0.95, streamed=False) == 1.0
    assert speed.late_after(0.99, streamed=False) == 2.0
    assert speed.late_after(0.95, streamed=True) is None


@given(st.floats(0.0, 1.0), st.lists(st.booleans(), max_size=300))
def test_the_budget_is_never_exceeded_nor_saved_up_for_a_burst(share: float, late: list[bool]) -> None:
    budget, taken = Budget(), list[bool]()
    for wants in late:
        budget.request(share)
        taken.append(wants and budget.take())
    assert sum(taken) <= share * len(taken) + 1e-6
    for start in range(0, len(taken), 7):
        for end in range(start + 1, len(taken), 5):
            assert sum(taken[start:end]) <= share * (end - start) + 3 + 1e-6
