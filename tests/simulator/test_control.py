"""Everything by HTTP alone, as another process would."""

from typing import Any

import httpx
import pytest

from router_config.simulator import REFERENCE, Simulator
from router_config.simulator.quotas.plain_limits import read_limits, write_limits

from .conftest import NOON, Client


@pytest.fixture
def control(simulator: Simulator, client: Client) -> "Control":
    return Control(simulator, client.http)


class Control:
    def __init__(self, simulator: Simulator, http: httpx.Client) -> None:
        self.base = simulator.control_url
        self.http = http

    def get(self, path: str) -> Any:
        return self.http.get(f"{self.base}/{path}").raise_for_status().json()

    def post(self, path: str, **body: Any) -> Any:
        return self.http.post(f"{self.base}/{path}", json=body).raise_for_status().json()


def test_faults_are_set_listed_and_lifted(control: Control, client: Client) -> None:
    first = control.post("faults", provider="groq", status=500, times=3)["id"]
    control.post("faults", provider="gemini", fixture="rpm")
    assert client.ask("groq").status_code == 500
    assert control.get("faults")["faults"] == [
        {"id": first, "provider": "groq", "status": 500, "times": 2},
        {"id": first + 1, "provider": "gemini", "fixture": "rpm"},
    ]
    assert control.http.delete(f"{control.base}/faults?id={first}").json() == {"cleared": 1}
    assert client.ask("groq").status_code == 200
    assert control.http.delete(f"{control.base}/faults").json() == {"cleared": 1}
    assert client.ask("gemini").status_code == 200


def test_a_providers_port_is_closed_and_opened_over_http(control: Control, client: Client) -> None:
    control.post("faults", provider="together_ai", refused=True)
    with pytest.raises(httpx.ConnectError):
        client.ask("together")
    control.post("reset")
    assert client.ask("together").status_code == 200


def test_the_clock_is_moved(control: Control) -> None:
    assert control.get("clock")["now"] == NOON
    assert control.post("clock", set=NOON + 5, advance=10)["now"] == NOON + 15
    assert control.post("clock", freeze=True)["frozen"] is True
    assert control.post("clock", freeze=False)["frozen"] is False


def test_limits_are_set_and_shown(control: Control, client: Client) -> None:
    limits = {"rpm": 2, "models": {"m": {"tpm": 50}}, "each_model": {"rpd": 9}, "shared_account": True}
    assert control.post("limits", groq=limits)["groq"] == limits
    assert [client.ask("groq").status_code for _ in range(3)] == [200, 200, 429]
    assert control.post("limits", reference=True)["gemini"] == {"rpm": 60, "tpd": 15_000_000}
    assert control.get("limits")["groq"] == {"rpm": 30, "tpd": 100_000}


def test_requests_are_listed_with_an_exact_count(client: Client) -> None:
    with Simulator({}, remember=3, keep_bodies=True) as simulator:
        remembering = Client(simulator)
        control = Control(simulator, remembering.http)
        with remembering.http:
            for _ in range(5):
                remembering.ask("groq", temperature=0.5)
            remembering.ask("openai")
            listed = control.get("requests?provider=groq&last=1")
            everything = control.get("requests")
    assert (listed["count"], listed["matching"], len(listed["requests"])) == (5, 2, 1)
    assert everything["count"] == 6
    request = listed["requests"][0]
    assert request["parameters"] == ["messages", "model", "temperature"]
    assert request["body"]["temperature"] == 0.5
    assert (request["number"], request["key"], request["status"], request["tokens"]) == (5, "groq#1", 200, 49)


def test_requests_can_be_asked_for_from_a_moment_on(control: Control, client: Client) -> None:
    client.ask("groq")
    control.post("clock", advance=10)
    client.ask("groq")
    assert control.get(f"requests?since={NOON + 10}")["matching"] == 1
    assert len(client.simulator.calls("groq", since=NOON + 10)) == 1


def test_the_summary_counts_everything(control: Control, client: Client) -> None:
    control.post("limits", groq={"rpm": 2, "tpm": 1000})
    for _ in range(3):
        client.ask("groq")
    groq = control.get("summary")["groq"]
    assert (groq["requests"], groq["admitted"], groq["rate_limited"], groq["open"]) == (3, 2, 1, 0)
    assert groq["statuses"] == {"200": 2, "429": 1}
    assert (groq["prompt_tokens"], groq["completion_tokens"], groq["tokens"]) == (18, 80, 98)
    assert groq["worst_rolling_minute"] == {
        "requests": 2,
        "tokens": 98,
        "requests_ratio": 1.0,
        "tokens_ratio": 0.098,
    }
    assert groq["windows"]["groq#1"]["tpm"] == {"limit": 1000, "used": 98, "remaining": 902}
    assert groq["days"] == {"2026-11-23": {"requests": 3, "admitted": 2, "rate_limited": 1, "tokens": 98}}
    assert set(control.get("summary?provider=openai")) == {"openai"}


def test_geminis_days_are_californian(control: Control, client: Client) -> None:
    control.post("clock", set=NOON - 5 * 3600)  # 07:00 UTC is 23:00 there, the day before
    client.ask("gemini")
    client.ask("groq")
    summary = control.get("summary")
    assert list(summary["gemini"]["days"]) == ["2026-11-22"]
    assert list(summary["groq"]["days"]) == ["2026-11-23"]


def test_reset_begins_again(control: Control, client: Client) -> None:
    control.post("limits", groq={"rpm": 1})
    control.post("faults", provider="gemini", status=500)
    control.post("options", answer="changed")
    control.post("keys", provider="openai", bad=["a-key"])
    client.ask("groq")
    control.post("reset")
    assert control.get("requests")["count"] == 0
    assert {client.ask(p).status_code for p in ("groq", "gemini", "openai") for _ in range(2)} == {200}
    assert control.get("options")["answer"] is None


def test_options_are_changed(control: Control, client: Client) -> None:
    control.post("options", answer="Hold.", latency_ms="1-2", latencies_ms={"groq": 0}, chunk_tokens=1)
    assert control.get("options")["latency_ms"] == [1.0, 2.0]
    assert client.ask("groq").json()["choices"][0]["message"]["content"] == "Hold."


@pytest.mark.parametrize(
    ("path", "body", "complaint"),
    [
        ("faults", {"provider": "groq", "nonsense": 1}, "unknown nonsense"),
        ("faults", {"provider": "groq", "fixture": "nonsense"}, "has no fixture"),
        ("faults", {"provider": "nobody", "status": 500}, "no simulated provider"),
        ("clock", {"advance": "soon"}, "expected seconds"),
        ("clock", {"jump": 1}, "unknown jump"),
        ("limits", {"groq": {"rpm": -1}}, "groq.rpm: expected a whole number"),
        ("limits", {"groq": {"rpn": 1}}, "unknown rpn"),
        ("limits", {"groq": {"models": {"m": {"rpm": "lots"}}}}, "groq.models.m.rpm"),
        ("limits", {"groq": {"requests": {"per": "5 weeks", "max": 1}}}, "groq.requests.per: expected seconds"),
        ("limits", {"groq": {"requests": {"per": "5h"}}}, "groq.requests: expected {per: 5h, max: 200}"),
        ("limits", {"groq": {"month": {"day": 32}}}, "groq.month.day: expected a day of the month"),
        ("limits", {"groq": {"day": {"timezone": "Mars/Base"}}}, "no IANA timezone"),
        ("limits", {"groq": {"usd_per_month": "much"}}, "groq.usd_per_month: expected a number"),
        ("options", {"latency_ms": "800-50"}, "from low to high"),
        ("options", {"answer_tokens": -4}, "answer_tokens"),
        ("keys", {"provider": "groq", "bad": "one"}, "expected a list"),
    ],
)
def test_a_wrong_control_is_told_what_is_wrong(
    control: Control, path: str, body: dict[str, Any], complaint: str
) -> None:
    reply = control.http.post(f"{control.base}/{path}", json=body)
    assert reply.status_code == 400
    assert complaint in reply.json()["error"]


def test_the_root_explains_itself(simulator: Simulator, client: Client) -> None:
    text = client.http.get(simulator.url).text
    assert f"curl {simulator.url}/_control/summary" in text
    assert f"{simulator.url}/gemini/v1beta" in text
    assert client.http.get(f"{simulator.url}/healthz").json() == {"status": "ok", "simulated": True}
    assert client.http.get(f"{simulator.url}/nothing").status_code == 404


def test_fixtures_are_listed(control: Control) -> None:
    assert "free_rpd" in control.get("fixtures")["openrouter"]


def test_limits_survive_being_written_and_read() -> None:
    assert read_limits(write_limits(REFERENCE)) == dict(REFERENCE)
    spans = {"day": {"timezone": "Europe/Berlin"}, "week": {"window": "rolling"}, "month": {"day": 31}}
    odd = {"requests": {"per": "5h", "max": 200}, "tokens": [{"per": 90, "max": 7}, {"per": "10d", "max": 0}]}
    price = {"input": 0.15, "output": 0.6}
    given = read_limits({"openai": {"rph": 1, "usd_per_month": 2.5, "parallel": 1, "price": price, **odd, **spans}})
    assert read_limits(write_limits(given)) == given
