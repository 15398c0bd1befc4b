"""What tests of the command line share: a good litellm.yaml, and a bare environment."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
GOOD = """
state: sqlite:///state/counts.db
providers:
  groq:
    priority: 1
    api_key: os.environ/GROQ_API_KEY
    limits: {rpm: 30, tpd: 100k}
    models: [openai/gpt-oss-20b]
  gemini:
    priority: 2
    api_key: os.environ/GEMINI_API_KEY
    models: [{name: gemini-3.8-flash, groups: [default, fast]}]
aliases: {gpt-4o: fast}
"""


def environment(**more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, "PYTHONPATH": str(REPOSITORY), **more}


def run_router_config(folder: Path, *arguments: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """Runs the command in a process of its own, with nothing in its environment but `env`."""
    return subprocess.run(
        [sys.executable, "-m", "router_config.cli", *arguments],
        cwd=folder,
        env=environment(**env),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
    )
