"""Is the plan true? The same workload planned, and sent by a Router over HTTP to simulated providers that judge it.

python -m benchmarks.truth --quick
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from time import monotonic
from zoneinfo import ZoneInfo

from benchmarks.truth.cases import CASES, Case
from benchmarks.truth.figures import WITHIN, Compared, compared
from benchmarks.truth.sending import Progress, sent, simulator_of, written
from router_config.clock import VirtualClock
from router_config.forecast.workload_hours import midnight
from router_config.planner.assumptions.faults import fault_of
from router_config.planner.assumptions.workload import arrivals
from router_config.planner.planning import plan

QUICK = 5
EXAMPLES = """\
examples:
  %(prog)s                    all cases, about three minutes
  %(prog)s --quick            five of them
  %(prog)s --only midnights   those whose title holds this
  %(prog)s --seed 7 --json    another chance, for a script

Exit code 1 when a figure of a plan differs by more than 2 %% (and two requests), or a provider refused a request.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables. Exit code 0; 1 where a plan is not true."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.truth",
        description=(__doc__ or "").split("\n")[0],
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="five of the cases")
    add("--only", default="", metavar="TEXT", help="cases whose title holds this")
    add("--seed", type=int, default=1, metavar="N", help="of the workload (default 1)")
    add("--json", action="store_true", help="everything, as JSON")
    wanted = parser.parse_args(argv)
    cases = [case for case in CASES if wanted.only in case.title]
    found = []
    for case in cases[:: max(1, -(-len(cases) // QUICK))] if wanted.quick else cases:
        with _Progress(case.title) as progress:
            found.append(measured(case, wanted.seed, progress.told))
        if not wanted.json:
            print("\n".join(_lines(found[-1])), flush=True)
    if wanted.json:
        print(json.dumps([_plain(each) for each in found], indent=1))
    elif cases:
        true = sum(each.true for each in found)
        print("\n".join(("", *_table(found))))
        print(f"\n{true} of {len(found)} plans are true: every figure within {WITHIN:.0%} or two requests, no 429.")
    return 0 if found and all(each.true for each in found) else 1


def measured(case: Case, seed: int, progress: Progress = lambda share: None) -> Compared:
    """One case, planned and sent."""
    zone = ZoneInfo("UTC")
    begins, ends = midnight(case.begins, zone), midnight(case.begins + timedelta(days=case.days), zone)
    clock = VirtualClock(begins)
    with ExitStack() as stack:
        simulator = stack.enter_context(simulator_of(case, clock))
        path, config = written(case, simulator, Path(stack.enter_context(tempfile.TemporaryDirectory())))
        loads, requests = config.workload, arrivals(config.workload, begins, ends, seed)
        arrived = sent(case, path, simulator, clock, requests, loads, (begins, ends), seed, progress)
    faults = [fault_of(text) for text in case.faults]
    made = plan(
        config, days=case.days, begins=case.begins, latency=case.latency, faults=faults, seed=seed, advise=False
    )
    return compared(case.title, made, arrived, begins, ends)


def _lines(each: Compared) -> Iterator[str]:
    yield f"\n{each.title}: {each.requests} requests, {each.too_many} refused with 429" + "".join(
        f", {count} {name}" for name, count in each.failed.items()
    )
    yield f"  {'':24}{'planned':>14}{'over HTTP':>14}{'differs':>10}"
    for figure in each.figures:
        mark = "" if figure.true else "  <-"
        values = "".join(f"{value:14.2%}" if figure.name == "served" else f"{value:14,.0f}" for value in figure[1:3])
        yield f"  {figure.name:24}{values}{figure.differs:10.2%}{mark}"


def _table(found: Sequence[Compared]) -> Iterator[str]:
    """A row for each case."""
    columns = (
        "configuration and workload",
        "requests",
        "served: plan, HTTP",
        "dark seconds",
        "429s",
        "differs by at most",
    )
    yield "| " + " | ".join(columns) + " |"
    yield "|---|---:|---:|---:|---:|---:|"
    for each in found:
        served, dark = each.figures[:2]
        most = max(one.differs for one in each.figures)
        shares = f"{served.planned:.2%}, {served.sent:.2%}"
        seconds = f"{dark.planned:,.0f}, {dark.sent:,.0f}"
        cells = (each.title, f"{each.requests:,}", shares, seconds, each.too_many, f"{most:.2%}")
        yield "| " + " | ".join(map(str, cells)) + " |"


def _plain(each: Compared) -> dict[str, object]:
    figures = [
        {**figure._asdict(), "differs": round(figure.differs, 5), "true": figure.true} for figure in each.figures
    ]
    told = {"title": each.title, "true": each.true, "requests": each.requests, "429s": each.too_many}
    return {**told, "failed": dict(each.failed), "figures": figures}


class _Progress:
    """A line on a terminal that says how far a case is."""

    def __init__(self, title: str) -> None:
        self._title, self._next = title, monotonic() + 2.0

    def told(self, share: float) -> None:
        if monotonic() >= self._next and sys.stderr.isatty():
            self._next = monotonic() + 0.5
            print(f"\r{self._title}: {share:4.0%}", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if sys.stderr.isatty():
            print("\r" + " " * (len(self._title) + 8) + "\r", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
