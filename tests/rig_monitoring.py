"""What tests of the status server share: clients of an app, and commands that run beside the test."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import httpx
from starlette.types import ASGIApp

from router_config import Router

ROOT = Path(__file__).parent.parent
PATIENCE = 60.0
"""Seconds after which a test gives up waiting."""

STATUS = "/api/llm-providers"

Serve = Callable[[ASGIApp], httpx.Client]
Api = Callable[[Router], httpx.Client]
Start = Callable[..., "Command"]


class Command:
    """A running command: its lines, its page, its end."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.started_in = 0.0
        """Seconds until its page was there: on a busy machine, its end may take as long."""
        self._began = time.monotonic()
        self.lines: list[str] = []
        self._heard = threading.Condition()
        self._readers = [threading.Thread(target=self._read, args=(each,)) for each in (process.stdout, process.stderr)]
        for reader in self._readers:
            reader.start()

    def _read(self, pipe: Iterable[str] | None) -> None:
        for line in pipe or ():
            with self._heard:
                self.lines.append(line.rstrip("\n"))
                self._heard.notify_all()

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, text: str) -> str:
        """The first line that holds `text`."""
        with self._heard:
            found = self._heard.wait_for(lambda: [line for line in self.lines if text in line], PATIENCE)
        assert found, f"{text!r} was not said, but:\n{self.output}"
        return found[0]

    def client(self) -> httpx.Client:
        """Of its page, once it is there."""
        address = self.wait_for("Status page: ").split("Status page: ")[1].split()[0]
        self.started_in = time.monotonic() - self._began
        return httpx.Client(base_url=address, timeout=PATIENCE)

    def end(self, signal: int) -> tuple[int, float]:
        """Its exit code after the signal, and the seconds that it took to end."""
        sent = time.monotonic()
        self.process.send_signal(signal)
        return self.code(), time.monotonic() - sent

    def code(self) -> int:
        code = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join()
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()
        return code
