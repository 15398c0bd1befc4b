"""Answers that are scripted byte by byte, as a client meets them."""

import json
import time
from typing import Any

import httpx
import pytest

from router_config.simulator import FaultError, Simulator

from .conftest import Client, text_in


def test_one_poisoned_message_is_refused_and_all_others_are_answered(simulator: Simulator, client: Client) -> None:
    simulator.fault(status=500, text="poison é")
    told = [client.ask("groq", text).status_code for text in ("hello", "some poison é here", "poison", "hello")]
    assert told == [200, 500, 200, 200]


def test_a_fault_may_be_about_streams_or_about_one_endpoint(simulator: Simulator, client: Client) -> None:
    simulator.fault("groq", status=500, stream=True)
    simulator.fault("groq", status=403, kind="embedding")
    assert [client.ask("groq", stream=stream).status_code for stream in (False, True)] == [200, 500]
    url = f"{simulator.api_base('groq')}/embeddings"
    asked = client.http.post(url, json={"model": "any", "input": "hello"}, headers={"Authorization": "Bearer any"})
    assert asked.status_code == 403


def test_a_path_that_the_simulator_does_not_know_says_what_is_scripted(simulator: Simulator, client: Client) -> None:
    def ask() -> httpx.Response:
        url = f"{simulator.api_base('openai')}/responses"
        body = {"model": "any", "input": "hello", "stream": True}
        return client.http.post(url, json=body, headers={"Authorization": "Bearer any"})

    assert ask().status_code == 404
    failed = 'event: response.failed\ndata: {"type":"response.failed"}\n\n'
    simulator.fault("openai", kind="other", parts=[failed], times=1)
    simulator.fault("openai", kind="other", status=503, times=1)
    told = ask()
    assert (told.text, told.headers["content-type"]) == (failed, "text/event-stream")
    assert [ask().status_code, ask().status_code] == [503, 404]


def test_a_stream_is_made_of_its_usual_events_and_of_others(
    simulator: Simulator, client: Client, provider: str
) -> None:
    usual = client.ask(provider, stream=True).content.replace(b"\r\n", b"\n").split(b"\n\n")[:-1]
    simulator.fault(
        provider,
        parts=[
            {"events": [0, 2], "replace": {"\r\n": "\n"}},
            "retry: 3000\n\n",
            {"text": ": ping\n\n", "repeat": 3, "every_ms": 20},
            {"text": "x", "repeat": 4_000_000},
            {"events": [2, 3], "first": 9},
        ],
    )
    began = time.monotonic()
    told = client.ask(provider, stream=True).content
    assert time.monotonic() - began > 0.06
    before, _, after = told.partition(b"retry: 3000\n\n: ping\n\n: ping\n\n: ping\n\n" + b"x" * 4_000_000)
    assert before.count(b"data: {") == 2
    assert after == usual[2][:9]
    assert [call.outcome for call in simulator.calls(provider)] == ["ok", "fault"]


def test_crlf_leaves_a_stream_complete_and_a_drop_breaks_it_off(
    simulator: Simulator, client: Client, provider: str
) -> None:
    simulator.fault(provider, parts=[{"replace": {"\r\n": "\n", "\n": "\r\n"}}], times=1)
    simulator.fault(provider, parts=[{"events": [0, 2]}, {"events": [2, 3], "first": 9, "drop": True}], times=1)
    assert b"\n\n" not in client.ask(provider, stream=True).content
    with pytest.raises(httpx.RemoteProtocolError):
        client.ask(provider, stream=True)
    assert [call.outcome for call in simulator.calls(provider)] == ["ok", "fault"]


def test_a_body_comes_slowly_and_is_whole(simulator: Simulator, client: Client, provider: str) -> None:
    simulator.fault(provider, answer="Hold.", parts=[{"write": 100, "every_ms": 10}])
    began = time.monotonic()
    assert text_in(provider, client.ask(provider)) == "Hold."
    assert time.monotonic() - began > 0.02


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("usage", [False, -1, "many", 10**400, {"total_tokens": None, "totalTokenCount": None}])
def test_usage_says_what_is_scripted(
    simulator: Simulator, client: Client, provider: str, usage: Any, stream: bool
) -> None:
    simulator.fault(provider, usage=usage)
    told = client.ask(provider, stream=stream).text
    events = [line.removeprefix("data: ") for line in told.splitlines() if line.startswith("data: {")]
    last = [json.loads(event) for event in events or [told]][-1]
    said = last.get("usage") or last.get("usageMetadata")
    if usage is False:
        assert said is None
    elif isinstance(usage, dict):
        assert said
        assert not {"total_tokens", "totalTokenCount"} & set(said)
    else:
        assert {said[name] for name in said if isinstance(said[name], int | str)} == {usage}


@pytest.mark.parametrize("stream", [False, True])
def test_a_gzip_bomb_unpacks_to_blanks_and_the_usual_answer(
    simulator: Simulator, client: Client, provider: str, stream: bool
) -> None:
    simulator.fault(provider, gzip_mb=3)
    with client.http.stream("POST", **_asked(client, provider, stream)) as reply:
        packed = b"".join(reply.iter_raw())
    assert len(packed) < 20_000
    told = client.ask(provider, stream=stream)
    assert told.content.startswith(b" " * 3_000_000)
    assert told.text.strip().startswith("data: {" if stream else "{")


def _asked(client: Client, provider: str, stream: bool) -> Any:
    url, headers, body = client.request(provider, stream=stream)
    return {"url": url, "headers": headers, "json": body}


def test_headers_of_any_size_come_with_any_answer(simulator: Simulator, client: Client, provider: str) -> None:
    simulator.fault(provider, headers={"x-long": 60_000, "retry-after": "soon"})
    told = client.ask(provider)
    assert (len(told.headers["x-long"]), told.headers["retry-after"]) == (60_000, "soon")


def test_a_connection_kept_alive_is_closed_before_the_answer_and_a_new_one_is_not(
    simulator: Simulator, client: Client, provider: str
) -> None:
    assert client.ask(provider).status_code == 200
    simulator.fault(provider, closed=True, reused=True)
    with pytest.raises(httpx.RemoteProtocolError):
        client.ask(provider)
    assert client.ask(provider).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [{"parts": "text"}, {"parts": [3]}, {"parts": [{"texts": "a"}]}, {"kind": "image"}, {"parts": [], "status": 500}],
)
def test_a_script_that_makes_no_sense_is_refused(simulator: Simulator, wrong: dict[str, Any]) -> None:
    with pytest.raises(FaultError):
        simulator.fault("groq", **wrong)
