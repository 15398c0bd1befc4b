"""What the simulated models say, whole and streamed."""

import json
from typing import Any

import httpx
import pytest

from router_config.simulator import Simulator
from router_config.simulator.answers import sample

from .conftest import Client, text_in, wait_for

SCHEMA = {
    "type": "object",
    "properties": {
        "action": {"enum": ["buy", "sell"]},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        "shares": {"type": "integer", "minimum": 1},
        "reasons": {"type": "array", "items": {"$ref": "#/$defs/Reason"}, "minItems": 2},
        "note": {"anyOf": [{"type": "string", "maxLength": 4}, {"type": "null"}]},
    },
    "required": ["action"],
    "$defs": {"Reason": {"type": "object", "properties": {"text": {"type": "string"}}}},
}


def events(reply: httpx.Response) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in reply.text.splitlines() if line]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def test_the_same_request_gets_the_same_answer(client: Client, provider: str) -> None:
    assert text_in(provider, client.ask(provider)) == text_in(provider, client.ask(provider))


def usage_of(provider: str, reply: Any) -> tuple[int, int]:
    if provider == "gemini":
        usage = reply["usageMetadata"]
        return usage["promptTokenCount"], usage["candidatesTokenCount"]
    return reply["usage"]["prompt_tokens"], reply["usage"]["completion_tokens"]


def test_usage_is_four_characters_a_token(client: Client, provider: str) -> None:
    reply = client.ask(provider, "x" * 400)
    assert usage_of(provider, reply.json()) == (107, 40)
    assert len(text_in(provider, reply)) == 160


def test_max_tokens_bound_the_answer(client: Client, provider: str) -> None:
    reply = client.ask(provider, max_tokens=5)
    assert len(text_in(provider, reply)) == 20
    finish = "MAX_TOKENS" if provider == "gemini" else "length"
    assert finish in reply.text


def test_a_stream_says_the_same_as_the_whole_answer(client: Client, provider: str) -> None:
    whole = client.ask(provider)
    streamed = client.ask(provider, stream=True)
    assert streamed.headers["content-type"].startswith("text/event-stream")
    chunks = events(streamed)
    if provider == "gemini":
        text = "".join(chunk["candidates"][0]["content"]["parts"][0]["text"] for chunk in chunks)
        assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"
    else:
        choices = [chunk["choices"][0] for chunk in chunks if chunk["choices"]]
        assert choices[0]["delta"]["role"] == "assistant"
        assert choices[-1]["finish_reason"] == "stop"
        assert streamed.text.endswith("data: [DONE]\n\n")
        text = "".join(choice["delta"].get("content") or "" for choice in choices)
    assert text == text_in(provider, whole)
    assert usage_of(provider, chunks[-1]) == usage_of(provider, whole.json())


def test_a_stream_bears_usage_only_when_asked(client: Client) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True}
    url, headers, _ = client.request("openai")
    chunks = events(client.http.post(url, headers=headers, json=body))
    assert not [chunk for chunk in chunks if chunk.get("usage")]


def test_groq_says_which_service_tier_served_and_gemini_which_model(client: Client) -> None:
    assert client.ask("groq").json()["service_tier"] == "on_demand"
    assert events(client.ask("groq", stream=True))[-2]["x_groq"]["usage"]["total_tokens"] == 49
    assert client.ask("gemini", model="gemini-9-flash").json()["modelVersion"] == "gemini-9-flash"


def test_json_is_answered_where_json_is_asked_for(client: Client, provider: str) -> None:
    if provider == "gemini":
        extra: dict[str, Any] = {"generationConfig": {"responseMimeType": "application/json"}}
    else:
        extra = {"response_format": {"type": "json_object"}}
    assert isinstance(json.loads(text_in(provider, client.ask(provider, **extra))), dict)


def test_json_follows_the_schema_asked_for(client: Client, provider: str) -> None:
    if provider == "gemini":
        config = {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
        extra: dict[str, Any] = {"generationConfig": config}
    else:
        form = {"type": "json_schema", "json_schema": {"name": "decision", "schema": SCHEMA}}
        extra = {"response_format": form}
    said = json.loads(text_in(provider, client.ask(provider, **extra)))
    assert said == {
        "action": "buy",
        "confidence": 0.5,
        "shares": 2,
        "reasons": [{"text": "simulated"}] * 2,
        "note": "simu",
    }


def test_a_schema_that_refers_to_itself_ends() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}
    assert sample({"$ref": "#/$defs/Node", "$defs": {"Node": node}})


TOOL = {"name": "trade", "parameters": {"type": "object", "properties": {"symbol": {"type": "string"}}}}


def tool_request(provider: str, forced: bool) -> dict[str, Any]:
    if provider == "gemini":
        request: dict[str, Any] = {"tools": [{"functionDeclarations": [TOOL]}]}
        return request | ({"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}} if forced else {})
    request = {"tools": [{"type": "function", "function": TOOL}]}
    return request | ({"tool_choice": "required"} if forced else {})


def call_in(provider: str, reply: Any) -> tuple[str, Any] | None:
    if provider == "gemini":
        call = reply["candidates"][0]["content"]["parts"][0].get("functionCall")
        return call and (call["name"], call["args"])
    calls = reply["choices"][0]["message"].get("tool_calls")
    return calls and (calls[0]["function"]["name"], json.loads(calls[0]["function"]["arguments"]))


@pytest.mark.parametrize("forced", [False, True])
def test_a_tool_is_called_when_the_request_or_the_script_demands_it(
    simulator: Simulator, client: Client, provider: str, forced: bool
) -> None:
    if not forced:
        assert not call_in(provider, client.ask(provider, **tool_request(provider, False)).json())
        simulator.fault(provider, tool_call=True, times=1)
    reply = client.ask(provider, **tool_request(provider, forced)).json()
    assert call_in(provider, reply) == ("trade", {"symbol": "simulated"})


def test_a_tool_call_can_be_scripted_and_streamed(simulator: Simulator, client: Client, provider: str) -> None:
    simulator.fault(provider, tool_call={"name": "trade", "arguments": {"symbol": "ACME"}})
    chunks = events(client.ask(provider, stream=True))
    assert '"ACME"' in json.dumps(chunks).replace("\\", "")


def test_embeddings_are_served(client: Client) -> None:
    for provider in ("openai", "together", "openrouter"):
        url = f"{client.simulator.api_base(provider)}/embeddings"
        body = {"model": "e:free", "input": ["one", "two"], "dimensions": 3}
        reply = client.http.post(url, headers={"Authorization": "Bearer k"}, json=body).json()
        assert [len(one["embedding"]) for one in reply["data"]] == [3, 3]
        assert reply["usage"]["total_tokens"] == 2
    base = f"{client.simulator.api_base('gemini')}/models/e"
    content = {"content": {"parts": [{"text": "one"}]}}
    headers = {"x-goog-api-key": "k"}
    single = client.http.post(f"{base}:embedContent", headers=headers, json=content).json()
    assert len(single["embedding"]["values"]) == 8
    both = {"requests": [content, content]}
    several = client.http.post(f"{base}:batchEmbedContents", headers=headers, json=both).json()
    assert len(several["embeddings"]) == 2
    assert {call.kind for call in client.simulator.calls()} == {"embedding"}


def test_a_client_that_leaves_midway_has_used_what_was_reserved(
    simulator: Simulator, client: Client, provider: str
) -> None:
    simulator.set_options(chunk_delay_ms=50)
    url, headers, body = client.request(provider, stream=True, max_tokens=500)
    with client.http.stream("POST", url, headers=headers, json=body) as reply:
        next(reply.iter_bytes())
    wait_for(lambda: simulator.summary()[provider]["open"] == 0)
    (call,) = simulator.calls(provider)
    assert (call.outcome, call.status, call.admitted) == ("disconnected", 200, True)
    assert call.tokens == call.reserved == (509 if provider in ("groq", "openai") else 49)
    assert simulator.summary()[provider]["tokens"] == call.reserved


def test_a_client_that_leaves_before_the_answer_has_used_it_too(
    simulator: Simulator, client: Client, provider: str
) -> None:
    simulator.set_limits({provider: {"rpm": 1}})
    simulator.set_options(latency_ms=5000)
    client.http.timeout = httpx.Timeout(0.1)
    with pytest.raises(httpx.ReadTimeout):
        client.ask(provider)
    wait_for(lambda: simulator.summary()[provider]["open"] == 0)
    assert simulator.calls(provider)[0].outcome == "disconnected"
    client.http.timeout = httpx.Timeout(10)
    assert client.ask(provider).status_code == 429
