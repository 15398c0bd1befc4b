"""A deployment is the same whether it comes from the configuration or from LiteLLM's model list."""

import asyncio
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rig import MakeRouter, message, reference
from rig_cli import run_router_config

from monitoring import ConfiguredSource
from router_config import Config, ConfigError, Router, load_config
from router_config.clock import VirtualClock
from router_config.deployments.catalog import Catalog
from router_config.deployments.model_list import deployments_of, generate
from router_config.ledger.opening import open_store
from router_config.simulator import Simulator

LIMIT_NAMES = ("rpm", "tpm", "rpd", "tpd")
ENVIRONMENT = {"FIRST_KEY": "key-one", "SECOND_KEY": "key-two"}


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


_limits = optional(**{name: st.integers(0, 10**6) for name in LIMIT_NAMES}, usd_per_day=st.sampled_from([0, 0.5, 20]))
_models = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["gpt-4o-mini", "gpt-4o", "deepseek/deepseek-r1:free", "unheard-of"])},
        optional={
            "limits": _limits,
            "groups": st.lists(st.sampled_from(["default", "fast", "slow"]), min_size=1, max_size=3),
            "price": st.fixed_dictionaries({"input": st.sampled_from([0, 0.15]), "output": st.sampled_from([0, 0.6])}),
        },
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda model: str(model["name"]),
)
_provider = st.fixed_dictionaries(
    {"models": _models},
    optional={
        "priority": st.integers(1, 3),
        "tier": st.sampled_from(["free", "paid"]),
        "enabled": st.booleans(),
        "api_base": st.just("http://127.0.0.1:9/v1"),
        "api_key": st.lists(
            st.sampled_from([f"os.environ/{name}" for name in (*ENVIRONMENT, "UNSET_KEY")]),
            min_size=1,
            max_size=3,
            unique=True,
        ),
        "pool": st.sampled_from(["separate", "shared"]),
        "limits": _limits,
        "day": st.sampled_from([{"window": "rolling"}, {"window": "calendar", "timezone": "Asia/Tokyo"}]),
    },
)
_documents = st.fixed_dictionaries(
    {
        "providers": st.dictionaries(
            st.sampled_from(["groq", "gemini", "openai", "openrouter"]), _provider, min_size=1, max_size=3
        )
    },
    optional={"defaults": st.fixed_dictionaries({"soft_limit": st.sampled_from(["50%", "100%"])})},
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_documents, st.sampled_from([0.0, 7200.0, -90000.0]))
def test_the_router_and_the_commands_count_by_equal_deployments(
    tmp_path: Path, document: dict[str, Any], correction: float
) -> None:
    (tmp_path / "litellm.yaml").write_text(yaml.safe_dump({"state": "memory://", **document}))
    config = load_config(tmp_path / "litellm.yaml", ENVIRONMENT)
    shown = deployments_of(config, correction=correction)
    try:
        catalog = Catalog(generate(config).model_list, config.defaults.soft_limit, correction)
    except ConfigError:
        return  # Dollars are limited, and nobody knows the price: there is no router.
    assert_equal_deployments(catalog, config, correction)
    assert [each.priority for each in shown] == sorted(each.priority for each in shown)
    assert {each.id for each in shown} <= {each.id for each in deployments_of(config, configured_only=False)}


def assert_equal_deployments(catalog: Catalog, config: Config, correction: float = 0.0) -> None:
    """The model list has one entry for each group, the configuration one deployment for all of them."""
    expected = {}
    for each in deployments_of(config, correction=correction):
        for number, group in enumerate(each.groups):
            name = f"{each.id}@{group}" if number else each.id
            expected[name] = dataclasses.replace(each, id=name, groups=(group,))
    assert catalog.deployments == expected


def test_the_model_list_carries_everything_that_the_ledger_counts_by(make_router: MakeRouter) -> None:
    models = [{"name": "gemini-1.5-flash", "limits": {"rpm": 5, "tpm": "250k"}, "groups": ["default", "fast"]}, "other"]
    router = make_router(providers={"gemini": {"models": models, "day": {"timezone": "America/Los_Angeles"}}})
    assert router.config is not None
    assert_equal_deployments(router.catalog, router.config)
    assert "gemini/gemini-1.5-flash#1@fast" in router.catalog.deployments


def test_a_paid_model_without_a_price_in_the_file_costs_what_litellm_lists(make_router: MakeRouter) -> None:
    router = make_router(providers={"openai": {"limits": {"usd_per_day": 1}}})
    assert router.config is not None
    assert router.catalog.deployments["openai/gpt-4o-mini#1"].price == (1.5e-07, 6e-07)
    assert_equal_deployments(router.catalog, router.config)


def test_a_router_needs_the_prices_of_what_dollars_limit(make_router: MakeRouter) -> None:
    with pytest.raises(ConfigError, match="usd_per_day needs a price, and LiteLLM's list has none for unheard-of"):
        make_router(providers={"openai": {"limits": {"usd_per_day": 1}, "models": ["unheard-of"]}})


def test_explain_says_what_the_router_says_once_the_days_dollars_are_spent(
    tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    others: dict[str, Any] = dict.fromkeys(("groq", "gemini", "openrouter", "together"))
    openai = {"openai": {"limits": {"usd_per_day": 0.0001}, "models": ["gpt-4o-mini"]}}
    document = reference(simulator, state="sqlite:///state.db", providers={**others, **openai})
    file = tmp_path / "litellm.yaml"
    file.write_text(yaml.safe_dump(document))
    simulator.set_options(answer_tokens=150)
    simulator.set_limits({"openai": {}})  # What it reports of them changes while the command runs.
    router = Router.from_yaml(file)
    router.completion(model="default", messages=[{"role": "user", "content": "Buy or sell?"}], max_tokens=150)
    theirs = router.explain()
    router.close()
    done = run_router_config(tmp_path, "explain", "--json", OPENAI_API_KEY="key")
    ours = json.loads(done.stdout)
    assert (theirs["next"], theirs["providers"][0]["candidates"][0]["status"]) == (None, "exhausted")
    assert without_times(ours) == without_times(theirs)


def without_times(value: Any) -> Any:
    """The document without the moment at which it was made, and those that follow from it."""
    if isinstance(value, dict):
        return {name: without_times(each) for name, each in value.items() if not name.endswith("_at")}
    return [without_times(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("correction", "requests"), [(0.0, 1), (70_200.0, 0)])
def test_a_status_goes_by_the_corrected_day_with_a_router_or_without(
    make_router: MakeRouter, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, correction: float, requests: int
) -> None:
    router = make_router(state="sqlite:///state.db", providers={"groq": None})
    assert router.config is not None
    store = open_store(router.config.state)
    source = ConfiguredSource(router.config, store, clock=clock)
    router.completion(model="default", messages=message())
    clock.advance(3600)
    monkeypatch.setattr(clock, "correction", correction)  # At 12:30 UTC it is midnight in Los Angeles.
    shown, theirs = asyncio.run(source.astatus()), router.status()
    for each in (*shown["providers"], *theirs["providers"]):
        for model in each["models"]:
            del model["estimate"]  # What a router has learned comes into the store with its next request.
    assert shown["providers"] == theirs["providers"]
    assert shown["capacity"] == theirs["capacity"]
    assert shown["providers"][0]["usage_today"]["requests"] == requests
    asyncio.run(store.aclose())
