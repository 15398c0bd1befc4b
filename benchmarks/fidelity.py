"""How well limits are kept and used: our Router and stock litellm.Router under the same overload, side by side.

python -m benchmarks.fidelity --quick
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

from benchmarks import peers
from benchmarks.client_pipes import answer_of, say, tell
from benchmarks.estimating import costs
from benchmarks.foresight import accounts_of, allowed
from benchmarks.judged import Judged, judged
from benchmarks.load import Result, timetable
from benchmarks.upstream import Upstream

ROOT: Final = Path(__file__).resolve().parent.parent
CLIENTS: Final = (
    "ours, memory",
    "ours, SQLite",
    "stock, order + enforce_model_rate_limits",
    "stock, usage-based-routing-v2",
)
ANSWER_TOKENS: Final = 40
BEGINS_AT: Final = 40.0
"""The second of the minute at which a load begins, so that the clock's minute turns 20 s later."""

QUICK_BEGINS_AT: Final = 48.0

Limits = dict[str, dict[str, int]]
FIVE: Final[Limits] = {
    "groq": {"rpm": 30, "tpd": 100_000},
    "gemini": {"rpm": 60, "tpd": 15_000_000},
    "openrouter": {"rpm": 50, "tpd": 50_000},
    "together": {"rpm": 40, "tpd": 100_000},
    "openai": {"rpm": 60, "tpd": 1_000_000},
}
THREE: Final[Limits] = {"groq": {"rpm": 30}, "gemini": {"rpm": 60}, "openrouter": {"rpm": 50}}

EXAMPLES: Final = """\
examples:
  %(prog)s                          both loads in full, about eight minutes
  %(prog)s --quick                  five providers for 20 s, under a minute in all
  %(prog)s --deployments 60         five providers with twelve keys each, limits shared out among them
  %(prog)s --processes 4 --redis redis://127.0.0.1:6379/9
                                    four processes on one SQLite file, and four on one Redis
  %(prog)s --peers                  freelm, freellmpool and flexrouter too
  %(prog)s --only ours --json       ours alone, for a script
"""


@dataclass(frozen=True)
class Experiment:
    """One load on one set of limits; times in seconds, `rate` in requests a second, `keys` per provider.

    Clients begin `apart` from each other, so that not all of them have their two hundred callers in the same moment.
    """

    title: str
    limits: Limits
    seconds: float
    rate: float
    callers: int = 200
    seed: int = 1
    keys: int = 1
    apart: float = 10.0
    begins_at: float = BEGINS_AT
    processes: int = 1

    @property
    def loads(self) -> list[dict[str, float | int]]:
        """The load of each process of a client."""
        each = {"seconds": self.seconds, "rate": self.rate / self.processes, "callers": self.callers // self.processes}
        return [{**each, "seed": self.seed + number} for number in range(self.processes)]


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables. Exit code 0; 1 when ours exceeded a limit."""
    wanted = _parser().parse_args(argv)
    wanted.rate = wanted.rate or (12.0 if wanted.quick else 24.0)
    clients = [name for name in _clients(wanted) if wanted.only in name]
    report: list[dict[str, Any]] = []
    exceeded = False
    for experiment in _experiments(wanted):
        rows: list[Judged] = []
        _forget(wanted.redis)
        for start in range(0, len(clients), wanted.at_once):
            rows += measure(experiment, clients[start : start + wanted.at_once], wanted)
        exceeded |= any(row.too_many or row.worst_minute > 1 for row in rows if row.client.startswith("ours"))
        report.append({"title": experiment.title, "rows": [asdict(row) | {"capacity": row.capacity} for row in rows]})
        if not wanted.json:
            print(f"\n{experiment.title}\n\n{table(rows)}")
    with tempfile.TemporaryDirectory() as directory:
        estimating = costs(Path(directory))
    if wanted.json:
        print(json.dumps({"experiments": report, "estimating_microseconds": estimating}, indent=1))
    else:
        print("\nmicroseconds: " + ", ".join(f"{name} {cost:.0f}" for name, cost in estimating.items()))
    return int(exceeded)


def measure(experiment: Experiment, clients: Sequence[str], wanted: argparse.Namespace) -> list[Judged]:
    """Each client in a process of its own (or several), against a simulator of its own, all at the same time."""
    schedule = sorted((one for load in experiment.loads for one in timetable(**load)), key=lambda one: one.at)  # type: ignore[arg-type]
    possible = sum(allowed(schedule, accounts_of(experiment.limits, experiment.keys), ANSWER_TOKENS).values())
    with ExitStack() as stack:
        directories = [Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in clients]
        upstreams = [stack.enter_context(Upstream(experiment.limits, directory)) for directory in directories]
        started: list[list[subprocess.Popen[str]]] = []
        for client, directory, upstream in zip(clients, directories, upstreams, strict=True):
            setting = {
                "bases": {name: upstream.bases[name] for name in experiment.limits},
                "limits": experiment.limits,
                "keys": experiment.keys,
                "directory": str(directory),
                "cooldown": wanted.cooldown,
                "retries": wanted.retries,
                "redis": wanted.redis,
            }
            jobs = [{"client": client, "setting": setting, "load": load} for load in experiment.loads]
            started.append([_start(job) for job in jobs])
            for process in started[-1]:
                stack.callback(process.kill)
        say(f"{experiment.title}: starting {len(clients)} clients")
        for process in chain(*started):
            answer_of(process)
        say(f"{experiment.title}: {len(schedule)} requests in {experiment.seconds:g} s to each")
        for number, (upstream, processes) in enumerate(zip(upstreams, started, strict=True)):
            time.sleep(experiment.apart if number else 0)
            ahead = (experiment.begins_at - time.time()) % 60.0
            upstream.reset(ahead)
            for process in processes:
                tell(process, {"ahead": ahead})
        rows = []
        for client, upstream, processes in zip(clients, upstreams, started, strict=True):
            told = [json.loads(answer_of(process)) for process in processes]
            results = [Result(**each) for one in told for each in one["results"]]
            calls, summary = upstream.calls(), upstream.summary()
            rows.append(
                judged(client, results, calls, summary, experiment.limits, keys=experiment.keys, allowed=possible)
            )
            say(f"{client}: done, {sum(one['cpu'] for one in told):.0f} s of CPU")
    return rows


def table(rows: Sequence[Judged]) -> str:
    """The rows as a table that Markdown understands."""
    heads = ["client", "served", "429s", "worst minute / limit", "allowed capacity used", "seconds without service"]
    cells = [
        [
            row.client,
            f"{row.served}",
            f"{row.too_many}",
            f"{row.worst_minute:.2f}",
            f"{row.capacity:.1%}",
            f"{row.dark}",
        ]
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]

    def line(texts: Sequence[str]) -> str:
        first, *rest = zip(texts, widths, strict=True)
        return f"| {first[0]:<{first[1]}} | " + " | ".join(f"{text:>{width}}" for text, width in rest) + " |"

    rule = "|" + "|".join("-" * (width + 1) + ("-" if i == 0 else ":") for i, width in enumerate(widths)) + "|"
    late = max(row.late for row in rows)
    asked, possible = rows[0].asked, rows[0].allowed
    notes = f"{asked} requests asked for, {possible} possible; the load was at most {late:.1f} s late."
    return "\n".join([line(heads), rule, *map(line, cells), "", notes])


def _clients(wanted: argparse.Namespace) -> Sequence[str]:
    """Of several processes only those whose stores are shared."""
    if wanted.peers:
        return [*CLIENTS, *peers.VERSIONS]
    together = [name for name in CLIENTS if wanted.processes == 1 or name == "ours, SQLite"]
    return [*together, *(["ours, Redis"] if wanted.redis else [])]


def _experiments(wanted: argparse.Namespace) -> list[Experiment]:
    return [replace(each, processes=wanted.processes) for each in _loads(wanted)]


def _loads(wanted: argparse.Namespace) -> list[Experiment]:
    if wanted.deployments:
        keys = max(1, wanted.deployments // len(FIVE))
        limits = {name: {"rpm": max(1, each["rpm"] // keys)} for name, each in FIVE.items()}
        title = f"{keys * len(FIVE)} deployments, {wanted.seconds or 190:g} s"
        return [Experiment(title, limits, wanted.seconds or 190, wanted.rate, wanted.callers, wanted.seed, keys)]
    if wanted.quick:
        seconds = wanted.seconds or 20
        title = f"Five providers, {seconds:g} s"
        return [
            Experiment(
                title, FIVE, seconds, wanted.rate, wanted.callers, wanted.seed, apart=2.0, begins_at=QUICK_BEGINS_AT
            )
        ]
    if wanted.peers:
        seconds = wanted.seconds or 150
        title = f"Three providers of one wire format, {seconds:g} s"
        return [Experiment(title, peers.LIMITS, seconds, wanted.rate, wanted.callers, wanted.seed)]
    loads = [("Five providers", FIVE, 190.0), ("Three providers", THREE, 150.0)]
    return [
        Experiment(
            f"{title}, {wanted.seconds or seconds:g} s",
            limits,
            wanted.seconds or seconds,
            wanted.rate,
            wanted.callers,
            wanted.seed,
        )
        for title, limits, seconds in loads
        if wanted.load in title.lower()
    ]


def _forget(redis_url: str) -> None:
    """Delete all counts of earlier runs."""
    if redis_url:
        import redis

        from router_config.ledger.redis.store import PREFIX

        with redis.Redis.from_url(redis_url) as client:
            for key in client.scan_iter(f"{PREFIX}*"):
                client.delete(key)


def _start(job: dict[str, Any]) -> "subprocess.Popen[str]":
    peer = job["client"] in peers.VERSIONS
    python, module = (peers.python_of(job["client"]), "peer_process") if peer else (sys.executable, "client_process")
    command = [python, "-W", "ignore", "-m", f"benchmarks.{module}"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env=peers.environment() if peer else None,
    )
    tell(process, job)
    return process


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fidelity",
        description=(__doc__ or "").split("\n")[0],
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="one short load, across one turn of the clock's minute")
    add("--deployments", type=int, metavar="N", help="so many deployments instead (60, 300)")
    add("--peers", action="store_true", help="other routers too, in environments of their own (build/peers)")
    add("--load", choices=["five", "three"], default="", help="only the one of five or three providers")
    add("--seconds", type=float, metavar="S", help="length of a load (default 190 and 150; quick: 20)")
    add("--rate", type=float, metavar="R", help="requests a second after the first moment (default 24; quick: 12)")
    add("--callers", type=int, default=200, metavar="N", help="who all ask in the first moment (default 200)")
    add("--seed", type=int, default=1, metavar="N", help="of the load (default 1)")
    add("--processes", type=int, default=1, metavar="N", help="so many of each of ours share one store and the load")
    add("--redis", default="", metavar="URL", help="ours on Redis too; what a router left there is deleted")
    add("--only", default="", metavar="TEXT", help="clients whose name holds this")
    add(
        "--at-once", type=int, default=len(CLIENTS), metavar="N", help="clients measured at the same time (default all)"
    )
    add("--cooldown", type=float, default=300.0, metavar="S", help="seconds, of every client (default 300)")
    add("--retries", type=int, default=2, metavar="N", help="num_retries of stock (default 2)")
    add("--json", action="store_true", help="everything, as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
