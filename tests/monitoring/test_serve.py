"""`router-config serve` as a person runs it: one process, real signals, a busy port."""

import signal
import socket
from pathlib import Path

import pytest
from rig import MakeRouter, message
from rig_monitoring import STATUS, Start

from monitoring.documents import StatusDocument
from router_config.simulator import Simulator

YAML = """\
state: sqlite:///state.db
providers:
  groq: {priority: 1, api_key: os.environ/GROQ_API_KEY, limits: {rpm: 30}, models: [openai/gpt-oss-120b]}
  gemini: {priority: 2, api_key: os.environ/GEMINI_API_KEY, models: [gemini-3.8-flash]}
"""
SERVE = ("-m", "router_config.cli", "serve", "--port", "0")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "litellm.yaml").write_text(YAML, "utf-8")
    return tmp_path


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal_and_ends_with_0(start: Start, folder: Path, ending: int) -> None:
    command = start(*SERVE, GROQ_API_KEY="a-key-of-this-test")
    with command.client() as client:
        document = client.get(STATUS).json()
        StatusDocument.model_validate(document)
        assert document["simulated"] is False
        assert document["state"] == {"store": "sqlite", "shared": True}
        assert [each["status"] for each in document["providers"]] == ["available", "unconfigured"]
        code, seconds = command.end(ending)  # with a connection open
    assert code == 0, command.output
    assert seconds < max(5, command.started_in)
    assert "Traceback" not in command.output
    assert command.wait_for("groq").split() == ["groq", "configured"]
    assert "GEMINI_API_KEY is not set" in command.wait_for("gemini")


def test_without_any_key_it_says_what_to_do(start: Start, folder: Path) -> None:
    command = start(*SERVE)
    with command.client() as client:
        assert client.get("/healthz").json() == {"status": "ok"}
    assert "router-config env" in command.wait_for("groq")
    command.wait_for("router-config demo")
    command.end(signal.SIGINT)


@pytest.mark.machine_clock
def test_it_shows_the_traffic_of_other_processes(
    start: Start, make_router: MakeRouter, simulator: Simulator, tmp_path: Path
) -> None:
    router = make_router(state="sqlite:///state.db")
    command = start(*SERVE, **simulator.env())
    with command.client() as client:
        for _ in range(3):
            router.completion(model="default", messages=message())
        groq = client.get(f"{STATUS}/groq").json()
    command.end(signal.SIGTERM)
    assert groq["limits"]["tpd"]["used"] > 0
    assert groq["last_error"] is None


def test_it_needs_no_litellm(start: Start, folder: Path) -> None:
    code = (
        "import sys, monitoring.api, monitoring.command, monitoring.server, router_config.status.source\n"
        "print('imported', 'litellm' in sys.modules)"
    )
    assert start("-c", code).wait_for("imported") == "imported False"


@pytest.mark.parametrize("what", ["serve", "demo"])
def test_a_busy_port_gives_one_clear_line(start: Start, folder: Path, what: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        command = start("-m", "router_config.cli", what, "--port", str(port))
        assert command.code() == 1
    assert command.output == (
        f"Port {port} of 127.0.0.1 is in use. Stop what runs there, or take another port: --port {port + 1}"
    )


@pytest.mark.parametrize("what", ["serve", "demo"])
def test_an_open_address_without_a_token_is_refused(start: Start, folder: Path, what: str) -> None:
    command = start("-m", "router_config.cli", what, "--port", "0", "--host", "0.0.0.0")
    assert command.code() == 2
    assert "ROUTER_STATUS_TOKEN" in command.output
    assert "Traceback" not in command.output


def test_it_listens_to_this_machine_alone_unless_told_otherwise(start: Start, folder: Path) -> None:
    command = start(*SERVE)
    with command.client() as client:
        assert client.base_url.host == "127.0.0.1"
        assert client.base_url.port is not None
        # Another address of this machine, as any that the network sees would be.
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", client.base_url.port), timeout=5)
        assert client.get("/", headers={"Host": "rebound.example"}).status_code == 403
    command.end(signal.SIGINT)


@pytest.mark.parametrize("what", ["serve", "demo"])
def test_insecure_opens_it_to_the_network_under_any_name(start: Start, folder: Path, what: str) -> None:
    command = start("-m", "router_config.cli", what, "--port", "0", "--host", "0.0.0.0", "--insecure")
    with command.client() as client:
        assert client.get(STATUS, headers={"Host": "status.example"}).status_code == 200
        with socket.create_connection(("127.0.0.2", client.base_url.port or 0), timeout=5):
            pass
    command.end(signal.SIGINT)


def test_an_open_address_asks_for_the_token(start: Start, folder: Path) -> None:
    command = start(*SERVE, "--host", "0.0.0.0", ROUTER_STATUS_TOKEN="open-sesame")
    with command.client() as client:
        assert client.get(STATUS).status_code == 401
        assert client.get(STATUS, headers={"Authorization": "Bearer open-sesame"}).status_code == 200
    command.end(signal.SIGINT)
    assert "open-sesame" not in command.output


@pytest.mark.parametrize(
    ("yaml", "told"),
    [
        ("providers: {groq: {models: [m], limits: {rpm: lots}}}", "litellm.yaml:1:"),
        ("state: sqlite:////proc/nowhere/state.db\nproviders: {groq: {models: [m]}}", "/proc/nowhere"),
    ],
)
def test_a_bad_configuration_ends_it_before_it_starts(start: Start, folder: Path, yaml: str, told: str) -> None:
    (folder / "litellm.yaml").write_text(yaml, "utf-8")
    command = start(*SERVE)
    assert command.code() == 2
    assert told in command.output
    assert "Traceback" not in command.output
    assert "Status page" not in command.output


def test_a_damaged_state_file_is_set_aside_and_that_is_said(start: Start, folder: Path) -> None:
    (folder / "state.db").write_bytes(b"no database at all" * 1000)
    command = start(*SERVE)
    with command.client() as client:
        assert client.get(STATUS).status_code == 200
    command.wait_for("damaged")
    command.end(signal.SIGINT)
    kept = [each for each in folder.iterdir() if each.name.startswith("state.db") and each.stat().st_size == 18_000]
    assert len(kept) == 1


def test_a_memory_state_says_that_others_do_not_show(start: Start, folder: Path) -> None:
    (folder / "litellm.yaml").write_text(YAML.replace("sqlite:///state.db", "memory://"), "utf-8")
    command = start(*SERVE)
    command.wait_for("memory")
    with command.client() as client:
        assert client.get(STATUS).json()["state"] == {"store": "memory", "shared": False}
    command.end(signal.SIGINT)
