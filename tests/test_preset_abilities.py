"""What presets know of models: where it stands, for which models it holds, and who is believed before and after it."""

from datetime import date
from typing import Any, Final

import litellm
import pytest
from rig import MakeRouter
from rig_abilities import IMAGE, ask

from router_config import Router
from router_config.deployments.abilities import ABILITIES, BIT, Facts, Needs, facts_of, misfit
from router_config.presets.abilities import MODEL_FACTS, ModelFacts, preset_facts
from router_config.presets.preset import Source
from router_config.presets.retirements import RETIRED
from router_config.presets.table import PRESETS
from router_config.simulator import Simulator

PAGE: Final = Source("https://example.com/models", date(2026, 1, 1))


def page(model: str, *, of: str = "p", **facts: Any) -> ModelFacts:
    return ModelFacts(litellm_provider=of, model=model, source=PAGE, **facts)


def lacking(facts: Facts, name: str) -> str | None:
    found = misfit(facts, Needs(BIT[name]), 0, 0, {}, 0.0)
    return None if found is None else found.reason


@pytest.mark.parametrize("each", MODEL_FACTS, ids=lambda each: f"{each.litellm_provider}/{each.model}")
def test_each_fact_has_a_page_and_the_day_it_was_read(each: ModelFacts) -> None:
    assert each.source.url.startswith("https://")
    assert isinstance(each.source.read_on, date)
    assert each.told
    assert set(each.told) <= {*ABILITIES, "context", "max_output"}
    assert not set(each.can) & set(each.cannot)
    assert each.litellm_provider in {"*", *(preset.litellm_provider for preset in PRESETS)}
    assert (each.litellm_provider, each.model) not in RETIRED


def test_a_pattern_holds_for_the_models_that_match_it_at_its_provider_alone() -> None:
    facts = (page("small-*", cannot=("images",)), page("*-?b", of="*", cannot=("audio",)))
    assert preset_facts("p", "small-1", facts) == {"images": False}
    assert preset_facts("p", "small-7b", facts) == {"images": False, "audio": False}
    assert preset_facts("other", "small-7b", facts) == {"audio": False}
    assert preset_facts("p", "large", facts) == {}


def test_of_two_facts_about_one_ability_the_first_counts() -> None:
    facts = (page("m", can=("n",), context=9), page("*", cannot=("n", "logprobs"), context=5))
    assert preset_facts("p", "m", facts) == {"n": True, "context": 9, "logprobs": False}


@pytest.mark.parametrize("name", ["openai/gpt-oss-120b", "openai/gpt-oss-20b:free", "gpt-oss:120b", "gpt-oss-120b"])
def test_gpt_oss_reads_text_alone_whoever_serves_it(name: str) -> None:
    assert preset_facts("anyone", name)["images"] is False


def test_the_file_is_believed_before_a_preset_of_abilities_and_sizes() -> None:
    info = {"supports": {"images": True}, "context": 50, "max_output": 5}
    facts = facts_of("m", info, {}, {}, {"images": False, "context": 9, "max_output": 3})
    assert lacking(facts, "images") is None
    assert (facts.context.tokens, facts.answer.tokens) == (50, 5)
    assert facts.context.told


def test_a_providers_own_list_is_believed_before_its_preset() -> None:
    own = {"supports_vision": True, "supports_function_calling": False, "max_input_tokens": 50}
    facts = facts_of("m", {}, {}, own, {"images": False, "tools": True, "context": 9})
    assert lacking(facts, "images") is None
    assert lacking(facts, "tools") == "tools: not supported (the provider's own list says so)"
    assert facts.context.tokens == 50


def test_a_preset_is_believed_before_litellms_list() -> None:
    listed = {"supports_vision": True, "supports_function_calling": False, "supports_pdf_input": False,
              "max_input_tokens": 50, "max_output_tokens": 5}  # fmt: skip
    facts = facts_of("m", {}, listed, {}, {"images": False, "tools": True, "context": 9, "max_output": 3})
    assert lacking(facts, "images") == "images: not supported (the preset says so)"
    assert lacking(facts, "tools") is None
    assert lacking(facts, "pdf") == "pdf: not supported (LiteLLM's list says so)"
    assert (facts.smallest, facts.answer.tokens, facts.context.told) == (9, 3, False)


def two(make_router: MakeRouter, model: str) -> Router:
    """groq is asked first, then gemini; nothing limits them."""
    others = dict.fromkeys(("openrouter", "together", "openai"))
    models = {"groq": {"models": [model], "limits": {}}, "gemini": {"models": ["g"], "limits": {}}}
    return make_router(providers={**others, **models})


def test_a_request_passes_over_a_model_that_its_preset_says_cannot(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    router = two(make_router, "openai/gpt-oss-120b")
    assert [ask(router, IMAGE), ask(router, n=2), ask(router)] == ["gemini", "gemini", "groq"]
    assert simulator.count("groq") == 1


def test_where_presets_alone_stand_against_all_they_are_asked(
    make_router: MakeRouter, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(litellm.model_cost, "gemini/g", {"supports_vision": False, "litellm_provider": "gemini"})
    assert ask(two(make_router, "openai/gpt-oss-120b"), IMAGE) == "groq"
