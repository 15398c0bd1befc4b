"""`router-config doctor`: what works, what does not, and what to do about it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from rig import MODELS, reference

from router_config import Router, cli
from router_config.simulator import Simulator

Examine = Callable[..., tuple[int, dict[str, dict[str, Any]]]]

pytestmark = pytest.mark.machine_clock


@pytest.fixture
def write(simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes a litellm.yaml that is aimed at the simulator, and moves there."""

    def write(**changes: Any) -> Path:
        path = tmp_path / "litellm.yaml"
        path.write_text(yaml.safe_dump(reference(simulator, **{"state": "sqlite:///state.db", **changes})))
        monkeypatch.chdir(tmp_path)
        for name, value in simulator.env().items():
            monkeypatch.setenv(name, value)
        return path

    return write


@pytest.fixture
def examine(capsys: pytest.CaptureFixture[str], simulator: Simulator) -> Examine:
    """Runs the command; returns its exit code and what it found by deployment."""

    def examine(*arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
        capsys.readouterr()
        code = cli.main(["doctor", "--json", *arguments])
        out, err = capsys.readouterr()
        assert not any(secret in out + err for name, secret in simulator.env().items() if name.endswith("_KEY"))
        document = json.loads(out)
        assert document["ok"] == (code == 0)
        return code, {each["deployment"]: each for each in document["findings"]}

    return examine


def test_everything_is_asked_once_and_fine(write: Callable[..., Path], examine: Examine, simulator: Simulator) -> None:
    write()
    code, found = examine()
    assert code == 0
    assert {each["state"] for each in found.values()} == {"ok"}
    assert sorted((call.provider, call.model) for call in simulator.calls()) == sorted(
        (provider, model) for provider, models in MODELS.items() for model in models
    )
    llama = found["groq/llama-3.3-70b-versatile#1"]
    assert llama["latency_ms"] >= 0
    assert llama["variable"] == "GROQ_API_KEY"
    assert llama["limits"]["rpm"]["limit"] == 30


def test_the_limits_that_a_provider_reports_are_shown(
    write: Callable[..., Path], examine: Examine, simulator: Simulator
) -> None:
    simulator.set_limits({"groq": {"each_model": {"rpd": 1000}}})
    write()
    rpd = examine()[1]["groq/mixtral-8x7b-32768#1"]["limits"]["rpd"]
    assert rpd == {"limit": 1000, "remaining": 999, "source": "upstream"}


def test_what_fails_is_named_with_what_to_do_and_ends_with_one(
    write: Callable[..., Path], examine: Examine, simulator: Simulator
) -> None:
    write()
    simulator.set_keys("groq", bad=[simulator.env()["GROQ_API_KEY"]])
    simulator.set_options(retired={"gemini": ["gemini-1.5-flash"]})
    simulator.fault("openrouter", fixture="insufficient402")
    simulator.fault("together", status=503)
    simulator.fault("openai", timeout=True)
    code, found = examine("--timeout", "1s")
    assert code == 1
    kinds = {name: each["kind"] for name, each in found.items()}
    assert kinds == {
        "groq/llama-3.3-70b-versatile#1": "bad_key",
        "groq/mixtral-8x7b-32768#1": "bad_key",
        "gemini/gemini-1.5-flash#1": "model_gone",
        "gemini/gemini-2.5-pro#1": None,
        "openrouter/deepseek/deepseek-r1~free#1": "quota_gone",
        "openrouter/mistralai/mistral-7b-instruct~free#1": "quota_gone",
        "together/mistralai/Mixtral-8x7B-Instruct-v0.1#1": "overloaded",
        "openai/gpt-4o-mini#1": "timeout",
    }
    key = found["groq/mixtral-8x7b-32768#1"]
    assert "https://console.groq.com/keys" in key["problem"] + key["advice"]
    assert "router-config env" in key["advice"]
    assert found["gemini/gemini-1.5-flash#1"]["advice"] == "Use gemini-3.8-flash in its place."
    assert "https://openrouter.ai/settings/credits" in found["openrouter/deepseek/deepseek-r1~free#1"]["problem"]


def test_what_works_again_is_back_in_use(write: Callable[..., Path], examine: Examine, simulator: Simulator) -> None:
    path = write()
    simulator.set_keys("groq", bad=[simulator.env()["GROQ_API_KEY"]])
    simulator.set_options(retired={"gemini": ["gemini-1.5-flash"]})
    # A single 503 would be a cooldown of a second, which is over before a busy machine has looked.
    simulator.fault("together", status=429, headers={"retry-after": "600"})
    assert examine()[0] == 1
    router = Router.from_yaml(path)
    statuses = {each["name"]: each["status"] for each in router.status()["providers"]}
    assert (statuses["groq"], statuses["together"]) == ("disabled", "rate_limited")
    simulator.set_keys("groq", bad=[])
    simulator.set_options(retired={})
    simulator.clear()
    code, found = examine()
    assert code == 0
    assert {name for name, each in found.items() if each["revived"]} >= {
        "gemini/gemini-1.5-flash#1",
        "together/mistralai/Mixtral-8x7B-Instruct-v0.1#1",
    }
    shown = router.status()["providers"]
    assert {each["status"] for each in shown} == {"available"}
    assert {model["status"] for each in shown for model in each["models"]} == {"available"}
    router.close()


def test_what_still_fails_stays_as_it_was(write: Callable[..., Path], examine: Examine, simulator: Simulator) -> None:
    path = write()
    simulator.set_keys("groq", bad=[simulator.env()["GROQ_API_KEY"]])
    for _ in range(2):
        code, found = examine()
        assert code == 1
        assert found["groq/mixtral-8x7b-32768#1"]["state"] == "failed"
    router = Router.from_yaml(path)
    assert router.status()["providers"][0]["status"] == "disabled"
    router.close()


def test_no_limit_is_exceeded_and_a_used_up_one_is_no_failure(
    write: Callable[..., Path], examine: Examine, simulator: Simulator
) -> None:
    simulator.set_limits({"groq": {"rpm": 1}})
    write(providers={"groq": {"limits": {"rpm": 1}}})
    code, found = examine()
    assert code == 0
    states = sorted(found[name]["state"] for name in found if name.startswith("groq/"))
    assert states == ["limited", "ok"]
    assert simulator.summary()["groq"]["rate_limited"] == 0


def test_a_limit_used_up_by_others_is_no_failure(
    write: Callable[..., Path], examine: Examine, simulator: Simulator
) -> None:
    simulator.fault("groq", fixture="tpd")
    write()
    code, found = examine()
    assert code == 0
    assert found["groq/mixtral-8x7b-32768#1"]["state"] == "limited"
    assert found["groq/mixtral-8x7b-32768#1"]["problem"].startswith("No room until 20")


def test_each_key_of_a_pool_is_examined_and_one_without_a_key_is_listed(
    write: Callable[..., Path], examine: Examine, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = ["os.environ/GROQ_ONE", "os.environ/GROQ_TWO", "os.environ/GROQ_THREE"]
    write(providers={"groq": {"api_key": keys, "models": ["m"]}, "gemini": {"enabled": False}})
    monkeypatch.setenv("GROQ_ONE", "first-key")
    monkeypatch.setenv("GROQ_TWO", "second-key")
    monkeypatch.delenv("TOGETHERAI_API_KEY")
    simulator.set_keys("groq", bad=["second-key"])
    code, found = examine()
    assert code == 1
    assert {name: found[name]["state"] for name in ("groq/m#1", "groq/m#2", "groq#3", "gemini", "together")} == {
        "groq/m#1": "ok", "groq/m#2": "failed", "groq#3": "unconfigured", "gemini": "off", "together": "unconfigured",
    }  # fmt: skip
    assert found["groq/m#2"]["variable"] == "GROQ_TWO"
    assert "GROQ_THREE" in found["groq#3"]["advice"]
    assert simulator.count("gemini") == simulator.count("together") == 0


def test_providers_without_a_key_are_no_failure(
    write: Callable[..., Path], examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    write()
    monkeypatch.delenv("GROQ_API_KEY")
    code, found = examine()
    assert code == 0
    assert found["groq"]["state"] == "unconfigured"
    assert "https://console.groq.com/keys" in found["groq"]["advice"]


def test_people_get_a_table_and_lines_of_progress(
    write: Callable[..., Path], simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    write()
    simulator.set_keys("groq", bad=[simulator.env()["GROQ_API_KEY"]])
    assert cli.main(["doctor"]) == 1
    out, err = capsys.readouterr()
    rows = {line.split()[0]: line for line in out.splitlines() if line}
    assert "FAILED: bad_key" in rows["groq/mixtral-8x7b-32768#1"]
    assert "OK" in rows["openai/gpt-4o-mini#1"]
    assert "https://console.groq.com/keys" in out
    assert "[8/8] " in err
    assert "Traceback" not in err


def test_a_file_that_cannot_be_used_ends_with_two(
    write: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write(providers={"groq": {"priority": "first"}})
    assert cli.main(["doctor"]) == 2
    assert "litellm.yaml:" in capsys.readouterr().err


def test_what_litellm_lacks_is_told_and_not_called_a_broken_connection(
    write: Callable[..., Path], examine: Examine
) -> None:
    lacking = {"litellm_provider": "snowflake", "api_key": "os.environ/GROQ_API_KEY", "models": ["m"]}
    write(providers={**dict.fromkeys(MODELS), "snow": lacking})
    code, found = examine()
    assert code == 1
    finding = found["snow/m#1"]
    assert "LiteLLM says: Missing snowflake account_id" in finding["problem"]
    assert "network" not in str(finding["advice"])
