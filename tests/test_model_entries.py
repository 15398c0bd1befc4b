"""After an edit the deployments are as LiteLLM's own Router would have them, though it was not asked to make them."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import litellm
import pytest
import yaml
from rig import MODELS, MakeRouter, message, reference

from router_config import Router
from router_config.simulator import Simulator
from router_config.transport.held import litellm_router

pytestmark = [
    pytest.mark.contract,
    pytest.mark.filterwarnings("ignore:Router\\.:DeprecationWarning"),  # LiteLLM 1.109 has other names for them.
]

Edit = Callable[..., Any]

EDITS: dict[str, dict[str, Any]] = {
    "a limit": {"providers": {"groq": {"limits": {"rpm": 7}}}},
    "a priority": {"providers": {"groq": {"priority": 9}}},
    "a key": {"providers": {"groq": {"api_key": "sk-other"}}},
    "two keys": {"providers": {"groq": {"api_key": ["sk-1", "sk-2"]}}},
    "an address": {"providers": {"groq": {"api_base": "http://127.0.0.1:1/v1"}}},
    "a model more, in two groups": {
        "providers": {"groq": {"models": [*MODELS["groq"], {"name": "new", "groups": ["default", "smart"]}]}}
    },
    "models in another order": {"providers": {"groq": {"models": MODELS["groq"][::-1]}}},
    "a price": {"providers": {"openai": {"models": [{"name": "gpt-4o-mini", "price": {"input": 1, "output": 2}}]}}},
    "a price that nobody knows": {"providers": {"openai": {"models": ["nobody-knows-it"]}}},
    "parameters of its own": {
        "providers": {
            "groq": {
                "models": [
                    {"name": "new", "litellm_params": {"temperature": 0.5, "extra_headers": {"x-of": "ours"}}},
                    {"name": "other", "litellm_params": {"timeout": 3, "drop_params": True, "stream_timeout": None}},
                ]
            }
        }
    },
    "a provider less": {"providers": {"together": None}},
    "a provider without a key": {"providers": {"openai": {"api_key": "none"}}},
    "a provider of another kind": {
        "providers": {"anthropic": {"api_key": "sk-ant", "models": ["claude-new"], "tier": "paid"}}
    },
    "providers in another order": {"providers": {"groq": None, "mistral": {"api_key": "k", "models": ["m"]}}},
}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many entries each of LiteLLM's Routers was made of."""
    sizes, make = [], litellm_router._made

    def noted(model_list: Any, settings: Any) -> Any:
        sizes.append(len(model_list))
        return make(model_list, settings)

    monkeypatch.setattr(litellm_router, "_made", noted)
    return sizes


def edited(router: Router, simulator: Simulator, **changes: Any) -> Router:
    """The Router after an edit."""
    assert router.config is not None
    assert router.config.path is not None
    router.config.path.write_text(yaml.safe_dump(reference(simulator, **changes)), "utf-8")
    router.reload()
    return router


def listed(router: Router) -> Any:
    """The model list as LiteLLM's own Router has it."""
    return router.get_model_list()


@pytest.mark.parametrize("change", EDITS.values(), ids=EDITS)
def test_an_edited_file_is_read_as_a_new_one(
    make_router: MakeRouter, simulator: Simulator, made: list[int], change: dict[str, Any]
) -> None:
    router = edited(make_router(), simulator, **change)
    assert len(router.entries) > sum(made[1:])  # One of a kind that is new, at the most.
    assert router.config is not None
    with closing(Router.from_yaml(str(router.config.path), env=simulator.env(), watch=False)) as fresh:
        assert router.entries == fresh.entries
        assert router.catalog.deployments == fresh.catalog.deployments
        assert listed(router) == listed(fresh)


def test_what_was_added_and_set_while_it_runs_outlives_an_edit(
    make_router: MakeRouter, simulator: Simulator, made: list[int]
) -> None:
    router: Any = make_router()
    added = {**router.entries[0], "model_name": "added", "model_info": {"id": "added"}}
    router.add_deployment(litellm.types.router.Deployment(**added))
    router.timeout = 7.0
    edited(router, simulator, providers={"groq": {"limits": {"rpm": 1}}, "together": None})
    assert router.completion("added", message())._hidden_params["model_id"] == "added"
    assert "added" in [each["model_name"] for each in listed(router)]
    assert router.timeout == 7.0
    assert router.terms.settings["timeout"] == 7.0
    router.delete_deployment("added")
    assert "added" not in [each["model_name"] for each in listed(edited(router, simulator))]


def test_what_an_answer_costs_goes_by_the_edit(make_router: MakeRouter, simulator: Simulator) -> None:
    def of_price(*prices: float | None) -> dict[str, Any]:
        models = [
            {"name": f"priced-{number}", "groups": [f"g{number}"]}
            | ({} if price is None else {"price": {"input": price, "output": 0}})
            for number, price in enumerate(prices)
        ]
        return {"providers": {"openai": {"models": models}}}

    def costs(router: Router, number: int) -> float:
        replies = [router.completion(f"g{number}", message()) for _ in range(4)]
        spent = {reply._hidden_params["response_cost"] / reply.usage.prompt_tokens * 1e6 for reply in replies}
        assert len(spent) == 1
        return float(spent.pop())

    router = make_router(**of_price(1.0, None))
    assert costs(router, 0) == pytest.approx(1.0)
    edited(router, simulator, **of_price(2.0, None, 3.0, None))
    assert [costs(router, number) for number in range(4)] == pytest.approx([2.0, 0.0, 3.0, 0.0])


def test_an_edit_that_litellm_refuses_changes_nothing(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router()
    before, groq = router.entries, f"groq/{MODELS['groq'][0]}#1"
    for change in (
        {"providers": {"strange": {"litellm_provider": "no_such", "api_key": "k", "models": ["m"]}}},
        {"router_settings": {"routing_strategy": "no_such"}},
    ):
        with pytest.raises(Exception, match="no_such"):
            edited(router, simulator, **change)
        assert router.entries == before
        assert router.completion("default", message())
    edited(router, simulator, providers={"groq": {"limits": {"rpm": 3}}})
    assert router.catalog.deployments[groq].meters[0].value_of("rpm") == 3
