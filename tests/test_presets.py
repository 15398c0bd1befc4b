"""The table of presets: each can be put into a file, its facts have a source, and LiteLLM knows its prefix."""

from datetime import date, timedelta
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import litellm
import pytest
from rig import message
from rig_config import Load, load_text

from router_config import Router
from router_config.cli.editing.starter_file import file_text, needed_variables
from router_config.config.loading import load_config
from router_config.presets.lookup import FRESH, REFERENCE, age_warning, names, preset_named, preset_of
from router_config.presets.preset import Preset
from router_config.presets.table import PRESETS
from router_config.signals.reply_reader import read
from router_config.signals.types import Reply
from router_config.simulator import Simulator

REPOSITORY = Path(__file__).parent.parent
ASKED_FOR = {
    "cohere",
    "cloudflare",
    "huggingface",
    "sambanova",
    "zai",
    "ollama_cloud",
    "chutes",
    "scaleway",
    "novita",
    "hyperbolic",
    "fireworks",
    "deepinfra",
    "perplexity",
    "ai21",
    "vercel",
    "kilo",
    "groq",
    "gemini",
    "openrouter",
    "together",
    "openai",
    "anthropic",
    "cerebras",
    "deepseek",
    "mistral",
    "nvidia_nim",
    "xai",
    "ollama",
    "lm_studio",
}


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    monkeypatch.chdir(tmp_path)
    return load_text


@pytest.mark.contract
@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_litellm_knows_the_prefix_of_each_preset(preset: Preset) -> None:
    known = {getattr(each, "value", each) for each in litellm.provider_list}
    assert preset.litellm_provider in known


@pytest.mark.parametrize("name", names())
def test_a_preset_makes_a_provider_that_its_key_alone_configures(name: str, load: Load) -> None:
    preset = preset_named(name)
    assert preset is not None
    assert preset.models
    variable = preset.key_variables[0] if preset.key_variables else None
    needed = needed_variables(preset, variable)
    text = file_text([preset], dict.fromkeys(needed, "k"))
    (provider,) = load(text, dict.fromkeys(needed, "k")).providers
    assert (provider.configured, provider.litellm_provider) == (True, preset.litellm_provider)
    assert provider.day.timezone == preset.timezone
    assert provider.limits.given() == preset.limits
    assert {model.name: model.limits.given() for model in provider.models} == {
        model.name: model.limits for model in preset.models
    }
    for unset in needed:
        (without,) = load(text, {each: "k" for each in needed if each != unset}).providers
        assert not without.configured
    if preset.key_variables:
        assert preset.source is not None
        assert all(str(page).startswith("https://") for page in (preset.source.url, preset.key_page))


def test_all_that_were_asked_for_are_there_and_no_two_are_called_alike() -> None:
    assert set(names()) >= ASKED_FOR
    assert len({preset.name for preset in PRESETS}) == len(PRESETS) > 25


def test_a_file_of_the_reference_order_says_what_the_shipped_one_says(load: Load) -> None:
    presets = [preset for name in REFERENCE if (preset := preset_named(name)) is not None]
    written, shipped = load(file_text(presets, {})), load_config(REPOSITORY / "litellm.yaml", {})
    assert (written.providers, written.defaults, written.aliases) == (
        shipped.providers,
        shipped.defaults,
        shipped.aliases,
    )


def test_old_facts_and_services_that_are_gone_are_told() -> None:
    for preset in PRESETS:
        if preset.source is None:
            assert age_warning(preset, date(2030, 1, 1)) is None
        elif preset.retired is not None:
            assert "is gone since" in str(age_warning(preset, preset.retired))
        else:
            last = preset.source.read_on + FRESH
            assert age_warning(preset, last) is None
            assert preset.source.url in str(age_warning(preset, last + timedelta(days=1)))


@pytest.mark.parametrize("preset", [preset for preset in PRESETS if preset.address is None], ids=lambda each: each.name)
def test_a_refused_key_names_the_page_where_keys_are_made(preset: Preset) -> None:
    verdict = read(preset.litellm_provider, Reply(401, {}, b'{"error": {"message": "invalid api key"}}'), 0.0).verdict
    assert verdict is not None
    assert (preset.key_page or "the provider's console") in verdict.message
    assert verdict.message.startswith(preset.title)


def test_a_provider_in_the_net_needs_a_key_unless_the_file_says_none(load: Load) -> None:
    address = "https://llm.example.com/v1"
    text = f"providers: {{my-llm: {{litellm_provider: openai, api_base: '{address}', models: [m]}}}}"
    (without,) = load(text).providers
    assert (without.configured, without.key_variables) == (False, ("MY_LLM_API_KEY",))
    assert load(text, {"MY_LLM_API_KEY": "k"}).providers[0].configured
    assert load(text.replace("models", "api_key: none, models")).providers[0].configured
    for near in (
        "http://127.0.0.1:1/v1",
        "http://10.1.2.3/v1",
        "http://[::1]:2/v1",
        "http://box:8000",
        "http://h.local/",
    ):
        assert load(text.replace(address, near)).providers[0].configured
    assert not load("providers: {friendliai: {models: [m]}}").providers[0].configured
    assert load("providers: {bedrock: {models: [m]}}").providers[0].configured


@pytest.mark.contract
def test_a_preset_with_an_address_of_its_own_is_asked_there(load: Load) -> None:
    preset = preset_of("kilo")
    assert preset is not None
    with Simulator() as simulator:
        where = (
            f"litellm_provider: {preset.litellm_provider}, api_base: '{simulator.api_base('openai')}', api_key: sk-x"
        )
        text = f"state: memory://\nproviders: {{kilo: {{{where}, models: [gpt-4o-mini]}}}}"
        load(text)
        router = Router.from_yaml("litellm.yaml")
        try:
            answer: Any = router.completion(model="default", messages=message())
            assert answer.choices[0].message.content
        finally:
            router.close()


@pytest.mark.contract
@pytest.mark.parametrize("prefix", ["groq", "openai", "lm_studio", "together_ai"])
def test_a_server_without_a_key_is_not_sent_that_of_the_environment(
    prefix: str, load: Load, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GROQ_API_KEY", "OPENAI_API_KEY", "LM_STUDIO_API_KEY", "TOGETHERAI_API_KEY"):
        monkeypatch.setenv(name, "sk-of-the-environment")
    simulator.set_options(keep_bodies=True)
    simulator.set_keys("groq", bad=["sk-of-the-environment"])
    where = f"litellm_provider: {prefix}, api_base: '{simulator.api_base('groq')}', models: [openai/gpt-oss-20b]"
    load(f"state: memory://\nproviders: {{mine: {{{where}}}}}")
    router = Router.from_yaml("litellm.yaml")
    try:
        answer: Any = router.completion(model="default", messages=message())
        assert answer.choices[0].message.content
    finally:
        router.close()


def test_the_page_of_providers_says_what_the_table_says() -> None:
    spec = spec_from_file_location("provider_page", REPOSITORY / "scripts" / "provider_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (REPOSITORY / "docs" / "providers.md").read_text("utf-8") == module.page(), "run scripts/provider_page.py"
