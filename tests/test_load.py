"""Under overload no limit is exceeded, and what the limits allow is used."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from rig import MODELS
from rig_load import passing

from benchmarks.clients import ask
from benchmarks.foresight import accounts_of, allowed
from benchmarks.judged import Room
from benchmarks.load import LONGEST_PROMPT, MAX_TOKENS, Arrival, Result, drive, timetable
from router_config import Router
from router_config.clock import VirtualClock
from router_config.ledger.rules.windows import MINUTE
from router_config.routing.estimate import need_of
from router_config.simulator import Call, Simulator

SPEED: Final = 20.0
LATENCY_MS: Final = (50 / SPEED, 800 / SPEED)
"""The simulator waits in real time: 50 to 800 ms of the load's."""

ANSWER_TOKENS: Final = 40
REFERENCE: Final = {
    "groq": {"rpm": 30, "tpd": 100_000},
    "gemini": {"rpm": 60, "tpd": 15_000_000},
    "openrouter": {"rpm": 50, "tpd": 50_000},
    "together": {"rpm": 40, "tpd": 100_000},
    "openai": {"rpm": 60, "tpd": 1_000_000},
}


@dataclass(frozen=True)
class Run:
    """A load that has been served, and everything that is known of it."""

    load: Sequence[Arrival]
    results: Sequence[Result]
    calls: Sequence[Call]
    status: dict[str, Any]
    summary: dict[str, Any]
    limits: dict[str, dict[str, int]]
    keys: int

    @property
    def admitted(self) -> list[Call]:
        return [call for call in self.calls if call.admitted]

    @property
    def lag(self) -> float:
        """Seconds by which the router may know later than the provider that a request has left its minute."""
        longest = max(result.ended - result.began for result in self.results if result.outcome != "refused")
        return longest + MINUTE.width + 1.0

    def counted(self, provider: str) -> dict[str, Any]:
        return next(each for each in self.status["providers"] if each["name"] == provider)

    def room(self, provider: str) -> "RoomWithin":
        """Room by the provider's own count that the router must have known of: beyond its lag and what it reserves."""
        limit = self.limits[provider].get("tpd", 0)
        overcount = self.counted(provider)["usage_today"]["tokens"] - self.summary[provider]["tokens"]
        spare = overcount + 0.15 * limit + reserved(Arrival(0.0, LONGEST_PROMPT)) - LONGEST_PROMPT
        return RoomWithin(Room(provider, self.limits[provider], self.keys, self.admitted), self.lag, int(spare))


@dataclass(frozen=True)
class RoomWithin:
    room: Room
    lag: float
    tokens: int

    def at(self, moment: float) -> bool:
        return self.room.at(moment, since=self.lag, until=self.lag, tokens=self.tokens)


def run(
    simulator: Simulator,
    clock: VirtualClock,
    path: Path,
    limits: dict[str, dict[str, int]],
    *,
    state: str,
    keys: int = 1,
    seconds: float = 97,
    rate: float = 7,
) -> Run:
    """200 callers at once, then `rate` requests a second, more than the limits allow, past the turn of the windows."""
    simulator.set_limits({name: {**each, "strict_rolling": True} for name, each in limits.items()})
    simulator.set_options(latency_ms=LATENCY_MS, answer_tokens=ANSWER_TOKENS)
    secrets = {f"KEY_{name.upper()}_{number}": f"{name}-{number}" for name in limits for number in range(keys)}
    document = {
        "version": 1,
        "state": state,
        "providers": {
            name: {
                "priority": priority,
                "api_base": simulator.api_base(name),
                "api_key": [f"os.environ/KEY_{name.upper()}_{number}" for number in range(keys)],
                "limits": each,
                "models": MODELS[name][:1],
            }
            for priority, (name, each) in enumerate(limits.items(), start=1)
        },
    }
    path.write_text(yaml.safe_dump(document), "utf-8")
    router = Router.from_yaml(path, env=secrets, clock=clock)
    load = timetable(seconds, rate=rate)

    async def main() -> list[Result]:
        async with passing(clock, SPEED):
            return await drive(lambda arrival: ask(router, arrival), load, clock)

    try:
        results = asyncio.run(main())
        while any(each["open"] for each in simulator.summary().values()):  # Of those cancelled last.
            pass
        return Run(load, results, simulator.calls(), router.status(), simulator.summary(), limits, keys)
    finally:
        router.close()


def assert_no_limit_was_exceeded(done: Run) -> None:
    for name, seen in done.summary.items():
        assert seen["rate_limited"] == 0, name
        assert (seen["worst_rolling_minute"]["requests_ratio"] or 0) <= 1, name
        for window in (gate for gates in seen["windows"].values() for gate in gates.values()):
            assert window["used"] <= window["limit"], name


def assert_the_limits_were_used(done: Run) -> None:
    possible = allowed(done.load, accounts_of(done.limits, done.keys), ANSWER_TOKENS)
    assert len(done.admitted) >= 0.97 * sum(possible.values())
    rooms = [done.room(name) for name in done.limits]
    for result in done.results:
        if result.outcome == "refused":
            assert not any(room.at(result.ended) for room in rooms), result


def assert_priorities_were_kept(done: Run) -> None:
    preferred: list[RoomWithin] = []
    for name in done.limits:
        for call in done.admitted:
            if call.provider == name:
                assert not any(room.at(call.at) for room in preferred), call
        preferred.append(done.room(name))


def assert_the_accounting_is_exact(done: Run) -> None:
    """Every request is counted; the tokens of a cancelled one as they were reserved, of all others as they were."""
    too_much = 0
    for name in done.limits:
        counted, seen = done.counted(name), done.summary[name]
        assert counted["usage_today"]["requests"] == seen["requests"], name
        assert all(limit["reserved"] == 0 for limit in counted["limits"].values()), name
        assert counted["usage_today"]["tokens"] >= seen["tokens"], name
        too_much += counted["usage_today"]["tokens"] - seen["tokens"]
    cancelled = [one for one, result in zip(done.load, done.results, strict=True) if result.outcome == "cancelled"]
    assert too_much <= sum(reserved(one) - one.prompt_tokens - ANSWER_TOKENS for one in cancelled)


def reserved(arrival: Arrival) -> int:
    return need_of({"messages": arrival.messages, "max_tokens": MAX_TOKENS}, 0).tokens


@pytest.mark.parametrize("store", [pytest.param("memory", marks=pytest.mark.contract), "sqlite"])
def test_two_hundred_callers_of_five_providers_use_what_the_limits_allow_and_no_more(
    simulator: Simulator, clock: VirtualClock, tmp_path: Path, store: str
) -> None:
    state = "memory://" if store == "memory" else f"sqlite:///{tmp_path}/state.db"
    done = run(simulator, clock, tmp_path / "litellm.yaml", REFERENCE, state=state)
    assert_no_limit_was_exceeded(done)
    assert_the_limits_were_used(done)
    assert_priorities_were_kept(done)
    assert_the_accounting_is_exact(done)


def test_sixty_deployments_under_load(simulator: Simulator, clock: VirtualClock, tmp_path: Path) -> None:
    rpms = {"groq": 2, "gemini": 5, "openrouter": 4, "together": 3, "openai": 5}
    limits = {name: {"rpm": rpm} for name, rpm in rpms.items()}
    done = run(simulator, clock, tmp_path / "litellm.yaml", limits, state="memory://", keys=12)
    assert_no_limit_was_exceeded(done)
    assert_the_limits_were_used(done)
    assert_priorities_were_kept(done)
    assert_the_accounting_is_exact(done)


def test_three_hundred_deployments_under_load(simulator: Simulator, clock: VirtualClock, tmp_path: Path) -> None:
    limits = {name: {"rpm": 1} for name in REFERENCE}
    state = f"sqlite:///{tmp_path}/state.db"
    done = run(simulator, clock, tmp_path / "litellm.yaml", limits, state=state, keys=60, seconds=85, rate=14)
    assert_no_limit_was_exceeded(done)
    assert_the_limits_were_used(done)
    assert_priorities_were_kept(done)
    assert_the_accounting_is_exact(done)
