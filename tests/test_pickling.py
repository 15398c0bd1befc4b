"""What a request ends with goes to other processes: errors survive pickle and copy, and show nothing to a terminal."""

import copy
import multiprocessing
import pickle
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import openai
import pytest
from litellm.exceptions import BadRequestError
from rig import MODELS, MakeRouter, message

from router_config.simulator import Simulator

ESCAPE = "\x1b]0;owned\x07\x1b[31mred\x9b2J"
FAULTS: dict[str, dict[str, Any]] = {
    "no provider": {"status": 500},
    "bad request": {"status": 400, "body": {"error": {"message": f"messages is required {ESCAPE}"}}},
}


def raised(make_router: MakeRouter, simulator: Simulator, fault: str, provider: str = "groq") -> Exception:
    others: dict[str, Any] = {name: None for name in MODELS if name != provider}
    router = make_router(providers={provider: {"models": MODELS[provider][:1]}, **others})
    simulator.fault(provider, **FAULTS[fault])
    with pytest.raises(openai.APIError) as caught:
        router.completion("default", message())
    return caught.value


def again(error: Exception) -> Exception:
    raise error


def in_a_pool(error: Exception) -> Exception:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        failed = pool.submit(again, error).exception()
    assert isinstance(failed, Exception)
    return failed


@pytest.mark.parametrize(
    "way", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy, in_a_pool],
    ids=["pickle", "copy", "deepcopy", "pool"],
)  # fmt: skip
@pytest.mark.parametrize("fault", FAULTS)
def test_errors_go_to_other_processes(
    make_router: MakeRouter, simulator: Simulator, fault: str, way: Callable[[Exception], Any]
) -> None:
    error: Any = raised(make_router, simulator, fault)
    for made in (way(error), way(way(error)) if way is not in_a_pool else way(error)):
        assert type(made) is type(error)
        assert str(made) == str(error)
        for name in ("status_code", "model", "llm_provider", "retry_after", "attempts", "verdicts", "message"):
            assert getattr(made, name, None) == getattr(error, name, None)


def test_an_unknown_models_error_too(make_router: MakeRouter) -> None:
    with pytest.raises(BadRequestError) as caught:
        make_router(aliases={}).completion("no such", message())
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("fault", FAULTS)
def test_no_control_character_of_a_provider_reaches_a_terminal(
    make_router: MakeRouter, simulator: Simulator, provider: str, fault: str
) -> None:
    shown = "".join(traceback.format_exception(raised(make_router, simulator, fault, provider)))
    assert [each for each in shown if each != "\n" and not each.isprintable()] == []
