"""How people write numbers in litellm.yaml: `100k`, `15M`, `5m`, `500ms`, `95%`.

Pure functions from what YAML gives (text, int, float, ...) to one number; a value that makes no sense raises
`BadValue`, which says what is wrong and what to write instead.
"""

import math
import re
from decimal import Decimal

_COUNT_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9}
_COUNT = re.compile(r"([+-]?\d+(?:_\d+)*(?:\.\d+)?)\s*([kmgb]?)", re.IGNORECASE | re.ASCII)
_MOST = 10**15

_DURATION_UNITS = {
    "ms": 0.001,
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
}
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)\s*", re.ASCII)
_PLAIN_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)
_LONGEST = 366 * 86400.0
LONGEST_STICKY = 86400.0
"""Seconds. A tool loop is over long before."""
LONGEST_WINDOW = 31 * 86400.0

_COUNT_HINT = "Write a whole number such as 30, 100k or 15M, or leave it out for no limit."
_DURATION_HINT = "Write a duration such as 500ms, 30s, 5m or 1h; a plain number means seconds."
_SHARE_HINT = "Write a share above 0% and up to 100%, such as 95% or 0.95."
_MONEY_HINT = "Write dollars as a number, such as 5 or 0.25."
_TOO_LONG_TO_SHOW = 24


class BadValue(ValueError):
    """A value that makes no sense: `what` is wrong with it, and `hint`, what to write instead."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(f"{what}. {hint}")
        self.what = what
        self.hint = hint


def shown(value: object) -> str:
    """`value` as an error may show it. Long text stays hidden: it may be a key in the wrong place."""
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= _TOO_LONG_TO_SHOW and value.isprintable() else "this text"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value) if abs(value) < _MOST or not math.isfinite(value) else "this number"
    return "a list" if isinstance(value, list | tuple) else "a mapping" if isinstance(value, dict) else "nothing"


def parse_count(value: object) -> int:
    """A whole number of requests or tokens, 0 or more: `30`, `100k`, `1.5M`. Raises `BadValue`."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadValue(f"{shown(value)} is not a number", _COUNT_HINT)
    if isinstance(value, str):
        match = _COUNT.fullmatch(value.strip())
        if match is None:
            raise BadValue(f"{shown(value)} is not a number", _COUNT_HINT)
        exact = Decimal(match[1].replace("_", "")) * _COUNT_UNITS[match[2].lower()]
    elif math.isfinite(value):
        exact = Decimal(value)
    else:
        raise BadValue(f"{shown(value)} is not a number that can be counted", _COUNT_HINT)
    if exact < 0:
        raise BadValue(f"{shown(value)} is negative", _COUNT_HINT)
    if exact > _MOST:
        raise BadValue(f"{shown(value)} is too large", "Leave the limit out if there is none.")
    if exact != exact.to_integral_value():
        raise BadValue(f"{shown(value)} is not a whole number", _COUNT_HINT)
    return int(exact)


def window_length(value: object) -> float:
    """Seconds of a window, from a second to 31 days: `5h`. Raises `BadValue`."""
    seconds = parse_duration(value)
    if not 1 <= seconds <= LONGEST_WINDOW:
        raise BadValue(f"{shown(value)} is no length of a window", "Write 1s to 31d, such as 5h.")
    return seconds


def day_of_month(value: object) -> int:
    """1 to 31. Raises `BadValue`."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 31:
        raise BadValue(f"{shown(value)} is no day of a month", "Write a number from 1 to 31.")
    return value


def parse_size(value: object) -> int:
    """A number of bytes: `64MB`, `500kB`, `1G`, or a plain number. Raises `BadValue`."""
    if isinstance(value, str) and value.strip()[-1:] in ("B", "b") and value.strip()[-2:-1].lower() in tuple("kmg"):
        value = value.strip()[:-1]
    try:
        return parse_count(value)
    except BadValue as error:
        raise BadValue(error.what, "Write a size such as 64MB, or a plain number of bytes.") from None


def parse_duration(value: object) -> float:
    """Seconds, from 0 to 366 days: `500ms`, `30s`, `5m`, `1h30m`, or a plain number. Raises `BadValue`."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadValue(f"{shown(value)} is not a duration", _DURATION_HINT)
    seconds = _seconds(value.strip().lower()) if isinstance(value, str) else value
    if seconds is None or not math.isfinite(seconds):
        raise BadValue(f"{shown(value)} is not a duration", _DURATION_HINT)
    if seconds < 0:
        raise BadValue(f"{shown(value)} is negative", _DURATION_HINT)
    if seconds > _LONGEST:
        raise BadValue(f"{shown(value)} is longer than a year", _DURATION_HINT)
    return float(seconds)


def parse_sticky(value: object) -> float:
    """Seconds, up to a day, or 0 for `off`, which YAML reads as false where it is not quoted. Raises `BadValue`."""
    if value is False or value == "off":
        return 0.0
    hint = "Write how long a tool loop stays with its model after each answer, such as 10m, or off."
    if value is True:
        raise BadValue("`on` does not say for how long", hint)
    try:
        seconds = parse_duration(value)
    except BadValue as bad:
        raise BadValue(bad.what, hint) from None
    if seconds > LONGEST_STICKY:
        raise BadValue(f"{shown(value)} is longer than a day", hint)
    return seconds


def _seconds(text: str) -> float | None:
    if _PLAIN_NUMBER.fullmatch(text):
        return float(text)
    total, position = 0.0, 0
    sign = -1.0 if text.startswith("-") else 1.0
    text = text.removeprefix("-")
    while position < len(text):
        part = _DURATION_PART.match(text, position)
        if part is None or part[2] not in _DURATION_UNITS:
            return None
        total += float(part[1]) * _DURATION_UNITS[part[2]]
        position = part.end()
    return sign * total if position else None


def parse_share(value: object) -> float:
    """A share above 0 and up to 1: `95%` or `0.95`. Raises `BadValue`."""
    share: float | None = None
    if isinstance(value, str):
        number = value.strip().removesuffix("%").rstrip()
        if _PLAIN_NUMBER.fullmatch(number):
            share = float(number) / 100 if value.strip().endswith("%") else float(number)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        share = float(value)
    if share is None or not 0 < share <= 1:
        raise BadValue(f"{shown(value)} is not a share", _SHARE_HINT)
    return share


def parse_money(value: object) -> float:
    """Dollars, 0 or more: `5`, `0.25` or `$5`. Raises `BadValue`."""
    if isinstance(value, str) and _PLAIN_NUMBER.fullmatch(value.strip().removeprefix("$")):
        value = float(value.strip().removeprefix("$"))
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadValue(f"{shown(value)} is not an amount of dollars", _MONEY_HINT)
    if value < 0:
        raise BadValue(f"{shown(value)} is negative", _MONEY_HINT)
    if value > _MOST:
        raise BadValue(f"{shown(value)} is too large", _MONEY_HINT)
    return float(value)


def parse_priority(value: object) -> int:
    """A whole number, lower first. Raises `BadValue`."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 10**6:
        raise BadValue(
            f"{shown(value)} is not a priority", "Write a whole number; 1 is asked first, then 2, and so on."
        )
    return value
