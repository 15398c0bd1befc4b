"""Scripted faults, as a client meets them."""

import json
import threading
import time

import httpx
import pytest

from router_config.simulator import PROVIDERS, FaultError, LimitsError, Simulator
from router_config.simulator.fixtures import fixtures

from .conftest import Client, text_in, wait_for

FIXTURES = [(provider, name) for provider in PROVIDERS for name in fixtures(provider)]


@pytest.mark.parametrize(("provider", "name"), FIXTURES)
@pytest.mark.parametrize("stream", [False, True])
def test_a_recorded_response_comes_back_as_it_was_recorded(
    simulator: Simulator, client: Client, provider: str, name: str, stream: bool
) -> None:
    simulator.fault(provider, fixture=name, times=1)
    reply = client.ask(provider, stream=stream)
    recorded = fixtures(provider)[name]
    assert reply.status_code == recorded.status
    assert reply.json() == recorded.body
    assert {k: reply.headers[k] for k in recorded.headers} == dict(recorded.headers)
    assert client.ask(provider).status_code == 200


@pytest.mark.parametrize("status", [400, 401, 404, 429, 498, 500, 503, 529])
def test_a_status_is_answered_in_the_providers_own_shape(
    simulator: Simulator, client: Client, provider: str, status: int
) -> None:
    simulator.fault(provider, status=status, headers={"Retry-After": "7"})
    reply = client.ask(provider)
    assert reply.status_code == status
    assert reply.json()["error"]["message"]
    assert reply.headers["retry-after"] == "7"


def test_a_status_may_bring_a_body_of_its_own(simulator: Simulator, client: Client) -> None:
    simulator.fault("groq", status=502, body="<html>Bad gateway</html>", headers={"content-type": "text/html"})
    reply = client.ask("groq")
    assert (reply.text, reply.headers["content-type"]) == ("<html>Bad gateway</html>", "text/html")
    simulator.clear()
    simulator.fault("groq", status=400, body={"error": {"code": "custom"}})
    assert client.ask("groq").json() == {"error": {"code": "custom"}}


def test_a_fault_ends_after_its_number_of_requests(simulator: Simulator, client: Client) -> None:
    simulator.fault("groq", status=500, times=2)
    assert [client.ask("groq").status_code for _ in range(3)] == [500, 500, 200]


def test_a_fault_happens_only_to_the_model_and_the_key_it_names(simulator: Simulator, client: Client) -> None:
    client.ask("groq", key="first")
    client.ask("groq", key="second")
    simulator.fault("groq", status=500, model="big", key="groq#2")
    assert client.ask("groq", model="big", key="first").status_code == 200
    assert client.ask("groq", model="small", key="second").status_code == 200
    assert client.ask("gemini", model="big", key="second").status_code == 200
    assert client.ask("groq", model="big", key="second").status_code == 500


def test_a_fault_without_a_provider_happens_to_all(simulator: Simulator, client: Client) -> None:
    simulator.fault(status=500)
    assert {client.ask(provider).status_code for provider in PROVIDERS} == {500}


def test_a_share_of_the_requests_is_chosen_the_same_way_every_time(simulator: Simulator, client: Client) -> None:
    def failures() -> list[int]:
        simulator.reset()
        simulator.fault("groq", status=500, share=0.3)
        return [client.ask("groq").status_code for _ in range(40)]

    first = failures()
    assert 4 <= first.count(500) <= 20
    assert failures() == first


def test_the_first_ending_wins_and_what_goes_with_it_is_merged(simulator: Simulator, client: Client) -> None:
    simulator.fault("groq", answer="first")
    simulator.fault("groq", status=500, times=1)
    simulator.fault("groq", status=502, times=1)
    assert [client.ask("groq").status_code for _ in range(3)] == [500, 502, 200]
    assert text_in("groq", client.ask("groq")) == "first"


def test_an_answer_can_be_scripted(simulator: Simulator, client: Client, provider: str) -> None:
    simulator.fault(provider, answer="Hold.", times=1)
    assert text_in(provider, client.ask(provider)) == "Hold."
    assert text_in(provider, client.ask(provider)) != "Hold."


def test_refused_connections_are_refused_on_the_providers_own_port_until_cleared(
    simulator: Simulator, client: Client, provider: str
) -> None:
    assert client.ask(provider).status_code == 200  # a connection that is kept alive goes too
    simulator.fault(provider, refused=True)
    for _ in range(2):
        with pytest.raises(httpx.ConnectError):
            client.ask(provider)
    with pytest.raises(httpx.TransportError):
        client.ask(provider, base=simulator.api_base(provider).replace(_port(provider, simulator), simulator.url))
    other = next(name for name in PROVIDERS if name != provider)
    assert client.ask(other).status_code == 200
    simulator.clear(provider)
    assert client.ask(provider).status_code == 200


def _port(provider: str, simulator: Simulator) -> str:
    return simulator.api_base(provider).split(f"/{provider}/")[0]


def test_refused_for_some_requests_resets_their_connections(simulator: Simulator, client: Client) -> None:
    simulator.fault("groq", refused=True, times=2)
    for _ in range(2):
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            client.ask("groq")
    assert client.ask("groq").status_code == 200
    assert simulator.summary()["groq"]["outcomes"] == {"fault": 2, "ok": 1}


def test_a_reset_connection_gets_no_answer_and_uses_no_quota(
    simulator: Simulator, client: Client, provider: str
) -> None:
    simulator.set_limits({provider: {"rpm": 1}})
    simulator.fault(provider, reset=True, times=1)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        client.ask(provider)
    assert client.ask(provider).status_code == 200


@pytest.mark.parametrize("stream", [False, True])
def test_a_timeout_hangs_until_the_client_gives_up_and_uses_quota(
    simulator: Simulator, client: Client, provider: str, stream: bool
) -> None:
    simulator.set_limits({provider: {"rpm": 1, "tpd": 5000}})
    simulator.fault(provider, timeout=True, times=1)
    client.http.timeout = httpx.Timeout(0.15)
    with pytest.raises(httpx.ReadTimeout):
        client.ask(provider, stream=stream)
    wait_for(lambda: simulator.summary()[provider]["open"] == 0)
    client.http.timeout = httpx.Timeout(10)
    assert client.ask(provider).status_code == 429
    (call, _) = simulator.calls(provider)
    assert (call.outcome, call.status, call.admitted) == ("fault", None, True)
    assert call.tokens == call.reserved > 0


def test_clearing_a_timeout_breaks_off_the_requests_that_hang(simulator: Simulator, client: Client) -> None:
    number = simulator.fault("groq", timeout=True)
    failures: list[Exception] = []

    def ask() -> None:
        try:
            client.ask("groq")
        except httpx.TransportError as error:
            failures.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    wait_for(lambda: simulator.count("groq") == 1)
    assert simulator.clear(number=number) == 1
    asking.join(5)
    assert len(failures) == 1


def test_a_latency_is_waited_before_the_answer(simulator: Simulator, client: Client) -> None:
    simulator.fault("groq", latency_ms=150, times=1)
    start = time.monotonic()
    assert client.ask("groq").status_code == 200
    assert 0.15 <= time.monotonic() - start < 2


@pytest.mark.parametrize("chunks", [0, 1, 3])
def test_a_stream_can_be_cut(simulator: Simulator, client: Client, provider: str, chunks: int) -> None:
    simulator.fault(provider, cut=chunks, times=1)
    url, headers, body = client.request(provider, stream=True)
    received: list[bytes] = []
    with client.http.stream("POST", url, headers=headers, json=body) as reply:
        assert reply.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            received.extend(reply.iter_bytes())
    assert b"".join(received).count(b"data: ") == chunks
    assert simulator.calls(provider)[0].outcome == "fault"


@pytest.mark.parametrize("chunks", [0, 2])
def test_a_stream_can_end_with_an_error_event(simulator: Simulator, client: Client, provider: str, chunks: int) -> None:
    simulator.fault(provider, error_event=chunks, times=1)
    events = [line for line in client.ask(provider, stream=True).text.splitlines() if line]
    assert len(events) == chunks + 1
    assert "error" in json.loads(events[-1].removeprefix("data: "))


def test_a_whole_answer_can_be_cut_midway(simulator: Simulator, client: Client, provider: str) -> None:
    simulator.fault(provider, cut=1, times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        client.ask(provider)


def test_an_error_may_hide_in_a_200(simulator: Simulator, client: Client, provider: str) -> None:
    simulator.fault(provider, error_body=True, times=1)
    reply = client.ask(provider)
    assert reply.status_code == 200
    assert set(reply.json()) >= {"error"}


def test_json_may_be_broken(simulator: Simulator, client: Client, provider: str) -> None:
    simulator.fault(provider, malformed=True, times=1)
    reply = client.ask(provider)
    assert reply.status_code == 200
    with pytest.raises(ValueError, match="line 1"):
        reply.json()


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ({"status": 500, "timeout": True}, "cannot both"),
        ({"status": 99}, "200 to 599"),
        ({"status": 500, "times": 0}, "from 1"),
        ({"cut": -1}, "number of chunks"),
        ({"fixture": "nonsense"}, "badkey, decommissioned"),
        ({"statsu": 500}, "unknown statsu"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(simulator: Simulator, fault: dict[str, object], complaint: str) -> None:
    with pytest.raises(FaultError, match=complaint):
        simulator.fault("groq", **fault)
    with pytest.raises(LimitsError, match="no simulated provider is called 'grok'"):
        simulator.fault("grok", status=500)
