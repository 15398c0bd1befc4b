"""The live view of `router-config status --watch`. Needs rich (extra `terminal`)."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, NoReturn

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from router_config.cli.overview import remarks, today
from router_config.cli.text import amount, clock, span
from router_config.iso import epoch
from router_config.ledger.interfaces import StoreError

COLOURS: Final = {
    "available": "green",
    "soft_limited": "yellow",
    "probing": "blue",
    "rate_limited": "dark_orange",
    "paced": "dark_orange",
    "cooldown": "dark_orange",
    "exhausted": "red",
    "disabled": "red",
    "unconfigured": "bright_black",
}
NARROW: Final = 100
"""Columns below which providers stand below each other instead of in a table."""

REDRAWN: Final = 2
"""Times a second that the view is drawn, between readings too: countdowns go on, and it fits a new size at once."""


def watch(look: Callable[[], dict[str, Any]], seconds: float, path: str) -> NoReturn:
    """Show the status on the whole terminal, read every so many seconds, until Ctrl-C."""
    view = _View(look(), path, seconds)
    # Whoever ends it otherwise should find the terminal as it was, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with Live(get_renderable=view.drawn, console=Console(), screen=True, refresh_per_second=REDRAWN):
        while True:
            time.sleep(seconds)
            try:
                view.document, view.trouble = look(), None
            except (StoreError, OSError) as error:
                view.trouble = str(error)


class _View:
    """The last reading, and why there is no newer one."""

    def __init__(self, document: dict[str, Any], path: str, seconds: float) -> None:
        self.document = document
        self.trouble: str | None = None
        self._path, self._seconds = path, seconds

    def drawn(self) -> RenderableType:
        """Itself: it is drawn anew for each size."""
        return self

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        now = time.time()
        yield self._title()
        yield from self._banners(now)
        yield Text()
        yield (_table if options.max_width >= NARROW else _blocks)(self.document, now)
        yield from (Text(each) for each in remarks(self.document))

    def _title(self) -> Text:
        title = Text("LLM providers", "bold")
        store = self.document["state"]["store"]
        title.append(f"   {self._path}, {store}, read every {self._seconds:g} s. Ctrl-C ends it.", "bright_black")
        return title

    def _banners(self, now: float) -> Iterator[Text]:
        if self.document["simulated"]:
            yield Text("Simulated: the providers here are not real.", "black on yellow")
        age = now - epoch(self.document["generated_at"])
        if self.trouble is not None:
            yield Text(f"Stale, {span(age)} old: {self.trouble}", "white on red")


def _table(document: dict[str, Any], now: float) -> Table:
    table = Table(box=None, pad_edge=False, expand=True, header_style="bright_black", padding=(0, 2, 0, 0))
    table.add_column("provider", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for name, ratio in (("windows", 4), ("today", 3), ("", 3)):
        table.add_column(name, ratio=ratio, overflow="fold")
    for provider in document["providers"]:
        table.add_row(
            Text.assemble((provider["name"], "bold"), (f"\n{provider['tier']}", "bright_black")),
            _status(provider, now),
            _windows(provider["limits"]),
            Text(today(provider["usage_today"]) + _latency(provider["latency_ms"])),
            Text(provider["reason"] or "", "bright_black"),
        )
        table.add_row()
    return table


def _blocks(document: dict[str, Any], now: float) -> RenderableType:
    return Group(*(_block(provider, now) for provider in document["providers"]))


def _block(provider: dict[str, Any], now: float) -> RenderableType:
    head = Text.assemble((provider["name"], "bold"), (f"  {provider['tier']}  ", "bright_black"))
    head.append_text(_status(provider, now, apart="  "))
    lines: list[RenderableType] = [head, _windows(provider["limits"])]
    if provider["reason"]:
        lines.append(Text(provider["reason"], "bright_black"))
    return Group(*lines, Text(today(provider["usage_today"]) + _latency(provider["latency_ms"], apart=", ")), "")


def _status(provider: dict[str, Any], now: float, apart: str = "\n") -> Text:
    text = Text(provider["status"], COLOURS.get(provider["status"], ""))
    if provider["available_at"] is not None:
        text.append(f"{apart}for {span(epoch(provider['available_at']) - now)}", "bright_black")
        text.append(f"{apart}until {clock(provider['available_at'])}", "bright_black")
    return text


def _windows(limits: dict[str, dict[str, Any]]) -> RenderableType:
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(width=max(11, *map(len, limits)) if limits else 11)
    grid.add_column(ratio=1)
    grid.add_column(justify="right")
    for name, row in limits.items():
        taken = row["used"] + row["reserved"]
        share = taken / row["limit"] if row["limit"] else 1.0
        colour = "red" if share >= 1 else "yellow" if share >= 0.8 else "green"
        bar = ProgressBar(total=1.0, completed=min(1.0, share), complete_style=colour, finished_style=colour)
        grid.add_row(name, bar, Text(f"{amount(taken)} of {amount(row['limit'])}"))
    return grid


def _latency(latency: dict[str, Any], apart: str = "\n") -> str:
    return "" if latency["p50"] is None else f"{apart}p50 {latency['p50']} ms, p95 {latency['p95']} ms"
