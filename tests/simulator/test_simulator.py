"""The Simulator class and its command."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from rig_wall_clock import child_variables

from router_config.simulator import LimitsError, OptionsError, Simulator
from router_config.simulator.__main__ import main
from router_config.simulator.clock import SimulatorClock

from .conftest import NOON, Client, wait_for

ROOT = Path(__file__).parents[2]


def test_it_stops_at_once_even_with_requests_that_hang() -> None:
    simulator = Simulator({}).start()
    simulator.fault(timeout=True)
    failures: list[Exception] = []

    def ask() -> None:
        with httpx.Client(timeout=10) as http:
            client = Client(simulator)
            client.http.close()
            client.http = http
            try:
                client.ask("groq")
            except httpx.TransportError as error:
                failures.append(error)

    asking = [threading.Thread(target=ask) for _ in range(5)]
    for thread in asking:
        thread.start()
    wait_for(lambda: simulator.count() == 5)
    start = time.monotonic()
    simulator.stop()
    assert time.monotonic() - start < 1
    for thread in asking:
        thread.join(5)
    assert len(failures) == 5
    assert simulator.summary()["groq"]["open"] == 0  # records stay readable


def test_it_can_be_started_again_and_stopped_twice() -> None:
    simulator = Simulator({})
    for _ in range(2):
        with simulator:
            assert httpx.get(f"{simulator.url}/healthz").status_code == 200
            with pytest.raises(RuntimeError, match="running already"):
                simulator.start()
        simulator.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{simulator.url}/healthz")


def test_it_has_no_address_before_it_is_started() -> None:
    with pytest.raises(RuntimeError, match="not been started"):
        _ = Simulator({}).url


def test_a_busy_port_is_an_error() -> None:
    with Simulator({}) as simulator, pytest.raises(OSError, match="in use"):
        Simulator({}, port=int(simulator.url.rsplit(":", 1)[1])).start()


def test_without_own_ports_all_providers_share_one() -> None:
    with Simulator({}, own_ports=False) as simulator:
        assert simulator.api_base("groq") == f"{simulator.url}/groq/openai/v1"
        assert simulator.env()["OPENAI_BASE_URL"] == f"{simulator.url}/openai/v1"
        simulator.fault("groq", refused=True)
        with pytest.raises(httpx.TransportError):
            httpx.post(simulator.api_base("groq") + "/chat/completions", json={"model": "m", "messages": [{}]})


def test_many_threads_may_use_it_at_once(simulator: Simulator) -> None:
    simulator.set_limits({"groq": {"rpm": 50}})

    def ask() -> None:
        client = Client(simulator)
        with client.http:
            for _ in range(20):
                client.ask("groq")
                simulator.summary()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    groq = simulator.summary()["groq"]
    assert (groq["requests"], groq["admitted"], groq["rate_limited"]) == (80, 50, 30)


def test_latencies_are_drawn_from_a_seeded_range() -> None:
    simulator = Simulator({}, latency_ms=(50, 800), latencies_ms={"groq": 7}, seed=3)
    state = simulator._state
    drawn = [state.latency("gemini") for _ in range(200)]
    assert min(drawn) >= 0.05
    assert max(drawn) <= 0.8
    assert max(drawn) - min(drawn) > 0.5
    assert state.latency("groq") == 0.007
    state.reset()
    assert [state.latency("gemini") for _ in range(200)] == drawn


@pytest.mark.machine_clock
def test_the_clock_runs_on_from_where_it_is_set() -> None:
    source = [1000.0]
    clock = SimulatorClock(lambda: source[0])
    clock.set(NOON)
    source[0] += 5
    assert clock.now() == NOON + 5
    clock.freeze()
    source[0] += 5
    clock.advance(1)
    assert clock.now() == NOON + 6
    clock.thaw()
    source[0] += 1
    assert clock.now() == NOON + 7
    assert abs(SimulatorClock().now() - time.time()) < 1


def test_a_frozen_simulator_moves_only_when_told() -> None:
    with Simulator({"groq": {"rpm": 1}}, freeze=True) as simulator:
        client = Client(simulator)
        with client.http:
            before = simulator.now()
            assert [client.ask("groq").status_code for _ in range(2)] == [200, 429]
            assert simulator.now() == before
            simulator.advance(60)
            assert client.ask("groq").status_code == 200


def test_wrong_arguments_are_errors() -> None:
    with pytest.raises(LimitsError, match="no simulated provider is called 'grok'"):
        Simulator({"grok": {"rpm": 1}})
    with pytest.raises(OptionsError, match="unknown latency"):
        Simulator(latency=5)


# The command


@pytest.mark.machine_clock
def test_the_command_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    limits = tmp_path / "limits.json"
    limits.write_text('{"groq": {"rpm": 1}}')
    arguments = [
        "--port",
        "0",
        "--limits",
        str(limits),
        "--latency",
        "1-2",
        "--answer",
        "Hold.",
        "--own-ports",
    ]
    command = [sys.executable, "-m", "router_config.simulator", *arguments]
    environment = {**os.environ, **child_variables(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        base = dict(process.stdout.readline().strip().split("=", 1) for _ in range(2))["GROQ_API_BASE"]
        url = first.split()[3]
        body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
        headers = {"Authorization": "Bearer k"}
        replies = [httpx.post(f"{base}/chat/completions", json=body, headers=headers) for _ in range(2)]
        assert [reply.status_code for reply in replies] == [200, 429]
        assert replies[0].json()["choices"][0]["message"]["content"] == "Hold."
        assert httpx.get(f"{url}/_control/summary").json()["groq"]["requests"] == 2
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 0


def test_the_command_complains_in_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    broken = tmp_path / "limits.json"
    broken.write_text('{"groq": {"rpm": "lots"}}')
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = str(busy.getsockname()[1])
        assert main(["--port", port]) == 2
    assert f"port {port} cannot be used" in capsys.readouterr().err
    assert main(["--limits", str(broken)]) == 2
    assert "groq.rpm: expected a whole number" in capsys.readouterr().err
    assert main(["--limits", str(tmp_path / "none.json")]) == 2
    assert "No such file" in capsys.readouterr().err
    assert main(["--latency", "fast"]) == 2
    assert "milliseconds" in capsys.readouterr().err


def test_the_command_prints_the_variables_that_aim_litellm_at_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", "1234", "--print-env"]) == 0
    assert "export GEMINI_API_BASE=http://127.0.0.1:1234/gemini/v1beta" in capsys.readouterr().out
