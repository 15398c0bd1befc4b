"""What an edit of a file with 300 deployments costs the event loop, beside what LiteLLM takes to make its Router.

python -m benchmarks.costs.reload_cost
"""

import argparse
import asyncio
import gc
import os
import sys
import time
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Final, Self
from unittest.mock import patch

from benchmarks.costs.rows import Judged, Row, failed, others_table
from router_config import Router, slices
from router_config.transport.held import litellm_router

MODELS: Final = 10
"""Of each provider."""

EDITS: Final = (
    "one limit",
    "all limits",
    "all priorities",
    "a provider more or less",
    "all addresses",
    "all keys",
    "all prices",
)

ALL: Final = 0.05
"""Seconds of Python that a reload may take in all."""

AT_A_TIME: Final = 0.005
"""Seconds after which others must have been let in."""


class File:
    """A litellm.yaml of many deployments, that is edited."""

    def __init__(self, path: Path, providers: int = 30) -> None:
        self.path, self._providers = path, providers
        self.write("", 0)

    def write(self, edit: str, turn: int) -> None:
        """Edit it. turn: those of two that follow each other are different."""
        self.path.write_text("version: 1\nstate: memory://\nproviders:\n" + self._text(edit, turn % 2), "utf-8")

    def _text(self, edit: str, turn: int) -> str:
        more = self._providers if edit == "a provider more or less" and turn == 0 else self._providers - 1
        return "".join(self._provider(number, edit, turn) for number in range(more))

    def _provider(self, number: int, edit: str, turn: int) -> str:
        limit = 30 + turn if edit == "all limits" or (edit == "one limit" and number == 0) else 20
        priced = edit == "all prices"
        lines = [
            f"  p{number}:",
            f"    priority: {number + (100 * (1 + turn) if edit == 'all priorities' else 1)}",
            "    litellm_provider: openai",
            f"    api_base: http://127.0.0.1:{9 + turn if edit == 'all addresses' else 8}/v1",
            f"    api_key: sk-{turn if edit == 'all keys' else 'x'}-{number}",
            f"    limits: {{rpm: {limit}, rpd: 1000, tpd: 1M}}",
            *(["    tier: paid"] if priced else []),
            "    models:",
            *(
                f"      - {{name: m{each}, price: {{input: {1 + turn}, output: 2}}}}" if priced else f"      - m{each}"
                for each in range(MODELS)
            ),
        ]
        return "\n".join(lines) + "\n"


class Stretches:
    """What a thread computes within it, by its own clock: together, and longest without letting others in. Seconds."""

    def __init__(self) -> None:
        self.together = self.longest = 0.0

    def __enter__(self) -> Self:
        watched = SimpleNamespace(perf_counter=time.perf_counter, sleep=self._sleep)
        self._patch = patch.object(slices, "time", watched)
        self._patch.start()
        self._began = time.thread_time()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended()
        self._patch.stop()

    def _sleep(self, seconds: float) -> None:
        self._ended()
        time.sleep(seconds)
        self._began = time.thread_time()

    def _ended(self) -> None:
        took = time.thread_time() - self._began
        self.together += took
        self.longest = max(self.longest, took)


async def _gaps(router: Router | None, seconds: float) -> tuple[float, float]:
    """How long a busy loop stood still for more than a millisecond, in all and at most; beside a reload or not."""
    gaps: list[float] = []
    work = asyncio.create_task(asyncio.to_thread(router.reload) if router else asyncio.sleep(seconds))
    last = time.perf_counter()
    while not work.done():
        await asyncio.sleep(0)
        now = time.perf_counter()
        gaps.append(now - last)
        last = now
    await work
    long = [gap for gap in gaps if gap > 0.001]
    return sum(long), max(long, default=0.0)


def reload_cost(providers: int, rounds: int) -> list[Row]:
    """One row for each kind of edit."""
    rows = []
    with TemporaryDirectory() as directory:
        file = File(Path(directory) / "litellm.yaml", providers)
        router = Router.from_yaml(file.path, watch=False)
        try:
            for edit in EDITS:
                print(f"{time.strftime('%H:%M:%S')} {edit}", file=sys.stderr, flush=True)
                rows.append(_row(edit, router, file, rounds))
        finally:
            router.close()
    return rows


def _row(edit: str, router: Router, file: File, rounds: int) -> Row:
    ours: list[float] = []
    longest: list[float] = []
    litellms: list[float] = []
    beside: list[tuple[float, float]] = []
    alone: list[tuple[float, float]] = []
    for turn in range(2 + 2 * rounds):
        file.write(edit, turn)
        gc.collect()
        if turn % 2:
            began = time.perf_counter()
            found = asyncio.run(_gaps(router, 0.0))
            alone.append(asyncio.run(_gaps(None, time.perf_counter() - began)))
            beside.append(found)
            continue
        with Stretches() as stretches:
            router.reload()
        began = time.thread_time()
        litellm_router._made(router.entries, {})
        litellms.append(time.thread_time() - began)
        ours.append(stretches.together)
        longest.append(stretches.longest)
    ours, longest, litellms, beside, alone = ours[1:], longest[1:], litellms[1:], beside[1:], alone[1:]
    return Row(
        f"{edit}, {len(router.entries)} deployments",
        "ms",
        (
            Judged("Python, in all", _ms(ours), ALL * 1e3),
            Judged("Python, at a time", _ms(longest), AT_A_TIME * 1e3),
            Judged("LiteLLM's Router", _ms(litellms)),
            Judged("share of that, %", 100 * median(a / b for a, b in zip(ours, litellms, strict=True))),
            Judged("a busy loop stood still, in all", _ms(each for each, _ in beside)),
            Judged("the same without a reload", _ms(each for each, _ in alone)),
            Judged("longest", _ms(each for _, each in beside)),
            Judged("the same without a reload ", _ms(each for _, each in alone)),
        ),
    )


def _ms(seconds: Iterable[float]) -> float:
    return median(seconds) * 1e3


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table. Exit code 0; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.costs.reload_cost",
        description=(__doc__ or "").split("\n")[0],
    )
    parser.add_argument("--providers", type=int, default=30, metavar="N", help=f"of {MODELS} models each (default 30)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often each edit is made (default 5)")
    wanted = parser.parse_args(argv)
    rows = reload_cost(wanted.providers, wanted.rounds)
    print(f"LiteLLM {version('litellm')}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors\n")
    print(others_table(rows))
    return int(bool(failed(rows)))


if __name__ == "__main__":
    sys.exit(main())
