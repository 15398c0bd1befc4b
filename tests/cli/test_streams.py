"""Commands whose standard streams are closed, and several at once."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rig_cli import GOOD
from rig_wall_clock import child_variables

from router_config.cli.editing.env_file import set_variables

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


def test_those_who_write_keys_at_once_lose_none(tmp_path: Path) -> None:
    def write(writer: int) -> None:
        for number in range(20):
            set_variables(tmp_path / ".env", {f"KEY_{writer}_{number}": "value"})

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))
    assert len((tmp_path / ".env").read_text().splitlines()) == 160


def test_a_pipe_is_no_env_file(folder: Path) -> None:
    os.mkfifo(folder / ".env")
    ended = subprocess.run(command("check"), cwd=folder, env=child_variables(ROOT), capture_output=True, text=True)
    assert ended.returncode == 2
    assert ".env: this is not a file" in ended.stderr
