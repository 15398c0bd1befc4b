"""Slow and stalling providers: what prefer, hedge and first_token_timeout change, and what they cost.

Two simulated providers over HTTP. The first stalls one request in ten, or 3 % of them (--stall seconds). "Two equal"
have one priority, and the first is slower besides. Run it with

    python -m benchmarks.latency
    python -m benchmarks.latency --requests 2000 --stall 3 --json
    python -m benchmarks.latency --cost

Times are of a wall clock, so a busy machine makes all of them longer; what counts is the ratio of two rows. --cost
measures CPU time of one request in this process, over HTTP, all rules off and on in turn.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

import yaml

from router_config import Router
from router_config.simulator import Simulator

MODELS: Final = {"groq": "llama-3.3-70b-versatile", "together": "mistralai/Mixtral-8x7B-Instruct-v0.1"}
USUAL: Final = (30.0, 90.0)
"""Milliseconds that answers take at both, where nothing stalls."""

PLENTY: Final = {"rpm": 100_000, "tpm": 1_000_000_000, "rpd": 1_000_000, "tpd": 1_000_000_000}

SLOWER: Final = (250.0, 400.0)
AT_ONCE: Final = 4
"""Callers at a time."""

WARM: Final = 40
"""Requests before those that count: LiteLLM's own first ones take long, and a quantile needs 20."""


class Case(NamedTuple):
    """A row. equal: both have one priority, and the first is slower. stalls: of the first one's requests."""

    name: str
    rules: Mapping[str, Any]
    stream: bool = False
    equal: bool = False
    stalls: float = 0.10


CASES: Final = (
    Case("answers, nothing", {}),
    Case("answers, hedge p95 5%", {"hedge": {"after": "p95", "at_most": "5%"}}),
    Case("answers, hedge p95 10%", {"hedge": {"after": "p95", "at_most": "10%"}}),
    Case("answers, hedge p95 20%", {"hedge": {"after": "p95", "at_most": "20%"}}),
    Case("3 % stall, nothing", {}, stalls=0.03),
    Case("3 % stall, hedge p95 5%", {"hedge": {"after": "p95", "at_most": "5%"}}, stalls=0.03),
    Case("3 % stall, hedge p99 5%", {"hedge": {"after": "p99", "at_most": "5%"}}, stalls=0.03),
    Case("two equal, nothing", {}, equal=True),
    Case("two equal, prefer fastest", {"prefer": "fastest"}, equal=True),
    Case(
        "two equal, fastest and hedge 5%",
        {"prefer": "fastest", "hedge": {"after": "p95", "at_most": "5%"}},
        equal=True,
    ),
    Case("first tokens, nothing", {}, stream=True),
    Case("first tokens, timeout 300ms", {"first_token_timeout": "300ms"}, stream=True),
    Case("first tokens, hedge p95 20%", {"hedge": {"after": "p95", "at_most": "20%"}}, stream=True),
)


class Row(NamedTuple):
    """Milliseconds of a case, and what was asked beside the requests that were made. tokens: for each of them."""

    name: str
    p50: float
    p90: float
    p99: float
    more_requests: float
    tokens: float
    refused: int
    failed: int


def file_of(simulator: Simulator, folder: Path, case: Case) -> Path:
    providers = {
        name: {
            "priority": 1 if case.equal else place,
            "api_base": simulator.api_base(name),
            "limits": PLENTY,
            "models": [model],
        }
        for place, (name, model) in enumerate(MODELS.items(), 1)
    }
    groups = {"groups": {"default": dict(case.rules)}} if case.rules else {}
    document = {"version": 1, "state": "memory://", "providers": providers, **groups}
    path = folder / "litellm.yaml"
    path.write_text(yaml.safe_dump(document), "utf-8")
    return path


async def ask(router: Router, stream: bool) -> float:
    """Milliseconds to the answer, or to the first token of a stream, which is read to its end."""
    began = time.perf_counter()
    reply = await router.acompletion(
        model="default", messages=[{"role": "user", "content": "Buy or sell?"}], stream=stream, max_tokens=60
    )
    took = (time.perf_counter() - began) * 1000
    if stream:
        async for _ in reply:
            pass
    return took


def spent(router: Router) -> tuple[int, int]:
    """Requests and tokens that the router counts at all providers."""
    usage = [each["usage_today"] for each in router.status()["providers"]]
    return sum(each["requests"] for each in usage), sum(each["tokens"] for each in usage)


async def measure(
    router: Router, simulator: Simulator, case: Case, requests: int, stall: float
) -> tuple[list[float], int]:
    for name in MODELS:  # Each of them is asked once before all.
        deployment = next(each for each in router.catalog.deployments.values() if each.provider == name)
        await router.acompletion(model=deployment.id, messages=[{"role": "user", "content": "Hi"}], stream=case.stream)
    for _ in range(WARM):
        await ask(router, case.stream)
    simulator.fault("groq", latency_ms=stall * 1000, share=case.stalls)
    times, failed, left = list[float](), 0, iter(range(requests))

    async def caller() -> None:
        nonlocal failed
        for _ in left:
            try:
                times.append(await ask(router, case.stream))
            except Exception:
                failed += 1

    await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
    return times, failed


def run(case: Case, requests: int, stall: float, seed: int) -> Row:
    with tempfile.TemporaryDirectory() as folder, Simulator() as simulator:
        simulator.set_limits(dict.fromkeys(MODELS, PLENTY))
        simulator.set_options(latencies_ms={"groq": SLOWER if case.equal else USUAL, "together": USUAL})
        router = Router.from_yaml(file_of(simulator, Path(folder), case), env=simulator.env(), watch=False)
        random.seed(seed)
        try:
            times, failed = asyncio.run(measure(router, simulator, case, requests, stall))
            made = requests + WARM + len(MODELS)
            asked, tokens = spent(router)
            summary = simulator.summary()
        finally:
            router.close()
    ordered = sorted(times)
    p50, p90, p99 = (ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.9, 0.99))
    refused = sum(each["rate_limited"] for each in summary.values())
    return Row(case.name, p50, p90, p99, asked / made - 1, tokens / made, refused, failed)


def cost(rounds: int, each: int = 40) -> dict[str, float]:
    """Microseconds of CPU time for one answer, by what is switched on; in turn, so that all meet the same machine.

    It is that of the thread that asks, without the simulator's.
    """
    cases: dict[str, Mapping[str, Any]] = {
        "off": {},
        "first_token_timeout": {"first_token_timeout": "5s"},
        "prefer fastest": {"prefer": "fastest"},
        "hedge p99 1%": {"hedge": {"after": "p99", "at_most": "1%"}},
    }
    taken: dict[str, list[float]] = {name: [] for name in cases}
    with Simulator() as simulator, tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        simulator.set_limits(dict.fromkeys(MODELS, PLENTY))
        routers: dict[str, Router] = {}
        for name, rules in cases.items():
            path = file_of(simulator, Path(folder), Case(name, rules))
            routers[name] = Router.from_yaml(path, env=simulator.env(), watch=False)

        async def asking(router: Router) -> float:
            began = time.thread_time()
            for _ in range(each):
                await ask(router, stream=False)
            return (time.thread_time() - began) / each * 1e6

        for number in range(rounds + 2):
            for name, router in routers.items():
                micros = runner.run(asking(router))
                if number >= 2:
                    taken[name].append(micros)
        for router in routers.values():
            router.close()
    return {name: median(micros) for name, micros in taken.items()}


def table(rows: Sequence[Row]) -> str:
    lines = [
        "| | p50 ms | p90 ms | p99 ms | more requests | more tokens | 429 | failed |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        alike = next(each for each in rows if each.name == f"{row.name.partition(',')[0]}, nothing")
        more = row.tokens / alike.tokens - 1
        times = " | ".join(f"{each:.0f}" for each in row[1:4])
        lines.append(f"| {row.name} | {times} | {row.more_requests:.1%} | {more:.1%} | {row.refused} | {row.failed} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.latency", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=1000, help="of each row")
    parser.add_argument("--stall", type=float, default=2.0, help="seconds that a stall takes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="rows whose name holds this")
    parser.add_argument("--cost", action="store_true", help="CPU time of a request instead")
    parser.add_argument("--rounds", type=int, default=15, help="of --cost, with 40 requests for each row")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.cost:
        micros = cost(arguments.rounds)
        print(
            json.dumps(micros)
            if arguments.json
            else "\n".join(f"{name:22}{each:8.0f} us" for name, each in micros.items())
        )
        return 0
    cases = [
        each for each in CASES if not arguments.only or arguments.only in each.name or each.name.endswith("nothing")
    ]
    rows = []
    for case in cases:
        rows.append(run(case, arguments.requests, arguments.stall, arguments.seed))
        print(rows[-1].name, file=sys.stderr)
    print(json.dumps([row._asdict() for row in rows]) if arguments.json else table(rows))
    return int(any(row.refused or row.failed for row in rows))


if __name__ == "__main__":
    sys.exit(main())
