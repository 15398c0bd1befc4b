"""Fields of a list as they come from outside: each has a type and a bound before it is believed."""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from router_config.config.models import Price

NAME: Final = re.compile(r"[!-~]{1,200}")
LONGEST_CONTEXT: Final = 1_000_000_000
DEAREST: Final = 1e6
"""Dollars for a million tokens."""

_SOME: Final = 1_000


def mapping(value: Any) -> Mapping[str, Any]:
    """A JSON object; an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any, most: int = _SOME) -> list[Any]:
    """The first items of a JSON list; none of anything else."""
    return value[:most] if isinstance(value, list) else []


def name(value: Any) -> str | None:
    """A model's name: visible ASCII without spaces, so that it can stand in a file and on a terminal."""
    return value if isinstance(value, str) and NAME.fullmatch(value) else None


def names(value: Any) -> tuple[str, ...]:
    return tuple(each for item in items(value, 50) if (each := name(item)) is not None)


def words(value: Any) -> frozenset[str]:
    """Words of a list, in small letters with `-` between their parts."""
    return frozenset(
        item.casefold().replace("_", "-").replace(" ", "-")
        for item in items(value)
        if isinstance(item, str) and len(item) <= 100
    )


def count(value: Any) -> int | None:
    """A number of tokens, also where it is written as text."""
    number_ = number(value)
    return int(number_) if number_ is not None and 1 <= number_ <= LONGEST_CONTEXT else None


def number(value: Any) -> float | None:
    """A finite number, also where it is written as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value[:40] if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def flag(value: Any) -> bool | None:
    """True or false, also as text, or as `{"supported": true}`."""
    if isinstance(value, Mapping):
        value = value.get("supported")
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.casefold())
    return value if isinstance(value, bool) else None


def day(value: Any) -> str | None:
    """`YYYY-MM-DD` of an ISO date or moment."""
    if not isinstance(value, str):
        return None
    try:
        return date.fromisoformat(value[:10]).isoformat()
    except ValueError:
        return None


def moment(value: Any) -> float | None:
    """Epoch seconds of a number of seconds or milliseconds, or of an ISO moment."""
    if isinstance(value, str) and "-" in value:
        try:
            found = datetime.fromisoformat(value[:40])
        except ValueError:
            return None
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    seconds = number(value)
    if seconds is None or seconds <= 0:
        return None
    return seconds / 1000 if seconds > 1e11 else seconds if seconds < 1e10 else None


def price(prompt: Any, completion: Any, factor: float) -> Price | None:
    """A price of a million tokens. factor: what makes it of the provider's numbers. -1 and the like is no price."""
    both = number(prompt), number(completion)
    if both[0] is None:
        return None
    numbers = [round((each or 0.0) * factor, 6) for each in both]
    return Price(input=numbers[0], output=numbers[1]) if all(0 <= each <= DEAREST for each in numbers) else None


def first(entry: Mapping[str, Any], *keys: str) -> Any:
    """The first of these fields that is there; `a.b` is field b of the object a."""
    for key in keys:
        found = _at(entry, key) if "." in key else entry.get(key)
        if found is not None:
            return found
    return None


def any_of(values: Iterator[bool | None]) -> bool | None:
    """True if one is, False if one is known and none is true, else None."""
    known = [value for value in values if value is not None]
    return any(known) if known else None


def _at(entry: Mapping[str, Any], key: str) -> Any:
    value: Any = entry
    for step in key.split("."):
        value = mapping(value).get(step)
    return value
