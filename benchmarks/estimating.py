"""What it costs to estimate a prompt, against the reservation that the estimate is for."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from router_config.deployments.deployment import Deployment, Scopes
from router_config.ledger.interfaces import Store
from router_config.ledger.opening import open_store
from router_config.ledger.rules.gates import Need
from router_config.ledger.rules.meters import Limit, Meter
from router_config.ledger.values import Settlement
from router_config.routing.estimate import need_of

_PROMPT = "The market opened higher today as traders weighed 12.5% tariffs, and volume stayed thin. "


def costs(directory: Path, rounds: int = 300) -> dict[str, float]:
    """Microseconds, the median of many: an estimate of 1 kB and 100 kB, and a reservation with its settlement."""
    small, large = ({"messages": [{"role": "user", "content": (_PROMPT * 2000)[:size]}]} for size in (1000, 100_000))
    return {
        "estimate of 1 kB": _median(lambda: need_of(small, 500), rounds),
        "estimate of 100 kB": _median(lambda: need_of(large, 500), rounds),
        "reserve + settle, memory": _steps(open_store("memory://"), rounds),
        "reserve + settle, SQLite": _steps(open_store(f"sqlite:///{directory}/estimating.db"), rounds),
    }


def _steps(store: Store, rounds: int) -> float:
    place = Deployment(
        "one", "one", "one", 1, 1, 0, "free", ("default",),
        (Meter("account", (Limit("rpm", 1e9), Limit("tpd", 1e12))), Meter("model")), Scopes("p", "account", "k", "m"),
    )  # fmt: skip

    async def step() -> None:
        now = time.time()
        _, lease = await store.reserve((place,), Need(1000, 500), now, 600.0)
        assert lease is not None
        await store.settle(lease, Settlement(lease.amount, now, now, alive=True), now)

    async def run() -> float:
        taken = [await _timed(step) for _ in range(rounds)]
        await store.aclose()
        return sorted(taken)[rounds // 2]

    return asyncio.run(run())


async def _timed(step: Callable[[], Coroutine[Any, Any, None]]) -> float:
    began = time.perf_counter()
    await step()
    return (time.perf_counter() - began) * 1e6


def _median(work: Callable[[], object], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1e6)
    return sorted(taken)[rounds // 2]
