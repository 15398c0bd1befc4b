"""Values on the command line: a function for each kind, which argparse calls, and which says what to write instead."""

import argparse
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from datetime import date

    from router_config.planner.assumptions.faults import Fault, Loss

T = TypeVar("T")


def port(text: str) -> int:
    if text.isdecimal() and int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port; write a number from 0 to 65535")


def whole(text: str) -> int:
    if text.isdecimal() and 0 < int(text) <= 10**9:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")


def abilities(text: str) -> tuple[str, ...]:
    from router_config.deployments.abilities import ABILITIES

    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in ABILITIES:
            raise argparse.ArgumentTypeError(f"{name!r} is no ability; there are {', '.join(ABILITIES)}")
    return names


def seconds(text: str) -> float:
    length = patience(text)
    if length <= 0:
        raise argparse.ArgumentTypeError("write more than 0 seconds")
    return length


def patience(text: str) -> float:
    from router_config.config.grammar.quantities import parse_duration

    return _parsed(parse_duration, text)


def count(text: str) -> int:
    from router_config.config.grammar.quantities import parse_count

    if (number := _parsed(parse_count, text)) > 0:
        return number
    raise argparse.ArgumentTypeError("write more than 0, such as 1M")


def days(text: str) -> int:
    number = whole(text)
    if number > 3660:
        raise argparse.ArgumentTypeError("write at most 3660 days")
    return number


def times(text: str) -> float:
    """A factor."""
    with suppress(ValueError):
        if 0 < (number := float(text)) <= 10**6:
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is no number above 0; write 3, or 0.5")


def span_of_history(text: str) -> float:
    """Seconds of history, as many as are kept at most."""
    length = patience(text)
    if 3600 <= length <= 60 * 86400:
        return length
    raise argparse.ArgumentTypeError("write from 1h to 60d: so long is history kept")


def timezone(text: str) -> str:
    from router_config.config.grammar import scalars

    return _parsed(scalars.timezone, text)


def first_day(text: str) -> "date":
    from datetime import date

    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; write it as 2026-12-01") from None


def fault(text: str) -> "Fault":
    from router_config.planner.assumptions.faults import fault_of

    return _parsed(fault_of, text)


def loss(text: str) -> "Loss":
    from router_config.planner.assumptions.faults import loss_of

    return _parsed(loss_of, text)


def _parsed(parse: Callable[[str], T], text: str) -> T:
    from router_config.config.grammar.quantities import BadValue

    try:
        return parse(text)
    except BadValue as bad:
        raise argparse.ArgumentTypeError(str(bad)) from None
