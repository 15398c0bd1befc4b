"""Edits of every kind, one in five broken, under full load in two processes: requests, counts, memory and time.

python -m benchmarks.reload --quick
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from benchmarks.reload.edits import LIMITED, Edit, File
from benchmarks.turmoil.findings import FAILED, Row, reasons, table
from benchmarks.turmoil.processes import Callers, OwnRedis, say
from benchmarks.upstream import Upstream

PROVIDERS: Final = ("groq", "gemini", "openrouter", "together", "openai")
IN_A_ROW: Final = 10
"""Edits, before as many seconds follow without one: both are measured in the same minutes of the machine."""

PATIENCE: Final = 15.0
"""Seconds until an edit counts as never in force."""

SLOWER: Final = 1.2
"""What p99 may be with edits, as a multiple of p99 without."""

WITHIN: Final = 2.0
"""Seconds within which an edit is to be in force."""

GROWS: Final = 30.0
"""MB that a process may have grown from the first fifth of the run to the last; 200 routers that stay are more."""

KINDS: Final = {"chat": 80, "stream": 20}
LATENCY: Final = "50-150"
"""Milliseconds that a provider takes."""

EXAMPLES: Final = """\
examples:
  %(prog)s                    200 edits, about ten minutes
  %(prog)s --quick            20 edits, about a minute
  %(prog)s --store redis      over a Redis server that it starts
  %(prog)s --seed 7           the edits and the load of an earlier run again

Exit code 1 when a target is missed.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table. Exit code 0; 1 when a target was missed."""
    wanted = _parser().parse_args(argv)
    edits = wanted.edits or (20 if wanted.quick else 200)
    seed = wanted.seed if wanted.seed is not None else random.SystemRandom().randrange(10_000)
    say(f"seed {seed}, {edits} edits, {wanted.rate:g} requests a second, {wanted.store}")
    with ExitStack() as stack:
        run = Run(stack, wanted, seed)
        run.edit(edits)
        found = run.rows()
    missed = sum(row.missed for row in found)
    if wanted.json:
        print(json.dumps({"seed": seed, "rows": [row.plain() for row in found]}, indent=1))
    else:
        print(f"\n{table(found)}\n")
        for count, text in reasons(run.failed)[:10]:
            print(f"{count} x {text}")
        print(f"seed {seed}: {missed} targets missed; load of the machine {os.getloadavg()[0]:.1f}")
    return int(bool(missed))


class Run:
    """The simulator, two processes of callers, and the file that both follow."""

    def __init__(self, stack: ExitStack, wanted: argparse.Namespace, seed: int) -> None:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        limits = {name: {"rpm": LIMITED.get(name, 100_000), "rpd": 10_000_000} for name in PROVIDERS}
        self.upstream = stack.enter_context(Upstream(limits, directory, LATENCY, own_ports=True))
        state = OwnRedis(stack).url if wanted.store == "redis" else f"sqlite:///{directory}/state.db"
        self.file = File(directory, self.upstream.bases, state, seed)
        self.chance = random.Random(seed)
        self.edits: list[Edit] = []
        self.phases: list[tuple[float, float, bool]] = []
        """Begin, end, and whether the file was edited."""
        self.callers = [self._callers(wanted.rate / wanted.processes, seed * 100 + n) for n in range(wanted.processes)]
        stack.callback(self._kill_all)
        for each in self.callers:
            each.next("ready")

    def edit(self, edits: int) -> None:
        """Load on all callers; edits in rows, each as soon as the one before is in force, and rows of silence."""
        for each in self.callers:
            each.say("go 100000")  # Until there is enough.
        time.sleep(2 * WITHIN)  # The first requests of a process are slower.
        while len(self.edits) < edits:
            began = time.time()
            for _ in range(min(IN_A_ROW, edits - len(self.edits))):
                self._one(self.file.edit())
            self.phases.append((began, time.time(), True))
            took = time.time() - began
            self._progress(edits)
            began = time.time()
            time.sleep(took)
            self.phases.append((began, time.time(), False))
        self._one(self.file.restore())
        for each in self.callers:
            each.say("enough")
        while any(each.last is None for each in self.callers):
            if any(each.process.poll() is not None for each in self.callers):
                raise SystemExit("a process of callers ended early; CALLERS_STDERR=1 shows why")
            time.sleep(0.2)

    def rows(self) -> list[Row]:
        """The table; `failed` are the requests that did."""
        results = [each for one in self.callers for each in one.results]
        self.failed = [each for each in results if each["outcome"] in FAILED]
        summary = self.upstream.summary()
        too_many = sum(each["rate_limited"] for each in summary.values())
        kinds = Counter(each.kind for each in self.edits)
        found = [
            Row("requests", str(len(results))),
            Row("edits, broken ones, kinds", f"{len(self.edits)}, {sum(e.broken for e in self.edits)}, {len(kinds)}"),
            Row("requests that failed", str(len(self.failed)), "0", bool(self.failed)),
            Row("429s because of a limit", str(too_many), "0", too_many > 0),
            *self._counted(summary),
            *self._slower(results),
            self._cpu(),
        ]
        for number, each in enumerate(self.callers, start=1):
            found += [self._seconds(number, each), self._faults(number, each), self._memory(number, each)]
        return found

    def _counted(self, summary: Mapping[str, Any]) -> list[Row]:
        last = self.callers[-1].next_last()["status"]["providers"]
        counted = {each["name"]: each["limits"]["rpd"]["used"] for each in last}
        arrived = {name: summary[name]["requests"] for name in PROVIDERS}
        return [
            Row(
                f"{name}: counted, arrived",
                f"{counted[name]}, {arrived[name]}",
                "equal",
                counted[name] != arrived[name],
            )
            for name in PROVIDERS
        ]

    def _slower(self, results: Sequence[Mapping[str, Any]]) -> list[Row]:
        """p99 of the requests that began and ended within rows of edits, beside that of the others."""
        found = []
        for kind in KINDS:
            took = {edited: sorted(self._seconds_of(results, kind, edited=edited)) for edited in (True, False)}
            middle, late = ({edited: _share(took[edited], share) for edited in took} for share in (0.5, 0.99))
            ratio = late[True] / late[False]
            text = f"{late[True] * 1e3:.0f} and {late[False] * 1e3:.0f} ms, {ratio:.2f} x"
            told = f"{kind}s: p99 with edits and without"
            found.append(Row(told, text, f"at most {SLOWER:g} x", ratio > SLOWER))
            found.append(Row(f"{kind}s: p50", f"{middle[True] * 1e3:.0f} and {middle[False] * 1e3:.0f} ms"))
        return found

    def _seconds_of(self, results: Sequence[Mapping[str, Any]], kind: str, *, edited: bool) -> list[float]:
        phases = [(began, ended) for began, ended, how in self.phases if how is edited]
        return [
            each["ended"] - each["began"]
            for each in results
            if each["kind"] == kind
            and any(began <= each["began"] and each["ended"] <= ended for began, ended in phases)
        ]

    def _seconds(self, number: int, callers: Callers) -> Row:
        """From the save until it is in force."""
        taken = sorted(self._in_force(edit, callers) - edit.at for edit in self.edits)
        text = f"{_share(taken, 0.5):.2f}, {_share(taken, 0.95):.2f}, {taken[-1]:.2f}"
        told = f"process {number}: seconds from a save until it counts: p50, p95, most"
        return Row(told, text, f"at most {WITHIN:g}", taken[-1] > WITHIN)

    def _faults(self, number: int, callers: Callers) -> Row:
        """Faults that it saw in files that were only half written yet."""
        broken = [edit for edit in self.edits if edit.broken]
        ends = [min((each.at for each in self.edits if each.at > edit.at), default=edit.at) for edit in broken]
        wrong = sum(
            told["broken"]
            and not any(edit.at - 0.1 <= told["at"] <= end + WITHIN for edit, end in zip(broken, ends, strict=True))
            for told in callers.in_force
        )
        return Row(f"process {number}: files told to be broken that were being written", str(wrong), "0", wrong > 0)

    def _memory(self, number: int, callers: Callers) -> Row:
        first, last = self.phases[0][0], self.phases[-1][1]
        fifth = (last - first) / 5
        sizes = [
            _share(sorted(size for at, size, _ in callers.sizes if n * fifth <= at - first <= (n + 1) * fifth), 0.5)
            for n in range(5)
        ]
        told = f"process {number}: RSS in each fifth of the run, MB"
        grown = sizes[-1] - sizes[0]
        return Row(told, ", ".join(f"{size:.0f}" for size in sizes), f"at most +{GROWS:g}", grown > GROWS)

    def _cpu(self) -> Row:
        """Of the processes of callers, a request."""
        cost = {}
        for edited in (True, False):
            used = served = 0.0
            for began, ended, how in self.phases:
                if how is edited:
                    used += sum(_cpu_at(each, ended) - _cpu_at(each, began) for each in self.callers)
                    served += sum(began <= r["ended"] <= ended for each in self.callers for r in each.results)
            cost[edited] = used / served * 1e3
        return Row("CPU a request, with edits and without", f"{cost[True]:.1f} and {cost[False]:.1f} ms")

    def _one(self, edit: Edit) -> None:
        """Wait until it is in force everywhere, and a moment."""
        self.edits.append(edit)
        give_up = time.time() + PATIENCE
        while time.time() < give_up:
            if all(self._in_force(edit, each) < float("inf") for each in self.callers):
                break
            if any(each.process.poll() is not None for each in self.callers):
                raise SystemExit("a process of callers ended early; CALLERS_STDERR=1 shows why")
            time.sleep(0.02)
        else:
            say(f"not in force after {PATIENCE:g} s: {edit}")
        time.sleep(self.chance.uniform(0.0, 0.4))

    def _in_force(self, edit: Edit, callers: Callers) -> float:
        return next((told["at"] for told in callers.in_force if edit.in_force(told)), float("inf"))

    def _progress(self, edits: int) -> None:
        told = [each.progress for each in self.callers]
        done, failed = (sum(each[name] for each in told) for name in ("done", "failed"))
        last = self.edits[-1]
        say(f"{len(self.edits):3d} of {edits} edits, {done} requests, {failed} failed; {last.kind}, {last.how}")

    def _callers(self, rate: float, seed: int) -> Callers:
        job = {"config": str(self.file.path), "env": {}, "pauses_divided_by": 1, "rate": rate, "seed": seed}
        return Callers({**job, "kinds": KINDS, "follows": True})

    def _kill_all(self) -> None:
        for each in self.callers:
            each.process.kill()
            each.process.wait()


def _cpu_at(callers: Callers, moment: float) -> float:
    """The seconds of CPU that a process had used at a moment, between the two readings around it."""
    before = max((each for each in callers.sizes if each[0] <= moment), default=callers.sizes[0])
    after = min((each for each in callers.sizes if each[0] >= moment), default=callers.sizes[-1])
    share = (moment - before[0]) / (after[0] - before[0]) if after[0] > before[0] else 0.0
    return before[2] + share * (after[2] - before[2])


def _share(ordered: Sequence[float], share: float) -> float:
    """A quantile of ordered numbers."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reload",
        description=(__doc__ or "").split("\n")[0],
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="20 edits instead of 200")
    add("--edits", type=int, metavar="N", help="so many edits")
    add("--store", choices=("sqlite", "redis"), default="sqlite", help="what the processes share (default sqlite)")
    add("--rate", type=float, default=40.0, metavar="R", help="requests a second, of all processes (default 40)")
    add("--processes", type=int, default=2, metavar="N", help="processes of callers (default 2)")
    add("--seed", type=int, metavar="N", help="of edits and load (default: a new one, which is printed)")
    add("--json", action="store_true", help="the table as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
