"""After every mix of success, failure, cancel and broken-off stream the router's counts equal the provider's."""

import asyncio
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import openai
import pytest
from rig import MakeRouter, message, refusals

from router_config import NoProviderAvailable, Router, route_of
from router_config.clock import VirtualClock
from router_config.simulator import Simulator

pytestmark = pytest.mark.contract


def assert_counts_equal(router: Router, simulator: Simulator, *, tokens: bool = True) -> None:
    """Requests of every provider, and tokens where all of them completed; nothing reserved any more."""
    summary = simulator.summary()
    for provider in router.status()["providers"]:
        theirs, limits = summary[provider["name"]], provider["limits"]
        assert limits["tpd"]["reserved"] == limits["rpm"]["reserved"] == 0, provider["name"]
        assert limits["rpm"]["used"] == theirs["requests"], provider["name"]
        if tokens:
            assert limits["tpd"]["used"] == theirs["tokens"], provider["name"]


def test_answers_sync_async_and_streaming(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router()
    router.completion(model="default", messages=message())
    text = "".join(
        chunk.choices[0].delta.content or ""
        for chunk in router.completion(model="default", messages=message(), stream=True)
    )
    assert "groq" in text

    async def ask() -> None:
        await asyncio.gather(*(router.acompletion(model="default", messages=message()) for _ in range(40)))
        stream = await router.acompletion(model="default", messages=message(), stream=True)
        assert [chunk async for chunk in stream]

    asyncio.run(ask())
    assert_counts_equal(router, simulator)
    assert refusals(simulator) == 0


@pytest.mark.parametrize("provider", ["groq", "gemini", "openrouter", "together", "openai"])
def test_streams_of_every_provider_settle_with_their_real_usage(
    make_router: MakeRouter, simulator: Simulator, provider: str
) -> None:
    others = [name for name in ("groq", "gemini", "openrouter", "together", "openai") if name != provider]
    router = make_router(providers={name: {"enabled": False} for name in others})
    stream = router.completion(model="default", messages=message("word " * 300), stream=True)
    chunks = list(stream)
    assert route_of(stream).provider == provider
    assert all(getattr(chunk, "usage", None) is None for chunk in chunks)
    (shown,) = [each for each in router.status()["providers"] if each["name"] == provider]
    assert shown["limits"]["tpd"]["used"] == simulator.summary()[provider]["tokens"] > 300


@pytest.mark.parametrize("provider", ["groq", "gemini", "openai"])
def test_a_caller_who_asks_for_the_usage_of_a_stream_gets_it(
    make_router: MakeRouter, simulator: Simulator, provider: str
) -> None:
    others = [name for name in ("groq", "gemini", "openrouter", "together", "openai") if name != provider]
    router = make_router(providers={name: {"enabled": False} for name in others})
    stream = router.completion(model="default", messages=message(), stream=True, stream_options={"include_usage": True})
    assert list(stream)[-1].usage.total_tokens == simulator.summary()[provider]["tokens"]


@pytest.mark.parametrize("ending", ["break", "aclose", "dropped", "cancelled"])
def test_a_stream_that_is_not_read_to_its_end_settles_and_keeps_its_reservation_counted(
    make_router: MakeRouter, simulator: Simulator, ending: str
) -> None:
    simulator.set_options(answer_tokens=400, chunk_delay_ms=2)
    router = make_router(defaults={"output_tokens": 700})

    async def read_a_little() -> None:
        stream = await router.acompletion(model="default", messages=message(), stream=True)
        async for _ in stream:
            if ending == "break":
                break
            if ending == "aclose":
                await stream.aclose()
                break
            if ending == "dropped":
                del stream
                break
        if ending == "cancelled":
            raise asyncio.CancelledError

    async def main() -> None:
        if ending == "cancelled":
            stream = await router.acompletion(model="default", messages=message(), stream=True)

            async def consume() -> None:
                async for _ in stream:
                    pass

            task = asyncio.create_task(consume())
            await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            await read_a_little()
        gc.collect()

    asyncio.run(main())
    shown = router.status()["providers"][0]["limits"]
    assert shown["rpm"] | {"resets_at": None} == {
        "limit": 30, "used": 1, "reserved": 0, "remaining": 29, "resets_at": None, "source": "config",
    }  # fmt: skip
    assert shown["tpd"]["reserved"] == 0
    assert shown["tpd"]["used"] >= 700


def test_a_sync_stream_that_is_broken_off_settles(make_router: MakeRouter, simulator: Simulator) -> None:
    simulator.set_options(answer_tokens=400)
    router = make_router()
    for _ in router.completion(model="default", messages=message(), stream=True):
        break
    gc.collect()
    assert_counts_equal(router, simulator, tokens=False)


def test_cancelled_calls_are_counted_as_the_provider_counts_them(make_router: MakeRouter, simulator: Simulator) -> None:
    simulator.set_options(latency_ms=(300, 300))
    router = make_router()

    async def main() -> None:
        tasks = [asyncio.create_task(router.acompletion(model="default", messages=message())) for _ in range(20)]
        while simulator.count("groq") < 20:
            await asyncio.sleep(0.01)
        for task in tasks[::2]:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(each, asyncio.CancelledError) for each in results) == 10

    asyncio.run(main())
    assert_counts_equal(router, simulator, tokens=False)


def test_failures_of_every_kind_leave_nothing_reserved(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router(defaults={"timeout": "1s", "cooldown": "1s"})
    faults: list[dict[str, object]] = [
        {"status": 500}, {"status": 503}, {"reset": True}, {"malformed": True}, {"cut": 1}, {"timeout": True},
        {"error_body": True}, {"refused": True},
    ]  # fmt: skip
    for stream in (False, True):
        for fault in faults:
            simulator.fault("groq", times=1, **fault)
            reply = router.completion(model="default", messages=message(), stream=stream)
            if stream:
                with suppress(openai.APIError):
                    list(reply)
            simulator.clear()
            clock.advance(2)
            router.completion(model="default", messages=message())
            clock.advance(70)
    assert_counts_equal_today(router, simulator)


def assert_counts_equal_today(router: Router, simulator: Simulator) -> None:
    summary = simulator.summary()
    for provider in router.status()["providers"]:
        assert provider["limits"]["tpd"]["reserved"] == provider["limits"]["rpm"]["reserved"] == 0
        assert provider["usage_today"]["requests"] == summary[provider["name"]]["requests"], provider["name"]


def test_a_stream_that_breaks_after_its_first_content_raises_and_settles(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    simulator.set_options(answer_tokens=200)
    router = make_router()
    simulator.fault("groq", cut=3, times=1)
    stream = router.completion(model="default", messages=message(), stream=True)
    with pytest.raises(openai.APIError):
        list(stream)
    assert_counts_equal(router, simulator, tokens=False)
    assert router.status()["providers"][0]["status"] == "cooldown"


def test_a_stream_that_breaks_before_its_first_content_goes_on_with_the_next_provider(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    router = make_router()
    simulator.fault("groq", cut=0, times=1)
    stream = router.completion(model="default", messages=message(), stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert [attempt.outcome for attempt in route_of(stream).attempts] == ["connection", "ok"]


def test_sixteen_threads_share_the_limits_and_every_refusal_is_ours(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    router = make_router(providers={"openrouter": None, "together": None, "openai": None})

    def ask(_: int) -> str:
        try:
            return route_of(router.completion(model="default", messages=message())).provider
        except NoProviderAvailable:
            return "none"

    with ThreadPoolExecutor(16) as pool:
        asked = list(pool.map(ask, range(120)))
    assert {name: asked.count(name) for name in set(asked)} == {"groq": 30, "gemini": 60, "none": 30}
    assert refusals(simulator) == 0
    assert_counts_equal(router, simulator)
    assert threading.active_count() < 40


def test_fifty_concurrent_requests_of_a_thousand_tokens_send_five_through_five_thousand_a_minute(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    simulator.set_options(answer_tokens=990)
    router = make_router(
        providers={
            "groq": {"limits": {"tpm": 5000}, "models": ["mixtral-8x7b-32768"]},
            "gemini": None, "openrouter": None, "together": None, "openai": None,
        }
    )  # fmt: skip

    async def main() -> list[object]:
        calls = (router.acompletion(model="default", messages=message("hi"), max_tokens=990) for _ in range(50))
        answers: list[object] = await asyncio.gather(*calls, return_exceptions=True)
        return answers

    results = asyncio.run(main())
    assert sum(isinstance(each, NoProviderAvailable) for each in results) == 45
    assert simulator.count("groq") == 5


def test_what_litellm_cannot_ask_of_a_provider_is_not_counted(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router(
        providers={name: {"enabled": False} for name in ("gemini", "openrouter", "together", "openai")}
    )
    for _ in range(2):
        with pytest.raises(openai.OpenAIError):
            router.embedding(model="default", input=["Buy or sell?"])
    router.completion(model="default", messages=message())
    (shown,) = [each for each in router.status()["providers"] if each["name"] == "groq"]
    assert shown["limits"]["rpm"]["used"] == simulator.count("groq") == 1


def test_input_and_output_tokens_are_kept_apart(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    """As the simulator counts them. Who asks for a long answer finds no room where only output is used up."""
    limits = {"rpm": 1000, "itpm": 2000, "otpm": 300, "otpd": 600}
    router = make_router(providers={"groq": {"limits": limits}}, aliases={})
    simulator.set_limits({"groq": {"itpm": 2000}})

    def ask(answer: int) -> str:
        reply = router.completion(model="default", messages=message("word " * 20), max_tokens=answer)
        return route_of(reply).provider

    assert [ask(100) for _ in range(3)] == ["groq"] * 3
    groq = next(each for each in router.status()["providers"] if each["name"] == "groq")
    used = {name: each["used"] for name, each in groq["limits"].items()}
    assert used["itpm"] + used["otpm"] == simulator.summary()["groq"]["tokens"]
    assert used["otpm"] == used["otpd"] > 0
    assert ask(301 - used["otpm"]) == "gemini"
    assert ask(300 - used["otpm"]) == "groq"
    assert refusals(simulator) == 0
