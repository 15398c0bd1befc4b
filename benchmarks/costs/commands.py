"""What it takes to start: the import, the commands that answer at once, and `serve` until it answers."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.costs.replay import ROOT
from benchmarks.costs.rows import Judged, Row, ratio

CLI: Final = (sys.executable, "-m", "router_config.cli")
COMMANDS: Final = ("check", "status", "env", "--help")
_IMPORT: Final = "import time; t = time.perf_counter(); import router_config; print(time.perf_counter() - t)"


def commands(times: int, slow_times: int, say: Callable[[str], None]) -> list[Row]:
    """`times` for each command, `slow_times` for what starts LiteLLM or a server."""
    with TemporaryDirectory() as directory:
        shutil.copy(ROOT / "litellm.yaml", directory)
        say(f"commands: the import, {', '.join(COMMANDS)}, {times} times each")
        rows = [_import(directory, times), *(_command(command, directory, times) for command in COMMANDS)]
        say(f"serve until /healthz answers, beside `import litellm`, {slow_times} times each")
        rows.append(_serve(directory, slow_times))
    return rows


def environment() -> dict[str, str]:
    """A user's: one key set, and no network for LiteLLM's price list."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "GROQ_API_KEY": "fake-groq-key",
    }


def _import(directory: str, times: int) -> Row:
    took = [float(_run([sys.executable, "-c", _IMPORT], directory).stdout) for _ in range(times)]
    return Row("import router_config", "s", (Judged(f"median of {times}", median(took), 0.15),))


def _command(command: str, directory: str, times: int) -> Row:
    took = []
    _run([*CLI, command], directory)  # Once for Python's own cache.
    for _ in range(times):
        began = time.perf_counter()
        _run([*CLI, command], directory)
        took.append(time.perf_counter() - began)
    loaded = _run([sys.executable, "-X", "importtime", *CLI[1:], command], directory).stderr
    litellm = sum(line.rstrip().endswith("| litellm") for line in loaded.splitlines())
    return Row(
        f"router-config {command}",
        "s",
        (Judged(f"median of {times}, whole process", median(took), 0.35), Judged("imports of LiteLLM", litellm, 0)),
    )


def _serve(directory: str, times: int) -> Row:
    served: list[float] = []
    imported: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        with served_at(Path(directory) / "litellm.yaml"):
            served.append(time.perf_counter() - began)
        began = time.perf_counter()
        _run([sys.executable, "-c", "import litellm"], directory)
        imported.append(time.perf_counter() - began)
    return Row(
        "router-config serve until /healthz answers",
        "s",
        (
            Judged("router-config serve", median(served)),
            Judged("python -c 'import litellm'", median(imported)),
            Judged("serve / import litellm", ratio(served, imported), 1.5),
        ),
    )


@contextlib.contextmanager
def served_at(config: Path, **more: str) -> Iterator[int]:
    """`router-config serve` of this file; entered when /healthz answers, with its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [*CLI, "serve", "-c", str(config), "--port", str(port)]
    process = subprocess.Popen(
        command, env=environment() | more, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=config.parent
    )
    try:
        while not _healthy(port):
            if process.poll() is not None:
                raise RuntimeError(f"router-config serve ended with code {process.returncode}")
            time.sleep(0.005)
        yield port
    finally:
        process.terminate()
        process.wait()


def _healthy(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            return connection.recv(1 << 16).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def _run(command: list[str], directory: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=directory, env=environment(), capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    )
