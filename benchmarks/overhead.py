"""What our Router costs beside stock litellm.Router, bare LiteLLM and plain HTTP: the bars, measured side by side.

python -m benchmarks.overhead --quick
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from benchmarks.client_pipes import say
from benchmarks.costs.commands import commands
from benchmarks.costs.memory import memory
from benchmarks.costs.page import page
from benchmarks.costs.replay import ROOT, Replay
from benchmarks.costs.routing import CLIENTS, CPU, Effort, routing, synchronous
from benchmarks.costs.rows import Row, clients_table, failed, others_table, ratios_table
from benchmarks.costs.setting import KINDS, MODELS
from benchmarks.costs.stores import stores

SUBJECTS: Final = (*CLIENTS, "threads", "stores", "commands", "page", "memory")
LEFT_OUT_BY_FEW: Final = ("raw aiohttp", "AsyncOpenAI", "stock, 1", "ours, seeds", "ours, 300 keys", "ours, 300 models")
LEFT_OUT_BY_QUICK: Final = ("raw aiohttp", "AsyncOpenAI", "stock, 1", "ours, seeds")

QUICK: Final = Effort(rounds=5, requests=50, sequential=8, threaded=48, warm_up=50)
FULL: Final = Effort(rounds=21, requests=100, sequential=25, threaded=256, warm_up=100)
THREADS: Final = 16

ENVIRONMENTS: Final = ROOT / "build" / "compat"
"""Where `make compat` makes one for each version of LiteLLM and Python."""

EXAMPLES: Final = f"""\
examples:
  %(prog)s                            everything, each kind of provider once in first place
  %(prog)s --quick                    groq alone, few rounds, about a minute on a quiet machine
  %(prog)s --quick --first gemini,openai
  %(prog)s --only {",".join(CPU)} --few --litellm 1.84.0,1.106.2,1.110.2
                                      the bars of a request's CPU, with each of these versions
  %(prog)s --only cpu --few --rounds 41 --first groq
                                      ours against stock and bare alone, steadier while others use the machine
  %(prog)s --json                     for a script; exit code 1 when a bar is missed
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables. Exit code 0; 1 when a bar is missed."""
    argv = sys.argv[1:] if argv is None else argv
    wanted = _parser().parse_args(argv)
    reports = _elsewhere(wanted.litellm, argv) if wanted.litellm else _here(wanted)
    gathered = []
    for report in reports:
        gathered.append(report)
        if not wanted.json:
            _print(report)
    if wanted.json:
        print(json.dumps(gathered, indent=1))
    return int(any(report["missed"] for report in gathered))


def _here(wanted: argparse.Namespace) -> Iterable[dict[str, Any]]:
    """Measure with the LiteLLM that is installed."""
    wanted.first = wanted.first or (["groq"] if wanted.quick else list(KINDS))
    began = time.monotonic()
    with Replay() as replay:
        routed, others = measure(wanted, replay)
    yield {
        "litellm": version("litellm"),
        "openai": version("openai"),
        "routed": [asdict(row) for row in routed],
        "others": [asdict(row) for row in others],
        "missed": failed([*routed, *others]),
        "seconds": time.monotonic() - began,
        "machine": _busy(),
    }


def _elsewhere(versions: Sequence[str], argv: Sequence[str]) -> Iterable[dict[str, Any]]:
    """Measure in the environment of each of these versions, one after another."""
    language = "py{}.{}".format(*sys.version_info)
    for number in versions:
        python = ENVIRONMENTS / f"{number}-{language}" / "bin" / "python"
        if number == version("litellm"):
            python = Path(sys.executable)
        if not python.exists():
            raise SystemExit(f"There is no {python}; `make compat ARGS={number}` makes it.")
        say(f"LiteLLM {number}")
        command = [str(python), "-W", "ignore", "-m", "benchmarks.overhead", *argv, "--litellm", "", "--json"]
        found = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        if not found.stdout:
            raise SystemExit(f"The benchmark failed with LiteLLM {number}, exit code {found.returncode}; see above.")
        yield from json.loads(found.stdout)


def _print(report: dict[str, Any]) -> None:
    routed, others = ([Row.from_json(row) for row in report[part]] for part in ("routed", "others"))
    tables = [ratios_table(routed), clients_table(routed)] * bool(routed) + [others_table(others)] * bool(others)
    bars = sum(each.bar is not None for row in (*routed, *others) for each in row.judged)
    print(f"\nLiteLLM {report['litellm']}, openai {report['openai']}\n")
    print("\n\n".join(tables))
    print(f"\n{bars - len(report['missed'])} of {bars} bars kept, {report['seconds']:.0f} s; {report['machine']}")


def measure(wanted: argparse.Namespace, replay: Replay) -> tuple[list[Row], list[Row]]:
    """Rows with a column for each client, and the others."""
    effort, models, quick = _effort(wanted), wanted.models, wanted.quick
    routed: list[Row] = []
    others: list[Row] = []
    left_out = LEFT_OUT_BY_FEW if wanted.few else LEFT_OUT_BY_QUICK if quick else ()
    for first in wanted.first:
        routed += routing(wanted.only, left_out, first, models, replay, effort, say)
    for subject in wanted.only:
        match subject:
            case "threads":
                routed.append(synchronous(models, replay, effort, THREADS, say))
            case "stores":
                others += stores(effort.rounds, say)
            case "commands":
                others += commands(3 if quick else 7, 1 if quick else 3, say)
            case "page":
                others += page(models, replay, effort.rounds, effort.sequential, say)
            case "memory":
                requests, routers = (400, 10) if quick else (100_000, 50)
                others.append(memory(models, replay, requests, routers, say))
    return routed, others


def _effort(wanted: argparse.Namespace) -> Effort:
    effort = QUICK if wanted.quick else FULL
    return effort if wanted.rounds is None else replace(effort, rounds=wanted.rounds)


def _busy() -> str:
    """How busy the machine is: what a reader needs to know before believing a figure that is no ratio."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors (a benchmark alone on its machine makes 1.5)"


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
    add("--litellm", type=_versions, metavar="VERSION,...", help="of LiteLLM, each in its environment of `make compat`")
    add("--json", action="store_true", help="everything, as JSON")
    parser.set_defaults(first=None, only=list(SUBJECTS))
    return parser


def _versions(text: str) -> list[str]:
    return [number.strip() for number in text.split(",") if number.strip()]


def _names(known: Sequence[str]) -> Callable[[str], list[str]]:
    def names(text: str) -> list[str]:
        given = [name.strip() for name in text.split(",")]
        if unknown := [name for name in given if name not in known]:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; known are {', '.join(known)}")
        return given

    return names


if __name__ == "__main__":
    sys.exit(main())
