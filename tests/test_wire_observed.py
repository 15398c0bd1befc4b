"""What responses report of the limits is believed: the same key may be in other hands, and limits change."""

import asyncio
import random
from pathlib import Path
from typing import Any

import httpx
import pytest
from rig import MODELS, MakeRouter, message, refusals

from router_config import NoProviderAvailable, Router, route_of
from router_config.clock import VirtualClock
from router_config.simulator import Simulator


def alone(name: str, **settings: Any) -> dict[str, Any]:
    """The reference table with one provider alone, its settings changed."""
    others: dict[str, Any] = {other: None for other in MODELS if other != name}
    return others | {name: {"priority": 1, "limits": {}, "models": ["m"], **settings}}


def behind_the_routers_back(
    simulator: Simulator, provider: str, model: str = "m", text: str = "x", times: int = 1
) -> None:
    """Requests with the router's own key."""
    key = simulator.env()[{"groq": "GROQ_API_KEY", "openai": "OPENAI_API_KEY"}[provider]]
    with httpx.Client(headers={"authorization": f"Bearer {key}"}, trust_env=False, verify=False) as client:
        for _ in range(times):
            body = {"model": model, "messages": message(text)}
            assert client.post(f"{simulator.api_base(provider)}/chat/completions", json=body).status_code == 200


def ask_until_refused(router: Router, *, stream: bool = False, at_once: int = 1) -> list[str]:
    """The providers that answered until nobody could."""

    async def one() -> str | None:
        try:
            reply: Any = await router.acompletion(model="default", messages=message(), stream=stream)
        except NoProviderAvailable:
            return None
        if stream:
            assert [chunk async for chunk in reply]
        return route_of(reply).provider

    async def main() -> list[str]:
        answered: list[str] = []
        while True:
            found = [name for name in await asyncio.gather(*(one() for _ in range(at_once))) if name is not None]
            answered += found
            if not found:
                return answered

    return asyncio.run(main())


def shown(router: Router, limit: str, *, model: int | None = None) -> dict[str, Any]:
    provider = router.status()["providers"][0]
    limits: dict[str, Any] = provider["limits"] if model is None else provider["models"][model]["limits"]
    found: dict[str, Any] = limits[limit]
    return found


@pytest.mark.parametrize("at_once", [1, 7])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("configured", ["account", "model", "nothing"])
@pytest.mark.parametrize(("provider", "limit"), [("groq", "rpd"), ("openai", "rpm"), ("openai", "rpd")])
def test_half_a_quota_used_by_others_is_respected_once_the_first_response_has_told(
    make_router: MakeRouter,
    simulator: Simulator,
    provider: str,
    limit: str,
    configured: str,
    stream: bool,
    at_once: int,
) -> None:
    simulator.set_limits({provider: {"each_model": {limit: 40}}})
    settings: dict[str, dict[str, Any]] = {
        "account": {"limits": {limit: 40}},
        "model": {"models": [{"name": "m", "limits": {limit: 40}}]},
        "nothing": {},
    }
    router = make_router(providers=alone(provider, **settings[configured]))
    behind_the_routers_back(simulator, provider, times=20)
    assert ask_until_refused(router, stream=stream, at_once=at_once) == [provider] * 20
    assert refusals(simulator) == 0
    assert shown(router, limit, model=0)["source"] == "upstream"
    assert shown(router, limit, model=0)["remaining"] == 0


@pytest.mark.parametrize("provider", ["groq", "openai"])
def test_half_the_tokens_of_a_minute_used_by_others_are_respected(
    make_router: MakeRouter, simulator: Simulator, provider: str
) -> None:
    simulator.set_limits({provider: {"each_model": {"tpm": 8000}}})
    router = make_router(providers=alone(provider, models=[{"name": "m", "limits": {"tpm": "8k"}}]))
    behind_the_routers_back(simulator, provider, text="word " * 3000)
    answered = ask_until_refused(router, at_once=4)
    assert answered
    assert refusals(simulator) == 0
    used = simulator.summary()[provider]["tokens"]
    assert 8000 - 600 < used <= 8000


def test_others_who_go_on_while_we_do_are_respected_from_each_next_response_on(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    """Two routers that know nothing of each other share a key; one is refused only for what it could not know yet."""
    simulator.set_limits({"groq": {"each_model": {"rpd": 100}}})
    providers = alone("groq", models=[{"name": "m", "limits": {"rpd": 100}}])
    routers = [make_router(providers=providers) for _ in range(2)]
    rng = random.Random(1)
    answered = 0
    for _ in range(130):
        try:
            rng.choice(routers).completion(model="default", messages=message())
            answered += 1
        except NoProviderAvailable:
            pass
        clock.advance(7)
    assert refusals(simulator) <= 1
    assert answered == 100


def test_an_account_limit_is_told_of_by_whichever_model_answers(make_router: MakeRouter, simulator: Simulator) -> None:
    simulator.set_limits({"groq": {"rpd": 40}})
    router = make_router(providers=alone("groq", limits={"rpd": 40}, models=["one", "two"]))
    behind_the_routers_back(simulator, "groq", model="one", times=20)
    assert len(ask_until_refused(router)) == 20
    assert refusals(simulator) == 0
    assert shown(router, "rpd")["source"] == "upstream"


@pytest.mark.parametrize("on", ["account", "model"])
def test_a_limit_lower_than_configured_is_learned_shown_and_kept(
    make_router: MakeRouter, simulator: Simulator, on: str
) -> None:
    simulator.set_limits({"groq": {"each_model": {"rpd": 10}}})
    limits: dict[str, Any] = {"limits": {"rpd": 1000}}
    settings = limits if on == "account" else {"models": [{"name": "m", **limits}]}
    router = make_router(providers=alone("groq", **settings))
    assert len(ask_until_refused(router)) == 10
    assert refusals(simulator) == 0
    row = shown(router, "rpd", model=None if on == "account" else 0)
    assert (row["limit"], row["used"], row["remaining"], row["source"]) == (10, 10, 0, "upstream")


def test_what_a_model_reports_does_not_lower_the_limit_of_an_account_with_several(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    simulator.set_limits({"groq": {"models": {"small": {"rpd": 10}, "large": {"rpd": 100}}}})
    router = make_router(providers=alone("groq", limits={"rpd": 1000}, models=["small", "large"]))
    assert len(ask_until_refused(router)) == 110
    assert refusals(simulator) == 0
    assert shown(router, "rpd")["limit"] == 1000
    assert [shown(router, "rpd", model=number)["limit"] for number in (0, 1)] == [10, 100]


def test_a_limit_higher_than_configured_is_not_learned(make_router: MakeRouter, simulator: Simulator) -> None:
    simulator.set_limits({"groq": {"each_model": {"rpd": 1000}}})
    router = make_router(providers=alone("groq", models=[{"name": "m", "limits": {"rpd": 10}}]))
    behind_the_routers_back(simulator, "groq", times=100)
    assert len(ask_until_refused(router)) == 10
    assert shown(router, "rpd", model=0)["source"] == "config"


def test_limits_learned_survive_a_restart(make_router: MakeRouter, simulator: Simulator) -> None:
    simulator.set_limits({"groq": {"each_model": {"rpd": 40}}})
    providers = alone("groq")
    first = make_router(providers=providers, state="sqlite:///state.db")
    behind_the_routers_back(simulator, "groq", times=39)
    first.completion(model="default", messages=message())
    first.close()
    second = make_router(providers=providers, state="sqlite:///state.db")
    with pytest.raises(NoProviderAvailable):
        second.completion(model="default", messages=message())
    assert simulator.count("groq") == 40


def test_many_at_once_with_answers_in_any_order_lose_no_room_to_their_own_reports(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    """The provider's count holds our own requests in flight; counting those twice would leave quota unused."""
    simulator.set_limits({"groq": {"each_model": {"rpd": 100}}})
    simulator.set_options(latency_ms=(5, 60))
    router = make_router(providers=alone("groq", models=[{"name": "m", "limits": {"rpd": 100}}]))
    assert len(ask_until_refused(router, at_once=25)) == 100
    assert refusals(simulator) == 0


UNSEEN: dict[str, dict[str, Any]] = {
    "hour": {"rph": 12},
    "week": {"rpw": 12},
    "month": {"rpmo": 12},
    "tokens of an hour": {"tph": 12_000},
    "tokens of a month": {"tpmo": 12_000},
}


@pytest.mark.parametrize("store", ["memory", "sqlite"])
@pytest.mark.parametrize("limits", UNSEEN.values(), ids=list(UNSEEN))
def test_a_longer_window_that_is_not_in_the_file_is_respected_as_the_provider_reports_it(
    make_router: MakeRouter, simulator: Simulator, tmp_path: Path, store: str, limits: dict[str, Any]
) -> None:
    """Half of it is used by others, who are seen with the first answer."""
    simulator.set_options(window_headers=True)
    simulator.set_limits({"openai": limits})
    server = {
        "litellm_provider": "cerebras",
        "api_base": simulator.api_base("openai"),
        "api_key": "os.environ/OPENAI_API_KEY",
    }
    state = "memory://" if store == "memory" else f"sqlite:///{tmp_path}/state.db"
    router = make_router(
        state=state, providers={**alone("openai"), "openai": None, "cerebras": {**server, "models": ["m"]}}
    )
    (name,) = limits
    requests = name.startswith("r")
    behind_the_routers_back(simulator, "openai", text="x" if requests else "word " * 700, times=6)
    answered = ask_until_refused(router, at_once=2)
    assert answered == ["cerebras"] * 6 if requests else len(answered) > 90
    assert refusals(simulator) == 0
    assert shown(router, name, model=0)["source"] == "upstream"
    (window,) = next(iter(simulator.summary()["openai"]["windows"].values())).values()
    assert window["remaining"] < (1 if requests else 600)
