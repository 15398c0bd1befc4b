"""The configuration's types: quantities as written, secrets that stay secret, names that LiteLLM knows."""

import copy
import inspect
import json
import re
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import litellm
import pytest
from rig_cli import retired_model
from rig_config import load_text

from router_config.config import installed_litellm, loading
from router_config.config import prices as price_list
from router_config.config.file_format import json_schema
from router_config.config.grammar.quantities import (
    BadValue,
    parse_count,
    parse_duration,
    parse_money,
    parse_priority,
    parse_share,
)
from router_config.config.installed_litellm import provider_names, router_settings
from router_config.config.models import Config, ConfigError, Day, Key, Limits, Model, Provider, Secret, reveal
from router_config.config.store_url import without_password
from router_config.presets.lookup import preset_of
from router_config.presets.retirements import RETIRED


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (30, 30),
        (0, 0),
        (30.0, 30),
        ("100k", 100_000),
        ("100K", 100_000),
        ("15M", 15_000_000),
        ("1.5M", 1_500_000),
        (" 2 k ", 2_000),
        ("1_000", 1_000),
        ("2g", 2_000_000_000),
    ],
)
def test_a_count_is_written_as_people_write_it(written: object, meant: int) -> None:
    assert parse_count(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        -1,
        "-5k",
        1.5,
        "0.5",
        "1.0001k",
        "lots",
        "",
        "k",
        "100kk",
        True,
        None,
        [3],
        float("inf"),
        float("nan"),
        10**30,
        "9" * 5000,
        "٣",
    ],
)
def test_what_is_no_count_is_refused_with_an_example(written: object) -> None:
    with pytest.raises(BadValue, match=r"Write a whole number such as 30, 100k or 15M|Leave the limit out"):
        parse_count(written)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("5m", 300),
        ("30s", 30),
        ("500ms", 0.5),
        ("1h", 3600),
        ("1h30m", 5400),
        ("2 min", 120),
        ("1d", 86400),
        (30, 30),
        ("30", 30),
        (0, 0),
        ("0s", 0),
        ("1.5h", 5400),
    ],
)
def test_a_duration_is_written_as_people_write_it(written: object, seconds: float) -> None:
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    "written", ["soon", "-5m", -1, "5x", "", "m", "5m!", True, None, float("inf"), float("nan"), "9999d", {}]
)
def test_what_is_no_duration_is_refused_with_an_example(written: object) -> None:
    with pytest.raises(BadValue, match="500ms, 30s, 5m or 1h"):
        parse_duration(written)


@pytest.mark.parametrize(
    ("written", "share"),
    [("95%", 0.95), (0.95, 0.95), ("0.95", 0.95), ("100%", 1.0), (1, 1.0), ("0.5 %", 0.005)],
)
def test_a_share_is_a_percentage_or_a_fraction(written: object, share: float) -> None:
    assert parse_share(written) == pytest.approx(share)


@pytest.mark.parametrize("written", [95, "95", 0, "0%", "101%", -0.5, "%", "lots", True, None])
def test_what_is_no_share_is_refused_with_an_example(written: object) -> None:
    with pytest.raises(BadValue, match=re.escape("95% or 0.95")):
        parse_share(written)


def test_dollars_and_priorities_are_plain_numbers() -> None:
    assert (parse_money("$5"), parse_money(0.25), parse_priority(3), parse_priority(2.0)) == (5.0, 0.25, 3, 2)
    for parse, wrong in (
        (parse_money, "cheap"),
        (parse_money, -1),
        (parse_priority, "first"),
        (parse_priority, True),
    ):
        with pytest.raises(BadValue):
            parse(wrong)


def test_a_secret_is_shown_nowhere() -> None:
    secret = Secret("gsk_very_secret")
    holder = Provider(
        name="groq",
        litellm_provider="groq",
        keys=(Key(variable="GROQ_API_KEY", secret=secret),),
        models=(Model(name="m", litellm_params={"extra": secret}),),
    )
    config = Config(providers=(holder,), state="redis://:gsk_very_secret@host/0")
    assert "gsk_very_secret" not in f"{secret} {secret!r} {config} {config!r} {[config]}"
    with pytest.raises(TypeError):
        json.dumps({"key": secret})
    assert copy.deepcopy(secret) == secret
    assert secret != Secret("another")


def test_reveal_opens_secrets_however_deep_and_leaves_the_original() -> None:
    settings: dict[str, Any] = {
        "headers": {"Authorization": Secret("a")},
        "list": [Secret("b"), 3],
        "plain": "c",
    }
    assert reveal(settings) == {"headers": {"Authorization": "a"}, "list": ["b", 3], "plain": "c"}
    assert isinstance(settings["list"][0], Secret)


def test_a_provider_is_configured_with_any_key_or_when_it_needs_none() -> None:
    def provider(*keys: Key, needs_key: bool = True, missing: tuple[str, ...] = ()) -> Provider:
        return Provider(name="p", litellm_provider="openai", keys=keys, models=(), needs_key=needs_key, missing=missing)

    unset, is_set = Key(variable="A"), Key(variable="B", secret=Secret("s"))
    assert not provider(unset).configured
    assert provider(unset, is_set).configured
    assert provider(unset, is_set).key_variables == ("A", "B")
    assert provider(Key(), needs_key=False).configured
    assert not provider(is_set, missing=("BASE",)).configured


def test_only_limits_that_there_are_count_as_given() -> None:
    assert Limits(rpm=0, tpd=5).given() == {"rpm": 0, "tpd": 5}
    assert Day(window="calendar", timezone="UTC").given() == {"window": "calendar", "timezone": "UTC"}


def test_the_known_names_are_those_of_the_installed_litellm() -> None:
    providers = {getattr(provider, "value", provider) for provider in litellm.provider_list}
    assert provider_names() == providers
    parameters = set(inspect.signature(litellm.router.Router.__init__).parameters) - {"self", "model_list"}
    assert router_settings() == parameters


@pytest.fixture
def another_litellm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a package that is found as LiteLLM: its files are read, and nobody imports it."""
    (tmp_path / "types").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(installed_litellm, "find_spec", lambda name: ModuleSpec(name, None, origin=f"{tmp_path}/x.py"))
    for each in (provider_names, router_settings):
        each.cache_clear()
    yield tmp_path
    for each in (provider_names, router_settings):
        each.cache_clear()


NEW_LITELLM = """
class LlmProviders(str, Enum):
    OPENAI = "openai"  # a comment
    BRAND_NEW = "brand-new"

    # another
    LAST = "last"


OTHER = "other"
"""


@pytest.mark.parametrize("function", ["class Router:\n    def __init__(  # noqa", "def _router_init("])
def test_names_that_are_new_in_litellm_pass_and_misspelt_ones_do_not(another_litellm: Path, function: str) -> None:
    (another_litellm / "types" / "utils.py").write_text(NEW_LITELLM)
    (another_litellm / "router.py").write_text(
        f"def set_model_list(self, model_list: list) -> None: ...\n{function}\n        self: object,\n"
        "        model_list: list[dict[str, Any]] | None = None,\n        ## A COMMENT ##\n"
        "        num_retries: int = 3, new_setting: Literal['a', 'b'] | None = field(default=(1, 2)),\n"
        "        *, last: bool = False, _host: object = None) -> None:\n        other = 1\n"
    )
    assert provider_names() == {"openai", "brand-new", "last"}
    assert router_settings() == {"num_retries", "new_setting", "last"}
    text = "providers: {brand-new: {models: [m]}}\nrouter_settings: {new_setting: 1}\n"
    assert load_text(text).router_settings == {"new_setting": 1}
    with pytest.raises(ConfigError, match=r"litellm.yaml:2:19.*\n.*Did you mean new_setting\?"):
        load_text(text.replace("new_setting", "new_seting"))
    with pytest.raises(ConfigError, match=r"litellm.yaml:1:13.*\n.*Did you mean brand-new\?"):
        load_text(text.replace("brand-new", "brandnew"))


def test_where_litellm_keeps_its_names_elsewhere_any_may_be_right(another_litellm: Path) -> None:
    assert (another_litellm / "types").exists()
    assert (provider_names(), router_settings()) == (frozenset(), frozenset())
    config = load_text("providers: {anything: {models: [m]}}\nrouter_settings: {whatever: 1}\n")
    assert (config.providers[0].litellm_provider, config.router_settings) == ("anything", {"whatever": 1})
    assert not [each for each in config.warnings if "LiteLLM knows no" in each]


@pytest.mark.parametrize(
    ("name", "prefix", "variables", "day", "timezone"),
    [
        ("groq", "groq", ("GROQ_API_KEY",), "rolling", None),
        ("gemini", "gemini", ("GOOGLE_API_KEY", "GEMINI_API_KEY"), "calendar", "America/Los_Angeles"),
        ("openrouter", "openrouter", ("OPENROUTER_API_KEY",), "calendar", "UTC"),
        ("together", "together_ai", ("TOGETHERAI_API_KEY", "TOGETHER_API_KEY"), "rolling", None),
        ("openai", "openai", ("OPENAI_API_KEY",), "rolling", None),
    ],
)
def test_the_five_providers_are_known(
    name: str, prefix: str, variables: tuple[str, ...], day: str, timezone: str | None
) -> None:
    preset = preset_of(name)
    assert preset is not None
    assert preset.litellm_provider == prefix in provider_names()
    assert preset.key_variables[: len(variables)] == variables
    assert (preset.day, preset.timezone) == (day, timezone)
    assert str(preset.key_page).startswith("https://")
    assert preset_of("mine", prefix) is preset
    assert preset_of("mine") is None


def test_no_successor_of_a_retired_model_is_retired_itself() -> None:
    for (prefix, _), retired in RETIRED.items():
        assert (prefix, retired.successor) not in RETIRED


def test_the_price_list_is_read_without_importing_it() -> None:
    mini, unknown = ("openai", "gpt-4o-mini"), ("nobody", "knows-this")
    provider, model, day = retired_model()
    gone, embedding = (provider, model), ("openai", "text-embedding-3-small")
    few = [mini, ("groq", "openai/gpt-oss-120b"), unknown, gone, embedding]
    many = [("openai", f"no-model-{number}") for number in range(100)]
    for models in (few, [*few, *many]):
        found = price_list.listed(models)
        assert [each["input_cost_per_token"] for each in found[mini]] == [1.5e-07]
        assert len(found["groq", "openai/gpt-oss-120b"]) == 1
        assert found[unknown] == ()
        assert price_list.priced(found[mini]) is found[mini][0]
        assert price_list.priced(({"mode": "chat"},)) is price_list.priced(()) is None
        assert price_list.retired_on(found[gone]) == day
        assert price_list.retired_on(({"deprecation_date": "some day"},)) is price_list.retired_on(()) is None
        assert [each for each in few if price_list.is_embedding(found[each])] == [embedding]


def test_the_schema_knows_every_key_and_forbids_others() -> None:
    schema = json_schema()
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["providers"]
    provider = schema["properties"]["providers"]["additionalProperties"]
    assert set(provider["properties"]) >= {"priority", "tier", "api_key", "pool", "limits", "day", "models"}
    assert provider["required"] == ["models"]
    text, mapping = provider["properties"]["models"]["items"]["anyOf"]
    assert text == {"type": "string"}
    assert set(mapping["properties"]) == {
        "name", "limits", "groups", "litellm_params", "price", "supports", "context", "max_output",
    }  # fmt: skip
    assert all("description" in each for each in mapping["properties"].values())
    assert json.loads(json.dumps(schema)) == schema


def test_a_password_in_a_url_is_not_shown() -> None:
    assert without_password("redis://:pw@host:6379/0") == "redis://***@host:6379/0"
    assert without_password("redis://host/0?password=pw") == "redis://host/0?***"
    assert without_password("sqlite:////srv/state.db") == "sqlite:////srv/state.db"


ONE_MODEL = "version: 1\nproviders:\n  groq:\n    models:\n      - name: m\n"


def test_what_a_model_can_do_is_read() -> None:
    told = "        supports: {tools: false, images: true}\n        context: 32k\n        max_output: 8k\n"
    found = loading.load_text(ONE_MODEL + told, "litellm.yaml", {}).providers[0].models[0]
    assert (found.supports.given(), found.context, found.max_output) == (
        {"tools": False, "images": True},
        32_000,
        8_000,
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("supports: {tool: false}", "Did you mean tools?"),
        ("supports: {vision: false}", "Write images."),
        ("supports: {tools: 1}", "Write true or false"),
        ("context: 0", "Write more than 0, such as 32k."),
        ("context_window: 32k", "Write context."),
        ("max_output: long", "is not a number"),
    ],
)
def test_what_is_wrong_in_it_is_told_with_its_line(line: str, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        loading.load_text(f"{ONE_MODEL}        {line}\n", "litellm.yaml", {})
    assert "litellm.yaml:6:" in str(error.value)
    assert told in str(error.value)
