"""Text for people: tables, amounts, moments and durations; and JSON for those who pipe."""

import json
from collections.abc import Sequence
from typing import Any

from router_config.iso import epoch


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns under their heads, each as wide as its longest cell."""
    cells = [[str(cell) if cell is not None else "-" for cell in row] for row in rows]
    widths = [max(len(row[index]) for row in [list(header), *cells]) for index in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [header, *cells]]
    return "\n".join(line.rstrip() for line in lines)


def amount(number: float) -> str:
    """`100000` as 100k, as litellm.yaml has it; the number itself where that would not be exact."""
    for unit, size in (("M", 10**6), ("k", 10**3)):
        if number >= size and float(number / (size / 10)).is_integer():
            return f"{number / size:g}{unit}"
    return f"{number:g}" if number < 10**6 else f"{number:.0f}"


def plural(number: int, noun: str, several: str | None = None) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {several or f'{noun}s'}"


def clock(moment: str) -> str:
    """`2026-11-23T12:05:00Z` as 12:05:00Z."""
    return moment.partition("T")[2] or moment


def span(seconds: float) -> str:
    """42 s, 4 min 05 s, 3 h 20 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, left = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {left:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def until(moment: str | None, now: str) -> str:
    """How long it is until a moment, and its time of day; the date too where that is another."""
    if moment is None:
        return ""
    named = clock(moment) if moment[:10] == now[:10] else moment
    return f"in {span(epoch(moment) - epoch(now))} ({named})"


def print_json(document: Any) -> None:
    print(json.dumps(document, indent=2, ensure_ascii=False, default=str))
