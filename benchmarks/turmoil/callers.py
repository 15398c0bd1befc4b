"""Callers of one Router in a process of its own: a JSON job on stdin, then JSON lines both ways."""

import asyncio
import gc
import importlib
import json
import logging
import os
import random
import sys
import threading
import time
import warnings
from contextlib import suppress
from typing import Any, Final

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

WARM_UP: Final = 8
"""Requests of each kind before anything is measured."""

_ESTABLISHED: Final = "01"
PATIENCE: Final = 60.0
"""Seconds after which a caller gives up: nothing may take so long."""

PROGRESS_EVERY: Final = 2.0
STATUS_EVERY: Final = 0.5
TOOLS: Final = [{"type": "function", "function": {"name": "quote", "parameters": {"type": "object", "properties": {}}}}]
KINDS: Final = {
    "chat": 60,
    "stream": 22,
    "broken off": 3,
    "cancelled": 4,
    "oddity": 4,
    "poison": 2,
    "tools": 2,
    "embedding": 2,
    "unencodable": 1,
}


def main() -> None:
    """Run the job: "ready" is said after a warm-up, "go" on stdin begins the load, the results are the last line."""
    job: dict[str, Any] = json.loads(sys.stdin.readline())
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    with asyncio.Runner() as runner:
        runner.run(Callers(job).run())
    os._exit(0)  # LiteLLM's threads would only complain.


class Callers:
    """An open load: requests come at random moments, whatever the answers."""

    def __init__(self, job: dict[str, Any]) -> None:
        shorten_pauses(job["pauses_divided_by"])
        import aiohttp
        import httpx
        import litellm
        import openai

        from router_config import Router

        self.clients = (httpx.AsyncClient, httpx.Client, aiohttp.ClientSession, openai.AsyncOpenAI, openai.OpenAI)
        self.job = job
        self.chance = random.Random(job["seed"])
        self.router: Any = Router.from_yaml(job["config"], env=job["env"])
        litellm.token_counter(model="gpt-4o-mini", text="hello")  # Loads 80 MB once, whenever it is first needed.
        self.results: list[dict[str, Any]] = []
        self.under_way = 0
        self.worst_lag = 0.0

    async def run(self) -> None:
        for _ in range(WARM_UP):
            await asyncio.gather(*(self.one(kind) for kind in KINDS))
        self.results.clear()
        tell(ready=True, first=await self.sizes())
        await asyncio.to_thread(sys.stdin.readline)
        watching = [asyncio.create_task(each) for each in (self.progress(), self.lag(), self.statuses())]
        await self.load()
        for each in watching:
            each.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*watching)
        await asyncio.sleep(2.0)  # What was broken off may still have arrived.
        told = await self.router.astatus()
        tell(results=self.results, last=await self.sizes(), status=told, lag=self.worst_lag)
        await asyncio.to_thread(sys.stdin.readline)

    async def load(self) -> None:
        asked: set[asyncio.Task[None]] = set()
        began = due = time.monotonic()
        while (due := due + self.chance.expovariate(self.job["rate"])) < began + self.job["seconds"]:
            await asyncio.sleep(due - time.monotonic())
            (kind,) = self.chance.choices(list(KINDS), list(KINDS.values()))
            task = asyncio.create_task(self.one(kind))
            asked.add(task)
            task.add_done_callback(asked.discard)
        if asked:
            await asyncio.wait(asked, timeout=PATIENCE + 5)

    async def one(self, kind: str) -> None:
        result: dict[str, Any] = {"kind": kind, "began": time.time(), "outcome": "served", "content": False}
        self.under_way += 1
        try:
            async with asyncio.timeout(PATIENCE):
                await self.ask(kind, result)
        except TimeoutError:
            result |= {"outcome": "no end"}
        except asyncio.CancelledError:
            result |= {"outcome": "cancelled"}
        except Exception as error:
            result |= {"outcome": "failed", "error": f"{type(error).__name__}: {error}"[:2000]}
        finally:
            self.under_way -= 1
        result["ended"] = time.time()
        self.results.append(result)

    async def ask(self, kind: str, result: dict[str, Any]) -> None:
        from benchmarks.turmoil.faults import ODDITY, POISON

        texts = {"oddity": ODDITY, "poison": POISON, "unencodable": "\ud800"}
        text = texts.get(kind, "How is the market today? " * self.chance.choice((1, 1, 10, 40)))
        if kind == "embedding":
            await self.router.aembedding(model="default", input=[text])
            return
        asked: dict[str, Any] = {"messages": [{"role": "user", "content": text}], "max_tokens": 60}
        if kind == "tools":
            asked |= {"tools": TOOLS, "tool_choice": "required"}
        stream = kind in ("stream", "broken off") or (kind in ("oddity", "poison") and self.chance.random() < 0.5)
        if kind == "cancelled":
            answer = asyncio.ensure_future(self.router.acompletion(model="default", **asked))
            asyncio.get_running_loop().call_later(self.chance.uniform(0.01, 0.3), answer.cancel)
            await answer
        elif stream:
            await self.stream(asked, result, breaks_off=kind == "broken off")
        else:
            reply = await self.router.acompletion(model="default", **asked)
            if not any(choice.message.content or choice.message.tool_calls for choice in reply.choices):
                result |= {"outcome": "empty", "error": f"an answer of nothing: {reply!r}"[:400]}

    async def stream(self, asked: dict[str, Any], result: dict[str, Any], *, breaks_off: bool) -> None:
        finish = None
        chunks = await self.router.acompletion(model="default", stream=True, **asked)
        async for chunk in chunks:
            for choice in chunk.choices:
                result["content"] = result["content"] or bool(choice.delta.content)
                finish = choice.finish_reason or finish
            if breaks_off and result["content"]:
                result["outcome"] = "cancelled"
                await chunks.aclose()
                return
        if finish is None or not result["content"]:
            said = "no content" if not result["content"] else "no finish_reason"
            result |= {"outcome": "empty", "error": f"a stream with {said} ended as if it were whole"}

    async def progress(self) -> None:
        while True:
            await asyncio.sleep(PROGRESS_EVERY)
            failed = sum(each["outcome"] in ("failed", "no end", "empty") for each in self.results)
            tell(progress={"done": len(self.results), "failed": failed, "under_way": self.under_way})

    async def statuses(self) -> None:
        while True:
            await asyncio.sleep(STATUS_EVERY)
            told = await self.router.astatus()
            tell(at=time.time(), statuses={each["name"]: each["status"] for each in told["providers"]})

    async def lag(self) -> None:
        while True:
            due = time.monotonic() + 0.05
            await asyncio.sleep(0.05)
            self.worst_lag = max(self.worst_lag, time.monotonic() - due)

    async def sizes(self) -> dict[str, float]:
        """What this process holds, after collecting garbage."""
        await asyncio.sleep(0.5)
        gc.collect()
        held = gc.get_objects()
        clients = sum(issubclass(type(each), self.clients) for each in held)
        return {
            "RSS, MB": resident() / 1e6,
            "descriptors": len(os.listdir("/proc/self/fd")) - connections(),
            "connections": connections(),
            "threads": threading.active_count(),
            "asyncio tasks": len(asyncio.all_tasks()),
            "clients": clients,
            "objects, thousands": len(held) / 1e3,
        }


def shorten_pauses(by: float) -> None:
    """Ask providers that refused again so many times sooner. Before anything else reads the schedule."""
    try:
        schedule = importlib.import_module("router_config.ledger.rules.schedule")
    except ModuleNotFoundError:
        return
    for pauses in schedule.PAUSES.values():
        pauses[:] = [seconds / by for seconds in pauses]


def resident() -> int:
    """Bytes of memory in use by this process."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def connections() -> int:
    """Descriptors of this process that are open connections, kept for the next request or in use."""
    links = set()
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            links.add(os.readlink(f"/proc/self/fd/{descriptor}"))
    established = 0
    for table in ("/proc/self/net/tcp", "/proc/self/net/tcp6"):
        with suppress(OSError), open(table, encoding="ascii") as file:
            rows = [line.split() for line in file][1:]
            established += sum(row[3] == _ESTABLISHED and f"socket:[{row[9]}]" in links for row in rows)
    return established


def tell(**what: Any) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main()
