"""What the status page costs: an answer with 300 deployments, and what polling it does to requests."""

import http.client
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Final, Self

from benchmarks.costs.commands import served_at
from benchmarks.costs.replay import Replay
from benchmarks.costs.rows import Judged, Row, ratio
from benchmarks.costs.setting import Setting, our_environment
from benchmarks.costs.worker import Worker

PATH: Final = "/api/llm-providers"
POLLS: Final = 100
"""A second."""

SHARED: Final = 0.2
"""Seconds after which no reading is shared with one who asked before: twice monitoring.api.READING_LASTS."""

KEYS: Final = 60


def page(models: str, replay: Replay, rounds: int, requests: int, say: Callable[[str], None]) -> list[Row]:
    """`router-config serve` beside a client that asks, both on one SQLite store with 300 deployments."""
    say(f"GET {PATH} with 300 deployments, and latency beside {POLLS} polls a second")
    with TemporaryDirectory() as directory:
        setting = Setting("groq", replay.url, directory, models)
        with Worker("ours, SQLite, 300 keys", setting) as client:
            client.do("burst", requests=200)
            with served_at(Path(directory) / "litellm.yaml", **our_environment(KEYS)) as port:
                readings = []
                for _ in range(2 * rounds):
                    client.do("latency", requests=1)
                    time.sleep(SHARED)
                    readings.append(_get(port))
                shared = [_get(port) for _ in range(10 * rounds)]
                alone: list[float] = []
                polled: list[float] = []
                for _ in range(rounds):
                    alone.append(client.do("latency", requests=requests))
                    with Polling(port):
                        polled.append(client.do("latency", requests=requests))
    return [
        Row(
            f"GET {PATH}, 300 deployments",
            "ms",
            (
                Judged("p50, the store read for it", median(readings) * 1000, 5.0),
                Judged("p50, one after another", median(shared) * 1000, 5.0),
            ),
        ),
        Row(
            f"p50 latency of requests beside {POLLS} polls a second",
            "ms",
            (
                Judged("without polls", median(alone) * 1000),
                Judged("with polls", median(polled) * 1000),
                Judged("with / without polls", ratio(polled, alone), 1.10),
            ),
        ),
    ]


class Polling:
    """A hundred polls a second, from a thread."""

    def __init__(self, port: int) -> None:
        self._port, self._ended = port, threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, t: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def _poll(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        due = time.perf_counter()
        while not self._ended.is_set():
            connection.request("GET", PATH)
            connection.getresponse().read()
            due += 1 / POLLS
            self._ended.wait(max(0.0, due - time.perf_counter()))
        connection.close()


def _get(port: int) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.connect()
    began = time.perf_counter()
    connection.request("GET", PATH)
    reply = connection.getresponse()
    reply.read()
    took = time.perf_counter() - began
    connection.close()
    if reply.status != 200:
        raise RuntimeError(f"GET {PATH} answered {reply.status}")
    return took
