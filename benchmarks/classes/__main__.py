"""Classes of agents under full overload, in four processes: is the reserve kept, and is the rest used?

python -m benchmarks.classes
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from benchmarks import peers
from benchmarks.classes.judge import Judged, Result, judged
from benchmarks.classes.load import AGENTS, DAYS, MINUTES, Load, allowed
from benchmarks.client_pipes import answer_of, say, tell
from benchmarks.turmoil.processes import OwnRedis
from benchmarks.upstream import Upstream

ROOT: Final = Path(__file__).resolve().parent.parent.parent
LITELLM: Final = ("litellm[proxy]", "1.106.2")
"""With the limiter of LiteLLM's proxy, in an environment of its own: it needs the proxy's packages."""

THEIRS: Final = "LiteLLM, priority_reservation"
FRESH: Final = f"{THEIRS}, saturation read each time"
USED: Final = 0.97

EXAMPLES: Final = """\
examples:
  %(prog)s                                all of it, about fifteen minutes
  %(prog)s --only SQLite --load minute    four processes of ours on one file, two and a half minutes
  %(prog)s --only LiteLLM                 the limiter of LiteLLM's proxy alone
  %(prog)s --only ours --json             for a script
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Print a table for each load. Exit code 1 when ours missed a bar."""
    wanted = _parser().parse_args(argv)
    missed, report = False, []
    for load in (MINUTES, DAYS):
        if wanted.load not in load.name:
            continue
        load = replace(load, seed=wanted.seed)
        rows = [_measured(client, load, wanted) for client in _clients(load, wanted)]
        missed |= any(_missed(row) for row in rows if row.client.startswith("ours"))
        report.append({"load": load.name, "rows": [asdict(row) | {"used": row.used} for row in rows]})
        if not wanted.json:
            print(f"\n{load.name}, {wanted.processes} processes, {load.lasts:g} s\n\n{_table(rows)}", flush=True)
    if wanted.json:
        print(json.dumps(report, indent=1))
    return int(missed)


def _clients(load: Load, wanted: argparse.Namespace) -> Iterator[str]:
    """LiteLLM's limiter knows no limits of a day."""
    theirs = [THEIRS, FRESH] if load.limit == "rpm" else []
    for client in ("ours, SQLite", "ours, Redis", *theirs):
        if wanted.only in client:
            yield client


def _measured(client: str, load: Load, wanted: argparse.Namespace) -> Judged:
    """One client in so many processes, against simulators of its own that refuse what would exceed a limit."""
    is_ours = client.startswith("ours")
    python = sys.executable if is_ours else peers.python_with(*LITELLM)
    limits = {name: {load.limit: limit} for name, limit in load.limits.items()}
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = stack.enter_context(Upstream(limits, directory, "50-400"))
        job = {
            "client": client,
            "load": load.document(),
            "bases": {name: upstream.bases[name] for name in load.limits},
            "directory": str(directory),
            "state": f"sqlite:///{directory}/state.db" if "SQLite" in client else OwnRedis(stack).url,
            "fresh": client == FRESH,
            "processes": wanted.processes,
        }
        started = [_start(python, {**job, "number": number}) for number in range(wanted.processes)]
        for process in started:
            stack.callback(process.kill)
        for process in started:
            answer_of(process)
        upstream.reset(0.0)
        upstream.keep_bodies()
        say(f"{load.name}: {client}")
        for process in started:
            tell(process, {})
        results = [Result(**each) for process in started for each in json.loads(answer_of(process))]
        calls = upstream.calls()
    possible = sum(allowed(load, load.timetable()).values())
    return judged(client, load, results, calls, possible, together=not is_ours)


def _missed(row: Judged) -> bool:
    return bool(row.refused_in_reserve or row.used_by_others or row.too_many or row.used < USED)


def _table(rows: Sequence[Judged]) -> str:
    heads = ["client", "refused within the reserve", "reserve used by others", "429s", "allowed capacity used"]
    heads += [f"served: {name}" for name in AGENTS]
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)]]
    for row in rows:
        figures = [str(each) for each in (row.refused_in_reserve, row.used_by_others, row.too_many)]
        served = [f"{row.served.get(name, 0)} of {row.asked.get(name, 0)}" for name in AGENTS]
        lines.append([row.client, *figures, f"{row.used:.1%}", *served])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _start(python: str, job: dict[str, Any]) -> "subprocess.Popen[str]":
    command = [python, "-W", "ignore", "-m", "benchmarks.classes.client"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
    )
    tell(process, job)
    return process


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.classes",
        description=(__doc__ or "").split("\n")[0],
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--load", choices=["minute", "day"], default="", help="only the one with limits of a minute, or of a day")
    add("--only", default="", metavar="TEXT", help="clients whose name holds this")
    add("--processes", type=int, default=4, metavar="N", help="that share the load and a store (default 4)")
    add("--seed", type=int, default=1, metavar="N", help="of the load (default 1)")
    add("--json", action="store_true", help="everything, as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
