"""One client in a process of its own, told what to do by the parent: only one of them works at a time.

The processes are forked from one that has imported LiteLLM, which takes three seconds.
"""

import asyncio
import gc
import itertools
import multiprocessing
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from benchmarks.costs.replay import ROOT
from benchmarks.costs.setting import REQUEST, Setting

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from benchmarks.costs.rivals import Rival

QUIET: Final = 0.02
"""Seconds without work after which a client is taken to have finished what it does behind its callers' backs."""

PRELUDE: Final = 3
"""Requests, one after another, before each measured burst: what ran out while other clients had their turn, such as
ours proving its fast way every ten seconds, is not a part of fifty concurrent requests."""

LONGEST: Final = 30.0
"""Seconds that a callback may take to be called after the answer."""


class Worker:
    """The process, from the outside. `do` names a method of Client."""

    def __init__(self, rival: str, setting: Setting) -> None:
        forking = _forking()
        self._pipe, theirs = forking.Pipe()
        self._process = forking.Process(target=_work, args=(theirs, setting.plain()), daemon=True, name=rival)
        self._process.start()
        theirs.close()
        self.rival = rival
        self.do("open", rival=rival)

    def do(self, what: str, **how: Any) -> Any:
        """Raises RuntimeError with what went wrong there."""
        self._pipe.send((what, how))
        try:
            answer = self._pipe.recv()
        except EOFError:
            raise RuntimeError(f"the process of {self.rival!r} ended early") from None
        if isinstance(answer, Exception):
            raise RuntimeError(f"{self.rival}: {answer}") from answer
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, t: TracebackType | None) -> None:
        self._process.kill()
        self._process.join()


def _forking() -> Any:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    # The process that forks finds our modules only so.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload(["benchmarks.costs.rivals"])
    return forking


def _work(pipe: "Connection", setting: dict[str, str]) -> None:
    import logging
    import warnings

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    with asyncio.Runner() as runner, suppress(EOFError):
        client = Client(runner, Setting(**setting))
        while True:
            what, how = pipe.recv()
            try:
                answer = getattr(client, what)(**how)
            except Exception as error:
                answer = RuntimeError(f"{type(error).__name__}: {error}")
            pipe.send(answer)


class Client:
    """What the parent can ask for, `open` first. Times in seconds, of this process: CPU includes all of its threads."""

    rival: "Rival"

    def __init__(self, runner: asyncio.Runner, setting: Setting) -> None:
        self.setting = setting
        self._runner = runner

    def open(self, rival: str) -> None:
        from benchmarks.costs.rivals import RIVALS

        async def made() -> "Rival":
            return RIVALS[rival](self.setting)

        self.rival = self._runner.run(made())

    def burst(self, requests: int, concurrent: int = 50) -> dict[str, float]:
        """CPU and wall per request, until every callback was called and LiteLLM's logging has ended.

        Garbage is collected before, and PRELUDE requests are answered. Raises RuntimeError when a callback was not
        called once for each answer.
        """
        gc.collect()
        return self._runner.run(self._burst(requests, concurrent))

    async def _burst(self, requests: int, concurrent: int) -> dict[str, float]:
        numbers = iter(range(requests))

        async def caller() -> None:
            for _ in numbers:
                await self.rival.ask()

        for _ in range(PRELUDE):
            await self.rival.ask()
        await self._all_called(PRELUDE)
        used, began = time.process_time(), time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(concurrent)))
        wall = time.perf_counter() - began
        await self._all_called(requests)
        return {"cpu": (time.process_time() - used) / requests, "wall": wall / requests}

    async def _all_called(self, requests: int) -> None:
        """Return when the callback, where there is one, was called for so many requests, and nothing goes on."""
        callback, until = self.rival.callback, time.monotonic() + LONGEST
        while callback is not None and callback.called < requests and time.monotonic() < until:
            await asyncio.sleep(QUIET / 2)
        await _quiet()
        if callback is not None:
            if callback.called != requests:
                raise RuntimeError(f"{callback.called} callbacks for {requests} answers")
            callback.called = 0

    def fast_path(self) -> bool:
        """What the status says of it."""
        return bool(self.rival.router.status()["fast_path"])

    def latency(self, requests: int) -> float:
        """The median of so many requests, one after another."""
        gc.collect()
        return median(self._runner.run(self._latency(requests)))

    async def _latency(self, requests: int) -> list[float]:
        took = []
        for _ in range(requests):
            began = time.perf_counter()
            await self.rival.ask()
            took.append(time.perf_counter() - began)
        await _quiet()
        return took

    def first_chunk(self, requests: int) -> float:
        """The median time to the first chunk of a stream; each stream is read to its end."""
        gc.collect()
        return median(self._runner.run(self._first_chunk(requests)))

    async def _first_chunk(self, requests: int) -> list[float]:
        took = []
        for _ in range(requests):
            began = time.perf_counter()
            stream = await self.rival.ask(stream=True)
            await anext(stream)
            took.append(time.perf_counter() - began)
            async for _ in stream:
                pass
        await _quiet()
        return took

    def threads(self, requests: int, threads: int = 16) -> float:
        """Requests per second of `router.completion`, called from so many threads."""
        gc.collect()
        numbers = iter(range(requests))

        def caller() -> None:
            for _ in numbers:
                self.rival.router.completion(model="default", **REQUEST)

        began = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            for done in [pool.submit(caller) for _ in range(threads)]:
                done.result()
        return requests / (time.perf_counter() - began)

    def resident(self) -> int:
        """Bytes of memory in use, after collecting garbage."""
        self._runner.run(_quiet())
        return resident()

    def objects(self) -> int:
        """How many objects Python's garbage collector knows, after it ran."""
        self._runner.run(_quiet())
        gc.collect()
        return len(gc.get_objects())

    def reopen(self, times: int) -> int:
        """Open so many routers, ask each one once, and close it. How many routers are in memory then."""
        from router_config import Router

        self._runner.run(self._reopen(times))
        gc.collect()
        return sum(isinstance(each, Router) for each in gc.get_objects())

    async def _reopen(self, times: int) -> None:
        from benchmarks.costs.rivals import ours

        for _ in range(times):
            rival = ours(self.setting)
            await rival.ask()
            await rival.router.aclose()


async def _quiet() -> None:
    """Return when nothing has been going on for a moment: LiteLLM logs, and calls back, after the answer."""
    for _ in itertools.repeat(None, 100):
        used = time.process_time()
        await asyncio.sleep(QUIET)
        if time.process_time() - used < QUIET / 20:
            return


def resident() -> int:
    """Bytes of this process' own in memory, libraries aside, once garbage is collected and free memory given back."""
    import ctypes

    for _ in range(3):
        gc.collect()
    with suppress(OSError, AttributeError):  # Not every C library has it.
        ctypes.CDLL(None).malloc_trim(0)
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text("ascii").splitlines())
    return int(fields["RssAnon"].split()[0]) * 1024
