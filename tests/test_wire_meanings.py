"""Every recorded failure, driven through the simulator and the Router: who is in cooldown for how long, who is next."""

import json
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest
import yaml
from rig import MODELS, message, reference

from router_config import Router, route_of
from router_config.clock import VirtualClock
from router_config.simulator import Simulator
from router_config.simulator.fixtures import fixtures

pytestmark = pytest.mark.contract

NOW = 1795400730.0
"""2026-11-23 02:25:30 UTC, when the recordings were made: OpenRouter's minute turns in 30 s."""
TO_UTC_MIDNIGHT = 1795478400.0 - NOW
TO_PACIFIC_MIDNIGHT = 1795420800.0 - NOW
COOLDOWN = 300.0
NO_CREDIT = 300.0

Scope = Literal["request", "model", "key", "account", "provider"]


class Row(NamedTuple):
    """`cooldown`: seconds of it; 0.0: none."""

    outcome: str
    scope: Scope
    cooldown: float
    status: str


def limited(scope: Scope, seconds: float) -> Row:
    return Row("rate_limit", scope, seconds, "rate_limited")


def limited_today(scope: Scope, seconds: float) -> Row:
    return Row("daily_limit", scope, seconds, "exhausted")


def failing(outcome: str) -> Row:
    return Row(outcome, "provider", COOLDOWN, "cooldown")


BAD_KEY = Row("bad_key", "key", COOLDOWN, "disabled")
MODEL_GONE = Row("model_gone", "model", COOLDOWN, "disabled")
RETIRED = MODEL_GONE._replace(cooldown=6 * 3600.0)
QUOTA_GONE = Row("quota_gone", "account", NO_CREDIT, "exhausted")
TOO_LARGE = Row("too_large", "request", 0.0, "available")

ROWS: dict[tuple[str, str], Row] = {
    ("groq", "rpm"): limited("model", 2),
    ("groq", "tpm"): limited("model", 15),
    ("groq", "tpd"): limited_today("model", 579),
    ("groq", "toolarge413"): TOO_LARGE,
    ("groq", "notfound_llama33"): MODEL_GONE,
    ("groq", "badkey"): BAD_KEY,
    ("groq", "notfound"): MODEL_GONE,
    ("groq", "decommissioned"): RETIRED,
    ("groq", "flex498"): failing("overloaded"),
    ("groq", "500"): failing("server_error"),
    ("gemini", "rpm"): limited("model", 26.182),
    ("gemini", "tpm"): limited("model", 11.2),
    ("gemini", "rpd"): limited_today("model", TO_PACIFIC_MIDNIGHT),
    ("gemini", "oauth401"): BAD_KEY,
    ("gemini", "limit0"): MODEL_GONE,
    ("gemini", "prepay429"): QUOTA_GONE,
    ("gemini", "badkey400"): BAD_KEY,
    ("gemini", "expired400"): BAD_KEY,
    ("gemini", "notfound404"): MODEL_GONE,
    ("gemini", "overload503"): failing("overloaded"),
    ("gemini", "500"): failing("server_error"),
    ("gemini", "badmodel400"): MODEL_GONE,
    ("openrouter", "free_rpm"): limited("account", 30),
    ("openrouter", "free_rpd"): limited_today("account", TO_UTC_MIDNIGHT),
    ("openrouter", "upstream429"): limited("model", 20),
    ("openrouter", "credits402"): QUOTA_GONE,
    ("openrouter", "insufficient402"): QUOTA_GONE,
    ("openrouter", "keylimit403"): QUOTA_GONE,
    ("openrouter", "badkey401"): BAD_KEY,
    ("openrouter", "nokey401"): BAD_KEY,
    ("openrouter", "badmodel400"): MODEL_GONE,
    ("openrouter", "freeended404"): MODEL_GONE,
    ("openrouter", "502"): failing("overloaded"),
    ("openrouter", "503"): failing("overloaded"),
    ("openrouter", "200_choice_error"): failing("overloaded"),
    ("together", "rps_dynamic"): limited("model", 7),
    ("together", "legacy_qpm"): limited("model", 1),
    ("together", "credit402"): QUOTA_GONE,
    ("together", "badkey401"): BAD_KEY,
    ("together", "badmodel404"): MODEL_GONE,
    ("together", "overload503"): failing("overloaded"),
    ("together", "overload503_mentions_rate_limit"): failing("overloaded"),
    ("together", "500"): failing("server_error"),
    ("openai", "rpm"): limited("model", 20),
    ("openai", "tpm"): limited("model", 8.646),
    ("openai", "rpd"): limited_today("model", 432),
    ("openai", "insufficient_quota"): QUOTA_GONE,
    ("openai", "badkey401"): BAD_KEY,
    ("openai", "notfound404"): MODEL_GONE,
    ("openai", "overload503"): failing("overloaded"),
    ("openai", "500"): failing("server_error"),
    ("openai", "region403"): Row("unknown", "account", COOLDOWN, "disabled"),
}
NEXT: dict[Scope, tuple[str, str]] = {
    "request": ("other", "spare"),
    "model": ("tested", "second"),
    "key": ("tested", "first"),
    "account": ("tested", "first"),
    "provider": ("other", "spare"),
}
"""By scope of the failure, the provider and model that are asked next; for a key or an account with the next key."""


class Caller:
    """A Router of two providers: the one tested, with two models and if wished two keys, and one to go on with."""

    def __init__(self, simulator: Simulator, clock: VirtualClock, folder: Path, provider: str, keys: int) -> None:
        self.simulator, self.clock, self.provider = simulator, clock, provider
        prefix = {"together": "together_ai"}.get(provider, provider)
        other = "gemini" if provider == "openai" else "openai"
        variables = [f"KEY_{number}" for number in range(1, keys + 1)]
        document = reference(simulator, providers=dict.fromkeys(MODELS), aliases={})
        document["providers"] = {
            "tested": {
                "priority": 1,
                "litellm_provider": prefix,
                "api_base": simulator.api_base(provider),
                "api_key": [f"os.environ/{name}" for name in variables],
                "limits": {"rpm": 30, "tpd": "100k"},
                "models": ["first", "second"],
            },
            "other": {
                "priority": 2,
                "litellm_provider": other,
                "api_base": simulator.api_base(other),
                "api_key": "os.environ/OTHER",
                "models": ["spare"],
            },
        }
        path = folder / "litellm.yaml"
        path.write_text(yaml.safe_dump(document), "utf-8")
        self.env = {name: f"secret-{name.lower()}" for name in (*variables, "OTHER")}
        self.router = Router.from_yaml(path, env=self.env, clock=clock)

    def ask(self, *, stream: bool) -> list[tuple[str, str, str]]:
        """Provider, model and outcome of each attempt; a reply without text is an error."""
        before = self.simulator.count()
        reply = self.router.completion(model="default", messages=message(), stream=stream)
        if stream:
            text = "".join(chunk.choices[0].delta.content or "" for chunk in reply if chunk.choices)
        else:
            text = reply.choices[0].message.content
        assert text
        attempts = route_of(reply).attempts
        assert self.simulator.count() - before == len(attempts), "one HTTP request for each attempt"
        return [(each.provider, each.model, each.outcome) for each in attempts]

    def asked(self) -> list[tuple[str, str]]:
        """Model and key of each request at the provider tested."""
        return [(call.model, str(call.key)) for call in self.simulator.calls(self.provider)]

    def shown(self, model: str = "first") -> dict[str, Any]:
        provider = self.router.status()["providers"][0]
        found: dict[str, Any] = next(each for each in provider["models"] if each["name"] == model)
        return found


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOW)


def test_the_table_is_complete() -> None:
    assert set(ROWS) == {(provider, name) for provider in MODELS for name in fixtures(provider)}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("provider", "fixture"), ROWS)
def test_a_failure_rests_what_it_concerns_for_as_long_as_it_says(
    simulator: Simulator, clock: VirtualClock, tmp_path: Path, provider: str, fixture: str, stream: bool
) -> None:
    row = ROWS[provider, fixture]
    caller = Caller(simulator, clock, tmp_path, provider, keys=1)
    try:
        simulator.fault(provider, fixture=fixture, times=1)
        failed, served = caller.ask(stream=stream)
        assert failed == ("tested", "first", row.outcome)
        # With one key, a failure of that key or its account leaves only the other provider.
        assert served == (("other", "spare", "ok") if row.scope in ("key", "account") else (*NEXT[row.scope], "ok"))
        assert caller.shown()["status"] == row.status
        if row.cooldown == 0:
            assert caller.ask(stream=stream) == [("tested", "first", "ok")]
            return
        # Nobody is asked again in vain.
        assert caller.ask(stream=stream) == [served]
        clock.advance(row.cooldown - 0.5)
        assert caller.ask(stream=stream) == [served]
        clock.advance(2.0)
        assert caller.ask(stream=stream) == [("tested", "first", "ok")]
    finally:
        caller.router.close()


@pytest.mark.parametrize(
    ("provider", "fixture"), [place for place, row in ROWS.items() if row.scope in ("key", "account", "request")]
)
def test_a_failure_of_one_key_or_account_leaves_the_pools_other_keys_in_use(
    simulator: Simulator, clock: VirtualClock, tmp_path: Path, provider: str, fixture: str
) -> None:
    row = ROWS[provider, fixture]
    caller = Caller(simulator, clock, tmp_path, provider, keys=2)
    try:
        simulator.fault(provider, fixture=fixture, times=1)
        _, served = caller.ask(stream=False)
        assert served == (*NEXT[row.scope], "ok")
        if row.scope == "request":
            return
        for stream in (False, True, False):
            assert caller.ask(stream=stream) == [("tested", "first", "ok")]
        assert caller.asked() == [("first", f"{provider}#1"), *[("first", f"{provider}#2")] * 4]
        assert not any(secret in json.dumps(caller.router.status()) for secret in caller.env.values())
    finally:
        caller.router.close()
