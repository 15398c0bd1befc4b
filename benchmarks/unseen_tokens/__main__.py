"""Token limits against providers that count more than anybody sees, and by other tokenizers: 429s, and the room used.

python -m benchmarks.unseen_tokens --quick
python -m benchmarks.unseen_tokens --runs 20
python -m benchmarks.unseen_tokens --virtual
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from benchmarks.client_pipes import answer_of
from benchmarks.unseen_tokens.client import MAX_TOKENS, Arrival, timetable
from benchmarks.unseen_tokens.judge import LIMITS, charge
from benchmarks.unseen_tokens.virtual import Twin

ROOT = Path(__file__).resolve().parent.parent.parent
ADDED = (0, 20, 80, 300)
FACTORS = (0.6, 1.6)
USED = 0.97
HANDFUL = 3
"""Answers after which a model is taken to have learned."""


class Row(NamedTuple):
    """One run: what the judge adds to each prompt and its tokenizer's share of ours, and who asks."""

    store: str
    processes: int
    added: int
    factor: float
    seed: int


class Found(NamedTuple):
    """429s before a model has learned and after, and the share of the requests that foresight would get served."""

    first: int
    after: int
    used: float

    @property
    def missed(self) -> bool:
        return self.first > 1 or self.after > 0 or self.used < USED


def main(argv: Sequence[str] | None = None) -> int:
    """Print a row for each run. Exit code 1 where a bar was missed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.unseen_tokens", description=(__doc__ or "").split("\n")[0]
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="two judges instead of eight")
    add("--runs", type=int, default=0, metavar="N", help="so many rows drawn at random instead, one after the other")
    add("--virtual", action="store_true", help="the router's rules in virtual time: nothing is sent, seconds in all")
    add("--seconds", type=float, default=150.0, metavar="S", help="length of the load (default 150)")
    add("--rate", type=float, default=8.0, metavar="R", help="requests a second (default 8)")
    add("--times", type=float, default=10.0, metavar="N", help="so many times as fast as real time (default 10)")
    add("--only", default="", metavar="TEXT", help="stores whose name holds this")
    add("--verbose", action="store_true", help="what callers saw, and when each 429 came")
    add("--seed", type=int, default=1, metavar="N", help="of the load (default 1)")
    wanted = parser.parse_args(argv)
    print("| store | processes | unseen tokens | tokenizer | seed | 429s | of them after it has learned | room used |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    missed, done = 0, 0
    for row in rows(wanted):
        found = virtual_run(row, wanted) if wanted.virtual else run(row, wanted)
        missed, done = missed + found.missed, done + 1
        cells = (*row, found.first + found.after, found.after, f"{found.used:.1%}")
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    bars = f"at most one 429 before a model has learned, none after, {USED:.0%} of the room"
    print(f"\n{done - missed} of {done} kept the bars, {missed} missed one: {bars}.")
    return int(missed > 0)


def rows(wanted: argparse.Namespace) -> list[Row]:
    judges = [(20, 1.0), (300, 1.6)] if wanted.quick else [(added, factor) for factor in FACTORS for added in ADDED]
    setups = [("memory", 2)] if wanted.virtual else [("SQLite", 1), ("SQLite", 2)]
    setups = [each for each in [("memory", 1), *setups] if wanted.only in each[0]]
    every = [Row(*setup, *judge, wanted.seed) for judge in judges for setup in setups]
    chance = random.Random(wanted.seed)
    return [chance.choice(every)._replace(seed=wanted.seed + n) for n in range(wanted.runs)] or every


def loads_of(row: Row, wanted: argparse.Namespace) -> list[tuple[float, int]]:
    """Rate and seed of each process' load."""
    return [(wanted.rate / row.processes, row.seed * 10 + number) for number in range(row.processes)]


def found_in(
    row: Row, wanted: argparse.Namespace, report: Mapping[str, tuple[int, Sequence[tuple[float, int]]]]
) -> Found:
    """report: of each provider, how many it admitted, and each 429: when, and after how many answers."""
    timetables = [timetable(wanted.seconds, *load) for load in loads_of(row, wanted)]
    load = sorted((each for one in timetables for each in one), key=lambda each: each.at)
    possible = foreseen(load, row.added, row.factor)
    refused = [answered for _, each in report.values() for _, answered in each]
    first = sum(answered < HANDFUL for answered in refused)
    if wanted.verbose:
        print({name: told[0] for name, told in report.items()}, possible)
    return Found(first, len(refused) - first, sum(admitted for admitted, _ in report.values()) / possible)


def virtual_run(row: Row, wanted: argparse.Namespace) -> Found:
    twin = Twin(row.added, row.factor, [timetable(wanted.seconds, *load) for load in loads_of(row, wanted)], row.seed)
    twin.run()
    return found_in(row, wanted, twin.report())


def run(row: Row, wanted: argparse.Namespace) -> Found:
    """Processes of their own for the judge and each router."""
    began = time.time()
    with ExitStack() as stack, tempfile.TemporaryDirectory() as directory:
        judge = _start(stack, "judge", str(row.added), str(row.factor), str(wanted.times), str(began))
        base = f"http://127.0.0.1:{answer_of(judge).strip()}"
        state = "memory://" if row.store == "memory" else f"sqlite:///{directory}/state.db"
        job = {"base": base, "state": state, "began": began, "times": wanted.times, "seconds": wanted.seconds}
        loads = loads_of(row, wanted)
        clients = [_start(stack, "client", json.dumps({**job, "rate": rate, "seed": seed})) for rate, seed in loads]
        for client in clients:
            answer_of(client)
        start = began + (time.time() - began) * wanted.times + 1.0
        for client in clients:
            assert client.stdin is not None
            client.stdin.write(f"{start}\n")
            client.stdin.flush()
        outcomes = [answer_of(client).strip() for client in clients]
        with urllib.request.urlopen(f"{base}/report") as answer:
            report = json.load(answer)
    if wanted.verbose:
        print(outcomes, [(at - start, answered) for _, each in report.values() for at, answered in each])
    return found_in(row, wanted, report)


def foreseen(load: Sequence[Arrival], added: int, factor: float) -> int:
    """Requests that a router which knows every charge beforehand would get served."""
    held: dict[str, deque[tuple[float, int]]] = {name: deque() for name in LIMITS}
    served = 0
    for arrival in load:
        tokens = charge(arrival.prompt, added, factor) + MAX_TOKENS
        for name, limits in LIMITS.items():
            window = held[name]
            while window and window[0][0] <= arrival.at - 60.0:
                window.popleft()
            used = sum(each for _, each in window)
            if len(window) < limits["rpm"] and used + tokens <= limits.get("tpm", used + tokens):
                window.append((arrival.at, tokens))
                served += 1
                break
    return served


def _start(stack: ExitStack, module: str, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-W", "ignore", "-m", f"benchmarks.unseen_tokens.{module}", *arguments]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, cwd=ROOT)
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


if __name__ == "__main__":
    sys.exit(main())
