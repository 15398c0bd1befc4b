"""What tests of the command line share: a good litellm.yaml, and a bare environment."""

import os
from pathlib import Path

from rig_wall_clock import child_variables

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
