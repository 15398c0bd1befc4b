"""The command in a process of its own, in a folder with a good litellm.yaml."""

import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from rig_cli import GOOD, run_router_config

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "litellm.yaml").write_text(GOOD)
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Run:
    """Runs the command in a process of its own, in a folder with a good litellm.yaml."""
    return partial(run_router_config, folder)
