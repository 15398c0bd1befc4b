"""What our Router costs beside stock litellm.Router, bare LiteLLM and plain HTTP: the bars, measured side by side.

python -m benchmarks.overhead --quick
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Final

from benchmarks.costs.commands import commands
from benchmarks.costs.memory import memory
from benchmarks.costs.page import page
from benchmarks.costs.replay import Replay
from benchmarks.costs.routing import Effort, routing, synchronous
from benchmarks.costs.rows import COLUMNS, Row, clients_table, failed, others_table
from benchmarks.costs.setting import KINDS, MODELS
from benchmarks.costs.stores import stores

SUBJECTS: Final = ("cpu", "latency", "streams", "threads", "stores", "commands", "page", "memory")
FEW: Final = ("acompletion", "stock, 5", "stock, 5 + enforce", "ours", "ours, SQLite")
"""The clients without which ours cannot be judged."""

ONLY_IN_FULL: Final = ("stock, logger", "ours, logger", "ours, seeds")

QUICK: Final = Effort(rounds=5, requests=50, sequential=8, threaded=48, warm_up=50)
FULL: Final = Effort(rounds=21, requests=100, sequential=25, threaded=256, warm_up=100)
THREADS: Final = 16

EXAMPLES: Final = """\
examples:
  %(prog)s                            everything, each kind of provider once in first place
  %(prog)s --quick                    groq alone, few rounds, under a minute on a quiet machine
  %(prog)s --quick --first gemini,openai
  %(prog)s --only cpu --few --rounds 41 --first groq
                                      ours against stock and bare alone, steadier while others use the machine
  %(prog)s --json                     for a script; exit code 1 when a bar is missed
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables. Exit code 0; 1 when a bar is missed."""
    wanted = _parser().parse_args(argv)
    wanted.first = wanted.first or (["groq"] if wanted.quick else list(KINDS))
    began = time.monotonic()
    with Replay() as replay:
        routed, others = measure(wanted, replay)
    rows = [*routed, *others]
    missed = failed(rows)
    if wanted.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        tables = [clients_table(routed)] * bool(routed) + [others_table(others)] * bool(others)
        print("\n\n".join(tables))
        bars = sum(each.bar is not None for row in rows for each in row.judged)
        print(f"\n{bars - len(missed)} of {bars} bars kept, {time.monotonic() - began:.0f} s; {_busy()}")
    return int(bool(missed))


def measure(wanted: argparse.Namespace, replay: Replay) -> tuple[list[Row], list[Row]]:
    """Rows with a column for each client, and the others."""
    effort, models, quick = _effort(wanted), wanted.models, wanted.quick
    routed: list[Row] = []
    others: list[Row] = []
    for first in wanted.first:
        routed += routing(wanted.only, _rivals(wanted), first, models, replay, effort, _say)
    for subject in wanted.only:
        match subject:
            case "threads":
                routed.append(synchronous(models, replay, effort, THREADS, _say))
            case "stores":
                others += stores(effort.rounds, _say)
            case "commands":
                others += commands(3 if quick else 7, 1 if quick else 3, _say)
            case "page":
                others += page(models, replay, effort.rounds, effort.sequential, _say)
            case "memory":
                requests, routers = (400, 10) if quick else (100_000, 50)
                others.append(memory(models, replay, requests, routers, _say))
    return routed, others


def _rivals(wanted: argparse.Namespace) -> Sequence[str]:
    left_out = ONLY_IN_FULL if wanted.quick else ()
    return FEW if wanted.few else [name for name in COLUMNS if name not in left_out]


def _effort(wanted: argparse.Namespace) -> Effort:
    effort = QUICK if wanted.quick else FULL
    return effort if wanted.rounds is None else replace(effort, rounds=wanted.rounds)


def _busy() -> str:
    """How busy the machine is: what a reader needs to know before believing a figure that is no ratio."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors (a benchmark alone on its machine makes 1.5)"


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.overhead",
        description=(__doc__ or "").split("\n")[0],
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="one kind of provider, few rounds, little load on memory")
    add("--first", type=_names(KINDS), metavar="KIND,...", help=f"asked first, each once: {', '.join(KINDS)}")
    add("--few", action="store_true", help="only the clients that ours is judged by, and neither with 300 deployments")
    add("--only", type=_names(SUBJECTS), metavar="SUBJECT,...", help=f"measure only: {', '.join(SUBJECTS)}")
    add(
        "--rounds",
        type=int,
        metavar="N",
        help=f"of every client in turn (default {FULL.rounds}; quick: {QUICK.rounds})",
    )
    add("--models", choices=sorted(MODELS), default="shipped", help="of litellm.yaml, or of examples/reference.yaml")
    add("--json", action="store_true", help="everything, as JSON")
    parser.set_defaults(first=None, only=list(SUBJECTS))
    return parser


def _names(known: Sequence[str]) -> Callable[[str], list[str]]:
    def names(text: str) -> list[str]:
        given = [name.strip() for name in text.split(",")]
        if unknown := [name for name in given if name not in known]:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; known are {', '.join(known)}")
        return given

    return names


if __name__ == "__main__":
    sys.exit(main())
