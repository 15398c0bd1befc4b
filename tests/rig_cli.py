"""What tests of the command line share: a good litellm.yaml, a bare environment, and the command itself."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

from rig_wall_clock import child_variables

from router_config.config.prices import retired_on
from router_config.presets.lookup import preset_of
from router_config.presets.retirements import RETIRED

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
    return {**kept, **child_variables(REPOSITORY), **more}


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


def retired_model() -> tuple[str, str, date]:
    """A model that the installed LiteLLM's price list says is gone, and we do not: its provider, its name, the day."""
    import litellm

    for name, entry in litellm.model_cost.items():
        provider, _, model = name.partition("/")
        known = preset_of(provider) is not None and (provider, model) not in RETIRED
        gone = retired_on((entry,)) if known and "/" not in model else None
        if gone is not None and gone < date(2026, 11, 1):
            return provider, model, gone
    raise AssertionError("no model of LiteLLM's price list is retired")
