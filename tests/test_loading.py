"""litellm.yaml -> Config: every key of it, and where keys and secrets come from."""

import os
from pathlib import Path

import pytest
from rig_config import Load, groq, load_text

from router_config.config.loading import load_config
from router_config.config.models import Day, Limits, Price, Secret, reveal
from router_config.deployments.model_list import deployments_of
from router_config.ledger.rules.windows import ROLLING_DAY, CalendarMonth, rolling

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    monkeypatch.chdir(tmp_path)
    return load_text


# What a good file means


def test_every_key_of_the_format_arrives(load: Load, tmp_path: Path) -> None:
    config = load(
        """
version: 1
state: sqlite:///.router/state.db
defaults: {cooldown: 5m, timeout: 30s, soft_limit: 95%, max_wait: 500ms, output_tokens: 1k}
providers:
  groq:
    priority: 1
    tier: free
    api_key: os.environ/GROQ_API_KEY
    pool: shared
    limits: {rpm: 30, tpm: 1.5k, rpd: 1k, tpd: 100k, usd_per_day: 0.5}
    day: {window: rolling}
    models:
      - llama-3.3
      - name: mixtral
        limits: {rpm: 30, tpm: 5k}
        groups: [default, fast]
        litellm_params: {temperature: 0.2}
        price: {input: 0.15, output: 0.60}
  local:
    litellm_provider: openai
    api_base: http://127.0.0.1:11434/v1/
    priority: 9
    enabled: false
    models: [qwen3:4b]
aliases: {gpt-4o: default, "*": default}
router_settings: {num_retries: 2}
litellm_settings: {drop_params: true}
""",
        {"GROQ_API_KEY": "gsk_1"},
    )
    assert config.state == f"sqlite:///{tmp_path}/.router/state.db"
    assert config.path == tmp_path / "litellm.yaml"
    assert (config.defaults.cooldown, config.defaults.timeout, config.defaults.soft_limit) == (300, 30, 0.95)
    assert (config.defaults.max_wait, config.defaults.output_tokens) == (0.5, 1000)
    first, local = config.providers
    assert (first.name, first.priority, first.tier, first.pool, first.litellm_provider) == (
        "groq",
        1,
        "free",
        "shared",
        "groq",
    )
    assert first.limits == Limits(rpm=30, tpm=1500, rpd=1000, tpd=100_000, usd_per_day=0.5)
    assert [key.secret for key in first.keys] == [Secret("gsk_1")]
    assert [model.name for model in first.models] == ["llama-3.3", "mixtral"]
    assert first.models[0].groups == ("default",)
    assert first.models[1].limits == Limits(rpm=30, tpm=5000)
    assert first.models[1].groups == ("default", "fast")
    assert first.models[1].litellm_params == {"temperature": 0.2}
    assert first.models[1].price == Price(input=0.15, output=0.60)
    assert (local.litellm_provider, local.api_base, local.enabled) == (
        "openai",
        "http://127.0.0.1:11434/v1",
        False,
    )
    assert (local.needs_key, local.configured, local.key_variables) == (False, True, ())
    assert config.aliases == {"gpt-4o": "default", "*": "default"}
    assert (config.router_settings, config.litellm_settings) == ({"num_retries": 2}, {"drop_params": True})
    assert config.groups == {"default", "fast"}


def test_a_provider_and_a_model_are_enough(load: Load) -> None:
    config = load("providers: {openai: {models: [gpt-4o-mini]}}", {"OPENAI_API_KEY": "sk"})
    provider = config.providers[0]
    assert (config.version, provider.priority, provider.tier, provider.limits) == (1, 1, "free", Limits())
    assert config.state.endswith("/.router/state.db")
    assert provider.configured


def test_a_paid_provider_without_priority_comes_after_the_free_ones(load: Load) -> None:
    config = load("providers: {openai: {tier: paid, models: [a]}, groq: {models: [b]}}")
    assert [provider.name for provider in config.by_priority] == ["groq", "openai"]


def test_an_empty_key_counts_as_left_out(load: Load) -> None:
    config = load("defaults:\nproviders:\n  groq:\n    limits: {rpm: }\n    api_key:\n    models: [m]\naliases:\n")
    assert config.providers[0].limits == Limits()
    assert config.providers[0].key_variables == ("GROQ_API_KEY",)


def test_equal_parts_may_be_shared_with_yaml_anchors(load: Load) -> None:
    config = load(
        "providers:\n  groq: &base\n    limits: {rpm: 30}\n    models: [a]\n  gemini:\n    <<: *base\n    models: [b]\n"
    )
    groq_, gemini = config.providers
    assert (groq_.limits, gemini.limits) == (Limits(rpm=30), Limits(rpm=30))
    assert [gemini.models[0].name, gemini.litellm_provider] == ["b", "gemini"]


@pytest.mark.parametrize("name", ["012", "1:30", "2024-02-01", "0x1f", "yes_model", "qwen3:4b"])
def test_names_that_older_yaml_would_turn_into_numbers_stay_names(load: Load, name: str) -> None:
    assert load(groq(models=f"[{name}]")).providers[0].models[0].name == name


def test_utf8_marks_and_windows_line_ends_do_no_harm(load: Load) -> None:
    assert load(b"\xef\xbb\xbf" + groq("limits: {rpm: 3}").replace("\n", "\r\n").encode()).providers[0].limits.rpm == 3
    assert load(groq().encode("utf-16")).providers[0].name == "groq"


@pytest.mark.parametrize(
    ("day", "meant"),
    [
        ("", Day(window="calendar", timezone="America/Los_Angeles")),
        ("day: {window: calendar}", Day(window="calendar", timezone="America/Los_Angeles")),
        ("day: {timezone: Asia/Tokyo}", Day(window="calendar", timezone="Asia/Tokyo")),
        ("day: {window: rolling}", Day(window="rolling", timezone="America/Los_Angeles")),
        ("day: {window: rolling, timezone: UTC}", Day(window="rolling", timezone="UTC")),
    ],
)
def test_the_day_of_a_known_provider_is_known_and_can_be_changed(load: Load, day: str, meant: Day) -> None:
    assert load(f"providers:\n  gemini:\n    models: [m]\n    {day}\n").providers[0].day == meant


def test_a_calendar_day_without_timezone_is_utc(load: Load) -> None:
    assert load(groq("day: {window: calendar}")).providers[0].day == Day(window="calendar", timezone="UTC")


@pytest.mark.parametrize(
    ("written", "resolved"),
    [
        ("memory://", "memory://"),
        ("sqlite:///a/b.db", "sqlite:///{here}/a/b.db"),
        ("sqlite:///../b.db", "sqlite:///{above}/b.db"),
        ("sqlite:////srv/b.db", "sqlite:////srv/b.db"),
        ("redis://host:6379/2", "redis://host:6379/2"),
        ("rediss://:pw@host/0", "rediss://:pw@host/0"),
        ("os.environ/STORE", "redis://from-environment/0"),
    ],
)
def test_the_store_is_a_url_relative_to_the_file(load: Load, tmp_path: Path, written: str, resolved: str) -> None:
    config = load(f"state: {written}\n{groq()}", {"STORE": "redis://from-environment/0"})
    assert config.state == resolved.format(here=tmp_path, above=tmp_path.parent)


# Keys


def test_keys_come_from_the_environment_first_then_from_dotenv(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    text = groq("api_key: [os.environ/A, os.environ/B, os.environ/C]")
    config = load(text, {"A": "from-env"}, dotenv="A=from-file\nexport B='from file'\nB=from-file\n")
    assert [key.secret for key in config.providers[0].keys] == [Secret("from-env"), Secret("from-file"), None]
    assert config.providers[0].key_variables == ("A", "B", "C")
    assert config.variables == ("A", "B", "C")


def test_the_environment_of_the_process_is_read_and_never_changed(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "set")
    load(groq("api_key: [os.environ/A, os.environ/FROM_FILE]"), dotenv="FROM_FILE=x\n")
    before = dict(os.environ)
    config = load_config("litellm.yaml")
    assert [key.secret for key in config.providers[0].keys] == [Secret("set"), Secret("x")]
    assert dict(os.environ) == before


def test_a_provider_without_its_key_is_unconfigured_and_no_error(load: Load) -> None:
    config = load(groq("api_key: os.environ/NOPE"), {"NOPE": "  "})
    assert not config.providers[0].configured
    assert config.providers[0].keys[0].variable == "NOPE"


def test_a_known_provider_needs_no_api_key_line(load: Load) -> None:
    text = "providers: {gemini: {models: [m]}, together: {models: [m]}}"
    gemini, together = load(text, {"GEMINI_API_KEY": "g", "TOGETHER_API_KEY": "t"}).providers
    assert (gemini.keys[0].variable, together.keys[0].variable) == ("GEMINI_API_KEY", "TOGETHER_API_KEY")
    both = load(text, {"GEMINI_API_KEY": "second", "GOOGLE_API_KEY": "first"}).providers[0]
    assert both.keys[0].secret == Secret("first")


def test_the_key_of_openai_is_not_sent_to_a_server_that_speaks_its_language(load: Load) -> None:
    text = "providers: {local: {litellm_provider: openai, api_base: 'http://h/v1', models: [m]}}"
    provider = load(text, {"OPENAI_API_KEY": "sk"}).providers[0]
    assert (provider.keys[0].secret, provider.needs_key) == (None, False)


def test_an_address_may_come_from_the_environment(load: Load) -> None:
    text = "providers: {local: {litellm_provider: openai, api_base: os.environ/BASE, models: [m]}}"
    assert load(text, {"BASE": "http://h:8/v1"}).providers[0].api_base == "http://h:8/v1"
    unset = load(text).providers[0]
    assert (unset.configured, unset.missing) == (False, ("BASE",))
    known = load(groq("api_base: os.environ/BASE"))
    assert known.providers[0].api_base is None
    assert "BASE is not set" in known.warnings[0]


def test_a_literal_key_works_and_draws_a_warning_that_does_not_show_it(load: Load) -> None:
    config = load(groq("api_key: gsk_literal_123"))
    assert config.providers[0].keys[0].secret == Secret("gsk_literal_123")
    assert config.warnings == (
        "litellm.yaml:4:14: groq: a key is written into the file; put it into .env and write os.environ/NAME",
    )


def test_a_pasted_line_break_is_no_part_of_a_key_and_nonsense_is_no_key(load: Load) -> None:
    assert load(groq(), {"GROQ_API_KEY": " gsk\n"}).providers[0].keys[0].secret == Secret("gsk")
    config = load(groq(), {"GROQ_API_KEY": "two words"})
    assert not config.providers[0].configured
    assert "GROQ_API_KEY is not used" in str(config.warnings)
    assert "two words" not in str(config.warnings)


def test_the_same_key_counts_once(load: Load) -> None:
    pool = load(groq("api_key: [os.environ/A, os.environ/B]"), {"A": "same", "B": "same"})
    assert [key.secret for key in pool.providers[0].keys] == [Secret("same"), None]
    assert "already in the pool" in pool.warnings[0]
    two = load("providers: {groq: {models: [a]}, more: {litellm_provider: groq, models: [b]}}", {"GROQ_API_KEY": "k"})
    assert "groq and more have the same key" in two.warnings[0]


def test_secrets_in_settings_are_looked_up_and_hidden(load: Load) -> None:
    text = groq("", "[{name: m, litellm_params: {extra_headers: {X-Team: os.environ/TEAM}, top_k: os.environ/GONE}}]")
    text += "router_settings: {redis_password: hunter2, redis_url: 'redis://u:hunter2@h'}\n"
    text += "litellm_settings: {api_key: hunter2}\n"
    config = load(text, {"TEAM": "hunter2", "GROQ_API_KEY": "k"})
    assert "hunter2" not in repr(config)
    assert reveal(config.providers[0].models[0].litellm_params) == {"extra_headers": {"X-Team": "hunter2"}}
    assert reveal(config.router_settings) == {"redis_password": "hunter2", "redis_url": "redis://u:hunter2@h"}
    warnings = " ".join(config.warnings)
    assert "top_k is left out: GONE is not set" in warnings
    assert all(name in warnings for name in ("redis_password", "redis_url", "api_key"))


def test_odd_lines_of_dotenv_are_named_and_the_others_hold(load: Load) -> None:
    config = load(groq(), dotenv="GROQ_API_KEY=good\nthis is nothing\n")
    assert config.providers[0].keys[0].secret == Secret("good")
    assert config.warnings == (".env:2: this line is not NAME=value and is ignored",)


def test_a_folder_called_dotenv_is_left_alone(load: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert load(groq()).providers[0].name == "groq"


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("providers: {groq: {enabled: false, models: [m]}}", "every provider is switched off"),
        (groq(), "no provider has a key yet"),
        (groq(models="[{name: m, groups: fast}]"), "no model serves the group default"),
        ("providers: {gemini: {models: [gemini/gemini-3.8-flash]}}", "gemini/ is added by itself"),
        ("providers: {x: {litellm_provider: opeanai, models: [m]}}", "did you mean openai?"),
        (groq(models="[mixtral-8x7b-32768]"), "no longer served since 2025-03-20; use openai/gpt-oss-20b"),
        (
            "providers: {groq: {models: [m]}, gemini: {enabled: false, models: [{name: m, groups: b}]}}",
            "switched off serve the group b",
        ),
    ],
)
def test_what_is_odd_but_usable_draws_a_warning(load: Load, text: str, warning: str) -> None:
    assert any(warning in each for each in load(text).warnings)


# Files that come with the project


def test_the_reference_table_is_loaded_as_it_stands() -> None:
    config = load_config(REPOSITORY / "examples" / "reference.yaml", {})
    table = [
        (
            each.name,
            each.priority,
            each.tier,
            [model.name for model in each.models],
            each.limits.rpm,
            each.limits.tpd,
        )
        for each in config.providers
    ]
    assert table == [
        ("groq", 1, "free", ["llama-3.3-70b-versatile", "mixtral-8x7b-32768"], 30, 100_000),
        ("gemini", 2, "free", ["gemini-1.5-flash", "gemini-2.5-pro"], 60, 15_000_000),
        (
            "openrouter",
            3,
            "free",
            ["deepseek/deepseek-r1:free", "mistralai/mistral-7b-instruct:free"],
            50,
            50_000,
        ),
        ("together", 4, "free", ["mistralai/Mixtral-8x7B-Instruct-v0.1"], 40, 100_000),
        ("openai", 5, "paid", ["gpt-4o-mini"], 60, 1_000_000),
    ]
    assert sum("no longer served" in warning for warning in config.warnings) == 7


def test_the_shipped_file_keeps_providers_and_limits_and_names_living_models() -> None:
    shipped = load_config(REPOSITORY / "litellm.yaml", {"GROQ_API_KEY": "k"})
    reference = load_config(REPOSITORY / "examples" / "reference.yaml", {})
    assert [(each.name, each.priority, each.limits) for each in shipped.providers] == [
        (each.name, each.priority, each.limits) for each in reference.providers
    ]
    assert shipped.warnings == ()


def test_weeks_and_months_have_a_timezone_although_the_day_is_rolling(load: Load) -> None:
    day = "{window: rolling, timezone: Asia/Tokyo}"
    (deployment,) = deployments_of(load(groq(f"limits: {{rpd: 5, rpmo: 9}}\nday: {day}")), configured_only=False)
    day_meter, month_meter = deployment.account_meters
    assert (day_meter.long, month_meter.long) == (ROLLING_DAY, CalendarMonth("Asia/Tokyo"))


def test_limits_of_any_window_arrive_at_what_the_ledger_counts_by(load: Load) -> None:
    config = load(
        groq(
            "limits: {rpm: 5, parallel: 1, tpw: 1M, usd_per_month: 3,"
            " requests: [{per: 5h, max: 200}, {per: 1s, max: 2}]}\n"
            "day: {timezone: Asia/Tokyo}\nweek: {window: rolling}\nmonth: {day: 31}"
        )
    )
    (deployment,) = deployments_of(config, configured_only=False)
    found = {meter.scope.partition(" per ")[2]: meter for meter in deployment.account_meters}
    limits = {name: {limit.name: limit.value for limit in meter.limits} for name, meter in found.items()}
    assert limits == {
        "": {"rpm": 5, "parallel": 1},
        "week": {"tpw": 1_000_000},
        "month": {"usd_per_month": 3},
        "5h": {"requests_per_5h": 200},
        "1s": {"requests_per_1s": 2},
    }
    assert found["5h"].long == rolling(5 * 3600.0)
    assert found["week"].long == rolling(7 * 86400.0)
    assert found["month"].long == CalendarMonth("Asia/Tokyo", day=31)
