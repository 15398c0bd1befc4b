"""Accounts stay exact under load, cancellations and faults."""

import asyncio
import random
from collections import Counter

import httpx
import pytest

from router_config.simulator import PROVIDERS, Simulator

from .conftest import Client, wait_for


@pytest.mark.parametrize("seed", [1, 2])
def test_every_request_is_accounted_for_once(seed: int) -> None:
    limits = {name: {"rpm": 25, "tpm": 40_000} for name in PROVIDERS}
    with Simulator(limits, latency_ms=(0, 30), chunk_delay_ms=2, seed=seed) as simulator:
        client = Client(simulator)
        client.http.close()
        for fault in ({"status": 500}, {"cut": 2}, {"reset": True}, {"malformed": True}, {"error_event": 1}):
            simulator.fault(share=0.05, **fault)
        statuses = asyncio.run(_storm(client, random.Random(seed)))
        wait_for(lambda: all(one["open"] == 0 for one in simulator.summary().values()))
        summary = simulator.summary()
        calls = simulator.calls()
    assert sum(one["requests"] for one in summary.values()) == len(calls)
    for name, one in summary.items():
        own = [call for call in calls if call.provider == name]
        admitted = [call for call in own if call.admitted]
        assert sum(one["outcomes"].values()) == one["requests"] == len(own)
        assert one["admitted"] == len(admitted) <= 50  # the limit, and what is refilled or turns meanwhile
        assert one["tokens"] == sum(call.tokens for call in admitted)
        assert one["worst_rolling_minute"]["requests"] == len(admitted)
        assert one["worst_rolling_minute"]["tokens"] == one["tokens"]
        assert one["rate_limited"] == sum(call.outcome == "rate_limited" for call in own)
    assert statuses[429] <= sum(one["rate_limited"] for one in summary.values())  # some were not read
    assert statuses["cancelled"] > 0


async def _storm(client: Client, chance: random.Random) -> Counter[int | str]:
    """300 requests, some streamed, a fifth abandoned midway; how they ended."""
    seen: Counter[int | str] = Counter()
    async with httpx.AsyncClient(timeout=10) as http:

        async def ask(provider: str, stream: bool, patience: float) -> None:
            url, headers, body = client.request(provider, "x" * 200, max_tokens=300, stream=stream)
            try:
                async with asyncio.timeout(patience):
                    seen[(await http.post(url, headers=headers, json=body)).status_code] += 1
            except TimeoutError:
                seen["cancelled"] += 1
            except httpx.TransportError:
                seen["broken"] += 1

        await asyncio.gather(
            *(
                ask(chance.choice(PROVIDERS), chance.random() < 0.3, 0.02 if chance.random() < 0.2 else 10)
                for _ in range(300)
            )
        )
    return seen
