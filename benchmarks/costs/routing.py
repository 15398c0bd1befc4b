"""What a request costs: CPU, latency, threads and streams, each client in its own process, rounds interleaved."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.costs.replay import Replay
from benchmarks.costs.rows import Judged, Row, ratio
from benchmarks.costs.setting import Setting
from benchmarks.costs.worker import Worker

Say = Callable[[str], None]


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

    def __init__(self, workers: dict[str, Worker], effort: Effort) -> None:
        self._workers, self._effort = workers, effort

    def __getitem__(self, rival: str) -> Worker:
        return self._workers[rival]

    def rounds(self, ask: Callable[[Worker], float], rivals: Sequence[str] = ()) -> dict[str, list[float]]:
        """The figure of each client in each round."""
        measured: dict[str, list[float]] = {name: [] for name in rivals or self._workers}
        for _ in range(self._effort.rounds):
            for name, figures in measured.items():
                figures.append(ask(self._workers[name]))
        return measured


@contextmanager
def field(rivals: Sequence[str], first: str, models: str, replay: Replay, effort: Effort) -> Iterator[Field]:
    with ExitStack() as stack:
        workers = {}
        for number, name in enumerate(rivals):
            directory = Path(stack.enter_context(TemporaryDirectory())) / str(number)
            directory.mkdir()
            workers[name] = stack.enter_context(Worker(name, Setting(first, replay.url, str(directory), models)))
        for worker in workers.values():
            worker.do("burst", requests=effort.warm_up)
        yield Field(workers, effort)


def routing(
    subjects: Sequence[str], rivals: Sequence[str], first: str, models: str, replay: Replay, effort: Effort, say: Say
) -> list[Row]:
    """What differs between the five kinds of provider: `cpu`, `latency`, `streams`."""
    measures = {"cpu": _cpu, "latency": _latency, "streams": _first_chunk}
    chosen = [name for name in measures if name in subjects]
    if not chosen:
        return []
    say(f"{first} first: starting and warming up {len(rivals)} clients")
    with field(rivals, first, models, replay, effort) as clients:
        rows = []
        for name in chosen:
            say(f"{first} first: {name}, {effort.rounds} rounds")
            rows.append(measures[name](clients, first, effort))
    return rows


def _cpu(clients: Field, first: str, effort: Effort) -> Row:
    measured = clients.rounds(lambda worker: worker.do("burst", requests=effort.requests)["cpu"] * 1000)
    bars = (
        ("ours", "stock, 5 + enforce", 0.60),
        ("ours, SQLite", "stock, 5 + enforce", 0.65),
        ("ours", "acompletion", 1.10),
        ("ours, SQLite", "acompletion", None),
        ("ours, logger", "stock, logger", None),
        ("ours, seeds", "stock, 5 + enforce", None),
        ("ours, 300 keys", "ours", 1.10),
        ("ours, 300 models", "ours", 1.10),
    )
    judged = [
        Judged(f"{over} / {under}", ratio(measured[over], measured[under]), bar)
        for over, under, bar in bars
        if over in measured and under in measured
    ]
    return _row(f"CPU of a request, {first} first", measured, *judged)


def _latency(clients: Field, first: str, effort: Effort) -> Row:
    measured = clients.rounds(lambda worker: worker.do("latency", requests=effort.sequential) * 1000)
    judged = Judged("ours / stock, 5", ratio(measured["ours"], measured["stock, 5"]), 0.65)
    return _row(f"p50 latency, one by one, {first} first", measured, judged)


def _first_chunk(clients: Field, first: str, effort: Effort) -> Row:
    measured = clients.rounds(
        lambda worker: worker.do("first_chunk", requests=effort.sequential) * 1000,
        ("acompletion", "ours", "ours, SQLite"),
    )
    judged = Judged("ours / acompletion", ratio(measured["ours"], measured["acompletion"]), 1.10)
    return _row(f"time to a stream's first chunk, {first} first", measured, judged)


def _row(what: str, measured: dict[str, list[float]], *judged: Judged) -> Row:
    return Row(what, "ms", judged, {name: median(figures) for name, figures in measured.items()})


def synchronous(models: str, replay: Replay, effort: Effort, threads: int, say: Say) -> Row:
    """`router.completion` from threads, and the connections that all of it opened."""
    say(f"router.completion in {threads} threads")
    rivals = ("stock, 5", "ours")
    opened = dict.fromkeys(rivals, 0.0)

    def ask(worker: Worker) -> float:
        before = replay.counts()["opened"]
        rate: float = worker.do("threads", requests=effort.threaded, threads=threads)
        opened[worker.rival] += replay.counts()["opened"] - before - 1  # The last one asked for the counts.
        return rate

    with field(rivals, "groq", models, replay, effort) as clients:
        for name in rivals:
            ask(clients[name])  # A warm-up, whose connections count.
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
    )
