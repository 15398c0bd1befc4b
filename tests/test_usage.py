"""What a provider reports as its usage is data from outside: missing, zero or absurd, limits hold all the same."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rig import MakeRouter, message
from rig_redis import RedisServer

from router_config import NoProviderAvailable, Router
from router_config.clock import Clock, VirtualClock
from router_config.simulator import Simulator

RESERVED = 41
"""Of the prompt of `message()` and 30 tokens of answer."""

ABSURD = {
    "negative": '{"prompt_tokens": -7, "completion_tokens": -5, "total_tokens": -12}',
    "text": '{"prompt_tokens": "a", "completion_tokens": "b", "total_tokens": "many"}',
    "no number": '{"prompt_tokens": NaN, "completion_tokens": 5, "total_tokens": Infinity}',
    "a trillion": '{"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 1000000000000}',
    "2^63": '{"prompt_tokens": 9223372036854775808, "completion_tokens": 5, "total_tokens": 9223372036854775808}',
    "10^400": '{"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 1' + "0" * 400 + "}",
    "10^5000": '{"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 1' + "0" * 5000 + "}",
    "fractions": '{"prompt_tokens": 7.5, "completion_tokens": 5.5, "total_tokens": 13}',
    "more prompt than all": '{"prompt_tokens": 100000000, "completion_tokens": -5, "total_tokens": 12}',
}
SILENT = {
    "none": None,
    "null": "null",
    "zero": '{"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}',
    "{}": "{}",
}

MODELS = {"groq": "groq/llama-3.3-70b-versatile", "openai": "openai/gpt-4o-mini", "gemini": "gemini/gemini-2.5-flash"}
GEMINI = {
    "prompt_tokens": "promptTokenCount",
    "completion_tokens": "candidatesTokenCount",
    "total_tokens": "totalTokenCount",
}


@pytest.fixture(params=["memory", "sqlite", "redis"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "redis":
        server = RedisServer()
        yield server.url
        server.stop()
    else:
        yield "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/state.db"


def body(provider: str, usage: str | None, *, stream: bool) -> str:
    if provider == "gemini":
        for name, theirs in GEMINI.items():
            usage = None if usage is None else usage.replace(name, theirs)
        told = "" if usage is None else f', "usageMetadata": {usage}'
        content = '{"candidates": [{"content": {"role": "model", "parts": [{"text": "yes"}]}, "finishReason": "STOP"}]'
        return f"data: {content}{told}}}\n\n" if stream else f"{content}{told}}}"
    told = "" if usage is None else f', "usage": {usage}'
    if not stream:
        return (
            '{"id": "c", "object": "chat.completion", "created": 1, "model": "m", "service_tier": null, "choices": [{'
            f'"index": 0, "finish_reason": "stop", "message": {{"role": "assistant", "content": "yes"}}}}]{told}}}'
        )
    events = (
        '[{"index": 0, "delta": {"role": "assistant", "content": "yes"}, "finish_reason": null}]',
        '[{"index": 0, "delta": {}, "finish_reason": "stop"}]',
        f"[]{told}",
    )
    chunk = '{"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": '
    return "".join(f"data: {chunk}{event}}}\n\n" for event in events) + "data: [DONE]\n\n"


@pytest.fixture
def router_of(simulator: Simulator, clock: Clock) -> Iterator[MakeRouter]:
    """Makes Routers of one deployment."""
    made: list[Router] = []

    def make(provider: str, state: str = "memory://", tpm: int = 100_000) -> Router:
        params = {"model": MODELS[provider], "api_base": simulator.api_base(provider), "api_key": "k"}
        info = {"id": provider, "tpm": tpm, "rpm": 1000}
        entry = {"model_name": "default", "litellm_params": params, "model_info": info}
        made.append(Router([entry], state=state, clock=clock))
        return made[-1]

    yield make
    for router in made:
        router.close()


def answer_with(simulator: Simulator, provider: str, usage: str | None, *, stream: bool) -> None:
    simulator.clear()
    kind = "text/event-stream" if stream else "application/json"
    simulator.fault(provider, status=200, body=body(provider, usage, stream=stream), headers={"content-type": kind})


def ask(router: Router, *, stream: bool = False) -> None:
    reply = router.completion(model="default", messages=message(), max_tokens=30, stream=stream)
    if stream:
        for _ in reply:
            pass


def used(router: Router) -> Any:
    status = router.status()
    assert "degraded" not in status["state"]
    (provider,) = status["providers"]
    assert provider["status"] == "available"
    limit = provider["models"][0]["limits"]["tpm"]
    assert limit["reserved"] == 0
    return limit["used"]


def events(router: Router) -> list[dict[str, Any]]:
    return list(asyncio.run(router.ahistory())["events"])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("provider", MODELS)
def test_an_absurd_usage_is_one_event_and_the_reservation_counts(
    router_of: MakeRouter, simulator: Simulator, provider: str, stream: bool
) -> None:
    router = router_of(provider)
    for number, usage in enumerate(ABSURD.values(), start=1):
        answer_with(simulator, provider, usage, stream=stream)
        ask(router, stream=stream)
        assert used(router) == number * RESERVED, usage[:80]
    (event,) = events(router)
    assert (event["kind"], event["provider"]) == ("implausible_usage", provider)
    assert "implausible usage (" in event["reason"]
    assert len(event["reason"]) < 200


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("provider", MODELS)
def test_where_nothing_is_reported_the_reservation_stays_counted(
    router_of: MakeRouter, simulator: Simulator, provider: str, stream: bool
) -> None:
    router = router_of(provider)
    for number, usage in enumerate(SILENT.values(), start=1):
        answer_with(simulator, provider, usage, stream=stream)
        ask(router, stream=stream)
        assert used(router) == number * RESERVED, usage
    assert events(router) == []


def test_a_limit_holds_against_a_provider_that_reports_nothing(router_of: MakeRouter, simulator: Simulator) -> None:
    router = router_of("openai", tpm=5 * RESERVED)
    answer_with(simulator, "openai", None, stream=False)
    for _ in range(5):
        ask(router)
    with pytest.raises(NoProviderAvailable):
        ask(router)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("provider", MODELS)
def test_an_answer_of_ten_times_the_reservation_counts_in_full(
    router_of: MakeRouter, simulator: Simulator, provider: str, stream: bool
) -> None:
    router = router_of(provider)
    usage = '{"prompt_tokens": 10, "completion_tokens": 400, "total_tokens": 410}'
    answer_with(simulator, provider, usage, stream=stream)
    ask(router, stream=stream)
    answer_with(simulator, provider, '{"prompt_tokens": 10, "completion_tokens": 7}', stream=stream)
    ask(router, stream=stream)
    assert used(router) == 427
    assert events(router) == []


def test_every_store_keeps_the_same_of_an_absurd_usage(router_of: MakeRouter, simulator: Simulator, state: str) -> None:
    router = router_of("openai", state)
    for number, usage in enumerate(ABSURD.values(), start=1):
        answer_with(simulator, "openai", usage, stream=False)
        ask(router)
        assert used(router) == number * RESERVED, usage[:80]
    assert [each["kind"] for each in events(router)] == ["implausible_usage"]


USAGE = '{"prompt_tokens": 80, "completion_tokens": 30, "total_tokens": 110}'


async def cancelled_one(router: Router, simulator: Simulator) -> None:
    """A call whose caller gives up once it has reached the provider."""
    simulator.clear()
    simulator.fault("openai", timeout=True)
    before = simulator.count("openai")
    call = asyncio.create_task(router.acompletion(model="default", messages=message(), max_tokens=30))
    while simulator.count("openai") == before:
        await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


def test_what_a_model_reports_is_reserved_next_and_counts_where_the_caller_gives_up(
    router_of: MakeRouter, simulator: Simulator, state: str
) -> None:
    router = router_of("openai", state)
    answer_with(simulator, "openai", USAGE, stream=False)
    ask(router)
    asyncio.run(cancelled_one(router, simulator))
    assert used(router) == 220
    if not state.startswith("memory"):  # Another process begins with what this one has learned.
        clock = router._clock
        assert isinstance(clock, VirtualClock)
        clock.advance(2.0)
        answer_with(simulator, "openai", USAGE, stream=False)
        ask(router)
        other = router_of("openai", state)
        asyncio.run(cancelled_one(other, simulator))
        assert used(other) == 440


def test_a_model_of_which_nothing_is_known_is_asked_with_caution(router_of: MakeRouter, simulator: Simulator) -> None:
    router = router_of("openai", tpm=1500)
    asyncio.run(cancelled_one(router, simulator))
    limit = router.status()["providers"][0]["models"][0]["limits"]["tpm"]
    assert (limit["reserved"], limit["used"]) == (300, 0)  # Until the first answer says what such a request counts.


def test_decisions_status_and_explain_show_the_estimate_and_the_truth(
    router_of: MakeRouter, simulator: Simulator, state: str
) -> None:
    router = router_of("openai", state)
    answer_with(simulator, "openai", USAGE, stream=False)
    for _ in range(3):
        ask(router)
    first, *_, last = reversed(asyncio.run(router.adecision_log())["decisions"])
    assert (first["estimated_tokens"], last["estimated_tokens"], last["tokens"]) == (41 + 262, 110, 110)
    (provider,) = router.status()["providers"]
    assert provider["models"][0]["estimate"]["answers"] == 3
    (explained,) = router.explain(tokens=22)["providers"]
    estimate = explained["candidates"][0]["estimate"]
    assert (estimate["prompt_tokens"], estimate["counted_tokens"], estimate["answers"]) == (11, 80, 3)
