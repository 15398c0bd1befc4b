"""Processes that share one store, each with a Router of its own, under one clock that outruns the machine's."""

import asyncio
import mmap
import multiprocessing
import os
import struct
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.load import Result

_FORM = struct.Struct("<3d")


class SharedClock:
    """Epoch seconds, the same in every process that opens the file; `speed` of them pass in a real one."""

    correction = 0.0

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _FORM.size)

    @classmethod
    def create(cls, path: Path, start: float, speed: float) -> Self:
        path.write_bytes(_FORM.pack(time.monotonic(), start, speed))
        return cls(path)

    def now(self) -> float:
        began, start, speed = _FORM.unpack(self._memory)
        return float(start + (time.monotonic() - began) * speed)

    async def sleep(self, seconds: float) -> None:
        until = self.now() + seconds
        while (left := until - self.now()) > 0:
            await asyncio.sleep(min(left / self.speed, 0.05))

    def advance(self, seconds: float) -> None:
        began, start, speed = _FORM.unpack(self._memory)
        self._memory[:] = _FORM.pack(began, start + seconds, speed)

    @property
    def speed(self) -> float:
        return float(_FORM.unpack(self._memory)[2])


class Team:
    """So many processes, each with a Router of the same litellm.yaml."""

    def __init__(self, members: int, path: Path, env: dict[str, str], clock: Path) -> None:
        self._spawning = multiprocessing.get_context("spawn")
        self._path, self._env, self._clock = path, env, clock
        self.members = [self._member() for _ in range(members)]
        self._threads = ThreadPoolExecutor(members + 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, t: TracebackType | None) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process, _ in self.members:
            process.kill()
            process.join()

    def do(self, command: str, *arguments: Any, only: Sequence[int] | None = None) -> list[Any]:
        """Give a command to all at once, or to some, and collect what they answer; None from one that was killed."""
        return [answer.result() for answer in self.begin(command, *arguments, only=only)]

    def begin(self, command: str, *arguments: Any, only: Sequence[int] | None = None) -> list[Any]:
        """The same without waiting: futures."""
        chosen = self.members if only is None else [self.members[number] for number in only]
        for number, (_, pipe) in enumerate(chosen):
            pipe.send((command, number, arguments))
        return [self._threads.submit(_answer, pipe) for _, pipe in chosen]

    def kill(self, number: int) -> None:
        """End a process without any warning."""
        process, _ = self.members[number]
        process.kill()
        process.join()

    def replace(self, number: int) -> None:
        """Start another in the place of one that was killed."""
        self.members[number] = self._member()

    def _member(self) -> "tuple[Any, Connection]":
        ours, theirs = self._spawning.Pipe()
        process = self._spawning.Process(
            target=_work, args=(theirs, self._path, self._env, self._clock), daemon=True, name="member"
        )
        process.start()
        theirs.close()
        return process, ours


def _answer(pipe: Connection) -> Any:
    try:
        answer = pipe.recv()
    except (EOFError, ConnectionResetError):
        return None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _work(pipe: Connection, path: Path, env: dict[str, str], clock_path: Path) -> None:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import logging
    import warnings

    from router_config import Router
    from router_config.ledger.outage import failover
    from router_config.routing.outcomes import settlement as settling

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")  # LiteLLM's, of coroutines that a cancelled call leaves behind.
    clock = SharedClock(clock_path)
    # What happens on the machine takes as long as ever, by a clock that runs so much faster.
    vars(settling)["MAY_STILL_ARRIVE"] *= clock.speed
    vars(failover)["LOOK_EVERY"] /= clock.speed
    router = Router.from_yaml(path, env=env, clock=clock)
    with asyncio.Runner() as runner, suppress(EOFError):
        while True:
            command, number, arguments = pipe.recv()
            try:
                answer = runner.run(_COMMANDS[command](router, clock, number, *arguments))
            except Exception as error:
                answer = RuntimeError(f"{type(error).__name__}: {error}")
            pipe.send(answer)


async def _ready(router: Any, clock: SharedClock, number: int) -> str:
    from router_config import NoProviderAvailable

    with suppress(NoProviderAvailable):  # LiteLLM imports the code of a provider at its first call.
        await router.acompletion(model="default", messages=[{"role": "user", "content": "hello"}])
    return "ready"


async def _load(router: Any, clock: SharedClock, number: int, start: float, load: dict[str, Any]) -> list[Result]:
    from benchmarks.clients import ask
    from benchmarks.load import drive, timetable

    await clock.sleep(start - clock.now())
    return await drive(lambda arrival: ask(router, arrival), timetable(**{**load, "seed": number}), clock)


async def _ask(router: Any, clock: SharedClock, number: int, times: int) -> list[list[tuple[str, str]]]:
    """The attempts of so many concurrent requests: provider and outcome."""
    from router_config import route_of

    calls = (router.acompletion(model="default", messages=[{"role": "user", "content": "hello"}]) for _ in range(times))
    return [
        [(each.provider, each.outcome) for each in route_of(reply).attempts] for reply in await asyncio.gather(*calls)
    ]


async def _ask_as(router: Any, clock: SharedClock, number: int, agent: str, times: int) -> int:
    """How many of so many concurrent requests of an agent are served."""
    calls = (
        router.acompletion("default", [{"role": "user", "content": "hello"}], metadata={"agent": agent})
        for _ in range(times)
    )
    return sum(not isinstance(each, Exception) for each in await asyncio.gather(*calls, return_exceptions=True))


async def _in_loop(router: Any, clock: SharedClock, number: int, calls: int, asked: dict[str, Any]) -> str:
    """Who answers a loop in which tools were called so often."""
    from rig_loops import aask

    return await aask(router, calls, **asked)


async def _wake(router: Any, clock: SharedClock, number: int) -> None:
    for deployment in router.catalog.deployments:
        await router.end_cooldowns(deployment)


async def _status(router: Any, clock: SharedClock, number: int) -> Any:
    return await router.astatus()


_COMMANDS: dict[str, Callable[..., Coroutine[Any, Any, Any]]] = {
    "ready": _ready,
    "load": _load,
    "ask": _ask,
    "ask as": _ask_as,
    "in loop": _in_loop,
    "status": _status,
    "wake": _wake,
}
