"""How good the forecast is, on loads of four kinds made as recorded ones are, beside the rate of the last hour.

    python -m benchmarks.forecast            # eight weeks, six seeds of each kind: about three minutes
    python -m benchmarks.forecast --quick    # five weeks, two seeds
    python -m benchmarks.forecast --json

Each load runs through calendar days and weeks with a limit that is 60 to 90 % of what such a window took before, so
that most run out; none is chosen by what came. The forecast is asked twice in each: when half of the room is used, and
when half of the time is over. It knows the hours before, and no more.
"""

import argparse
import json
import sys
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from math import inf
from random import Random
from time import process_time
from typing import Final, Literal

from benchmarks.forecast_loads import ABOUT, BEGINS, DAY, KINDS, WEEK, Kind, RecordedLoad, recorded_load
from router_config.cli.text import table
from router_config.forecast.backtest import ends_of
from router_config.forecast.model import Model
from router_config.forecast.profile import Curve, Profile
from router_config.forecast.ratios import quantile
from router_config.forecast.series import HOUR, HOURS_KEPT, Series

Window = Literal["day", "week"]
Half = Literal["room", "time"]
LENGTHS: Final[dict[Window, int]] = {"day": DAY, "week": WEEK}

WARM: Final = 14
"""Days before the first window that counts; what is asked before is told apart."""


@dataclass(frozen=True, slots=True)
class Case:
    """A window at a moment, in minutes since the load began. room: tokens left. end: when they were used up."""

    window: Window
    half: Half
    asked: int
    closes: int
    room: float
    end: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """How one forecast went.

    covered: whether what was used until the window closed lay in the band; in_band: whether the end did. errors: as
    shares of the time left, of the forecast, of who knows all but chance, and of the last hour's rate; None where the
    window did not run out.
    """

    case: Case
    covered: bool
    in_band: bool
    errors: tuple[float, float, float] | None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: shares, and median errors as shares of the time left."""

    kind: Kind
    window: str
    half: str
    windows: int
    covered: float
    in_band: float
    ran_out: int
    error: float
    all_knowing: float
    last_hour: float


def cases(load: RecordedLoad, random: Random, first_day: int, last_day: int) -> Iterator[Case]:
    """The windows of a load that begin within these days."""
    midnight = random.choice([0, 7 * 60])  # Of UTC, or of California.
    for window, length in LENGTHS.items():
        begins = midnight + first_day * DAY
        begins += (midnight - begins) % length
        while begins + length <= min(load.minutes, last_day * DAY):
            before = [
                load.between(begins - back * length, begins - (back - 1) * length)
                for back in range(1, 15 if window == "day" else 4)
                if begins >= back * length
            ]
            usual = [each for each in before if each > 0.3 * max(before)]
            room = random.uniform(0.6, 0.9) * sum(usual) / len(usual)
            full = load.used[begins] + room
            end = load.reaches(full)
            ran_out = end if end < begins + length else None
            halfway = load.reaches(load.used[begins] + room / 2)
            if halfway < begins + length:
                yield Case(window, "room", halfway, begins + length, full - load.used[halfway], ran_out)
            middle = begins + length // 2
            if load.used[middle] < full:
                yield Case(window, "time", middle, begins + length, full - load.used[middle], ran_out)
            begins += length


def answer(load: RecordedLoad, case: Case) -> Answer:
    asked, beyond = case.asked, case.closes + 2 * LENGTHS[case.window]
    curve = _curve(load, asked, beyond)
    origin = BEGINS * HOUR
    used, band = load.between(asked, case.closes), curve.until(origin + case.closes * 60.0)
    ends = [inf if each is None else (each - origin) / 60 for each in ends_of(curve, case.room)]
    early, _, late = (each if each <= case.closes else inf for each in ends)
    end = inf if case.end is None else case.end
    errors = None
    if case.end is not None and case.end > asked:
        rate = load.between(max(0, asked - 60), asked) / 60
        naive = asked + case.room / rate if rate > 0 else inf
        knowing = bisect_left(load.to_expect, load.to_expect[asked] + case.room)
        left = case.end - asked
        guesses = (min(ends[1], beyond), float(knowing), min(naive, beyond))
        errors = tuple(abs(each - case.end) / left for each in guesses)
    return Answer(case, band.p10 <= used <= band.p90, early <= end <= late, errors)  # type: ignore[arg-type]


def _curve(load: RecordedLoad, asked: int, until: int) -> Curve:
    hours = load.hours(asked)[-HOURS_KEPT:]
    model = Model(Series(BEGINS + asked // 60 - len(hours), hours))
    profile = Profile(model.weights, "profile", len(hours) / 24, model)
    now = (BEGINS * 60 + asked) * 60.0
    return profile.curve(now, (BEGINS * 60 + until) * 60.0, load.between(asked // 60 * 60, asked))


def rows(kind: Kind, answers: Sequence[Answer]) -> Iterator[Row]:
    for half in ("room", "time"):
        for windows in (("day",), ("week",), ("day", "week")):
            chosen = [each for each in answers if each.case.half == half and each.case.window in windows]
            errors = [each.errors for each in chosen if each.errors is not None]
            if chosen and errors:
                yield Row(
                    kind,
                    " and ".join(windows),
                    half,
                    len(chosen),
                    sum(each.covered for each in chosen) / len(chosen),
                    sum(each.in_band for each in chosen) / len(chosen),
                    len(errors),
                    *(quantile(sorted(each[place] for each in errors), 0.5) for place in range(3)),
                )


_HEAD: Final = (
    "KIND", "WINDOW", "HALF OF ITS", "WINDOWS", "USED IN P10-P90", "END IN P10-P90", "RAN OUT", "ERROR", "ALL-KNOWING",
    "LAST HOUR",
)  # fmt: skip


def _shown(row: Row) -> tuple[str, ...]:
    return (
        row.kind, row.window, row.half, str(row.windows), f"{row.covered:.0%}", f"{row.in_band:.0%}", str(row.ran_out),
        f"{row.error:.1%}", f"{row.all_knowing:.1%}", f"{row.last_hour:.1%}",
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="How good the forecast is, on loads of four kinds.")
    parser.add_argument("--quick", action="store_true", help="five weeks, two seeds")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--seeds", type=int, metavar="N", help="of each kind (default: 6)")
    parser.add_argument("--kind", choices=KINDS, action="append", help="only this one; repeatable")
    parser.add_argument("--early", action="store_true", help="ask in the first two weeks instead of after them")
    arguments = parser.parse_args()
    weeks, seeds = (5 if arguments.quick else 8), arguments.seeds or (2 if arguments.quick else 6)
    first, last = (2, WARM) if arguments.early else (WARM, weeks * 7)
    kinds, found, taken = arguments.kind or KINDS, list[Row](), 0.0
    for number, kind in enumerate(kinds):
        answers: list[Answer] = []
        for seed in range(seeds):
            _progress((number + seed / seeds) / len(kinds), kind)
            load = recorded_load(kind, seed, weeks)
            asked = list(cases(load, Random(f"windows of {kind} {seed}"), first, last))
            began = process_time()
            answers += [answer(load, each) for each in asked]
            taken += process_time() - began
        found += rows(kind, answers)
    _progress(1.0, "")
    if arguments.json:
        print(json.dumps([asdict(row) for row in found], indent=2))
        return
    for kind in kinds:
        print(f"{kind}: {ABOUT[kind]}")
    counted = "the first two" if arguments.early else f"the last {weeks - 2}"
    print(f"\n{seeds} seeds of each, {counted} of {weeks} weeks\n")
    print(table(_HEAD, [_shown(row) for row in found]))
    number = sum(row.windows for row in found) // 2
    print(f"\nERROR: the median, of the time left. A forecast took {taken / number * 1000:.0f} ms with all it learned.")


def _progress(share: float, kind: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{share:4.0%} {kind:10}" if share < 1 else "\r" + " " * 20 + "\r", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
