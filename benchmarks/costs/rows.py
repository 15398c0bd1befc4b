"""Rows of the table: what was measured for each client, and what the issue's bars say of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

COLUMNS: Final = (
    "raw aiohttp",
    "AsyncOpenAI",
    "acompletion",
    "stock, 1",
    "stock, 5",
    "stock, 5 + enforce",
    "ours",
    "ours, SQLite",
    "stock, logger",
    "ours, logger",
    "ours, seeds",
    "ours, 300 keys",
    "ours, 300 models",
)


@dataclass(frozen=True, slots=True)
class Judged:
    """One figure against its bar: a ratio of medians, or a figure in the row's unit. No bar: for information."""

    what: str
    figure: float
    bar: float | None = None
    at_least: bool = False

    @property
    def passed(self) -> bool:
        if self.bar is None:
            return True
        return self.figure >= self.bar if self.at_least else self.figure <= self.bar

    @property
    def cells(self) -> tuple[str, str, str]:
        if self.bar is None:
            return f"{self.figure:.2f}", "", ""
        sign = ">=" if self.at_least else "<="
        return f"{self.figure:.2f}", f"{sign} {self.bar:g}", "pass" if self.passed else "FAIL"


@dataclass(frozen=True, slots=True)
class Row:
    """One measure: the figure of each client, where they are compared, and what is judged of it."""

    what: str
    unit: str
    judged: tuple[Judged, ...]
    clients: Mapping[str, float] = field(default_factory=dict)


def ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """The median of each round's own ratio: what slows a whole round down cancels out."""
    return median(a / b for a, b in zip(over, under, strict=True))


def failed(rows: Iterable[Row]) -> list[str]:
    return [f"{row.what}: {each.what}" for row in rows for each in row.judged if not each.passed]


def clients_table(rows: Sequence[Row]) -> str:
    """Measures with a column for each client."""
    columns = [name for name in COLUMNS if any(name in row.clients for row in rows)]
    heads = ["measure", *columns, "compared", "ratio", "bar", ""]
    lines: list[list[str]] = []
    for row in rows:
        figures = [_figure(row.clients[name]) if name in row.clients else "" for name in columns]
        for number, each in enumerate(row.judged):
            start = [f"{row.what}, {row.unit}", *figures] if number == 0 else ["", *[""] * len(columns)]
            lines.append([*start, each.what, *each.cells])
    return _markdown(heads, lines, left=(0, len(columns) + 1))


def others_table(rows: Sequence[Row]) -> str:
    """Measures of one thing each."""
    heads = ["measure", "unit", "figure of", "figure", "bar", ""]
    lines = [
        [row.what if number == 0 else "", row.unit if number == 0 else "", each.what, *each.cells]
        for row in rows
        for number, each in enumerate(row.judged)
    ]
    return _markdown(heads, lines, left=(0, 1, 2))


def _figure(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 20 else f"{value:.2f}"


def _markdown(heads: list[str], lines: list[list[str]], left: Sequence[int]) -> str:
    widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = (
            f"{cell:<{width}}" if i in left else f"{cell:>{width}}"
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join(padded)} |"

    rule = "|" + "|".join("-" * (width + 1) + ("-" if i in left else ":") for i, width in enumerate(widths)) + "|"
    return "\n".join([line(heads), rule, *map(line, lines)])
