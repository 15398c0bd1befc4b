"""`router-config status`, once and live: in a pipe, and on a terminal of its own."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from rig_cli import GOOD, environment
from rig_ledger import Place, spend, taken
from rig_ledger import run as finish

from router_config import load_config
from router_config.deployments.model_list import deployments_of
from router_config.ledger.local.sqlite import SQLiteStore
from router_config.ledger.rules.meters import Limit

Run = Callable[..., subprocess.CompletedProcess[str]]
PATIENCE = 60.0
COMMAND = ("-m", "router_config.cli", "status", "--watch", "0.2")
ENTERS, LEAVES = "\x1b[?1049h", "\x1b[?1049l"


class Terminal:
    """A command on a terminal: what it wrote, and its end."""

    def __init__(self, folder: Path, arguments: Sequence[str], columns: int) -> None:
        self._leader, follower = pty.openpty()
        self.resize(columns)
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            env=environment(GROQ_API_KEY="k", TERM="xterm-256color"),
            stdin=follower,
            stdout=follower,
            stderr=follower,
            start_new_session=True,
        )
        os.close(follower)
        self.text = ""
        self._heard = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self._leader, 65536)
            except OSError:  # The last process has closed it.
                return
            with self._heard:
                self.text += chunk.decode("utf-8", "replace")
                self._heard.notify_all()

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self._leader, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))

    def wait_until(self, true: Callable[[str], object]) -> None:
        with self._heard:
            assert self._heard.wait_for(lambda: true(self.text), PATIENCE), self.text[-4000:]

    def end(self, signal: int) -> int:
        self.process.send_signal(signal)
        return self.code()

    def code(self) -> int:
        code = self.process.wait(PATIENCE)
        self._reader.join()
        os.close(self._leader)
        return code


Open = Callable[..., Terminal]


@pytest.fixture
def terminal(folder: Path) -> Iterator[Open]:
    opened: list[Terminal] = []

    def start(*arguments: str, columns: int = 120) -> Terminal:
        opened.append(Terminal(folder, arguments or COMMAND, columns))
        return opened[-1]

    yield start
    for each in opened:
        if each.process.poll() is None:
            each.process.kill()
            each.code()


def width(text: str) -> int:
    """Of the first line of the last picture that is complete."""
    pictures = text.split("\x1b[H")
    first = pictures[-2].split("\n")[0] if len(pictures) > 2 else ""
    return len(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "", first))


@pytest.mark.machine_clock
def test_it_is_live_until_ctrl_c_and_leaves_the_terminal_as_it_was(terminal: Open, folder: Path) -> None:
    shown = terminal()
    shown.wait_until(lambda text: ENTERS in text and "groq" in text and "GEMINI_API_KEY is not set" in text)
    (folder / "state").mkdir()
    store = SQLiteStore(folder / "state/counts.db")
    now = time.time()
    groq = deployments_of(load_config(folder / "litellm.yaml", {"GROQ_API_KEY": "k"}))[0].meters[0]
    lease = taken(store, Place(groq.scope.removeprefix("account:"), (Limit("tpd", 100_000),)), at=now)
    assert lease
    spend(store, lease, tokens=41_234, at=now)
    finish(store.aclose())
    shown.wait_until(lambda text: "41234" in text)
    assert shown.end(2) == 130
    assert LEAVES in shown.text.split(ENTERS)[1]
    assert "Traceback" not in shown.text


def test_it_follows_the_file_and_says_what_is_wrong_in_it(terminal: Open, folder: Path) -> None:
    shown = terminal(columns=150)
    shown.wait_until(lambda text: "gemini" in text)
    (folder / "litellm.yaml").write_text(GOOD.replace("  gemini:", "  cerebras:"))
    shown.wait_until(lambda text: "cerebras" in text)
    (folder / "litellm.yaml").write_text("colour: red")
    shown.wait_until(lambda text: "litellm.yaml:1:1" in text)
    assert shown.end(2) == 130


def test_ended_otherwise_it_leaves_the_terminal_as_it_was_too(terminal: Open) -> None:
    shown = terminal()
    shown.wait_until(lambda text: "groq" in text)
    assert shown.end(15) == 143
    assert LEAVES in shown.text


def test_it_fits_a_new_size(terminal: Open) -> None:
    shown = terminal(columns=150)
    shown.wait_until(lambda text: width(text) == 150)
    shown.resize(70)
    shown.wait_until(lambda text: width(text) == 70)
    assert shown.end(2) == 130


def test_without_rich_it_names_the_extra(terminal: Open) -> None:
    code = (
        "import sys; sys.modules['rich'] = None\nfrom router_config.cli import main; sys.exit(main(['status', '-w']))"
    )
    shown = terminal("-c", code)
    assert shown.code() == 2
    assert "pip install 'litellm-router-config[terminal]'" in shown.text
    assert "Traceback" not in shown.text


def test_in_a_pipe_it_is_plain_text_once(run: Run) -> None:
    done = run("status", "--watch", "600", GROQ_API_KEY="k")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert done.stdout.startswith("PRIORITY  PROVIDER")
    assert done.stdout.count("PRIORITY") == 1


def test_json_again_and_again_is_for_programs(folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, *COMMAND, "--json"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    documents: list[str] = [""]
    for line in process.stdout:
        documents[-1] += line
        if line == "}\n":
            documents.append("")
        if len(documents) == 3:
            break
    process.send_signal(2)
    _, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors) == (130, "")
    assert [json.loads(each)["state"]["store"] for each in documents[:2]] == ["memory", "memory"]
