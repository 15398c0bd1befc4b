"""`router-config init`: a file to begin with, for the keys that are there or the providers that are named."""

import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from rig_cli import run_router_config

from router_config.config.loading import load_config

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the command in an empty folder."""
    return partial(run_router_config, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "variables", "providers"),
    [
        ((), {}, "groq, gemini, openrouter, together, openai"),
        ((), {"OPENAI_API_KEY": "k", "COHERE_API_KEY": "k"}, "cohere, openai"),
        (("cerebras", "together_ai"), {"OPENAI_API_KEY": "k"}, "cerebras, together"),
    ],
    ids=["no key", "keys that are set", "named"],
)
def test_it_writes_the_providers_that_are_meant(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], variables: dict[str, str], providers: str
) -> None:
    done = run("init", *arguments, **variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"litellm.yaml: written, with {providers}." in done.stdout
    assert (tmp_path / ".gitignore").read_text() == ".env\n.router/\n"
    assert "k" not in [line.partition("=")[2] for line in (tmp_path / ".env.example").read_text().splitlines()]
    assert run("check", **variables).returncode == 0


def test_what_is_free_is_asked_before_what_is_paid(run: Run, tmp_path: Path) -> None:
    assert run("init", "openai", "groq").returncode == 0
    config = load_config(tmp_path / "litellm.yaml", {})
    assert [(each.name, each.priority) for each in config.providers] == [("groq", 1), ("openai", 2)]


def test_a_key_in_the_env_file_counts_and_names_its_variable(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GOOGLE_API_KEY=AIza\n")
    (tmp_path / ".gitignore").write_text("*.log\n.env")
    assert run("init").returncode == 0
    text = (tmp_path / "litellm.yaml").read_text()
    assert "os.environ/GOOGLE_API_KEY" in text
    assert "# As of 2" in text
    assert (tmp_path / ".gitignore").read_text() == "*.log\n.env\n.router/\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("init", "grop"), "Did you mean groq?"),
        (("init", "github"), "GitHub Models is gone since 2026-07-30"),
        (("ask", "hi"), "Write one with `router-config init`"),
        (("check", "no.yaml"), "Write one with `router-config init`"),
        (("env", "--show"), "Write one with `router-config init`"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(run: Run, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten_and_another_name_is_heeded(run: Run, tmp_path: Path) -> None:
    (tmp_path / "litellm.yaml").symlink_to("away.yaml")
    (tmp_path / ".env.example").write_text("mine\n")
    done = run("init")
    assert done.returncode == 2
    assert "router-config add NAME" in done.stderr
    assert run("init", ROUTER_CONFIG="other.yaml").returncode == 0
    assert "5 providers" in run("check", ROUTER_CONFIG="other.yaml").stdout
    assert (tmp_path / ".env.example").read_text() == "mine\n"
    assert not (tmp_path / "away.yaml").exists()
