"""`router-config env`: keys into .env, from a terminal, standard input or the environment; never shown."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rig_cli import environment

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_keys_come_from_standard_input(run: Run, folder: Path) -> None:
    (folder / ".env").write_text("# mine\nOTHER=1\n")
    done = run("env", "--stdin", stdin="export GROQ_API_KEY=gsk_very_secret\n# no\nUNRELATED=x\nGEMINI_API_KEY=\n")
    assert done.returncode == 0
    assert (folder / ".env").read_text() == "# mine\nOTHER=1\nGROQ_API_KEY=gsk_very_secret\n"
    assert "gsk_very_secret" not in done.stdout + done.stderr
    assert "UNRELATED: no provider of litellm.yaml uses it; not written" in done.stderr
    assert "groq      configured" in done.stdout
    assert run("env", "--stdin", stdin="UNRELATED=x\n").returncode == 1


def test_without_a_terminal_env_reads_standard_input(run: Run, folder: Path) -> None:
    assert run("env", stdin="GROQ_API_KEY=a-key\n").returncode == 0
    assert (folder / ".env").read_text() == "GROQ_API_KEY=a-key\n"
    assert run("env", stdin="").returncode == 0
    assert (folder / ".env").read_text() == "GROQ_API_KEY=a-key\n"


@pytest.mark.parametrize(
    "line", ["gsk_very_secret", "GROQ_API_KEY='gsk_very_secret two'", "GROQ_API_KEY='gsk_very_secret"]
)
def test_what_is_no_key_is_not_written_and_not_shown(run: Run, folder: Path, line: str) -> None:
    done = run("env", "--stdin", stdin=f"{line}\n")
    assert done.returncode == 2
    assert "gsk_very_secret" not in done.stdout + done.stderr
    assert not (folder / ".env").exists()


def test_keys_are_copied_from_the_environment(run: Run, folder: Path) -> None:
    done = run("env", "--from-env", "--json", GROQ_API_KEY="gsk_1", PATH_TO_NOTHING="x")
    assert (folder / ".env").read_text() == "GROQ_API_KEY=gsk_1\n"
    document = json.loads(done.stdout)
    assert document["written"] == ["GROQ_API_KEY"]
    assert [each["configured"] for each in document["providers"]] == [True, False]
    assert document["providers"][0]["variables"] == [{"name": "GROQ_API_KEY", "set": True, "source": "environment"}]
    assert json.loads(run("env", "--json").stdout)["providers"][0]["variables"][0]["source"] == ".env"


def test_showing_keys_changes_nothing(run: Run, folder: Path) -> None:
    done = run("env", "--show", stdin="GROQ_API_KEY=a-key\n")
    assert "groq      unconfigured  GROQ_API_KEY (not set)    -     https://console.groq.com/keys" in done.stdout
    assert not (folder / ".env").exists()


IN_A_TERMINAL = (
    "import fcntl, os, sys, termios\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.execv(sys.executable, [sys.executable, '-m', 'router_config.cli', *sys.argv[1:]])"
)


class Terminal:
    """A terminal in which `router-config env` runs."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.screen = ""
        self._seen = 0
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", IN_A_TERMINAL, *arguments],
            cwd=folder,
            env=environment(),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def wait_for(self, text: str) -> None:
        """Waits for `text` behind what was waited for last: what is typed before a prompt is discarded."""
        deadline = time.monotonic() + 30
        while text not in self.screen[self._seen :]:
            assert time.monotonic() < deadline, f"never saw {text!r} in {self.screen!r}"
            if select.select([self._ours], [], [], 0.5)[0]:
                try:
                    self.screen += os.read(self._ours, 4096).decode()
                except OSError:
                    break
        self._seen = self.screen.find(text, self._seen) + len(text)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def end(self) -> int:
        code = self.process.wait(timeout=30)
        while select.select([self._ours], [], [], 0)[0]:
            try:
                self.screen += os.read(self._ours, 4096).decode()
            except OSError:
                break
        os.close(self._ours)
        return code


def test_keys_are_asked_for_without_echo(folder: Path) -> None:
    (folder / ".env").write_text("GEMINI_API_KEY=kept # yes\n")
    terminal = Terminal(folder, "env")
    terminal.wait_for("GROQ_API_KEY (not set): ")
    assert "https://console.groq.com/keys" in terminal.screen
    terminal.type("two words\n")
    terminal.wait_for("This is no key")
    terminal.wait_for("GROQ_API_KEY (not set): ")
    terminal.type("GROQ_API_KEY='gsk_very_secret'\n")
    terminal.wait_for("GEMINI_API_KEY (set): ")
    terminal.type("\n")
    terminal.wait_for("GROQ_API_KEY written")
    assert terminal.end() == 0
    assert "gsk_very_secret" not in terminal.screen
    assert "two words" not in terminal.screen
    assert (folder / ".env").read_text() == "GEMINI_API_KEY=kept # yes\nGROQ_API_KEY=gsk_very_secret\n"


@pytest.mark.parametrize(("key", "code"), [("\x03", 130), ("\x04", 0)])
def test_leaving_the_questions_writes_nothing_more(folder: Path, key: str, code: int) -> None:
    terminal = Terminal(folder, "env")
    terminal.wait_for("GROQ_API_KEY (not set): ")
    terminal.type(key)
    assert terminal.end() == code
    assert "Traceback" not in terminal.screen
    assert not (folder / ".env").exists()
