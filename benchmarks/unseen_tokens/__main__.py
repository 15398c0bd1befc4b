"""Token limits against providers that count more than anybody sees, and by other tokenizers: 429s, and the room used.

python -m benchmarks.unseen_tokens --quick
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.unseen_tokens.client import MAX_TOKENS, Arrival, timetable
from benchmarks.unseen_tokens.judge import LIMITS, charge

ROOT = Path(__file__).resolve().parent.parent.parent
ADDED = (0, 20, 80, 300)
FACTORS = (0.6, 1.6)
HANDFUL = 3
"""Answers after which a model is taken to have learned."""


def main(argv: Sequence[str] | None = None) -> int:
    """Print a row for each run. Exit code 1 where a bar was missed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.unseen_tokens", description=(__doc__ or "").split("\n")[0]
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="two judges instead of eight")
    add("--seconds", type=float, default=150.0, metavar="S", help="length of the load (default 150)")
    add("--rate", type=float, default=8.0, metavar="R", help="requests a second (default 8)")
    add("--times", type=float, default=10.0, metavar="N", help="so many times as fast as real time (default 10)")
    add("--only", default="", metavar="TEXT", help="stores whose name holds this")
    add("--verbose", action="store_true", help="what callers saw, and when each 429 came")
    add("--seed", type=int, default=1, metavar="N", help="of the load (default 1)")
    wanted = parser.parse_args(argv)
    judges = [(20, 1.0), (300, 1.6)] if wanted.quick else [(added, factor) for factor in FACTORS for added in ADDED]
    print("| store | processes | unseen tokens | tokenizer | 429s | of them after it has learned | room used |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    missed = 0
    for added, factor in judges:
        for store, processes in (("memory", 1), ("SQLite", 1), ("SQLite", 2)):
            if wanted.only in store:
                first, after, used = run(store, processes, added, factor, wanted)
                missed += first > 1 or after > 0 or used < 0.97
                row = f"| {store} | {processes} | {added} | {factor} | {first + after} | {after} | {used:.1%} |"
                print(row, flush=True)
    print(f"\n{missed} missed a bar: at most one 429 before a model has learned, none after, 97 % of the room.")
    return int(missed > 0)


def run(store: str, processes: int, added: int, factor: float, wanted: argparse.Namespace) -> tuple[int, int, float]:
    """429s before a model has learned and after, and the share of the requests that foresight would get served."""
    began = time.time()
    with ExitStack() as stack, tempfile.TemporaryDirectory() as directory:
        judge = _start(stack, "judge", str(added), str(factor), str(wanted.times), str(began))
        base = f"http://127.0.0.1:{_line(judge).strip()}"
        state = "memory://" if store == "memory" else f"sqlite:///{directory}/state.db"
        job = {"base": base, "state": state, "began": began, "times": wanted.times, "seconds": wanted.seconds}
        loads = [(wanted.rate / processes, wanted.seed * 10 + number) for number in range(processes)]
        clients = [_start(stack, "client", json.dumps({**job, "rate": rate, "seed": seed})) for rate, seed in loads]
        for client in clients:
            _line(client)
        start = began + (time.time() - began) * wanted.times + 1.0
        for client in clients:
            assert client.stdin is not None
            client.stdin.write(f"{start}\n")
            client.stdin.flush()
        outcomes = [_line(client).strip() for client in clients]
        with urllib.request.urlopen(f"{base}/report") as answer:
            report = json.load(answer)
    load = sorted((each for load in loads for each in timetable(wanted.seconds, *load)), key=lambda each: each.at)
    possible = foreseen(load, added, factor)
    refused = [(at - start, answered) for _, each in report.values() for at, answered in each]
    first = sum(answered < HANDFUL for _, answered in refused)
    if wanted.verbose:
        print(outcomes, refused, {name: told[0] for name, told in report.items()}, possible)
    return first, len(refused) - first, sum(admitted for admitted, _ in report.values()) / possible


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


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"{process.args!r} ended early with code {process.wait()}")
    return line


if __name__ == "__main__":
    sys.exit(main())
