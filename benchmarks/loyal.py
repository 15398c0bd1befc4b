"""Tool loops under overload: how often they change their model, what that does to the order, and what loyalty costs.

Agents run loops of twenty calls over the five reference providers on a virtual clock, each call after the last one was
answered and a tool has run: twelve agents ask for half of what there is in a minute, 24 for all that is free, 36 for
more than there is. Once with `sticky: 10m`, once with `sticky: off`. Run with

    python -m benchmarks.loyal                     # ten minutes
    python -m benchmarks.loyal --quick             # two minutes
    python -m benchmarks.loyal --redis redis://127.0.0.1:6379/9 --json

The cost is CPU time of this process for a reservation and its settlement, and round trips to a Redis by a proxy.
"""

import argparse
import asyncio
import heapq
import json
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, Final

import yaml

from benchmarks.costs.round_trips import CountingProxy
from benchmarks.fidelity import FIVE
from router_config import NoProviderAvailable, Router, route_of
from router_config.attempts.tried import Tried
from router_config.clock import VirtualClock
from router_config.simulator import Simulator

START: Final = 1_795_435_200.0
CALLS: Final = 20
MODELS: Final = {
    "groq": "llama-3.3-70b-versatile",
    "gemini": "gemini-2.5-pro",
    "openrouter": "deepseek/deepseek-r1:free",
    "together": "mistralai/Mixtral-8x7B-Instruct-v0.1",
    "openai": "gpt-4o-mini",
}
TOOLS: Final = [{"type": "function", "function": {"name": "price", "parameters": {"type": "object", "properties": {}}}}]
SYSTEM: Final = "You are a careful trader. Ask for each price before you decide. " * 8
RESULT: Final = "The price is 101.25, the volume 1200, the spread 0.02. " * 3
WAITS: Final = 2.0
"""Seconds after which an agent asks again where nobody had room."""

TOOL_TAKES: Final = (1.0, 15.0)
LOADS: Final = {"a minute's room": ("rpm",), "the day's room": ("rpm", "tpd")}


@dataclass
class Loop:
    """One loop of an agent: who answered each of its calls so far."""

    agent: int
    number: int
    by: list[str]

    @property
    def messages(self) -> list[Any]:
        """What it asks with next."""
        asked: list[Any] = [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": f"Agent {self.agent}, case {self.number}: buy or sell?"},
        ]
        for number in range(len(self.by)):
            function = {"name": "price", "arguments": "{}"}
            call = {"id": f"call_{number}", "type": "function", "function": function}
            asked.append({"role": "assistant", "content": None, "tool_calls": [call]})
            asked.append({"role": "tool", "tool_call_id": f"call_{number}", "content": RESULT})
        return asked


def file_of(simulator: Simulator, folder: Path, state: str, sticky: Any, limits: tuple[str, ...]) -> Path:
    providers = {
        name: {
            "priority": place,
            "tier": "paid" if name == "openai" else "free",
            "api_base": simulator.api_base(name),
            "limits": {kind: FIVE[name][kind] for kind in limits},
            "models": [MODELS[name]],
        }
        for place, name in enumerate(FIVE, 1)
    }
    document = {"version": 1, "state": state, "defaults": {"sticky": sticky}, "providers": providers}
    path = folder / "litellm.yaml"
    path.write_text(yaml.safe_dump(document), "utf-8")
    return path


async def run(router: Router, clock: VirtualClock, agents: int, minutes: float, seed: int) -> tuple[list[Loop], int]:
    """The loops that ended, and how often nobody had room."""
    chance, began, refused, ended = random.Random(seed), clock.now(), 0, list[Loop]()
    numbers = iter(range(1_000_000))
    due = [(began + chance.random(), next(numbers), Loop(agent, 0, [])) for agent in range(agents)]
    heapq.heapify(due)
    while due[0][0] < began + minutes * 60:
        at, _, loop = heapq.heappop(due)
        clock.advance(max(0.0, at - clock.now()))
        try:
            reply = await router.acompletion(model="default", messages=loop.messages, tools=TOOLS, max_tokens=60)
        except NoProviderAvailable:
            refused += 1
            heapq.heappush(due, (at + WAITS, next(numbers), loop))
            continue
        loop.by.append(route_of(reply).provider)
        if len(loop.by) == CALLS:
            ended.append(loop)
            loop = Loop(loop.agent, loop.number + 1, [])
        heapq.heappush(due, (at + chance.uniform(*TOOL_TAKES), next(numbers), loop))
    return ended + [loop for _, _, loop in due], refused


def judged(loops: list[Loop], refused: int, simulator: Simulator, minutes: float) -> dict[str, Any]:
    summary, by = simulator.summary(), Counter(name for loop in loops for name in loop.by)
    steps = [pair for loop in loops for pair in pairwise(loop.by)]
    changes = sum(one != other for one, other in steps)
    prompts = sum(each["prompt_tokens"] for each in summary.values())
    served = sum(by.values())
    return {
        "calls": served,
        "by_provider": {name: by[name] for name in FIVE},
        "nobody_had_room": refused,
        "http_429": sum(each["rate_limited"] for each in summary.values()),
        "share_of_a_minutes_room": served / (minutes * sum(each["rpm"] for each in FIVE.values())),
        "model_changed": changes / max(1, len(steps)),
        "loops": sum(len(loop.by) == CALLS for loop in loops),
        "loops_with_one_model": sum(len(loop.by) == CALLS and len(set(loop.by)) == 1 for loop in loops),
        "prompt_tokens_cached": sum(each["cached_tokens"] for each in summary.values()) / max(1, prompts),
    }


def loyalty(agents: int, minutes: float, seed: int) -> dict[str, Any]:
    """Each load with loops that stay and without."""
    found: dict[str, Any] = {}
    for limited_by, limits in LOADS.items():
        name = f"{agents} agents, {limited_by}"
        for sticky in ("10m", False):
            clock = VirtualClock(START)
            limited = {provider: {kind: FIVE[provider][kind] for kind in limits} for provider in FIVE}
            with tempfile.TemporaryDirectory() as folder, Simulator(limited, clock=clock.now) as simulator:
                simulator.set_options(prompt_caches=True)
                simulator.fault("*", tool_call=True)
                path = file_of(simulator, Path(folder), "memory://", sticky, limits)
                router = Router.from_yaml(path, env=simulator.env(), clock=clock, watch=False)
                loops, refused = asyncio.run(run(router, clock, agents, minutes, seed))
                found[f"{name}, sticky: {sticky or 'off'}"] = judged(loops, refused, simulator, minutes)
                router.close()
            print(f"{name}, sticky: {sticky or 'off'}: done", file=sys.stderr)
    return found


def asked_with(kind: str, number: int) -> dict[str, Any]:
    """A request without tools, one that begins a loop, and one that goes on with it."""
    loop = Loop(number % 50, 0, ["x"] * (number // 50 % CALLS + 1 if kind == "goes on" else 0))
    asked: dict[str, Any] = {"model": "default", "messages": loop.messages, "max_tokens": 60}
    return asked if kind == "without tools" else {**asked, "tools": TOOLS}


async def _spent(router: Router, kind: str, rounds: int) -> float:
    """Microseconds of CPU for a request made, reserved and settled; nobody is asked."""
    requests = [asked_with(kind, number) for number in range(rounds)]
    began = time.process_time()
    for asked in requests:
        now = router._clock.now()
        flight = await router._reservations.reserve(router._request("acompletion", asked, now), Tried(), now)
        assert flight is not None
        await router._settlements._settle(flight, flight.lease.amount, None, now, alive=True, decision=None)
    return (time.process_time() - began) / rounds * 1e6


def costs(state: str, rounds: int, proxy: CountingProxy | None = None) -> dict[str, Any]:
    """By kind of request, with loops that stay and without; in turn, so that a busy machine is the same to all."""
    kinds, found = ("without tools", "begins", "goes on"), dict[str, list[float]]()
    trips: dict[str, list[float]] = {}
    with ExitStack() as stack:
        routers: dict[str, Router] = {}
        for sticky in ("10m", "off"):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            simulator = stack.enter_context(Simulator())
            url = f"sqlite:///{folder}/state.db" if state == "sqlite" else state
            path = file_of(simulator, folder, url, sticky if sticky == "10m" else False, ("tpd",))
            text = yaml.safe_load(path.read_text("utf-8"))
            for provider in text["providers"].values():
                provider["limits"] = {"rpm": 10**9, "tpd": 10**12}
            path.write_text(yaml.safe_dump(text), "utf-8")
            routers[sticky] = Router.from_yaml(path, env=simulator.env(), watch=False)
            stack.callback(routers[sticky].close)

        async def measure() -> None:
            for number in range(8):
                for sticky, router in routers.items():
                    for kind in kinds:
                        before = 0 if proxy is None else proxy.round_trips
                        spent = await _spent(router, kind, rounds)
                        if number:
                            found.setdefault(f"{kind}, sticky: {sticky}", []).append(spent)
                            if proxy is not None:
                                tripped = (proxy.round_trips - before) / rounds
                                trips.setdefault(f"{kind}, sticky: {sticky}", []).append(tripped)

        asyncio.run(measure())
    return {
        name: {"cpu_microseconds": round(median(values), 1)}
        | ({} if proxy is None else {"round_trips": round(median(trips[name]), 3)})
        for name, values in found.items()
    }


def table(found: dict[str, Any]) -> str:
    lines = [
        "| | calls | model changed in a loop | loops with one model | prompts cached | of all minutes' room | 429s |"
    ]
    lines.append("|---|---:|---:|---:|---:|---:|---:|")
    for name, each in found.items():
        whole = f"{each['loops_with_one_model']} of {each['loops']}"
        shares = (each["model_changed"], each["prompt_tokens_cached"], each["share_of_a_minutes_room"])
        changed, cached, room = (f"{share:.1%}" for share in shares)
        lines.append(f"| {name} | {each['calls']} | {changed} | {whole} | {cached} | {room} | {each['http_429']} |")
        lines.append(
            f"|   by priority | {', '.join(f'{who} {times}' for who, times in each['by_provider'].items())} | | | | | |"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, nargs="+", default=[12, 24, 36], help="that run loops at the same time")
    parser.add_argument("--minutes", type=float, default=6.0, help="on the virtual clock (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="three minutes on the virtual clock")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--redis", metavar="URL", help="also what it costs on this Redis, an empty one")
    parser.add_argument("--only", choices=("loyalty", "costs"), help="one half of it")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    minutes = 3.0 if wanted.quick else wanted.minutes
    report: dict[str, Any] = {}
    if wanted.only != "costs":
        report["loyalty"] = {}
        for agents in wanted.agents:
            report["loyalty"] |= loyalty(agents, minutes, wanted.seed)
    if wanted.only != "loyalty":
        rounds = 200 if wanted.quick else 500
        report["costs"] = {"memory": costs("memory://", rounds), "SQLite": costs("sqlite", rounds)}
        if wanted.redis:
            with CountingProxy(wanted.redis) as proxy:
                report["costs"]["Redis"] = costs(proxy.url, rounds, proxy)
    if wanted.json:
        print(json.dumps(report, indent=1))
        return 0
    if "loyalty" in report:
        print(table(report["loyalty"]))
    for store, kinds in report.get("costs", {}).items():
        print(f"\n{store}:")
        for name, figures in kinds.items():
            told = f", {figures['round_trips']:.2f} round trips" if "round_trips" in figures else ""
            print(f"  {name:<30} {figures['cpu_microseconds']:7.1f} us of CPU{told}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
