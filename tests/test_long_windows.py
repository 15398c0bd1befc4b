"""Windows of hours, weeks, months, any length and requests at a time: judged by providers that enforce them.

The simulator has calendars and windows of its own. It refuses what is too much; what is too little is counted here.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
import yaml
from rig import all_sleep, message, refusals

from router_config import NoProviderAvailable, Router
from router_config.clock import VirtualClock
from router_config.simulator import Simulator

PROVIDER: Final = "together"
MODEL: Final = "mistralai/Mixtral-8x7B-Instruct-v0.1"
PRICE: Final = {"input": 10, "output": 30}
HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
LA: Final = "America/Los_Angeles"
MANY: Final = 12
"""Requests that one window allows."""


def at(*when: int, zone: str = "UTC") -> float:
    return datetime(*when, tzinfo=ZoneInfo(zone)).timestamp()  # type: ignore[arg-type,misc]


NOON: Final = at(2026, 11, 23, 12)


@dataclass(frozen=True)
class Case:
    """A limit, when the load on it begins, and when the two windows after the first have room."""

    limits: dict[str, Any]
    begins: float
    next: tuple[float, float]
    spans: dict[str, Any] = field(default_factory=dict)

    @property
    def tolerance(self) -> float:
        """Seconds by which the router may be late: a hundredth of the window."""
        return (self.next[1] - self.next[0]) / 100


def rolling(seconds: float, limits: dict[str, Any], **spans: Any) -> Case:
    return Case(limits, NOON, (NOON + seconds, NOON + 2 * seconds), spans)


def in_los_angeles(**spans: Any) -> dict[str, Any]:
    return {"day": {"window": "calendar", "timezone": LA}, **spans}


CASES: Final = {
    "hour": rolling(HOUR, {"rph": MANY}),
    "day": rolling(DAY, {"rpd": MANY}),
    "five hours": rolling(5 * HOUR, {"requests": {"per": "5h", "max": MANY}}),
    "rolling week": rolling(7 * DAY, {"rpw": MANY}, week={"window": "rolling"}),
    "rolling month": rolling(31 * DAY, {"rpmo": MANY}, month={"window": "rolling"}),
    "day in Los Angeles": Case(
        {"rpd": MANY},
        at(2026, 10, 31, 12, zone=LA),
        (at(2026, 11, 1, zone=LA), at(2026, 11, 2, zone=LA)),
        in_los_angeles(),
    ),
    "week in which clocks go back": Case(
        {"rpw": MANY},
        at(2026, 10, 24, zone=LA),
        (at(2026, 10, 26, zone=LA), at(2026, 11, 2, zone=LA)),
        in_los_angeles(),
    ),
    "week in which clocks go forward": Case(
        {"rpw": MANY},
        at(2027, 3, 7, 23, zone=LA),
        (at(2027, 3, 8, zone=LA), at(2027, 3, 15, zone=LA)),
        in_los_angeles(),
    ),
    "month": Case({"rpmo": MANY}, at(2027, 1, 31, 12), (at(2027, 2, 1), at(2027, 3, 1))),
    "month from the 31st": Case(
        {"rpmo": MANY}, at(2027, 1, 31, 12), (at(2027, 2, 28), at(2027, 3, 31)), {"month": {"day": 31}}
    ),
    "month from the 14th": Case(
        {"rpmo": MANY},
        at(2026, 10, 20, zone=LA),
        (at(2026, 11, 14, zone=LA), at(2026, 12, 14, zone=LA)),
        in_los_angeles(month={"day": 14}),
    ),
    "every window at once": Case(
        {
            "rph": MANY,
            "rpd": 2 * MANY,
            "rpw": 50 * MANY,
            "rpmo": 50 * MANY,
            "requests": [{"per": "5h", "max": MANY}, {"per": "10d", "max": 50 * MANY}],
            "parallel": 3,
        },
        NOON,
        (NOON + 5 * HOUR, NOON + DAY),
    ),
}


def router_of(
    simulator: Simulator, clock: VirtualClock, folder: Path, limits: dict[str, Any], *, state: str = "", **rest: Any
) -> Router:
    """A Router with one provider of these limits, which its simulator enforces; the same words for both."""
    simulator.set_limits({PROVIDER: {**limits, **rest, "strict_rolling": True, "price": PRICE}})
    provider = {
        "tier": "paid",
        "litellm_provider": "together_ai",
        "api_base": simulator.api_base(PROVIDER),
        "api_key": "os.environ/KEY",
        "day": {"window": "rolling"},
        "limits": limits,
        "models": [{"name": MODEL, "price": PRICE}],
        **rest,
    }
    document = {"version": 1, "state": state or "memory://", "providers": {PROVIDER: provider}}
    path = folder / "litellm.yaml"
    path.write_text(yaml.safe_dump(document), "utf-8")
    return Router.from_yaml(path, env={"KEY": "simulated"}, clock=clock)


async def answered(clock: VirtualClock, *calls: Awaitable[Any]) -> list[Any]:
    """The outcomes of calls; time passes to the next wish to wake whenever none of them is at the provider."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    while waiting := [task for task in tasks if not task.done()]:
        await asyncio.sleep(0.001)
        if await all_sleep(clock, waiting):
            clock.set(clock.wakes[0])
    return await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_each_window_is_used_up_and_never_exceeded(
    simulator: Simulator, clock: VirtualClock, tmp_path: Path, case: Case
) -> None:
    clock.set(case.begins)
    with closing(router_of(simulator, clock, tmp_path, case.limits, **case.spans)) as router:

        async def main() -> list[Any]:
            ask = [router.acompletion(model="default", messages=message(), max_wait=99 * DAY) for _ in range(3 * MANY)]
            return await answered(clock, *ask)

        failed = [each for each in asyncio.run(main()) if isinstance(each, BaseException)]
    assert not failed
    assert refusals(simulator) == 0
    moments = [call.at for call in simulator.calls(PROVIDER)]
    first, second, third = (moments[place : place + MANY] for place in (0, MANY, 2 * MANY))
    assert set(first) == {case.begins}
    assert all(case.next[0] <= moment <= case.next[0] + case.tolerance for moment in second)
    assert all(case.next[1] <= moment <= case.next[1] + 2 * case.tolerance for moment in third)


ANSWER: Final = 990
SPENT: Final = 20 * (10 + ANSWER)
"""Tokens that 20 requests take: the provider counts ten for each prompt."""
DOLLARS: Final = 20 * (10 * PRICE["input"] + ANSWER * PRICE["output"]) / 1e6
BEYOND: Final = 1.005
"""A twentieth of a request more: the estimate of a prompt is generous, so one that fits exactly is not sent."""
OF_TOKENS: Final[dict[str, dict[str, Any]]] = {
    **{name: {name: int(SPENT * BEYOND)} for name in ("tph", "tpd", "tpw", "tpmo")},
    "tokens": {"tokens": {"per": "5h", "max": int(SPENT * BEYOND)}},
    **{name: {name: DOLLARS * BEYOND} for name in ("usd_per_day", "usd_per_month")},
}


@pytest.mark.parametrize("limits", OF_TOKENS.values(), ids=list(OF_TOKENS))
def test_tokens_and_dollars_of_a_window_are_used_to_the_last_hundredth(
    simulator: Simulator, clock: VirtualClock, tmp_path: Path, limits: dict[str, Any]
) -> None:
    simulator.set_options(answer_tokens=ANSWER)
    with closing(router_of(simulator, clock, tmp_path, limits)) as router:

        async def main() -> list[Any]:
            ask = [router.acompletion(model="default", messages=message(), max_tokens=ANSWER) for _ in range(30)]
            return await asyncio.gather(*ask, return_exceptions=True)

        outcomes = asyncio.run(main())
    assert all(isinstance(each, NoProviderAvailable) for each in outcomes if isinstance(each, BaseException))
    assert refusals(simulator) == 0
    (window,) = next(iter(simulator.summary()[PROVIDER]["windows"].values())).values()
    assert 0.99 * window["limit"] <= window["used"] <= window["limit"]


PROMPT: Final = [{"role": "user", "content": "market " * 570}]
"""About a thousand tokens."""


@pytest.mark.parametrize("told", [False, True], ids=["silent", "in headers"])
@pytest.mark.parametrize("part", ["itpm", "otpm"])
def test_input_and_output_tokens_of_a_minute_are_used_apart(
    simulator: Simulator, clock: VirtualClock, tmp_path: Path, part: str, told: bool
) -> None:
    """A few of either fill the minute of one, though those of the other would not fit; then the next minute too."""
    simulator.set_options(answer_tokens=10 if part == "itpm" else ANSWER, window_headers=told)
    limits = {"itpm": 10_200, "otpm": 10_000} if part == "itpm" else {"itpm": 10_000, "otpm": int(10.1 * ANSWER)}
    with closing(router_of(simulator, clock, tmp_path, limits)) as router:
        prompt = PROMPT if part == "itpm" else message()
        bound = 10 if part == "itpm" else ANSWER

        async def main() -> list[Any]:
            ask = [
                router.acompletion(model="default", messages=prompt, max_tokens=bound, max_wait=100) for _ in range(22)
            ]
            return await answered(clock, *ask)

        outcomes = asyncio.run(main())
    assert refusals(simulator) == 0
    calls = simulator.calls(PROVIDER)
    used = [call.prompt_tokens if part == "itpm" else call.completion_tokens for call in calls]
    first = [each for each, call in zip(used, calls, strict=True) if call.at < NOON + 60]
    assert 0.95 * limits[part] <= sum(first) <= limits[part]
    assert len([each for each in outcomes if not isinstance(each, BaseException)]) == len(calls) > 1.9 * len(first)


@pytest.mark.parametrize("store", ["memory", "sqlite"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_requests_beyond_those_at_a_time_are_served_one_after_another(
    simulator: Simulator, clock: VirtualClock, tmp_path: Path, store: str, stream: bool
) -> None:
    simulator.set_options(keep_bodies=True, latency_ms=3, chunk_delay_ms=1)
    state = "memory://" if store == "memory" else f"sqlite:///{tmp_path}/state.db"

    async def main(router: Router) -> None:
        async def ask(number: int) -> None:
            reply = await router.acompletion(model="default", messages=message(str(number)), stream=stream, max_wait=60)
            if stream:
                assert [chunk async for chunk in reply]

        outcomes = await answered(clock, *(ask(number) for number in range(20)))
        assert not [each for each in outcomes if each is not None]

    with closing(router_of(simulator, clock, tmp_path, {"parallel": 1}, state=state)) as router:
        asyncio.run(main(router))
        (provider,) = router.status()["providers"]
    assert refusals(simulator) == 0
    asked = [str(call.body and call.body["messages"][0]["content"]) for call in simulator.calls(PROVIDER)]
    assert asked == [str(number) for number in range(20)]
    assert provider["limits"]["parallel"]["reserved"] == 0


def test_two_routers_on_one_store_share_the_requests_at_a_time(
    simulator: Simulator, clock: VirtualClock, tmp_path: Path
) -> None:
    simulator.set_options(latency_ms=3)
    limits, state = {"parallel": 2}, f"sqlite:///{tmp_path}/state.db"

    async def main(*routers: Router) -> list[Any]:
        ask = [each.acompletion(model="default", messages=message(), max_wait=600) for each in routers * 10]
        return await answered(clock, *ask)

    with (
        closing(router_of(simulator, clock, tmp_path, limits, state=state)) as one,
        closing(router_of(simulator, clock, tmp_path, limits, state=state)) as other,
    ):
        outcomes = asyncio.run(main(one, other))
    assert not [each for each in outcomes if isinstance(each, BaseException)]
    assert refusals(simulator) == 0
    assert simulator.count(PROVIDER) == 20


@pytest.mark.parametrize(
    "name", ["rolling week", "week in which clocks go back", "month from the 31st", "every window at once"]
)
def test_what_a_window_holds_is_remembered_over_a_restart(
    simulator: Simulator, clock: VirtualClock, tmp_path: Path, name: str
) -> None:
    case, state = CASES[name], f"sqlite:///{tmp_path}/state.db"
    clock.set(case.begins)
    first = router_of(simulator, clock, tmp_path, case.limits, state=state, **case.spans)

    def served(router: Router, times: int) -> int:
        async def main() -> list[Any]:
            ask = [router.acompletion(model="default", messages=message(), max_wait=0.5) for _ in range(times)]
            return await answered(clock, *ask)

        return len([each for each in asyncio.run(main()) if not isinstance(each, BaseException)])

    assert served(first, MANY - 2) == MANY - 2
    first.close()
    again = Router.from_yaml(tmp_path / "litellm.yaml", env={"KEY": "simulated"}, clock=clock)
    with closing(again):
        assert served(again, 4) == 2
        clock.set(case.next[0] + case.tolerance)
        assert served(again, MANY + 1) == MANY
    assert refusals(simulator) == 0
