"""Run as a program by test_leaks: uses a Router in many ways with few descriptors, and prints what is left open.

Arguments: an upstream's address, a directory for state files, how often each way is gone.
"""

import asyncio
import gc
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from rig_upstream import entry

from adapters import BaseAgent
from router_config import Router

Way = Callable[[BaseAgent, Any, int], object]
ASKED: dict[str, Any] = {"model": "default", "messages": [{"role": "user", "content": "Hello"}]}


def open_now() -> int:
    """Descriptors, threads, event loops and clients together."""
    gc.collect()
    kept = sum(isinstance(each, asyncio.BaseEventLoop | httpx.AsyncClient) for each in gc.get_objects())
    return len(os.listdir("/proc/self/fd")) + threading.active_count() + kept


async def _read(agent: BaseAgent) -> None:
    async for _ in agent.astream("Hello"):
        pass


def _in_a_loop_that_is_only_closed(agent: BaseAgent, _: Any, __: int) -> None:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(agent.aask("Hello"))
    loop.close()


def _in_a_thread(agent: BaseAgent, _: Any, __: int) -> None:
    thread = threading.Thread(target=lambda: asyncio.run(agent.aask("Hello")))
    thread.start()
    thread.join()


WAYS: dict[str, Way] = {
    "asyncio.run": lambda agent, _, __: asyncio.run(agent.aask("Hello")),
    "streams": lambda agent, _, __: asyncio.run(_read(agent)),
    "other time-outs": lambda agent, router, number: asyncio.run(
        router.acompletion(**ASKED, timeout=5 + number / 1000)
    ),
    "other time-outs in one loop": lambda agent, router, number: router.completion(**ASKED, timeout=5 + number / 1000),
    "embeddings": lambda agent, router, number: asyncio.run(router.aembedding("embed", ["x"])),
    "images": lambda agent, router, number: asyncio.run(router.aimage_generation("a chart", "embed")),
    "images in a thread": lambda agent, router, number: asyncio.run(router.aimage_generation("a chart", "images")),
    "loops that are only closed": _in_a_loop_that_is_only_closed,
    "threads": _in_a_thread,
}


def going_each_way(address: str, states: Path, times: int) -> dict[str, list[int]]:
    """For each way what was open after ten times, and after all."""
    names = {"groq": "default", "openai": "embed", "gemini": "images"}
    models = [entry(prefix, address, name, rpm=10**9) for prefix, name in names.items()]
    kept: Any = Router(models, state=f"sqlite:///{states}/ways.db", timeout=10.0)
    quick: Any = Router(models, timeout=10.0)  # A loop ends before LiteLLM has told loggers of the request.
    agent, found = BaseAgent(router=kept), {}
    ways = [(name, way, kept) for name, way in WAYS.items()]
    ways += [(f"{name}, quick", WAYS[name], quick) for name in ("embeddings", "images", "images in a thread")]
    for name, way, router in ways:
        counts = []
        for number in range(times):
            way(agent, router, number)
            if number in (10, times - 1):
                counts.append(open_now())
        found[name] = counts
        assert {each["status"] for each in router.status()["providers"]} == {"available"}
    kept.close()
    quick.close()
    return found


def dropping_routers(address: str, states: Path) -> list[int]:
    """What is open before and after ten Routers were used and dropped without being closed."""
    before = 0
    for number in range(11):
        for state in ("memory://", f"sqlite:///{states}/dropped{number}.db"):
            router: Any = Router([entry("groq", address)], state=state, timeout=10.0)
            router.completion(**ASKED)
            asyncio.run(router.acompletion(**ASKED))
            next(iter(router.completion(**ASKED, stream=True)))
            del router
            gc.collect()
        if number == 0:
            before = _settled()
    return [before, _settled()]


def _settled() -> int:
    for _ in range(10):
        time.sleep(0.1)
        gc.collect()
    return open_now()


def without_descriptors(address: str) -> dict[str, Any]:
    """What a request meets when the process can open nothing any more, and when it can again."""
    router: Any = Router([entry(prefix, address) for prefix in ("groq", "openai", "gemini")], timeout=10.0)
    taken = []
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        os.close(taken.pop())  # A loop needs three.
        for each in taken[-2:]:
            os.close(each)
        taken = taken[:-2]
    try:
        asyncio.run(router.acompletion(**ASKED))
        told = "served"
    except Exception as error:
        told = type(error).__name__
    for each in taken:
        os.close(each)
    found = {each["name"]: each["status"] for each in router.status()["providers"]}
    served = asyncio.run(router.acompletion(**ASKED)).choices[0].message.content
    router.close()
    return {"told": told, "statuses": found, "served": served}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    at, states, times = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    found = {"ways": going_each_way(at, states, times), "dropped": dropping_routers(at, states)}
    print(json.dumps({**found, "without": without_descriptors(at)}))
