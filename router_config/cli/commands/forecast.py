"""`router-config forecast`: how long the room of each provider lasts, and how far such forecasts can be trusted."""

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from router_config.cli.progress import Progress
from router_config.cli.store_access import asked_of_store, read, warn_of_memory
from router_config.cli.text import plural, print_json, table, until
from router_config.clock import SystemClock
from router_config.config.loading import load_config
from router_config.config.models import Config
from router_config.forecast.backtest import LEAST, Tested, backtest
from router_config.forecast.series import HOUR, HOURS_KEPT, Series, series_of, total_of
from router_config.ledger.interfaces import Store
from router_config.planner.wording import rounded
from router_config.status.source import ConfiguredSource

_ROOMS = ("PROVIDER", "WINDOW", "LIMIT", "LEFT", "EXPECTED UNTIL IT ENDS", "USED UP", "ENDS")
_TESTED = ("ROOM", "FORECASTS", "WITHIN P10-P90", "ERROR OF P50", "OF THE LAST HOUR'S RATE")
_ALL = "all"


def forecast(arguments: argparse.Namespace) -> int:
    """Prints what is left, what is expected, and when room ends: 0, or 1 where all together run out too early."""
    config = load_config(arguments.config)
    if arguments.backtest:
        return _backtest(config, as_json=arguments.json)
    document = read(config, ConfiguredSource.astatus)
    capacity = document["capacity"]
    if arguments.json:
        print_json({"generated_at": document["generated_at"], **capacity})
    else:
        print("\n".join(_lines(capacity, document["generated_at"])))
        warn_of_memory(config)
    return int(any(each["exhausted"]["p50"] is not None for each in capacity["windows"].values()))


def _lines(capacity: dict[str, Any], now: str) -> Iterator[str]:
    if capacity["basis"] == "last_hour":
        yield "A guess: under a day of history, so every hour is taken to be as the last one was."
    else:
        yield f"By the hours of the week, from {capacity['history_days']:.1f} days of history."
    rows = [
        (name, window, each["limit"], *_room(each, each["remaining"], each["unit"], now))
        for name, windows in capacity["providers"].items()
        for window, each in windows.items()
    ]
    rows += [
        (_ALL, window, each["binding"], *_room(each, each["tokens_remaining"], "tokens", now))
        for window, each in capacity["windows"].items()
    ]
    yield ""
    if not rows:
        yield "No provider has a limit of a day, a week or a month, so no room can end."
        return
    yield table(_ROOMS, rows)
    if capacity["unlimited"]:
        yield f"\nWithout a daily limit: {', '.join(capacity['unlimited'])}."


def _room(each: dict[str, Any], left: float | None, unit: str, now: str) -> tuple[object, ...]:
    return (
        None if left is None else _amount(left, unit),
        _expected(each["expected"], unit),
        _end(each["exhausted"], now),
        "it rolls" if each["ends_at"] is None else until(each["ends_at"], now),
    )


def _amount(number: float, unit: str) -> str:
    return f"${number:.2f}" if unit == "usd" else f"{rounded(number)} {unit}"


def _expected(expected: dict[str, Any], unit: str) -> str:
    band = expected["cost_usd" if unit == "usd" else unit]
    low, middle, high = (_amount(band[edge], unit) for edge in ("p10", "p50", "p90"))
    return middle if low == high else f"{middle} ({low.split(' ')[0]} to {high.split(' ')[0]})"


def _end(exhausted: dict[str, str | None], now: str) -> str:
    early, middle, late = exhausted["p10"], exhausted["p50"], exhausted["p90"]
    if early is None:
        return "no"
    if middle is None:
        return f"perhaps, not before {_moment(early, now)}"
    if early == late:
        return until(middle, now)
    return f"{until(middle, now)}, from {_moment(early, now)} to {_moment(late, now) if late else 'never'}"


def _moment(moment: str, now: str) -> str:
    """The time of day to the minute, with the date where that is another."""
    return moment[11:16] if moment[:10] == now[:10] else moment[:16].replace("T", " ")


def _backtest(config: Config, *, as_json: bool) -> int:
    series = asked_of_store(config, _series)
    days = len(series.values) / 24
    with Progress("testing") as progress:
        tested = backtest(series, progress.told)
    if as_json:
        print_json({"history_days": round(days, 2), "rooms": [_shown(each) for each in tested]})
    elif tested:
        print(f"Forecasts made at moments of the last {days:.0f} days, and what came:\n")
        print(table(_TESTED, [_row(each) for each in tested]))
        print("\nThe band is right where it holds 75 to 85 %. Errors are the median, of the time that was left.")
    else:
        hours = plural(len(series.values), "hour")
        print(f"The history is too short: {hours}, and it takes {LEAST // 24} days.", file=sys.stderr)
    return 0 if tested else 1


async def _series(_: Config, store: Store) -> Series:
    now = SystemClock().now()
    history = await store.history(HOUR, (now // HOUR - HOURS_KEPT) * HOUR, now)
    return series_of(total_of(history.slots), now)


def _shown(each: Tested) -> dict[str, float]:
    return {
        "days": each.days,
        "forecasts": each.number,
        "covered": round(each.covered, 4),
        "error": round(each.error, 4),
        "error_of_last_hour": round(each.naive, 4),
    }


def _row(each: Tested) -> tuple[str, ...]:
    room = f"{each.days:g} usual {'days' if each.days > 1 else 'day'}"
    return room, str(each.number), f"{each.covered:.0%}", f"{each.error:.0%}", f"{each.naive:.0%}"
