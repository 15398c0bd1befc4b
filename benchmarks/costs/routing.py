"""What a request costs: CPU, latency, threads and streams, each client in its own process, rounds interleaved."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.costs.replay import Replay
from benchmarks.costs.rows import Judged, Row, ratio
from benchmarks.costs.setting import Setting
from benchmarks.costs.worker import PRELUDE, Worker

Say = Callable[[str], None]
Figures = dict[str, list[float]]
"""The figure of each client in each round."""

STOCK: Final = "stock, 5 + enforce"

Bars = tuple[tuple[str, str, float | None], ...]
"""Two clients and the most that the first may cost as a share of the second. None: for information."""

CPU: Final[dict[str, tuple[str, Bars]]] = {
    "cpu": (
        "CPU of a request",
        (
            ("ours", STOCK, 0.30),
            ("ours", "acompletion", 0.50),
            ("ours, SQLite", STOCK, 0.65),
            ("ours, SQLite", "acompletion", None),
            ("ours, seeds", STOCK, None),
            ("ours, 300 keys", "ours", 1.10),
            ("ours, 300 models", "ours", 1.10),
        ),
    ),
    "public": (
        "CPU of a request the public way",
        (("ours, public", STOCK, 0.70), ("ours, public", "acompletion", 1.15)),
    ),
    "callback": (
        "CPU of a request with a callback",
        (("ours, callback", "stock, callback", 0.60), ("ours, public, callback", "stock, callback", 0.80)),
    ),
}
"""By subject. All of them are measured in the same rounds."""

ONE_BY_ONE: Final = ("raw aiohttp", "AsyncOpenAI", "acompletion", "stock, 1", "stock, 5", "ours", "ours, SQLite")
STREAMING: Final = ("acompletion", "ours", "ours, SQLite")

CLIENTS: Final[dict[str, tuple[str, ...]]] = {
    "cpu": (*ONE_BY_ONE, STOCK, "ours, seeds", "ours, 300 keys", "ours, 300 models"),
    "public": ("acompletion", STOCK, "ours, public"),
    "callback": ("stock, callback", "ours, callback", "ours, public, callback"),
    "latency": ONE_BY_ONE,
    "streams": STREAMING,
}
"""Whom each subject needs."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How often. Of each round every client has its turn before any has its next."""

    rounds: int
    requests: int
    sequential: int
    threaded: int
    warm_up: int


class Field:
    """The clients, warmed up, asking one kind of provider first."""

    def __init__(self, workers: dict[str, Worker], first: str, replay: Replay, effort: Effort) -> None:
        self._workers, self._first, self._replay, self._effort = workers, first, replay, effort

    def __contains__(self, rival: str) -> bool:
        return rival in self._workers

    def __getitem__(self, rival: str) -> Worker:
        return self._workers[rival]

    def burst(self, rival: str, requests: int) -> float:
        """Seconds of CPU for each of so many requests, 50 at once.

        Raises RuntimeError when a request was not answered once, by the provider that all clients shall ask first.
        """
        before = self._replay.counts()["answered"]
        cpu: float = self._workers[rival].do("burst", requests=requests)["cpu"]
        answered = Counter(self._replay.counts()["answered"]) - Counter(before)
        kind = "openai" if (rival, self._first) == ("AsyncOpenAI", "gemini") else self._first
        if answered != {kind: PRELUDE + requests}:
            raise RuntimeError(f"{rival}: {PRELUDE + requests} requests for {kind} were answered by {dict(answered)}")
        return cpu

    def rounds(self, ask: Callable[[str], float], rivals: Sequence[str] = ()) -> Figures:
        """Ask every client in turn, as many rounds as wanted."""
        measured: Figures = {name: [] for name in rivals or self._workers if name in self}
        for _ in range(self._effort.rounds):
            for name, figures in measured.items():
                figures.append(ask(name))
        return measured


@contextmanager
def field(rivals: Sequence[str], first: str, models: str, replay: Replay, effort: Effort) -> Iterator[Field]:
    with ExitStack() as stack:
        workers = {}
        for number, name in enumerate(rivals):
            directory = Path(stack.enter_context(TemporaryDirectory())) / str(number)
            directory.mkdir()
            workers[name] = stack.enter_context(Worker(name, Setting(first, replay.url, str(directory), models)))
        clients = Field(workers, first, replay, effort)
        for name in rivals:
            clients.burst(name, effort.warm_up)
        yield clients


def routing(
    subjects: Sequence[str], left_out: Sequence[str], first: str, models: str, replay: Replay, effort: Effort, say: Say
) -> list[Row]:
    """What differs between the five kinds of provider: `cpu`, `public`, `callback`, `latency`, `streams`."""
    rivals = [name for name in _needed(subjects) if name not in left_out]
    if not rivals:
        return []
    say(f"{first} first: starting and warming up {len(rivals)} clients")
    rows = []
    with field(rivals, first, models, replay, effort) as clients:
        if bursts := [subject for subject in CPU if subject in subjects]:
            say(f"{first} first: {', '.join(bursts)}, {effort.rounds} rounds of {effort.requests} requests")
            needed = [name for name in _needed(bursts) if name in clients]
            measured = clients.rounds(lambda name: clients.burst(name, effort.requests) * 1000, needed)
            rows += [_cpu(subject, measured, first) for subject in bursts]
        if "latency" in subjects:
            say(f"{first} first: latency, {effort.rounds} rounds")
            rows.append(_latency(clients, first, effort))
        if "streams" in subjects:
            say(f"{first} first: streams, {effort.rounds} rounds")
            rows.append(_first_chunk(clients, first, effort))
        if "cpu" in subjects:
            fast = Judged("ours: fast_path in its status", float(clients["ours"].do("fast_path")), 1.0, at_least=True)
            rows.append(Row("fast way", "", (fast,), first=first))
    return rows


def _needed(subjects: Sequence[str]) -> list[str]:
    """In the order of their first mention, each once."""
    return list(dict.fromkeys(name for subject, names in CLIENTS.items() if subject in subjects for name in names))


def _cpu(subject: str, measured: Figures, first: str) -> Row:
    what, bars = CPU[subject]
    judged = [
        Judged(f"{over} / {under}", ratio(measured[over], measured[under]), bar)
        for over, under, bar in bars
        if over in measured and under in measured
    ]
    return _row(what, first, {name: measured[name] for name in CLIENTS[subject] if name in measured}, *judged)


def _latency(clients: Field, first: str, effort: Effort) -> Row:
    measured = clients.rounds(
        lambda name: clients[name].do("latency", requests=effort.sequential) * 1000, CLIENTS["latency"]
    )
    judged = Judged("ours / stock, 5", ratio(measured["ours"], measured["stock, 5"]), 0.65)
    return _row("p50 latency, one by one", first, measured, judged)


def _first_chunk(clients: Field, first: str, effort: Effort) -> Row:
    measured = clients.rounds(
        lambda name: clients[name].do("first_chunk", requests=effort.sequential) * 1000, CLIENTS["streams"]
    )
    judged = Judged("ours / acompletion", ratio(measured["ours"], measured["acompletion"]), 1.10)
    return _row("time to a stream's first chunk", first, measured, judged)


def _row(what: str, first: str, measured: Figures, *judged: Judged) -> Row:
    return Row(what, "ms", judged, {name: median(figures) for name, figures in measured.items()}, first)


def synchronous(models: str, replay: Replay, effort: Effort, threads: int, say: Say) -> Row:
    """`router.completion` from threads, and the connections that all of it opened."""
    say(f"router.completion in {threads} threads")
    rivals = ("stock, 5", "ours")
    opened = dict.fromkeys(rivals, 0.0)

    def ask(name: str) -> float:
        before = replay.counts()["opened"]
        rate: float = clients[name].do("threads", requests=effort.threaded, threads=threads)
        opened[name] += replay.counts()["opened"] - before - 1  # The last one asked for the counts.
        return rate

    with field(rivals, "groq", models, replay, effort) as clients:
        for name in rivals:
            ask(name)  # A warm-up, whose connections count.
        measured = clients.rounds(ask)
    return Row(
        f"completion() in {threads} threads",
        "requests/s",
        (
            Judged("ours / stock, 5", ratio(measured["ours"], measured["stock, 5"]), 1.5, at_least=True),
            Judged("connections that ours opened", opened["ours"], threads),
            Judged("connections that stock opened", opened["stock, 5"]),
        ),
        {name: median(figures) for name, figures in measured.items()},
        "groq",
    )
