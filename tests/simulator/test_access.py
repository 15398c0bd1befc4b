"""Keys, models and requests that a provider turns away before it looks at quotas."""

import pytest

from router_config.simulator import Simulator
from router_config.simulator.fixtures import fixtures

from .conftest import Client

MISSING = {"groq": 401, "gemini": 403, "openrouter": 401, "together": 401, "openai": 401}
BAD = {"groq": "badkey", "gemini": "badkey400", "openrouter": "badkey401", "together": "badkey401"}
UNKNOWN = {"groq": 404, "gemini": 404, "openrouter": 400, "together": 404, "openai": 404}
RETIRED = {"groq": 400, "gemini": 404, "openrouter": 404, "together": 400, "openai": 404}


def test_a_missing_key_is_refused_as_the_provider_does(client: Client, provider: str) -> None:
    assert client.ask(provider, key=None).status_code == MISSING[provider]


def test_a_bad_key_is_refused_and_never_told_of(simulator: Simulator, client: Client, provider: str) -> None:
    simulator.set_keys(provider, bad=["sk-secret-bad"])
    reply = client.ask(provider, key="sk-secret-bad")
    assert reply.status_code in (400, 401)
    assert "sk-secret" not in reply.text
    if provider in BAD:
        recorded = fixtures(provider)[BAD[provider]].body["error"]
        assert {k: reply.json()["error"][k] for k in recorded if k != "id"} == recorded
    assert client.ask(provider, key="sk-secret-good").status_code == 200
    everything = client.http.get(f"{simulator.control_url}/requests").text + repr(simulator.calls())
    assert "sk-secret" not in everything
    assert [call.key for call in simulator.calls(provider)] == [f"{provider}#1", f"{provider}#2"]


def test_a_key_can_be_turned_bad_by_its_label_and_good_again(simulator: Simulator, client: Client) -> None:
    assert client.ask("groq", key="one").status_code == 200
    simulator.set_keys("groq", bad=["groq#1"])
    assert client.ask("groq", key="one").status_code == 401
    simulator.set_keys("groq", bad=[])
    assert client.ask("groq", key="one").status_code == 200
    simulator.set_keys("groq", good=["two"])
    assert [client.ask("groq", key=key).status_code for key in ("one", "two")] == [401, 200]


def test_geminis_key_may_stand_in_the_query(client: Client) -> None:
    url, _, body = client.request("gemini")
    assert client.http.post(f"{url}?key=a-key", json=body).status_code == 200


def test_unknown_and_retired_models_are_refused_as_the_provider_does(
    simulator: Simulator, client: Client, provider: str
) -> None:
    simulator.set_limits({provider: {"rpm": 9, "models": {"limited": {"rpm": 1}}}})
    simulator.set_options(any_model=False, models={provider: ["named"]}, retired={provider: ["old:free"]})
    statuses = [client.ask(provider, model=m).status_code for m in ("named", "limited", "new", "old:free")]
    assert statuses == [200, 200, UNKNOWN[provider], RETIRED[provider]]
    assert [call.admitted for call in simulator.calls(provider)] == [True, True, False, False]


def test_a_prompt_that_exceeds_the_context_window_is_refused(
    simulator: Simulator, client: Client, provider: str
) -> None:
    simulator.set_limits({provider: {"context": 100}})
    reply = client.ask(provider, "x" * 1000)
    assert reply.status_code in (400, 422)
    assert client.ask(provider, "x").status_code == 200


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"model": 3}',
        b'{"model": "m", "messages": [], "contents": []}',
        b'{"model": "m", "messages": ["x"], "contents": ["x"]}',
        b'{"model": "m", "messages": [{}], "response_format": "x", "contents": [{}], "generationConfig": "x"}',
        b'{"model": "m", "messages": [{}], "tools": 7, "contents": [{"parts": []}], "tools": 7}',
        b'{"model": "m", "messages": [{}], "max_tokens": "x", "contents": [{"parts": []}], '
        b'"generationConfig": {"maxOutputTokens": "x"}}',
    ],
)
def test_a_request_that_makes_no_sense_gets_400(client: Client, provider: str, content: bytes) -> None:
    url, headers, _ = client.request(provider)
    reply = client.http.post(url, headers=headers, content=content)
    assert reply.status_code == 400
    assert reply.json()["error"]["message"]
    assert client.simulator.calls()[0].outcome == "bad_request"


def test_an_unknown_path_gets_404_in_the_providers_shape(client: Client, provider: str) -> None:
    reply = client.http.post(f"{client.simulator.url}/{provider}/v9/nothing", json={})
    assert (reply.status_code, "error" in reply.json()) == (404, True)
