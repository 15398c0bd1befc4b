"""A workload that a real Router sends over HTTP, on a clock that moves on as soon as everybody waits for it."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from benchmarks.truth.cases import Case
from router_config import NoProviderAvailable, Router
from router_config.clock import VirtualClock
from router_config.config.loading import load_config
from router_config.config.loads import Load
from router_config.config.models import Config
from router_config.planner.assumptions.faults import ANSWERS_AFTER, fault_of, outages
from router_config.planner.assumptions.workload import Arrival
from router_config.simulator import Simulator

FRAME: Final = 7
"""Tokens that a simulated model counts for what stands around a message."""

FILLER: Final = "the market looks calm today and nothing in the figures asks for haste "
POLL: Final = 0.0005
STUCK: Final = 60.0
"""Seconds of real time in which no request goes on."""

Progress = Callable[[float], None]


class Ended(NamedTuple):
    """How a request ended: when it came, its tokens, by whom it was served (None: nobody), and when it was sent."""

    at: float
    tokens: int
    provider: str | None
    asked_at: float


class Sent(NamedTuple):
    """What became of the requests. too_many: 429s for limits. failed: kinds of other failures, with how many."""

    ended: list[Ended]
    too_many: int
    failed: Counter[str]


def written(case: Case, simulator: Simulator, folder: Path) -> tuple[Path, Config]:
    """The file of a case, and what it says."""
    path = folder / "litellm.yaml"
    path.write_text(yaml.safe_dump(case.document(simulator), sort_keys=False), "utf-8")
    return path, load_config(path, case.environment())


def simulator_of(case: Case, clock: VirtualClock) -> Simulator:
    """The providers of a case, on the clock of the router."""
    return Simulator(
        case.judged_by(),
        clock=clock.now,
        sleep=clock.sleep,
        latency_ms=case.latency * 1000,
        as_long_as_asked=True,
        remember=1_000_000,
    )


def sent(
    case: Case,
    path: Path,
    simulator: Simulator,
    clock: VirtualClock,
    requests: Iterable[Arrival],
    loads: tuple[Load, ...],
    span: tuple[float, float],
    seed: int,
    progress: Progress,
) -> Sent:
    """The requests of a workload, sent by a Router of its own. span: from when until when, epoch seconds.

    seed: also of the chance by which a Router of this process chooses among equals; a plan draws the same.
    """
    random.seed(seed)
    with closing(Router.from_yaml(path, env=case.environment(), clock=clock, watch=False)) as router:
        sender = _Sender(router, simulator, clock, loads, case.latency)
        asyncio.run(sender.run(iter(requests), list(_faults(case, span, seed)), span, progress))
    too_many = sum(each["rate_limited"] for each in simulator.summary().values())
    return Sent(sorted(sender.ended), too_many, sender.failed)


class _Sender:
    def __init__(
        self, router: Router, simulator: Simulator, clock: VirtualClock, loads: tuple[Load, ...], latency: float
    ) -> None:
        self._latency = latency
        self._router, self._simulator, self._clock, self._loads = router, simulator, clock, loads
        self._open: set[asyncio.Task[None]] = set()
        self.ended: list[Ended] = []
        self.failed = Counter[str]()

    async def run(
        self,
        requests: Iterator[Arrival],
        faults: list[tuple[float, str, int | None]],
        span: tuple[float, float],
        progress: Progress,
    ) -> None:
        """faults: moments at which providers begin to fail with a status, or serve again."""
        faults.sort(key=lambda each: each[0])
        for arrival in requests:
            while faults and faults[0][0] <= arrival.at:
                await self._until(faults[0][0])
                self._turn(*faults.pop(0)[1:])
            await self._until(arrival.at)
            self._open.add(asyncio.ensure_future(self._ask(arrival)))
            progress((arrival.at - span[0]) / (span[1] - span[0]))
        await self._until(span[1] + 86400.0)
        await asyncio.gather(*self._open)

    async def _ask(self, arrival: Arrival) -> None:
        load = self._loads[arrival.load]
        tokens = arrival.prompt + arrival.answer
        try:
            reply: Any = await self._router.acompletion(
                model=load.group,
                messages=[{"role": "user", "content": prompt(arrival)}],
                max_tokens=load.answer.most,
            )
        except NoProviderAvailable:
            self.ended.append(Ended(arrival.at, tokens, None, self._clock.now()))
        except Exception as error:
            self.failed[type(error).__name__] += 1
            self.ended.append(Ended(arrival.at, tokens, None, self._clock.now()))
        else:
            provider = reply._hidden_params["model_id"].split("/")[0]
            self.ended.append(Ended(arrival.at, reply.usage.total_tokens, provider, self._clock.now() - self._latency))

    async def _until(self, moment: float) -> None:
        """Let time pass, from one wish to wake to the next, whenever all requests wait for it."""
        while True:
            await self._all_wait()
            wakes = self._clock.wakes
            if not wakes or wakes[0] > moment:
                break
            self._clock.set(wakes[0])
        self._clock.set(moment)

    async def _all_wait(self) -> None:
        began, quiet = time.monotonic(), 0
        while quiet < 20:  # Who was called takes a few turns of the loop to get up.
            self._open = {each for each in self._open if not each.done()}
            wakes = self._clock.wakes
            if len(wakes) == len(self._open) and (not wakes or wakes[0] > self._clock.now()):
                quiet += 1
                await asyncio.sleep(0)
                continue
            quiet = 0
            await asyncio.sleep(POLL)
            if time.monotonic() - began > STUCK:
                raise SystemExit(f"{len(self._open)} requests are open and {len(wakes)} of them wait: one hangs")

    def _turn(self, provider: str, status: int | None) -> None:
        if status is None:
            self._simulator.clear(provider)
        else:
            self._simulator.fault(provider, status=status, latency_ms=ANSWERS_AFTER * 1000)


def prompt(arrival: Arrival) -> str:
    """A text of so many tokens as a simulated model counts, which asks for as many as the answer is to have."""
    asks = f"Answer in {arrival.answer} tokens. "
    length = 4 * max(1, arrival.prompt - FRAME)
    return (asks + FILLER * (length // len(FILLER) + 1))[:length]


def _faults(case: Case, span: tuple[float, float], seed: int) -> Iterator[tuple[float, str, int | None]]:
    """The moments of the faults that the plan has, too."""
    for text in case.faults:
        fault = fault_of(text)
        for since, until in outages(fault, span[0], seed):
            if since >= span[1]:
                break
            yield since, fault.of, 503 if fault.kind == "down" else 429
            yield until, fault.of, None
