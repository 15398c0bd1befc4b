"""Commands whose standard streams are closed, and several at once."""

import subprocess
import sys
from pathlib import Path

import pytest
from rig_cli import GOOD
from rig_wall_clock import child_variables

ROOT = Path(__file__).parent.parent.parent


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "router_config.cli", *arguments]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "litellm.yaml").write_text(GOOD, "utf-8")
    return tmp_path


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
@pytest.mark.parametrize("arguments", ["check", "status --json", "env --show"])
def test_a_closed_stream_is_no_error(folder: Path, closed: str, arguments: str) -> None:
    shell = f"exec {sys.executable} -m router_config.cli {arguments} {closed}"
    ended = subprocess.run(["sh", "-c", shell], cwd=folder, env=child_variables(ROOT), capture_output=True, text=True)
    assert "Traceback" not in ended.stderr + ended.stdout
    assert ended.returncode in (0, 1)


def test_two_that_write_keys_at_once_lose_none(folder: Path) -> None:
    names = ["GROQ_API_KEY", "GEMINI_API_KEY"] * 4
    writing = [
        subprocess.Popen(
            command("env", "--stdin"), cwd=folder, env=child_variables(ROOT), stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, text=True,
        )
        for _ in names
    ]  # fmt: skip
    for each, (number, name) in zip(writing, enumerate(names), strict=True):
        assert each.stdin is not None
        each.stdin.write(f"{name}=key-{number}\n")
    for each in writing:
        assert each.stdin is not None
        each.stdin.close()
    assert [each.wait() for each in writing] == [0] * len(names)
    written = (folder / ".env").read_text().splitlines()
    assert sorted(line.partition("=")[0] for line in written) == ["GEMINI_API_KEY", "GROQ_API_KEY"]


def test_a_pipe_is_no_env_file(folder: Path) -> None:
    import os

    os.mkfifo(folder / ".env")
    ended = subprocess.run(command("check"), cwd=folder, env=child_variables(ROOT), capture_output=True, text=True)
    assert ended.returncode == 2
    assert ".env: this is not a file" in ended.stderr
