"""What a caller of the Router relies on, over HTTP against the simulated providers."""

import asyncio
import inspect
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import litellm
import pytest
from litellm.exceptions import BadRequestError
from litellm.router import Router as LiteLLMRouter
from litellm.types.router import Deployment
from rig import NOON, MakeRouter, all_sleep, message, refusals

import router_config
from router_config import NoProviderAvailable, Router, route_of
from router_config.clock import VirtualClock
from router_config.simulator import Simulator
from router_config.transport import endpoints

pytestmark = pytest.mark.contract

ALONE: dict[str, Any] = {"gemini": None, "openrouter": None, "together": None, "openai": None}
"""Leaves groq as the only provider."""


def ask(router: Router, model: str = "default", **kwargs: Any) -> str:
    return route_of(router.completion(model=model, messages=message(), **kwargs)).provider


def test_it_is_a_litellm_router(make_router: MakeRouter) -> None:
    assert isinstance(make_router(), LiteLLMRouter)


def test_the_shipped_file_makes_one_without_a_word_of_litellms(
    simulator: Simulator,
    clock: VirtualClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)  # Where the shipped file keeps its state.
    monkeypatch.setattr(logging.getLogger("LiteLLM"), "propagate", True)
    shipped = Path(__file__).parent.parent / "litellm.yaml"
    Router.from_yaml(shipped, env=simulator.env(), clock=clock).close()
    assert caplog.text == ""


TAKEN_OVER = {
    "acompletion": "model messages stream kwargs",
    "completion": "model messages kwargs",
    "text_completion": "model prompt _ kwargs",
    "embedding": "model input _ kwargs",
    "set_model_list": "model_list",
    "add_deployment": "deployment",
    "upsert_deployment": "deployment",
    "delete_deployment": "id",
    "update_settings": "settings",
    "apply": "changes",
    "aapply": "changes",
    "get_available_deployment": "model _ request_kwargs __",
    "async_get_available_deployment": "model request_kwargs _ __",
    "get_model_from_alias": "model",
}


@pytest.mark.parametrize("name", TAKEN_OVER)
def test_a_method_of_litellms_router_that_is_ours_is_there_and_not_litellms(make_router: MakeRouter, name: str) -> None:
    """One that was lost would be answered by the Router that ours holds, past every limit."""
    method = inspect.getattr_static(make_router(), name, None)
    assert inspect.isfunction(method)
    assert method.__module__.startswith("router_config.")
    assert " ".join(inspect.signature(method).parameters) == f"self {TAKEN_OVER[name]}"


@pytest.mark.parametrize("name", [*endpoints.POSITIONAL, *endpoints.SYNCHRONOUS])
def test_an_endpoint_is_ours_and_asks_a_function_that_litellm_has(make_router: MakeRouter, name: str) -> None:
    router = make_router()
    served = getattr(router, name)
    assert getattr(served, "func", served).__self__ is router
    assert callable(endpoints.function(endpoints.SYNCHRONOUS.get(name, name)))


@pytest.mark.parametrize("model", ["default", "gpt-4o", "whatever-an-agent-asks-for"])
def test_an_alias_is_served_by_its_group(make_router: MakeRouter, model: str) -> None:
    assert ask(make_router(), model) == "groq"


def test_without_a_wildcard_an_unknown_model_is_litellms_bad_request(make_router: MakeRouter) -> None:
    router = make_router(aliases={"gpt-4o": "default"})
    assert ask(router, "gpt-4o") == "groq"
    with pytest.raises(BadRequestError, match="no-such-model"):
        ask(router, "no-such-model")


def test_a_deployment_can_be_asked_for_by_its_id(make_router: MakeRouter) -> None:
    assert ask(make_router(), "gemini/gemini-2.5-pro#1") == "gemini"


def test_groups_are_served_by_the_models_that_name_them(make_router: MakeRouter) -> None:
    models = ["gemini-1.5-flash", {"name": "gemini-2.5-pro", "groups": ["default", "smart"]}]
    router = make_router(providers={"gemini": {"models": models}})
    assert route_of(router.completion(model="smart", messages=message())).model == "gemini-2.5-pro"
    assert router.status()["providers"][1]["limits"]["rpm"]["used"] == 1


def test_nothing_of_ours_reaches_the_provider(make_router: MakeRouter, simulator: Simulator) -> None:
    simulator.set_options(keep_bodies=True)
    router = make_router(
        providers={
            "groq": {"models": [{"name": "llama", "limits": {"tpm": "9k"}, "litellm_params": {"temperature": 0.2}}]}
        }
    )
    router.completion(model="default", messages=message(), metadata={"agent": "trader"}, max_wait=0)
    (call,) = simulator.calls("groq")
    assert set(call.body or ()) <= {"model", "messages", "temperature", "stream"}
    assert call.body is not None
    assert call.body["temperature"] == 0.2


def test_a_pool_of_keys_has_the_room_of_all_of_them(simulator: Simulator, clock: VirtualClock, tmp_path: Path) -> None:
    path = tmp_path / "litellm.yaml"
    path.write_text(
        f"""
version: 1
state: memory://
providers:
  groq:
    priority: 1
    tier: free
    api_base: {simulator.api_base("groq")}
    api_key: [os.environ/GROQ_ONE, os.environ/GROQ_TWO]
    limits: {{rpm: 5}}
    models: [llama]
"""
    )
    env = {"GROQ_ONE": "key-one", "GROQ_TWO": "key-two"}
    router = Router.from_yaml(path, env=env, clock=clock)
    simulator.set_limits({"groq": {"rpm": 5}})
    try:
        assert [ask(router) for _ in range(10)] == ["groq"] * 10
        assert Counter(call.key for call in simulator.calls("groq")) == {"groq#1": 5, "groq#2": 5}
        with pytest.raises(NoProviderAvailable):
            ask(router)
        assert refusals(simulator) == 0
    finally:
        router.close()


def test_a_shared_pool_counts_as_one_account(simulator: Simulator, clock: VirtualClock, tmp_path: Path) -> None:
    path = tmp_path / "litellm.yaml"
    path.write_text(
        f"""
version: 1
state: memory://
providers:
  groq:
    priority: 1
    tier: free
    pool: shared
    api_base: {simulator.api_base("groq")}
    api_key: [os.environ/GROQ_ONE, os.environ/GROQ_TWO]
    limits: {{rpm: 5}}
    models: [llama]
"""
    )
    router = Router.from_yaml(path, env={"GROQ_ONE": "key-one", "GROQ_TWO": "key-two"}, clock=clock)
    try:
        for _ in range(5):
            ask(router)
        with pytest.raises(NoProviderAvailable):
            ask(router)
    finally:
        router.close()


def test_equal_priorities_share_the_load_by_the_room_they_have_left(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    router = make_router(
        providers={"gemini": {"priority": 1}, "openrouter": None, "together": None, "openai": None},
    )
    asked = Counter(ask(router) for _ in range(60))
    assert 10 <= asked["groq"] <= 30  # Expected: 20, for their limits are 30 and 60 a minute.
    assert asked["groq"] + asked["gemini"] == 60
    assert refusals(simulator) == 0


def test_a_bad_key_is_disabled_and_the_other_keys_go_on(
    simulator: Simulator, clock: VirtualClock, tmp_path: Path
) -> None:
    path = tmp_path / "litellm.yaml"
    path.write_text(
        f"""
version: 1
state: memory://
providers:
  groq:
    priority: 1
    tier: free
    api_base: {simulator.api_base("groq")}
    api_key: [os.environ/GROQ_ONE, os.environ/GROQ_TWO]
    models: [llama]
"""
    )
    simulator.set_keys("groq", bad=["key-one"])
    router = Router.from_yaml(path, env={"GROQ_ONE": "key-one", "GROQ_TWO": "key-two"}, clock=clock)
    try:
        assert [ask(router) for _ in range(20)] == ["groq"] * 20
        assert sum(call.status == 401 for call in simulator.calls("groq")) <= 1
        assert "key-one" not in str(router.status())
    finally:
        router.close()


def test_a_retired_model_is_disabled_and_the_providers_next_one_serves(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    simulator.set_options(retired={"groq": ["llama-3.3-70b-versatile"]})
    router = make_router()
    models = [route_of(router.completion(model="default", messages=message())).model for _ in range(3)]
    assert models == ["mixtral-8x7b-32768"] * 3
    assert simulator.count("groq") == 4
    statuses = {each["name"]: each["status"] for each in router.status()["providers"][0]["models"]}
    assert statuses == {"llama-3.3-70b-versatile": "disabled", "mixtral-8x7b-32768": "available"}


def test_a_request_that_is_itself_at_fault_is_raised_at_once(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router()
    simulator.fault(
        "groq", status=400, body={"error": {"message": "'messages' must not be empty", "type": "invalid_request_error"}}
    )
    with pytest.raises(BadRequestError):
        ask(router)
    assert [simulator.count(name) for name in ("groq", "gemini")] == [1, 0]
    simulator.clear()
    assert ask(router) == "groq"


def test_a_minute_limit_of_the_provider_rests_that_model_and_is_no_cooldown(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router(providers={"groq": {"models": ["llama"]}})
    simulator.fault("groq", fixture="tpm", times=1)
    assert ask(router) == "gemini"
    assert ask(router) == "gemini"
    assert simulator.count("groq") == 1
    clock.advance(61)
    assert ask(router) == "groq"


def test_a_request_may_wait_for_the_first_room_in_the_order_of_arrival(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router(providers={"groq": {"limits": {"rpm": 2}}, **ALONE})
    simulator.set_limits({"groq": {"rpm": 2, "strict_rolling": True}})

    async def main() -> None:
        calls = [
            asyncio.create_task(router.acompletion(model="default", messages=message(str(number)), max_wait=200))
            for number in range(6)
        ]
        while waiting := [call for call in calls if not call.done()]:
            await asyncio.sleep(0.001)
            if await all_sleep(clock, waiting):
                clock.set(clock.wakes[0])
        await asyncio.gather(*calls)

    asyncio.run(main())
    assert simulator.count("groq") == 6
    assert refusals(simulator) == 0
    assert 120 < clock.now() - NOON < 130


def test_retry_after_is_when_a_caller_who_comes_back_is_served(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router(providers=ALONE)
    for _ in range(30):
        ask(router)
        clock.advance(0.5)
    with pytest.raises(NoProviderAvailable) as raised:
        ask(router)
    assert raised.value.retry_after == pytest.approx(45, abs=1)
    assert raised.value.retry_after is not None
    clock.advance(raised.value.retry_after)
    assert ask(router) == "groq"
    assert refusals(simulator) == 0


def test_a_provider_without_its_key_is_listed_and_skipped(
    simulator: Simulator, make_router: MakeRouter, clock: VirtualClock, tmp_path: Path
) -> None:
    make_router().close()
    env = {name: value for name, value in simulator.env().items() if name != "GROQ_API_KEY"}
    router = Router.from_yaml(tmp_path / "litellm.yaml", env=env, clock=clock)
    try:
        assert ask(router) == "gemini"
        groq = router.status()["providers"][0]
        assert (groq["name"], groq["status"]) == ("groq", "unconfigured")
        assert "GROQ_API_KEY" in groq["reason"]
    finally:
        router.close()


def test_no_key_at_all_is_an_error_that_says_what_to_do(
    make_router: MakeRouter, clock: VirtualClock, tmp_path: Path
) -> None:
    make_router().close()
    router = Router.from_yaml(tmp_path / "litellm.yaml", env={}, clock=clock)
    try:
        with pytest.raises(NoProviderAvailable, match="router-config env") as raised:
            ask(router)
        assert set(raised.value.verdicts) == {"groq", "gemini", "openrouter", "together", "openai"}
        assert raised.value.retry_after is None
    finally:
        router.close()


def test_it_takes_what_litellm_router_takes(simulator: Simulator, clock: VirtualClock) -> None:
    def entry(name: str, order: int) -> dict[str, Any]:
        params = {
            "model": f"{name}/some-model",
            "api_key": "k",
            "api_base": simulator.api_base(name),
            "order": order,
            "rpm": 3,
        }
        return {"model_name": "chat", "litellm_params": params}

    router = Router(model_list=[entry("openrouter", 2), entry("groq", 1)], clock=clock)
    try:
        assert [ask(router, "chat") for _ in range(6)] == ["groq"] * 3 + ["openrouter"] * 3
        with pytest.raises(NoProviderAvailable):
            ask(router, "chat")
    finally:
        router.close()


def test_limits_in_model_info_hold_and_deployments_added_later_take_part(
    simulator: Simulator, clock: VirtualClock
) -> None:
    def entry(name: str, **info: Any) -> dict[str, Any]:
        params = {"model": f"{name}/some-model", "api_key": "k", "api_base": simulator.api_base(name)}
        return {"model_name": "chat", "litellm_params": params, "model_info": info}

    router = Router(model_list=[entry("groq", id="a", priority=1, rpm=2)], clock=clock)
    try:
        assert [ask(router, "chat") for _ in range(2)] == ["groq"] * 2
        router.add_deployment(Deployment(**entry("gemini", id="b", priority=2, limits={"rpm": 1})))
        assert ask(router, "chat") == "gemini"
        with pytest.raises(NoProviderAvailable):
            ask(router, "chat")
    finally:
        router.close()


def test_embeddings_and_text_completions_are_routed_and_counted(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router(providers={"groq": None, "gemini": None, "openrouter": None, "together": None})
    embedding = router.embedding(model="default", input=["hello", "world"])
    assert len(embedding.data) == 2
    text = router.text_completion(model="default", prompt="Once upon")
    assert route_of(embedding).provider == "openai"
    assert text.choices
    assert router.status()["providers"][0]["limits"]["rpm"]["used"] == simulator.summary()["openai"]["requests"] == 2


def test_tools_work_and_their_calls_come_back(make_router: MakeRouter, simulator: Simulator) -> None:
    tool = {"type": "function", "function": {"name": "price", "parameters": {"type": "object", "properties": {}}}}
    simulator.fault("*", tool_call=True)
    reply = make_router().completion(model="default", messages=message(), tools=[tool])
    assert reply.choices[0].message.tool_calls[0].function.name == "price"


def test_callers_on_an_event_loop_may_use_synchronous_methods(make_router: MakeRouter) -> None:
    router = make_router()

    async def main() -> str:
        return ask(router)

    assert asyncio.run(main()) == "groq"


def test_callbacks_see_the_deployment_and_the_callers_metadata(
    make_router: MakeRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, Any]] = []

    async def on_success(kwargs: dict[str, Any], response: Any, start: Any, end: Any) -> None:
        seen.append(kwargs["litellm_params"]["metadata"])

    monkeypatch.setattr(litellm, "success_callback", [on_success])
    router = make_router()

    async def main() -> None:
        await router.acompletion(model="default", messages=message(), metadata={"agent": "trader"})
        while not seen:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(main(), 10))
    assert seen[0]["agent"] == "trader"
    assert seen[0]["model_info"]["id"] == "groq/llama-3.3-70b-versatile#1"


def test_a_reply_of_another_router_has_no_route() -> None:
    with pytest.raises(ValueError, match="router_config"):
        route_of(object())


def test_public_names_are_there_without_litellm() -> None:
    assert set(router_config.__all__) >= {
        "Config",
        "ConfigError",
        "NoProviderAvailable",
        "Router",
        "load_config",
        "route_of",
    }


def test_a_key_that_a_provider_echoes_does_not_reach_the_caller(make_router: MakeRouter, simulator: Simulator) -> None:
    key = simulator.env()["GROQ_API_KEY"]
    router = make_router(providers=ALONE)
    simulator.fault("groq", status=400, body={"error": {"message": f"no such parameter; your key was {key}"}})
    with pytest.raises(BadRequestError) as raised:
        ask(router)
    assert "no such parameter" in str(raised.value)
    assert key not in f"{raised.value} {raised.value!r} {raised.value.__cause__} {raised.value.__context__}"


def test_nothing_that_litellm_prints_reaches_users(
    make_router: MakeRouter, simulator: Simulator, capfd: pytest.CaptureFixture[str]
) -> None:
    router = make_router()
    simulator.fault("*", status=500, times=2)
    ask(router)
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""
