"""One process of the load: a router, and callers of whom a tenth give up and a tenth read a stream."""

import asyncio
import json
import logging
import os
import random
import sys
import time
from dataclasses import dataclass
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

from benchmarks.unseen_tokens.judge import LIMITS
from router_config.clock import SystemClock

WORD = "market "
PROMPTS = (1, 20)
MAX_TOKENS = 30


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request at so many seconds from the start, and whether its caller gives up, streams, or breaks off."""

    at: float
    prompt: str
    cancelled: bool
    stream: bool
    broken_off: bool


def timetable(seconds: float, rate: float, seed: int) -> list[Arrival]:
    chance = random.Random(seed)
    moments = sorted(chance.uniform(0, seconds) for _ in range(round(rate * seconds)))
    found = []
    for at in moments:
        kind = chance.random()
        prompt = WORD * chance.choice(PROMPTS)
        found.append(Arrival(at, prompt, kind < 0.1, 0.1 <= kind < 0.2, 0.1 <= kind < 0.15))
    return found


def entries(base: str) -> list[dict[str, Any]]:
    """The model list: the judge's three providers in their order."""
    return [
        {
            "model_name": "default",
            "litellm_params": {"model": f"openai/{name}", "api_base": f"{base}/{name}", "api_key": "k"},
            "model_info": {"id": name, "provider": name, "model": name, "priority": priority, "limits": limits},
        }
        for priority, (name, limits) in enumerate(LIMITS.items(), start=1)
    ]


class FastClock(SystemClock):
    """The machine's time, so many times as fast since `began`."""

    def __init__(self, began: float, times: float) -> None:
        super().__init__()
        self._began, self._times = began, times

    def now(self) -> float:
        return self._began + (time.time() - self._began) * self._times

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._times)


async def warm(base: str) -> None:
    """What LiteLLM does at its first calls is not part of the load."""
    from router_config import Router

    params = {"model": "openai/warm", "api_base": f"{base}/warm", "api_key": "k"}
    router = Router([{"model_name": "warm", "litellm_params": params, "model_info": {"id": "warm"}}])
    for stream in (False, False, False, True, True):
        reply = await router.acompletion("warm", [{"role": "user", "content": "w"}], stream=stream, max_tokens=1)
        if stream:
            async for _ in reply:
                pass
    await router.aclose()


async def main() -> None:
    """Arguments: a JSON job. Prints "ready", waits for a line, runs, and prints what callers saw."""
    job = json.loads(sys.argv[1])
    from router_config import Router

    logging.disable(logging.CRITICAL)
    clock = FastClock(job["began"], job["times"])
    router = Router(entries(job["base"]), state=job["state"], clock=clock, output_tokens=MAX_TOKENS)
    outcomes: dict[str, int] = {}

    async def ask(arrival: Arrival) -> None:
        reply = await router.acompletion(
            "default", [{"role": "user", "content": arrival.prompt}], stream=arrival.stream, max_tokens=MAX_TOKENS
        )
        if arrival.stream:
            async for _ in reply:
                if arrival.broken_off:
                    await reply.aclose()
                    return

    async def one(arrival: Arrival) -> None:
        task = asyncio.ensure_future(ask(arrival))
        if arrival.cancelled:
            await clock.sleep(0.1)
            task.cancel()
        try:
            await task
            ended = "served"
        except asyncio.CancelledError:
            ended = "cancelled"
        except Exception as error:
            ended = type(error).__name__
        outcomes[ended] = outcomes.get(ended, 0) + 1

    await warm(job["base"])
    print("ready", flush=True)
    start = float(await asyncio.to_thread(sys.stdin.readline))
    running = []
    for arrival in timetable(job["seconds"], job["rate"], job["seed"]):
        if (early := start + arrival.at - clock.now()) > 0:
            await clock.sleep(early)
        running.append(asyncio.create_task(one(arrival)))
    await asyncio.gather(*running)
    history = await router.ahistory()
    failures = [f"{each['provider']}: {each['reason']}" for each in history["events"] if each["kind"] == "cooldown"]
    print(json.dumps({**outcomes, "cooldowns": failures}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
