"""`router-config ask`, `status` and `explain` against the simulator, in the process that runs the tests."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from rig import reference

from router_config import cli
from router_config.simulator import Simulator

Run = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.machine_clock


@pytest.fixture
def simulated(folder: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes a litellm.yaml that is aimed at the simulator, and moves there."""

    def write(**changes: Any) -> Path:
        document = reference(simulator, state="sqlite:///state.db", **changes)
        (folder / "litellm.yaml").write_text(yaml.safe_dump(document))
        monkeypatch.chdir(folder)
        for name, value in simulator.env().items():
            monkeypatch.setenv(name, value)
        return folder

    return write


def test_ask_prints_the_answer_and_how_it_came(
    simulated: Callable[..., Path], simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    simulated()
    simulator.fault("groq", status=500, times=1)
    assert cli.main(["ask", "Hello?", "--system", "Be brief."]) == 0
    out, err = capsys.readouterr()
    assert out.strip()
    assert "groq" in err.splitlines()[0]
    assert err.splitlines()[-1].startswith("gemini gemini-1.5-flash, 2 attempt(s)")


def test_ask_streams(simulated: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    simulated()
    assert cli.main(["ask", "Hello?", "--stream"]) == 0
    out, err = capsys.readouterr()
    assert out.strip()
    assert "groq llama-3.3-70b-versatile: ok" in err


def test_ask_in_json(simulated: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    simulated()
    assert cli.main(["ask", "Hello?", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["provider"], document["attempts"][0]["outcome"]) == ("groq", "ok")
    assert document["answer"]


def test_ask_says_per_provider_why_nobody_can_serve(
    simulated: Callable[..., Path], simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    simulated()
    for name in ("groq", "gemini", "openrouter", "together", "openai"):
        simulator.fault(name, status=500, times=100)
    assert cli.main(["ask", "Hello?"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "No provider can serve this now; try again in " in err
    assert all(f"  {name}: failed" in err for name in ("groq", "gemini", "openrouter", "together", "openai"))
    assert "Traceback" not in err


def test_status_and_explain_read_what_was_used(
    simulated: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    simulated()
    cli.main(["ask", "Hello?"])
    capsys.readouterr()
    assert cli.main(["status", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["providers"][0]["limits"]["rpm"]["used"] == 1
    assert cli.main(["status"]) == 0
    assert "1/30 rpm" in capsys.readouterr().out
    assert cli.main(["explain", "--tokens", "1500", "--group", "gpt-4o"]) == 0
    shown = capsys.readouterr().out
    assert "groq/llama-3.3-70b-versatile#1" in shown
    assert "groq would serve it, with groq/llama-3.3-70b-versatile#1." in shown
    assert cli.main(["explain", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["next"] == "groq"


def test_a_request_that_is_itself_at_fault_ends_in_one_line(
    simulated: Callable[..., Path], simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    simulated()
    simulator.fault("groq", status=400, times=1, body={"error": {"message": "'messages' must not be empty"}})
    assert cli.main(["ask", "Hello?"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1].startswith("BadRequestError: ")
    assert "Traceback" not in err
