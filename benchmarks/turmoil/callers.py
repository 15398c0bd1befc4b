"""Callers of one Router in a process of its own: a JSON job on stdin, then orders; JSON lines on stdout.

The job: `config` and `env` as Router.from_yaml takes them, `rate` of requests a second, `seed`, `pauses_divided_by`;
and if wanted, `kinds` of requests with their shares, and `follows`: to tell which edit of the file is in force.
Orders: `go SECONDS`, `enough` (no more load), `fork`, `wall SECONDS` (its wall clock is so much ahead), `disk full`,
`disk free`, `end`.
"""

import asyncio
import gc
import importlib
import json
import logging
import os
import random
import resource
import signal
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

CHILD: Final = 20.0
"""Seconds that a forked child may take for its one request."""

PROGRESS_EVERY: Final = 2.0
STATUS_EVERY: Final = 0.5
LOOKS_EVERY: Final = 0.02
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
    """Run the job: "ready" is said after a warm-up, "go" on stdin begins the load, what it holds then is told last."""
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
        from router_config.clock import SystemClock

        self.clients = (httpx.AsyncClient, httpx.Client, aiohttp.ClientSession, openai.AsyncOpenAI, openai.OpenAI)
        self.job = job
        self.kinds: dict[str, int] = job.get("kinds", KINDS)
        self.chance = random.Random(job["seed"])
        watch_attempts()
        self.ahead = 0.0
        clock = SystemClock(lambda: time.time() + self.ahead)
        self.router: Any = Router.from_yaml(job["config"], env=job["env"], clock=clock)
        litellm.token_counter(model="gpt-4o-mini", text="hello")  # Loads 80 MB once, whenever it is first needed.
        self.outcomes: list[str] = []
        self.under_way = self.number = self.forks = 0
        self.seconds = 0.0
        self.gone, self.ended = asyncio.Event(), asyncio.Event()
        self.worst_lag = 0.0

    async def run(self) -> None:
        for _ in range(WARM_UP):
            await asyncio.gather(*(self.one(kind) for kind in self.kinds))
        tell(ready=True, first=await self.sizes())
        threading.Thread(target=self.obey, args=(asyncio.get_running_loop(),), daemon=True).start()
        await self.gone.wait()
        watching = [asyncio.create_task(each) for each in (self.progress(), self.lag(), self.statuses(), self.edits())]
        await self.load()
        for each in watching:
            each.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*watching)
        await asyncio.sleep(2.0)  # What was broken off may still have arrived.
        told = await self.router.astatus()
        tell(last=await self.sizes(), status=told, lag=self.worst_lag)
        await self.ended.wait()

    def obey(self, loop: asyncio.AbstractEventLoop) -> None:
        """What is told on stdin, in a thread of its own."""
        full = resource.getrlimit(resource.RLIMIT_FSIZE)
        for line in sys.stdin:
            what, _, how = line.strip().partition(" ")
            if what == "go":
                self.seconds = float(how)
                loop.call_soon_threadsafe(self.gone.set)
            elif what == "enough":
                self.seconds = 0.0
            elif what == "fork":
                self.fork()
            elif what == "wall":
                self.ahead = float(how)
            elif what == "disk":
                resource.setrlimit(resource.RLIMIT_FSIZE, (1, full[1]) if how == "full" else full)
            else:
                break
        loop.call_soon_threadsafe(self.ended.set)

    def fork(self) -> None:
        """A child asks once and ends; what became of it is told."""
        self.forks += 1
        child = os.fork()
        if child == 0:
            code = 1
            with suppress(Exception):
                code = self.ask_in_child()
            os._exit(code)
        deadline = time.monotonic() + CHILD
        while time.monotonic() < deadline:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                tell(fork=os.waitstatus_to_exitcode(status))
                return
            time.sleep(0.05)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        tell(fork="it hung")

    def ask_in_child(self) -> int:
        from router_config import NoProviderAvailable

        text = f"How is the market in a child? ({self.job['seed']}-child {self.forks})"
        with suppress(NoProviderAvailable):
            self.router.completion(model="default", messages=[{"role": "user", "content": text}], max_tokens=60)
        return 0

    async def load(self) -> None:
        asked: set[asyncio.Task[None]] = set()
        began = due = time.monotonic()
        while (due := due + self.chance.expovariate(self.job["rate"])) < began + self.seconds:
            await asyncio.sleep(due - time.monotonic())
            (kind,) = self.chance.choices(list(self.kinds), list(self.kinds.values()))
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
        if self.gone.is_set():
            self.outcomes.append(result["outcome"])
            tell(result=result)

    async def ask(self, kind: str, result: dict[str, Any]) -> None:
        from benchmarks.turmoil.faults import ODDITY, POISON

        texts = {"oddity": ODDITY, "poison": POISON, "unencodable": "\ud800"}
        self.number += 1
        usual = "How is the market today? " * self.chance.choice((1, 1, 10, 40))
        text = texts.get(kind, f"{usual}({self.job['seed']}-{self.number})")
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
            failed = sum(each in ("failed", "no end", "empty") for each in self.outcomes)
            told = {"done": len(self.outcomes), "failed": failed, "under_way": self.under_way}
            tell(progress=told | {"RSS, MB": resident() / 1e6, "CPU, s": time.process_time()})

    async def statuses(self) -> None:
        while True:
            await asyncio.sleep(STATUS_EVERY)
            told = await self.router.astatus()
            tell(at=time.time(), statuses={each["name"]: each["status"] for each in told["providers"]})

    async def edits(self) -> None:
        """Which edit is in force: the number in an alias of the file, and that at the end of a key from `.env`."""
        before: object = None
        while self.job.get("follows"):
            terms = self.router._terms
            if terms is not before:
                before, config, number = terms, terms.config, -1
                for alias in config.aliases:
                    number = int(alias.removeprefix("edit-")) if alias.startswith("edit-") else number
                key = next(each for each in config.providers if each.name == "openai").keys[0].secret
                env = int(key.get_secret_value().rpartition("-")[2])
                tell(in_force={"at": time.time(), "file": number, "env": env, "broken": terms.error is not None})
            await asyncio.sleep(LOOKS_EVERY)

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


def watch_attempts() -> None:
    """Tell of every attempt as it is settled: where, what it was about, how it ended and how many requests counted."""
    from router_config.routing.outcomes.settlement import Settlements

    settled = Settlements._settle

    async def telling(self: Any, flight: Any, spent: Any, verdict: Any, now: float, **how: Any) -> None:
        if not flight.settled:
            asked = flight.request.asked
            text = (asked.get("input") or [asked["messages"][0]["content"]])[0]
            tell(
                attempt={
                    "provider": flight.deployment.provider,
                    "about": subject(text),
                    "began": flight.started,
                    "ended": time.time(),
                    "outcome": "cancelled" if how.get("cancelled") else verdict.kind.value if verdict else "ok",
                    "counted": 0 if spent is None else max(1, flight.exchange.requests),
                    "answered": flight.exchange.status is not None,
                }
            )
        await settled(self, flight, spent, verdict, now, **how)

    Settlements._settle = telling  # type: ignore[method-assign]


def subject(text: str) -> str:
    """What distinguishes a request from others: the number at its end, or all of it."""
    return text.rpartition("(")[2].rstrip(")")


def shorten_pauses(by: float) -> None:
    """Ask providers that refused again so many times sooner. Before anything else reads the schedule."""
    try:
        schedule = importlib.import_module("router_config.ledger.rules.schedule")
    except ModuleNotFoundError:
        return
    for pauses in schedule.PAUSES.values():
        pauses[:] = [seconds / by for seconds in pauses]
    cooldowns: Any = importlib.import_module("router_config.signals.cooldowns")
    cooldowns.NO_CREDIT /= by


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
    # In one piece, for several threads and processes tell; without a lock, which a fork could find taken.
    os.write(1, json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    main()
