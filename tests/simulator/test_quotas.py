"""Each provider's own windows, headers and refusals, over HTTP."""

import contextlib
import math
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from router_config.simulator import Simulator
from router_config.simulator.dialects.base import duration
from router_config.simulator.fixtures import fixtures

from .conftest import NOON, Client, wait_for


def seconds(text: str) -> float:
    """What Go's duration `1h2m3.5s` or `172ms` means."""
    parts = re.findall(r"([\d.]+)(ms|h|m|s)", text)
    return sum(float(n) * {"h": 3600, "m": 60, "s": 1, "ms": 0.001}[unit] for n, unit in parts)


def shape(value: Any) -> Any:
    """The structure of JSON, without its values."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value]
    return type(value).__name__


def exhaust(client: Client, provider: str, count: int, **ask: Any) -> httpx.Response:
    for _ in range(count):
        assert client.ask(provider, **ask).status_code == 200
    refused = client.ask(provider, **ask)
    assert refused.status_code == 429
    return refused


def test_the_reference_limits_hold_in_every_provider(provider: str) -> None:
    with Simulator(clock=lambda: NOON) as simulator:
        client = Client(simulator)
        rpm = {"groq": 30, "gemini": 60, "openrouter": 50, "together": 40, "openai": 60}[provider]
        with client.http:
            exhaust(client, provider, rpm)
        peak = simulator.worst_rolling_minute(provider)
        assert (peak.requests, peak.requests_ratio) == (rpm, 1.0)
        assert simulator.summary()[provider]["rate_limited"] == 1


@pytest.mark.parametrize("refilling", ["groq", "together", "openai"])
def test_a_token_bucket_lets_one_request_through_as_soon_as_its_share_is_refilled(
    simulator: Simulator, client: Client, refilling: str
) -> None:
    simulator.set_limits({refilling: {"rpm": 4}})
    exhaust(client, refilling, 4)
    simulator.advance(14.9)
    assert client.ask(refilling).status_code == 429
    simulator.advance(0.1)
    assert client.ask(refilling).status_code == 200
    assert client.ask(refilling).status_code == 429


@pytest.mark.parametrize("aligned", ["gemini", "openrouter"])
def test_a_clock_minute_frees_everything_when_it_turns(simulator: Simulator, client: Client, aligned: str) -> None:
    simulator.set_limits({aligned: {"rpm": 4}})
    simulator.set_time(NOON + 59)
    exhaust(client, aligned, 4)
    simulator.advance(1)
    exhaust(client, aligned, 4)
    assert simulator.worst_rolling_minute(aligned).requests_ratio == 2.0


def test_strict_rolling_refuses_two_bursts_around_the_turn_of_a_minute(
    simulator: Simulator, client: Client, provider: str
) -> None:
    simulator.set_limits({provider: {"rpm": 4, "strict_rolling": True}})
    simulator.set_time(NOON + 59)
    exhaust(client, provider, 4)
    simulator.advance(1)
    assert client.ask(provider).status_code == 429
    simulator.advance(59)
    exhaust(client, provider, 4)
    assert simulator.worst_rolling_minute(provider).requests_ratio == 1.0


def at(zone: str, *when: int) -> float:
    return datetime(*when, tzinfo=ZoneInfo(zone)).timestamp()  # type: ignore[arg-type,misc]


LA = "America/Los_Angeles"


@pytest.mark.parametrize(
    ("provider", "before", "midnight"),
    [
        ("gemini", at(LA, 2026, 11, 23, 23, 59, 59), at(LA, 2026, 11, 24)),
        ("gemini", at(LA, 2026, 3, 8, 0, 30), at(LA, 2026, 3, 9)),  # a day of 23 hours
        ("gemini", at(LA, 2026, 11, 1, 0, 30), at(LA, 2026, 11, 2)),  # a day of 25 hours
        ("openrouter", at("UTC", 2026, 11, 23, 23, 59, 59), at("UTC", 2026, 11, 24)),
    ],
)
def test_a_day_begins_at_the_providers_midnight(
    simulator: Simulator, client: Client, provider: str, before: float, midnight: float
) -> None:
    simulator.set_limits({provider: {"rpd": 2}})
    simulator.set_time(before)
    exhaust(client, provider, 2)
    simulator.set_time(midnight - 0.001)
    assert client.ask(provider).status_code == 429
    simulator.set_time(midnight)
    assert client.ask(provider).status_code == 200


def test_groqs_day_refills_continuously(simulator: Simulator, client: Client) -> None:
    simulator.set_limits({"groq": {"rpd": 24}})
    exhaust(client, "groq", 24)
    simulator.advance(3600)
    assert client.ask("groq").status_code == 200
    assert client.ask("groq").status_code == 429


# Headers and bodies


FULL = {"each_model": {"rpm": 30, "tpm": 8000, "rpd": 1000, "tpd": 200_000}}
ONLY = {
    ("groq", "rpm"): {"rpm": 2, "tpm": 8000, "rpd": 1000},
    ("groq", "tpm"): {"rpm": 30, "tpm": 100, "rpd": 1000},
    ("groq", "tpd"): {"tpd": 100, "tpm": 8000, "rpd": 1000},
    ("gemini", "rpm"): {"rpm": 2},
    ("gemini", "tpm"): {"tpm": 20},
    ("gemini", "rpd"): {"rpd": 2},
    ("openai", "rpm"): {"rpm": 2, "tpm": 8000},
    ("openai", "rpd"): {"rpd": 2, "tpm": 8000},
}


@pytest.mark.parametrize(("provider", "window"), ONLY)
def test_refusals_have_the_structure_of_the_recorded_ones(
    simulator: Simulator, client: Client, provider: str, window: str
) -> None:
    simulator.set_limits({provider: {"each_model": ONLY[provider, window]}})
    refused = exhaust(client, provider, 2)
    recorded = fixtures(provider)[window]
    assert shape(refused.json()) == shape(recorded.body)
    assert {name.lower() for name in recorded.headers} <= set(refused.headers)


def test_openais_token_refusal_has_the_structure_of_the_recorded_one(simulator: Simulator, client: Client) -> None:
    simulator.set_limits({"openai": {"rpm": 30, "tpm": 100}})
    refused = exhaust(client, "openai", 2)
    recorded = fixtures("openai")["tpm"]
    assert shape(refused.json()) == shape(recorded.body)
    assert {name.lower() for name in recorded.headers} <= set(refused.headers)


@pytest.mark.parametrize(("window", "name"), [("rpm", "free_rpm"), ("rpd", "free_rpd")])
def test_openrouters_refusals_have_the_structure_of_the_recorded_ones(
    simulator: Simulator, client: Client, window: str, name: str
) -> None:
    simulator.set_limits({"openrouter": {window: 2}})
    refused = exhaust(client, "openrouter", 2)
    recorded = fixtures("openrouter")[name]
    assert shape(refused.json()) == shape(recorded.body)
    assert refused.json()["error"]["message"] == recorded.body["error"]["message"]
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert "retry-after" not in refused.headers
    end = NOON + (60 if window == "rpm" else 12 * 3600)
    assert refused.headers["x-ratelimit-reset"] == str(round(end * 1000))
    assert refused.json()["error"]["metadata"]["headers"]["X-RateLimit-Reset"] == str(round(end * 1000))


def test_togethers_refusal_has_the_structure_of_the_recorded_one(simulator: Simulator, client: Client) -> None:
    simulator.set_limits({"together": {"rpm": 2}})
    refused = exhaust(client, "together", 2)
    assert shape(refused.json()) == shape(fixtures("together")["rps_dynamic"].body)
    assert refused.headers["x-ratelimit-reset"] == "30"
    assert "2 RPM" in refused.json()["error"]["message"]
    assert "retry-after" not in refused.headers


def test_groqs_headers_follow_its_formulas(simulator: Simulator, client: Client) -> None:
    simulator.set_limits({"groq": FULL})
    for count in range(1, 6):
        reply = client.ask("groq", "x" * 400)
        tokens = reply.json()["usage"]["total_tokens"]
        headers = reply.headers
        assert headers["x-ratelimit-limit-requests"] == "1000"
        assert headers["x-ratelimit-limit-tokens"] == "8000"
        assert headers["x-ratelimit-remaining-requests"] == str(1000 - count)
        assert headers["x-ratelimit-remaining-tokens"] == str(8000 - count * tokens)
        assert headers["x-ratelimit-reset-requests"] == duration(count * 86400 / 1000)
        assert seconds(headers["x-ratelimit-reset-tokens"]) == pytest.approx(count * tokens * 60 / 8000, abs=1e-3)
        assert "retry-after" not in headers


def test_headers_tell_only_of_windows_that_exist(simulator: Simulator, client: Client) -> None:
    simulator.set_limits({"groq": {"rpm": 30, "tpd": 100_000}})
    assert not [name for name in client.ask("groq").headers if name.startswith("x-ratelimit")]


@pytest.mark.parametrize("provider", ["groq", "openai"])
@pytest.mark.parametrize(
    ("limits", "pattern"),
    [({"rpm": 3}, "RPM"), ({"tpm": 400}, "TPM"), ({"rpd": 3}, "RPD"), ({"tpd": 400}, "TPD")],
)
def test_the_wait_of_a_refusal_follows_its_numbers(
    simulator: Simulator, client: Client, provider: str, limits: dict[str, int], pattern: str
) -> None:
    simulator.set_limits({provider: {"each_model": limits}})
    while (reply := client.ask(provider, max_tokens=77)).status_code == 200:
        simulator.advance(0.37)
    message = reply.json()["error"]["message"]
    found = re.search(rf"\({pattern}\): Limit (\d+), Used (\d+), Requested (\d+)", message)
    assert found is not None
    limit, used, requested = map(int, found.groups())
    wait = (used + requested - limit) / limit * (60 if pattern.endswith("M") else 86400)
    assert f"Please try again in {duration(wait)}. " in message
    assert reply.headers["retry-after"] == str(math.ceil(wait))
    if provider == "openai":
        assert reply.headers["retry-after-ms"] == str(math.ceil(wait * 1000))
    simulator.advance(math.ceil(wait))
    assert client.ask(provider, max_tokens=77).status_code == 200


def test_openais_request_header_follows_the_window_in_force(simulator: Simulator, client: Client) -> None:
    simulator.set_limits({"openai": {"rpm": 10, "rpd": 12}})
    assert client.ask("openai").headers["x-ratelimit-limit-requests"] == "10"
    for _ in range(5):
        simulator.advance(60)
        latest = client.ask("openai").headers
    assert latest["x-ratelimit-limit-requests"] == "12"
    assert latest["x-ratelimit-remaining-requests"] == "6"


def test_gemini_openrouter_and_together_tell_nothing_on_success(
    simulator: Simulator, client: Client, provider: str
) -> None:
    simulator.set_limits({provider: {"rpm": 10, "tpm": 10_000, "rpd": 100}})
    told = [name for name in client.ask(provider).headers if name.startswith("x-ratelimit")]
    assert bool(told) == (provider in ("groq", "openai"))


def test_a_daily_gemini_refusal_carries_a_short_hint_and_a_daily_quota_id(simulator: Simulator, client: Client) -> None:
    simulator.set_limits({"gemini": {"each_model": {"rpd": 2}}})
    simulator.set_time(NOON + 33.8)
    details = exhaust(client, "gemini", 2).json()["error"]["details"]
    assert details[1]["violations"][0]["quotaId"] == "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
    assert details[1]["violations"][0]["quotaDimensions"]["model"] == "some-model:free"
    assert details[2]["retryDelay"] == "26s"


def test_a_gemini_model_with_a_limit_of_zero_says_so(simulator: Simulator, client: Client) -> None:
    simulator.set_limits({"gemini": {"models": {"gemini-3.1-pro": {"rpd": 0}}}})
    refused = client.ask("gemini", model="gemini-3.1-pro")
    assert refused.status_code == 429
    assert "limit: 0, model: gemini-3.1-pro" in refused.json()["error"]["message"]
    assert client.ask("gemini", model="another").status_code == 200


# Longer windows, and requests at a time

NEW_YEAR = at("UTC", 2026, 12, 31, 12)
LONG: dict[str, tuple[dict[str, Any], float]] = {
    "hour": ({"rph": 2}, NEW_YEAR + 3600),
    "five hours": ({"requests": {"per": "5h", "max": 2}}, NEW_YEAR + 5 * 3600),
    "week": ({"rpw": 2, "day": {"timezone": LA}}, at(LA, 2027, 1, 4)),
    "rolling week": ({"rpw": 2, "week": {"window": "rolling"}}, NEW_YEAR + 7 * 86400),
    "month": ({"rpmo": 2, "day": {"timezone": "UTC"}}, at("UTC", 2027, 1, 1)),
    "month from the 30th": ({"rpmo": 2, "day": {"timezone": LA}, "month": {"day": 30}}, at(LA, 2027, 1, 30)),
    "rolling month": ({"rpmo": 2, "month": {"window": "rolling"}}, NEW_YEAR + 31 * 86400),
}
MINUTES = {"groq": "rpm", "gemini": "rpm", "openrouter": "free_rpd", "together": "rps_dynamic", "openai": "rpm"}
"""The recorded refusal whose structure those of longer windows have too."""


@pytest.mark.parametrize("name", LONG)
def test_longer_windows_are_enforced_until_they_end(
    simulator: Simulator, client: Client, provider: str, name: str
) -> None:
    limits, end = LONG[name]
    simulator.set_limits({provider: {**limits, "strict_rolling": True}})
    simulator.set_time(NEW_YEAR)
    refused = exhaust(client, provider, 2)
    assert set(shape(refused.json())["error"]) == set(shape(fixtures(provider)[MINUTES[provider]].body)["error"])
    simulator.set_time(end - 0.01)
    assert client.ask(provider).status_code == 429
    simulator.set_time(end)
    exhaust(client, provider, 2)


def test_dollars_are_counted_at_the_providers_price(simulator: Simulator, client: Client, provider: str) -> None:
    price = {"input": 100, "output": 1000}  # of one request 6 or 7 and 40 tokens: 4.1 cents
    simulator.set_limits({provider: {"usd_per_month": 0.1, "price": price}})
    assert [client.ask(provider, max_tokens=40).status_code for _ in range(2)] == [200, 200]
    assert client.ask(provider, max_tokens=40).status_code in (402, 403, 429)
    used = next(iter(simulator.summary()[provider]["windows"].values()))["usd_per_month"]["used"]
    assert used == pytest.approx(0.081, abs=0.001)


@pytest.mark.parametrize(("limit", "used"), [("itpm", "prompt_tokens"), ("otpm", "completion_tokens")])
def test_input_and_output_tokens_are_counted_apart(simulator: Simulator, client: Client, limit: str, used: str) -> None:
    simulator.set_limits({"openai": {limit: 100}})
    answers = []
    while (reply := client.ask("openai", max_tokens=40)).status_code == 200:
        answers.append(reply.json()["usage"][used])
    assert f"({limit.upper()}): Limit 100, Used {sum(answers)}" in reply.json()["error"]["message"]
    assert 100 - max(answers) < sum(answers) <= 100


@pytest.mark.parametrize("ends", ["answered", "broken off"])
def test_a_request_is_open_until_it_ends(simulator: Simulator, client: Client, provider: str, ends: str) -> None:
    simulator.set_limits({provider: {"parallel": 1}})
    simulator.fault(provider, times=1, **({"timeout": True} if ends == "broken off" else {"latency_ms": 300}))

    def asked() -> None:
        with contextlib.nullcontext() if ends == "answered" else pytest.raises(httpx.HTTPError):
            client.ask(provider)

    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(asked)
        wait_for(lambda: simulator.summary()[provider]["open"] == 1)
        refused = client.ask(provider)
        assert refused.status_code == 429
        assert "oncurrent" in refused.text or provider == "together"
        if ends == "broken off":
            simulator.clear()
        first.result()
    wait_for(lambda: simulator.summary()[provider]["open"] == 0)
    assert [client.ask(provider).status_code for _ in range(2)] == [200, 200]


# Tokens


def test_groq_reserves_max_tokens_and_corrects_them_afterwards(simulator: Simulator, client: Client) -> None:
    simulator.set_limits({"groq": {"tpm": 1000}})
    reply = client.ask("groq", max_tokens=900)
    used = reply.json()["usage"]["total_tokens"]
    assert used < 100
    assert reply.headers["x-ratelimit-remaining-tokens"] == str(1000 - used)
    assert client.ask("groq", max_tokens=900).status_code == 200


def test_groq_refuses_what_reserves_more_than_a_minute_holds_with_413(simulator: Simulator, client: Client) -> None:
    simulator.set_limits({"groq": {"each_model": {"tpm": 8000, "rpd": 1000}}})
    refused = client.ask("groq", max_tokens=8400)
    recorded = fixtures("groq")["toolarge413"]
    assert refused.status_code == 413
    assert shape(refused.json()) == shape(recorded.body)
    assert set(recorded.headers) <= set(refused.headers)
    assert refused.json()["error"]["message"].startswith("Request too large for model `some-model:free`")
    assert simulator.summary()["groq"]["rate_limited"] == 0
    assert client.ask("groq", max_tokens=100).status_code == 200


def test_openai_refuses_it_with_429(simulator: Simulator, client: Client) -> None:
    simulator.set_limits({"openai": {"tpm": 8000}})
    refused = client.ask("openai", max_tokens=8400)
    assert refused.status_code == 429
    assert "Request too large" in refused.json()["error"]["message"]


def test_gemini_counts_input_tokens_alone(simulator: Simulator, client: Client) -> None:
    simulator.set_limits({"gemini": {"tpm": 100}})
    assert client.ask("gemini", "x" * 372, max_tokens=4000).status_code == 200  # 93 and 7 for the frame
    refused = client.ask("gemini", "x")
    assert refused.status_code == 429
    assert "generate_content_free_tier_input_token_count, limit: 100" in refused.json()["error"]["message"]


# Accounts, models, keys


def test_each_model_has_windows_of_its_own_besides_the_accounts(simulator: Simulator, client: Client) -> None:
    simulator.set_limits({"groq": {"rpm": 3, "models": {"small": {"rpm": 1}}}})
    assert client.ask("groq", model="small").status_code == 200
    assert client.ask("groq", model="small").status_code == 429
    assert client.ask("groq", model="big").status_code == 200
    assert client.ask("groq", model="big").status_code == 200
    assert client.ask("groq", model="big").status_code == 429


def test_a_refused_request_uses_nothing(simulator: Simulator, client: Client) -> None:
    simulator.set_limits({"groq": {"rpm": 5, "models": {"small": {"rpm": 1}}}})
    for _ in range(9):
        client.ask("groq", model="small")
    for _ in range(4):
        assert client.ask("groq", model="big").status_code == 200


def test_keys_have_accounts_of_their_own_unless_they_share_one(simulator: Simulator, client: Client) -> None:
    simulator.set_limits({"groq": {"rpm": 1}, "gemini": {"rpm": 1, "shared_account": True}})
    statuses = {
        provider: [client.ask(provider, key=key).status_code for key in ("one", "two")]
        for provider in ("groq", "gemini")
    }
    assert statuses == {"groq": [200, 200], "gemini": [200, 429]}


def test_openrouters_limits_hold_for_all_free_models_together(simulator: Simulator, client: Client) -> None:
    simulator.set_limits({"openrouter": {"rpm": 2}})
    models = ("a/a:free", "b/b:free", "c/c:free", "a/paid")
    statuses = [client.ask("openrouter", model=model).status_code for model in models]
    assert statuses == [200, 200, 429, 200]
    simulator.set_limits({"openrouter": {"rpm": 2, "free_only": False}})
    assert [client.ask("openrouter", model="a/paid").status_code for _ in range(3)] == [200, 200, 429]


def test_openrouter_counts_failed_calls(simulator: Simulator, client: Client) -> None:
    simulator.set_limits({"openrouter": {"rpd": 3}, "groq": {"rpd": 3}})
    simulator.fault(status=502, times=2)
    simulator.fault("groq", status=502, times=2)
    for provider in ("openrouter", "groq"):
        for _ in range(2):
            assert client.ask(provider).status_code == 502
    assert [client.ask("openrouter").status_code for _ in range(2)] == [200, 429]
    assert [client.ask("groq").status_code for _ in range(4)] == [200, 200, 200, 429]


def test_durations_are_written_as_go_writes_them() -> None:
    written = {0.172: "172ms", 3.48: "3.48s", 345.6: "5m45.6s", 86400: "24h0m0s", 432: "7m12s", 0: "0s"}
    assert {value: duration(value) for value in written} == written
    assert duration(54.9375) == "54.937s"
    assert duration(2678.4) == "44m38.4s"
