"""The command in a process of its own, in a folder with a good litellm.yaml."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rig_cli import GOOD, environment

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "litellm.yaml").write_text(GOOD)
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Run:
    """Runs the command in a process of its own, in a folder with a good litellm.yaml."""

    def run_in_folder(*arguments: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "router_config.cli", *arguments],
            cwd=folder,
            env=environment(**env),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run_in_folder
