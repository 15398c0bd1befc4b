"""The demo as a newcomer sees it, only faster."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from rig_monitoring import PATIENCE, ROOT, STATUS, Start

from monitoring.demo.enforced_limits import enforced_limits
from monitoring.demo.session import CONFIG
from monitoring.documents import StatusDocument
from router_config import load_config
from router_config.simulator import REFERENCE, Quota, read_limits

FAST = """
import sys
from monitoring import demo
from monitoring.demo.scenario import Incident, Scenario

fails = Incident(0.0, "groq", "answers its next request with HTTP 500", {"status": 500, "times": 1})
scenario = Scenario(pause=(0.2, 0.4), latency_ms=(0, 50), incidents=(fails,) if "incident" in sys.argv else ())
sys.exit(demo.run(port=0, scenario=scenario, seconds=30))
"""


def until(condition: Callable[[], Any]) -> Any:
    """What `condition` gives when it first gives anything true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return found


def answers(client: httpx.Client) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = client.get(f"{STATUS}/decisions?last=100").json()["decisions"]
    return listed


def test_a_newcomer_sees_requests_move_on_when_a_provider_has_run_out(start: Start) -> None:
    command = start("-c", FAST)
    assert command.wait_for("").startswith("Starting the demo")
    with command.client() as client:
        document = until(lambda: (it := client.get(STATUS).json())["next"] == {"default": "gemini"} and it)
        StatusDocument.model_validate(document)
        assert document["simulated"] is True
        groq = document["providers"][0]
        assert groq["status"] == "rate_limited"
        assert groq["limits"]["rpm"]["used"] + groq["limits"]["rpm"]["reserved"] == 30
        seen = until(lambda: {each["provider"] for each in answers(client)} >= {"groq", "gemini"} and answers(client))
    newest = seen[0]
    assert newest["number"] > seen[-1]["number"]
    assert newest["agent"] in {"trader", "researcher", "reviewer", "support"}
    assert newest["attempts"][-1]["outcome"] == "ok"
    assert newest["tokens"] > 0
    assert "gemini answers now" in command.wait_for("groq has used up its minute")
    code, seconds = command.end(signal.SIGINT)
    assert code == 0, command.output
    assert seconds < max(5, command.started_in)
    assert command.lines[-1] == "The demo has ended."
    assert "Traceback" not in command.output
    assert "Warning" not in command.output


def test_an_incident_is_told_and_seen(start: Start) -> None:
    command = start("-c", FAST, "incident")
    with command.client() as client:
        command.wait_for("the simulator now plays an incident: groq answers its next request with HTTP 500")
        command.wait_for("groq is in cooldown until")
        command.wait_for("groq failed (server error); the same request of")
        groq = client.get(f"{STATUS}/groq").json()
        assert groq["status"] == "cooldown"
        moved = next(each for each in answers(client) if len(each["attempts"]) == 2)
    assert [each["outcome"] for each in moved["attempts"]] == ["server_error", "ok"]
    assert moved["provider"] == "gemini"
    assert command.end(signal.SIGTERM)[0] == 0, command.output


def test_it_ends_by_itself_after_the_seconds_asked_for(start: Start) -> None:
    command = start("-m", "router_config.cli", "demo", "--port", "0", "--seconds", "0.2")
    assert command.code() == 0, command.output
    assert command.lines[-1] == "The demo has ended."


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("said", ["Starting the demo", "Status page"])
def test_it_ends_cleanly_whenever_it_is_interrupted(start: Start, said: str, ending: int) -> None:
    command = start("-m", "router_config.cli", "demo", "--port", "0")
    command.wait_for(said)
    assert command.end(ending)[0] == 0, command.output
    assert "Traceback" not in command.output
    assert "Warning" not in command.output


def test_serve_without_keys_plays_the_demo_when_it_is_told_to(start: Start, tmp_path: Path) -> None:
    (tmp_path / "litellm.yaml").write_text((ROOT / "litellm.yaml").read_text("utf-8"), "utf-8")
    command = start("-m", "router_config.cli", "serve", "--port", "0", "--demo-without-keys")
    with command.client() as client:
        assert client.get(STATUS).json()["simulated"] is True
    assert command.end(signal.SIGINT)[0] == 0, command.output


def test_serve_with_a_key_is_real(start: Start, tmp_path: Path) -> None:
    (tmp_path / "litellm.yaml").write_text((ROOT / "litellm.yaml").read_text("utf-8"), "utf-8")
    command = start("-m", "router_config.cli", "serve", "--port", "0", "--demo-without-keys", GROQ_API_KEY="a-key")
    with command.client() as client:
        assert client.get(STATUS).json()["simulated"] is False
        assert client.get(f"{STATUS}/decisions").json()["decisions"] == []
    assert command.end(signal.SIGINT)[0] == 0, command.output


def test_its_configuration_is_the_reference_table() -> None:
    demo = yaml.safe_load((ROOT / "monitoring/demo/reference.yaml").read_text("utf-8"))
    reference = yaml.safe_load((ROOT / "examples/reference.yaml").read_text("utf-8"))
    for provider in demo["providers"].values():
        del provider["api_base"]
    assert demo["providers"] == reference["providers"]
    assert demo["aliases"] == reference["aliases"]
    assert demo["defaults"]["cooldown"] == reference["defaults"]["cooldown"]
    assert set(demo["providers"]) == set(REFERENCE)


def test_the_simulated_providers_enforce_what_the_file_says(tmp_path: Path) -> None:
    theirs = read_limits(enforced_limits(load_config(CONFIG, env={})))
    assert {name: each.account for name, each in theirs.items()} == {
        name: each.account for name, each in REFERENCE.items()
    }
    path = tmp_path / "litellm.yaml"
    path.write_text("""
providers:
  groq:
    limits: {rph: 5, rpmo: 1k, parallel: 1, itpm: 9, requests: {per: 5h, max: 200}}
    month: {day: 14}
    models: [a, {name: b, limits: {tpw: 7}}]
  openai:
    tier: paid
    limits: {usd_per_month: 5}
    models: [{name: gpt, price: {input: 1, output: 2}}]
  mistral: {models: [m]}
""")
    theirs = read_limits(enforced_limits(load_config(path, env={})))
    assert set(theirs) == {"groq", "openai"}
    (odd,) = theirs["groq"].account.requests
    assert (odd.per, odd.max, theirs["groq"].month.day) == (5 * 3600, 200, 14)
    assert (theirs["groq"].account.rph, theirs["groq"].account.rpmo, theirs["groq"].account.parallel) == (5, 1000, 1)
    assert theirs["groq"].models == {"b": Quota(tpw=7)}
    assert (theirs["openai"].account.usd_per_month, theirs["openai"].price) == (5, (1, 2))
