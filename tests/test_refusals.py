"""A refusal by one provider is not the end of the request: the next is asked, and nobody is in cooldown."""

from pathlib import Path
from typing import Any

import litellm
import pytest
from litellm.exceptions import BadRequestError, ContextWindowExceededError, UnsupportedParamsError
from rig import MakeRouter, message

from router_config import NoProviderAvailable, Router, route_of
from router_config.simulator import Simulator

pytestmark = pytest.mark.contract

REFUSED = {"error": {"message": "'messages.1' : the property 'x' is unsupported", "type": "invalid_request_error"}}


def ask(router: Router, **kwargs: Any) -> str:
    return route_of(router.completion(model="default", messages=message(), **kwargs)).provider


def statuses(router: Router) -> set[str]:
    return {model["status"] for provider in router.status()["providers"] for model in provider["models"]}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [400, 404, 413, 415, 422])
def test_the_next_provider_is_asked_and_the_refusing_one_goes_on(
    status: int, stream: bool, make_router: MakeRouter, simulator: Simulator
) -> None:
    router = make_router()
    simulator.fault("groq", status=status, text="picture", body={"error": {"message": "this file was not found"}})
    asked: Any = router.completion(model="default", messages=message("a picture"), stream=stream)
    assert [each.provider for each in route_of(asked).attempts] == ["groq", "gemini"]
    if stream:
        assert list(asked)
    assert ask(router) == "groq"
    assert statuses(router) == {"available"}


def test_when_all_refuse_the_caller_gets_the_first_refusal(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router()
    for number, provider in enumerate(("groq", "gemini", "openrouter", "together", "openai")):
        told = {"error": {"message": f"refusal {number}", "type": "invalid_request_error"}}
        simulator.fault(provider, status=400, body=told)
    with pytest.raises(BadRequestError, match="refusal 0"):
        ask(router)
    (decision,) = router._background.run(router._store.decisions())
    assert decision.outcome == "bad_request"
    assert "refusal 0" in str(decision.error)
    assert statuses(router) == {"available"}


def test_where_others_only_wait_the_refusal_does_not_decide(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router(providers={"groq": {"models": ["llama"]}, "gemini": {"limits": {"rpm": 0}}})
    for provider in ("groq", "openrouter", "together", "openai"):
        simulator.fault(provider, status=400, body=REFUSED)
    with pytest.raises(NoProviderAvailable):
        ask(router)


def test_a_model_that_litellm_refuses_an_argument_for_is_left_out(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    if "thinking" not in (litellm.get_supported_openai_params("deepseek/deepseek-r1:free", "openrouter") or ()):
        pytest.skip("with this LiteLLM nobody takes the argument")
    router = make_router()
    assert ask(router, logit_bias={"1": 1}, thinking={"type": "enabled"}) != "groq"
    assert simulator.count("groq") == 0
    assert statuses(router) == {"available"}


def test_when_litellm_refuses_it_for_all_its_own_error_is_raised(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router(providers=dict.fromkeys(("gemini", "openrouter", "together", "openai")))
    with pytest.raises(UnsupportedParamsError):
        ask(router, logit_bias={"1": 1}, thinking={"type": "enabled"})
    assert simulator.count() == 0
    assert statuses(router) == {"available"}


@pytest.mark.parametrize("store", ["memory://", "sqlite"])
def test_a_model_whose_limit_is_below_max_tokens_is_not_asked(
    store: str, make_router: MakeRouter, simulator: Simulator, tmp_path: Path
) -> None:
    state = store if store != "sqlite" else f"sqlite:///{tmp_path / 'state.db'}"
    models = [{"name": "small", "limits": {"tpm": 1000}}]
    router = make_router(state=state, providers={"groq": {"models": models}})
    assert ask(router, max_tokens=1001) == "gemini"
    assert ask(router, max_tokens=900) == "groq"
    assert simulator.count("groq") == 1
    decision = router._background.run(router._store.decisions())[-1]
    assert [(each.model, each.status) for each in decision.skipped] == [("small", "too_large")]


def test_a_limit_that_a_provider_reported_decides_as_a_configured_one_does(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    router = make_router(providers={"groq": {"models": ["m"]}})
    simulator.fault("groq", headers={"x-ratelimit-limit-tokens": "1000", "x-ratelimit-remaining-tokens": "990"})
    assert ask(router) == "groq"
    assert ask(router, max_tokens=1001) == "gemini"


def listed(make_router: MakeRouter, **more: Any) -> Router:
    """The model of openai is asked first; LiteLLM's list says that it answers 16384 tokens at most."""
    two: dict[str, Any] = dict.fromkeys(("gemini", "openrouter", "together"))
    openais = {"priority": 0, "limits": {}}
    return make_router(providers={**two, "openai": openais, "groq": {"models": ["unknown"], "limits": {}}, **more})


def test_a_model_that_litellm_lists_as_too_small_is_not_asked(make_router: MakeRouter, simulator: Simulator) -> None:
    router = listed(make_router)
    assert ask(router, max_tokens=16_385) == "groq"
    assert ask(router, max_tokens=16_384) == "openai"
    assert simulator.count("openai") == 1
    decision = router._background.run(router._store.decisions())[-1]
    assert [(each.provider, each.status) for each in decision.skipped] == [("openai", "too_large")]


def test_where_only_litellms_list_stands_against_it_the_request_is_made(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    assert ask(listed(make_router, groq=None), max_tokens=16_385) == "openai"


def test_a_context_window_in_model_info_is_never_passed(simulator: Simulator) -> None:
    entry = {
        "model_name": "default",
        "litellm_params": {"model": "groq/m", "api_key": "k", "api_base": simulator.api_base("groq")},
        "model_info": {"max_input_tokens": 1000, "max_output_tokens": 500},
    }
    router = Router([entry])
    with pytest.raises(BadRequestError) as told:
        router.completion(model="default", messages=message(), max_tokens=501)
    assert "max_tokens: 501 asked, the model answers 500 at most" in str(told.value)
    with pytest.raises(ContextWindowExceededError, match="needed, 1000 has"):
        router.completion(model="default", messages=message("word " * 3000), max_tokens=5)
    assert simulator.count() == 0
    router.close()
