"""Every example runs to its end without a key, as its first lines say."""

import subprocess
import sys

import pytest
from rig_cli import REPOSITORY, environment

SAYS = {
    "trading_agent.py": ["Simulated answer"],
    "streaming.py": ["Simulated answer", "tokens today: "],
    "structured_answer.py": ["hold 0 because: thin volume"],
    "many_agents.py": ["30 answered by groq", "10 answered by gemini"],
    "many_agents.py 300": ["30 answered by groq", "60 answered by openai", "60 answered by nobody (wait about"],
}


@pytest.mark.parametrize("example", SAYS)
def test_an_example_runs_without_keys(example: str) -> None:
    name, *arguments = example.split()
    ran = subprocess.run(
        [sys.executable, f"examples/{name}", "--demo", *arguments],
        cwd=REPOSITORY,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    assert all(each in ran.stdout for each in SAYS[example]), ran.stdout


def test_every_example_is_run_here() -> None:
    files = {path.name for path in (REPOSITORY / "examples").glob("*.py")}
    assert files - {"example_router.py"} == {example.split()[0] for example in SAYS}
