"""The lists of models that the simulated providers have, and how they change while the simulator runs."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from router_config.simulator import PROVIDERS, Simulator
from router_config.simulator.lists.listed_models import SERVICES, ListedError

from .conftest import Client

KEYS = {"authorization": "Bearer a-key", "x-goog-api-key": "a-key", "x-api-key": "a-key"}


def listed(simulator: Simulator, provider: str, query: str = "") -> Any:
    service = SERVICES.get(provider)
    url = f"{simulator.api_base(provider)}/models" if service is None else f"{simulator.url}/{provider}{service.path}"
    reply = httpx.get(url + query, headers=KEYS, trust_env=False)
    reply.raise_for_status()
    return reply.json()


@pytest.mark.parametrize("name", [*PROVIDERS, *SERVICES])
def test_a_model_is_listed_until_it_is_retired(simulator: Simulator, name: str) -> None:
    simulator.change_models(name, add={"one": {"context": 8192, "price": [0.1, 0.4], "vision": True}, "two": {}})
    assert '"one"' in str(listed(simulator, name)).replace("'", '"').replace("models/", "")
    simulator.change_models(name, retire=["one"])
    told = str(listed(simulator, name))
    assert "one'" not in told
    assert "two'" in told
    assert [(each.kind, each.outcome) for each in simulator.calls()] == [("models", "ok")] * 2


def test_a_retired_model_answers_no_more(simulator: Simulator, client: Client) -> None:
    assert client.ask("groq", model="m").status_code == 200
    client.http.post(f"{simulator.control_url}/models", json={"provider": "groq", "add": {"n": {}}, "retire": ["m"]})
    assert client.ask("groq", model="m").json()["error"]["code"] == "model_decommissioned"
    assert client.http.get(f"{simulator.control_url}/models").json()["groq"] == ["n"]
    client.http.post(f"{simulator.control_url}/models", json={"provider": "groq", "add": {"m": {}}})
    assert client.ask("groq", model="m").status_code == 200


PAGES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "gemini": ("?pageToken={}", lambda told: told.get("nextPageToken")),
    "cohere": ("?page_token={}", lambda told: told.get("next_page_token")),
    "anthropic": ("?after_id={}", lambda told: told["last_id"] if told["has_more"] else None),
    "cloudflare": (
        "?page={}",
        lambda told: None if told["result_info"]["page"] == 3 else told["result_info"]["page"] + 1,
    ),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_list_is_cut_into_pages(simulator: Simulator, name: str) -> None:
    simulator.change_models(name, add=["a", "b", "c", "d", "e"])
    simulator.set_options(list_page=2)
    query, following = PAGES[name]
    found, more = [], ""
    for _ in range(3):
        told = listed(simulator, name, more)
        found += [each.get("id", each.get("name")) for each in told.get("models", told.get("data", told.get("result")))]
        more = query.format(following(told))
    assert [each.removeprefix("models/") for each in found] == ["a", "b", "c", "d", "e"]
    assert following(told) is None


def test_a_list_needs_a_key_that_works(simulator: Simulator, client: Client, provider: str) -> None:
    url = f"{simulator.api_base(provider)}/models"
    assert client.http.get(url).status_code in (400, 401, 403)
    simulator.set_keys(provider, bad=["a-key"])
    assert client.http.get(url, headers=KEYS).status_code in (400, 401, 403)


def test_a_fault_may_hit_lists_alone(simulator: Simulator, client: Client) -> None:
    simulator.fault("groq", kind="models", status=503)
    assert client.http.get(f"{simulator.api_base('groq')}/models", headers=KEYS).status_code == 503
    assert client.ask("groq").status_code == 200


def test_what_is_no_list_is_said(simulator: Simulator, client: Client) -> None:
    with pytest.raises(ListedError, match="contxt"):
        simulator.change_models("groq", add={"m": {"contxt": 1}})
    reply = client.http.post(f"{simulator.control_url}/models", json={"provider": "groq", "add": {"m": {"price": 1}}})
    assert reply.status_code == 400
    assert "price" in reply.json()["error"]
