"""A provider whose wire format is neither OpenAI's nor Gemini's: answers and streams are whole, and counted."""

from collections.abc import Iterator
from typing import Any

import pytest
from litellm import exceptions
from rig import message
from rig_anthropic import WORDS, anthropic

from router_config import Router

pytestmark = pytest.mark.contract


LIMITS = {"tpd": 100_000, "itpm": 50_000, "otpm": 8_000, "itpd": 90_000}
CACHED = {"input_tokens": 12, "cache_creation_input_tokens": 30, "cache_read_input_tokens": 1000, "output_tokens": 8}


@pytest.fixture
def router(request: pytest.FixtureRequest) -> Iterator[Router]:
    with anthropic(**getattr(request, "param", {})) as address:
        params = {"model": "anthropic/claude-test", "api_key": "simulated-anthropic", "api_base": address}
        router = Router([{"model_name": "default", "litellm_params": params, "model_info": LIMITS}])
        try:
            yield router
        finally:
            router.close()


def used(router: Router) -> int:
    (provider,) = router.status()["providers"]
    assert provider["status"] == "available"
    return int(provider["usage_today"]["tokens"])


def test_a_stream_ends_where_it_says_so_and_is_counted(router: Router) -> None:
    chunks: Any = router.completion("default", message(), stream=True)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "".join(WORDS)
    assert used(router) == 20


@pytest.mark.parametrize(
    ("router", "error"),
    [
        ({"until": 4}, exceptions.APIConnectionError),
        ({"until": 7}, exceptions.APIConnectionError),
        ({"until": 8}, exceptions.APIConnectionError),
        ({"until": 4, "pings": 100}, exceptions.Timeout),
    ],
    indirect=["router"],
    ids=["cut in the middle", "cut before its reason", "cut after its reason", "pings alone"],
)
def test_a_stream_that_does_not_end_well_is_an_error(router: Router, error: type[Exception]) -> None:
    chunks: Any = router.completion("default", message(), stream=True, stream_timeout=0.4)
    with pytest.raises(error):
        list(chunks)
    (provider,) = router.status()["providers"]
    assert provider["usage_today"]["tokens"] > 0
    assert provider["usage_today"]["requests"] == 1


def test_answers_are_the_same_on_either_way(router: Router) -> None:
    for _ in range(4):
        reply: Any = router.completion("default", message())
        assert reply.choices[0].message.content == "".join(WORDS)
    assert used(router) == 80


@pytest.mark.parametrize("router", [{"usage": CACHED}], indirect=True)
@pytest.mark.parametrize("stream", [False, True])
def test_input_and_output_are_counted_apart_and_what_a_cache_gave_is_no_input(router: Router, stream: bool) -> None:
    reply: Any = router.completion("default", message(), stream=stream)
    if stream:
        list(reply)
    (provider,) = router.status()["providers"]
    (model,) = provider["models"]
    shown = {name: (each["used"], each["reserved"]) for name, each in model["limits"].items()}
    assert shown == {"tpd": (1050, 0), "itpm": (42, 0), "itpd": (42, 0), "otpm": (8, 0)}
