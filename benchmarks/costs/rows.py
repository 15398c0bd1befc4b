"""Rows of the tables: what was measured for each client, and whether the bars are kept."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final, Self

COLUMNS: Final = (
    "raw aiohttp",
    "AsyncOpenAI",
    "acompletion",
    "stock, 1",
    "stock, 5",
    "stock, 5 + enforce",
    "stock, callback",
    "ours",
    "ours, public",
    "ours, callback",
    "ours, public, callback",
    "ours, SQLite",
    "ours, seeds",
    "ours, 300 keys",
    "ours, 300 models",
)


@dataclass(frozen=True, slots=True)
class Judged:
    """One figure against its bar: a ratio of two clients, or a figure in the row's unit. No bar: for information."""

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
    def limit(self) -> str:
        """The bar as a cell."""
        if self.bar is None:
            return ""
        return f"{'>=' if self.at_least else '<='} {self.bar:.2f}"


@dataclass(frozen=True, slots=True)
class Row:
    """One measure: the figure of each client, where they are compared, and what is judged of it.

    first: the kind of provider that the clients asked first, where it matters.
    """

    what: str
    unit: str
    judged: tuple[Judged, ...]
    clients: Mapping[str, float] = field(default_factory=dict)
    first: str | None = None

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        return cls(**{**row, "judged": tuple(Judged(**each) for each in row["judged"])})


def ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """The median of each round's own ratio: what slows a whole round down cancels out."""
    return median(a / b for a, b in zip(over, under, strict=True))


def failed(rows: Iterable[Row]) -> list[str]:
    return [
        f"{row.what}{f', {row.first} first' if row.first else ''}: {each.what}"
        for row in rows
        for each in row.judged
        if not each.passed
    ]


def ratios_table(rows: Sequence[Row]) -> str:
    """What is judged, with a column for each provider in first place."""
    firsts = list(dict.fromkeys(row.first for row in rows if row.first))
    found = {(row.what, each.what, row.first): each for row in rows for each in row.judged}
    lines = []
    for what, compared in dict.fromkeys((what, compared) for what, compared, _ in found):
        judged = {first: found[what, compared, first] for first in firsts if (what, compared, first) in found}
        all_of_it = list(judged.values())
        cells = [_judged(judged[first]) if first in judged else "" for first in firsts]
        lines.append([what, compared, *cells, all_of_it[0].limit, _verdict(all_of_it)])
    return _markdown(["measure", "compared", *firsts, "bar", ""], lines, left=(0, 1))


def clients_table(rows: Sequence[Row]) -> str:
    """Measures with a column for each client."""
    rows = [row for row in rows if row.clients]
    columns = [name for name in COLUMNS if any(name in row.clients for row in rows)]
    lines = [
        [f"{row.what}, {row.unit}", row.first or ""]
        + [_figure(row.clients[name]) if name in row.clients else "" for name in columns]
        for row in rows
    ]
    return _markdown(["measure", "first", *columns], lines, left=(0, 1))


def others_table(rows: Sequence[Row]) -> str:
    """Measures of one thing each."""
    heads = ["measure", "unit", "figure of", "figure", "bar", ""]
    lines = [
        [*((row.what, row.unit) if number == 0 else ("", "")), each.what, _judged(each), each.limit, _verdict([each])]
        for row in rows
        for number, each in enumerate(row.judged)
    ]
    return _markdown(heads, lines, left=(0, 1, 2))


def _verdict(judged: Sequence[Judged]) -> str:
    if all(each.bar is None for each in judged):
        return ""
    return "kept" if all(each.passed for each in judged) else "MISSED"


def _judged(each: Judged) -> str:
    return f"{each.figure:.2f}" if each.passed else f"**{each.figure:.2f}**"


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
