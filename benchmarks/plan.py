"""What a plan costs: CPU time of ninety days, of a million requests, of 300 deployments beside 5, and memory by days.

python -m benchmarks.plan --quick
"""

import argparse
import json
import sys
import tracemalloc
from collections.abc import Iterator, Sequence
from datetime import date
from statistics import median
from time import process_time
from typing import Final, NamedTuple

from router_config.config.loading import load_config, load_text
from router_config.config.models import Config
from router_config.planner.assumptions.what_if import with_every_key
from router_config.planner.assumptions.workload import even_load
from router_config.planner.plan import Plan, planned

BEGINS: Final = date(2026, 11, 23)
FEW: Final = 5
MANY: Final = 300
DAYS: Final = 90
A_DAY: Final = 1_000_000
"""Tokens, which are about as many requests as thousands."""

EXAMPLES: Final = """\
examples:
  %(prog)s            everything, with a million requests: about two minutes on a quiet machine
  %(prog)s --quick    a tenth of the million, and fewer days for 5 and 300 deployments: about 20 s
  %(prog)s --json     for a script; exit code 1 when a bar is missed
"""


class Row(NamedTuple):
    """Something measured, beside its bar."""

    what: str
    measured: float
    bar: float
    unit: str

    @property
    def missed(self) -> bool:
        return self.measured > self.bar


def rows(*, quick: bool) -> Iterator[Row]:
    """Each as it is measured."""
    reference = with_every_key(load_config("examples/reference.yaml", {}))
    yield Row(f"{DAYS} days of the reference at 1M tokens a day", _seconds(reference, A_DAY, DAYS), 5.0, "s of CPU")
    part = 10 if quick else 1
    million = _seconds(reference, 1e9 / DAYS, DAYS // part) * part
    yield Row("a million requests" + (", from a tenth of them" if quick else ""), million, 40.0, "s of CPU")
    for words, a_day, equal in (
        ("one after the other, a quarter of them full", 4 * A_DAY, False),
        ("one after the other, all full", 6 * A_DAY // 10, False),
        ("sharing the load", 4 * A_DAY, True),
        ("sharing the load, all full", 6 * A_DAY // 10, True),
    ):
        few, many = (_deployments(number, a_day, equal=equal) for number in (FEW, MANY))
        days, rounds = (6, 3) if quick else (30, 5)
        pairs = [(_seconds(few, A_DAY, days), _seconds(many, A_DAY, days)) for _ in range(rounds)]
        ratio = median(more / less for less, more in pairs)
        yield Row(f"{MANY} deployments beside {FEW}, {words}", ratio, 2.0, "times the CPU")
    _peak(reference, 2)  # What is made once.
    less, more = (10, 40) if quick else (30, 120)
    each = (_peak(reference, more) - _peak(reference, less)) / (more - less) / 1000
    yield Row("memory for each day more", each, 10.0, "kB")


def _deployments(number: int, a_day: int, *, equal: bool) -> Config:
    """So many providers with one model each, which take so many tokens a day together."""
    limits = f"{{rpm: {max(2, 600 // number)}, tpd: {a_day // number}}}"
    lines = [
        f"  p{place}: {{litellm_provider: openai, priority: {1 if equal else place}, limits: {limits}, models: [m]}}"
        for place in range(number)
    ]
    return with_every_key(load_text("providers:\n" + "\n".join(lines), "litellm.yaml", {}))


def _seconds(config: Config, tokens_per_day: float, days: int) -> float:
    """CPU time of a plan."""
    began = process_time()
    _plan(config, tokens_per_day, days)
    return process_time() - began


def _peak(config: Config, days: int) -> float:
    """Bytes that a plan of few requests a day held at most."""
    tracemalloc.start()
    _plan(config, A_DAY / 10, days)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return float(peak)


def _plan(config: Config, tokens_per_day: float, days: int) -> Plan:
    return planned(config, [even_load(tokens_per_day=tokens_per_day)], days, begins=BEGINS, seed=1)


def main(argv: Sequence[str] | None = None) -> int:
    """Print each row. Exit code 0; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.plan",
        description=__doc__.splitlines()[0] if __doc__ else None,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="fewer requests and days")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args(argv)
    measured = []
    for row in rows(quick=arguments.quick):
        measured.append(row)
        if not arguments.json:
            told = "MISSED" if row.missed else "ok"
            print(f"{row.what:<72} {row.measured:6.2f} {row.unit}, at most {row.bar:g}: {told}", flush=True)
    if arguments.json:
        print(json.dumps([{**row._asdict(), "missed": row.missed} for row in measured], indent=2))
    return int(any(row.missed for row in measured))


if __name__ == "__main__":
    sys.exit(main())
