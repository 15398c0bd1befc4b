"""Providers outside the five: however LiteLLM reaches them, an attempt is one request, and its answer read as sent."""

from collections.abc import Callable
from typing import Any

import openai
import pytest
from rig import MODELS, MakeRouter, message

from router_config import Router, route_of
from router_config.clock import VirtualClock
from router_config.simulator import Simulator
from router_config.transport import client_lookup, clients

pytestmark = pytest.mark.contract

BY_HANDLER = ["deepseek", "fireworks_ai", "hosted_vllm", "mistral", "xai"]
BY_SDK = ["cerebras", "deepinfra", "litellm_proxy", "lm_studio", "nvidia_nim", "sambanova"]
FAILURES: dict[str, tuple[dict[str, Any], str, str]] = {
    "minute limit": ({"fixture": "rpm"}, "rate_limit", "rate_limited"),
    "no credit": ({"fixture": "insufficient_quota"}, "quota_gone", "exhausted"),
    "bad key": ({"fixture": "badkey401"}, "bad_key", "disabled"),
    "model gone": ({"fixture": "notfound404"}, "model_gone", "disabled"),
    "overload": ({"fixture": "overload503"}, "overloaded", "cooldown"),
    "failure": ({"fixture": "500"}, "server_error", "cooldown"),
    "reset": ({"reset": True}, "connection", "cooldown"),
}


@pytest.fixture
def make(make_router: MakeRouter, simulator: Simulator) -> Callable[..., Router]:
    """A Router that asks `other`, a provider of this LiteLLM prefix at the simulated OpenAI, and then Gemini."""

    def make(prefix: str, **settings: Any) -> Router:
        others: dict[str, Any] = {name: None for name in MODELS if name != "gemini"}
        other = {
            "priority": 1,
            "litellm_provider": prefix,
            "api_base": simulator.api_base("openai"),
            "api_key": "os.environ/OPENAI_API_KEY",
            "models": ["some-model"],
        }
        changed = {name: value for name, value in {**other, **settings}.items() if value is not None}
        return make_router(providers=others | {"other": changed})

    return make


def ask(router: Router, *, stream: bool = False) -> list[tuple[str, str]]:
    reply = router.completion(model="default", messages=message(), stream=stream)
    if stream:
        assert "".join(chunk.choices[0].delta.content or "" for chunk in reply if chunk.choices)
    return [(each.provider, each.outcome) for each in route_of(reply).attempts]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("prefix", BY_HANDLER + BY_SDK)
def test_it_answers_and_is_counted(
    make: Callable[..., Router], simulator: Simulator, prefix: str, stream: bool
) -> None:
    router = make(prefix, limits={"rpm": 10, "tpd": 100_000})
    assert ask(router, stream=stream) == [("other", "ok")]
    limits = router.status()["providers"][0]["limits"]
    assert (limits["rpm"]["used"], limits["rpm"]["reserved"]) == (1, 0)
    tokens = simulator.summary()["openai"]["tokens"]
    # LiteLLM asks some for no usage of a stream; then the reservation stays counted.
    assert limits["tpd"]["used"] >= tokens if stream else limits["tpd"]["used"] == tokens


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("prefix", ["deepseek", "nvidia_nim"])
def test_a_failure_is_one_request_and_means_what_it_says(
    make: Callable[..., Router], simulator: Simulator, prefix: str, failure: str, stream: bool
) -> None:
    fault, outcome, status = FAILURES[failure]
    router = make(prefix)
    simulator.fault("openai", **fault)
    assert ask(router, stream=stream) == [("other", outcome), ("gemini", "ok")]
    shown = router.status()["providers"][0]
    assert shown["status"] == status
    assert ask(router, stream=stream) == [("gemini", "ok")]
    assert simulator.count("openai") == 1


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("prefix", ["openai", "mistral", "hosted_vllm", "nvidia_nim"])
def test_a_failed_embedding_is_one_request_and_means_what_it_says(
    make: Callable[..., Router], simulator: Simulator, prefix: str, failure: str
) -> None:
    fault, outcome, status = FAILURES[failure]
    router = make(prefix, limits={"rpm": 10})
    simulator.fault("openai", **fault)
    with pytest.raises(openai.APIError):
        router.embedding(model="other/some-model#1", input=["Buy or sell?"])
    shown = router.status()["providers"][0]
    assert shown["status"] == "available", "it may still serve chats"
    (embeddings,) = shown["endpoints"]
    assert (shown["last_error"]["kind"], embeddings["status"]) == (outcome, status)
    assert (shown["limits"]["rpm"]["used"], shown["limits"]["rpm"]["reserved"]) == (1, 0)
    assert simulator.count("openai") == 1


@pytest.mark.parametrize("prefix", BY_HANDLER + BY_SDK)
def test_no_prefix_is_retried_behind_our_back(make: Callable[..., Router], simulator: Simulator, prefix: str) -> None:
    router = make(prefix)
    simulator.fault("openai", status=500)
    assert ask(router) == [("other", "server_error"), ("gemini", "ok")]
    assert simulator.count("openai") == 1


@pytest.mark.parametrize("prefix", ["hosted_vllm", "lm_studio", "mistral"])
def test_the_limits_that_it_reports_are_learned(make: Callable[..., Router], simulator: Simulator, prefix: str) -> None:
    simulator.set_limits({"openai": {"each_model": {"rpm": 7, "tpm": 9000}}})
    router = make(prefix)
    ask(router)
    limits = router.status()["providers"][0]["models"][0]["limits"]
    assert {name: (row["limit"], row["source"]) for name, row in limits.items()} == {
        "rpm": (7, "upstream"), "tpm": (9000, "upstream"),
    }  # fmt: skip


def test_a_server_of_ones_own_needs_no_key_and_is_sent_none_of_openais(
    make: Callable[..., Router], simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-real")
    simulator.set_keys("openai", bad=["sk-real", simulator.env()["OPENAI_API_KEY"]])
    router = make("openai", api_key=None)
    for stream in (False, True):
        assert ask(router, stream=stream) == [("other", "ok")]


def test_a_server_of_ones_own_that_is_off_costs_no_wait_and_no_count(
    make: Callable[..., Router], simulator: Simulator
) -> None:
    router = make("openai", api_key=None, limits={"rpm": 10})
    simulator.fault("openai", refused=True)
    assert ask(router) == [("other", "connection"), ("gemini", "ok")]
    shown = router.status()["providers"][0]
    assert (shown["status"], shown["limits"]["rpm"]["used"]) == ("cooldown", 0)


def test_a_model_list_without_keys_takes_them_from_the_environment(
    simulator: Simulator, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in simulator.env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NVIDIA_NIM_API_KEY", "some-key")
    monkeypatch.setenv("NVIDIA_NIM_API_BASE", simulator.api_base("openai"))
    simulator.set_keys("openai", good=["some-key", simulator.env()["OPENAI_API_KEY"]])
    for model in ("openai/gpt-4o-mini", "gpt-4o-mini", "nvidia_nim/m", "groq/m", "gemini/m"):
        router = Router([{"model_name": "default", "litellm_params": {"model": model}}], clock=clock)
        try:
            assert [outcome for _, outcome in ask(router)] == ["ok"]
        finally:
            router.close()


@pytest.mark.parametrize("failure", FAILURES)
def test_where_the_wire_is_not_watched_litellms_own_word_is_read(
    make: Callable[..., Router], simulator: Simulator, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    fault, outcome, status = FAILURES[failure]
    monkeypatch.setattr(clients, "_guess", lambda *_: [])
    monkeypatch.setattr(client_lookup, "CACHE", "elsewhere")
    router = make("deepseek", limits={"rpm": 10})
    simulator.fault("openai", **fault)
    assert ask(router) == [("other", outcome), ("gemini", "ok")]
    shown = router.status()["providers"][0]
    assert (shown["status"], shown["limits"]["rpm"]["used"]) == (status, 1)
