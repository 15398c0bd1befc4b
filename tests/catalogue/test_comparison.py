"""Which models of the file are gone, what takes their place, and how long that is known."""

from dataclasses import replace
from pathlib import Path

import pytest
from rig_config import load_text

from router_config.catalogue.comparison import compare, state_of
from router_config.catalogue.kept_lists import FRESH, KeptList, KeptLists, after
from router_config.catalogue.listing import Account, ListedModel, Listing
from router_config.catalogue.names import find
from router_config.catalogue.successors import successors
from router_config.config.models import Model, Price, Provider

NOW = 1_795_435_200.0


def listing(*names: str, **more: ListedModel) -> Listing:
    return Listing(models=(*(ListedModel(name=name) for name in names), *more.values()))


def provider(name: str, *models: str, prefix: str | None = None) -> Provider:
    return Provider(name=name, litellm_provider=prefix or name, models=tuple(Model(name=each) for each in models))


def test_what_is_gone_what_is_new_and_what_takes_its_place() -> None:
    groq = provider("groq", "llama-3.3-70b-versatile", "openai/gpt-oss-20b")
    new = ListedModel(name="newest", created=NOW)
    found = compare(groq, listing("openai/gpt-oss-20b", "openai/gpt-oss-120b", new=new))
    assert [(each.name, each.state) for each in found.models] == [
        ("llama-3.3-70b-versatile", "gone"),
        ("openai/gpt-oss-20b", "listed"),
    ]
    assert found.gone[0].successors == ("openai/gpt-oss-120b", "openai/gpt-oss-20b")
    assert [each.name for each in found.new] == ["newest", "openai/gpt-oss-120b"]


SAME = [
    ("claude-sonnet-5", "claude-sonnet-5-20260801"),
    ("claude-sonnet-5-latest", "claude-sonnet-5-20260801"),
    ("gemini-2.0-flash", "gemini-2.0-flash-001"),
    ("command-r", "command-r-08-2024"),
    ("gpt-4o", "gpt-4o-2024-08-06"),
    ("GPT-OSS-20B", "openai/gpt-oss-20b"),
    ("openai/gpt-oss-20b:cerebras", "openai/gpt-oss-20b"),
    ("responses/gpt-5.2", "gpt-5.2"),
    ("together/openai/gpt-oss-20b", "openai/gpt-oss-20b"),
]
OTHER = [
    ("gpt-4", "gpt-4-turbo"),
    ("gemini-3-flash", "gemini-3-flash-lite"),
    ("deepseek/deepseek-r1:free", "deepseek/deepseek-r1"),
    ("qwen3:4b", "qwen3:8b"),
    ("gpt-oss-20b", "gpt-oss-120b"),
    ("llama-3.3-70b", "llama-3.3-70b-versatile"),
]


@pytest.mark.parametrize(("name", "listed"), SAME)
def test_a_list_may_spell_a_name_otherwise(name: str, listed: str) -> None:
    assert find(listing(listed), name) is not None


@pytest.mark.parametrize(("name", "listed"), OTHER)
def test_another_model_is_another_model(name: str, listed: str) -> None:
    assert find(listing(listed), name) is None


def test_nothing_is_gone_where_the_list_cannot_tell() -> None:
    openai = provider("openai", "a-model", "text-embedding-9")
    whole = listing("another")
    assert state_of(openai, "a-model", whole) == "gone"
    assert state_of(openai, "a-model", whole, whole=False) == "unknown"
    assert state_of(openai, "a-model", replace(whole, complete=False)) == "unknown"
    assert state_of(openai, "text-embedding-9", whole) == "unknown"  # the list has no embeddings at all
    assert state_of(openai, "a-model", listing()) == "unknown"
    assert state_of(provider("openrouter"), "openrouter/free", whole) == "unknown"


def test_a_free_model_is_not_replaced_by_one_that_costs() -> None:
    gone = "mistralai/mistral-7b-instruct:free"
    costs = ListedModel(name="openrouter/free", price=Price(input=1, output=1), free=False)
    free = ListedModel(name="some:free", price=Price(input=0, output=0), free=True)
    openrouter = provider("openrouter", gone)
    assert successors(openrouter, gone, Listing(models=(costs, free))) == ()
    assert successors(replace(openrouter, tier="paid"), gone, Listing(models=(costs, free))) == ("openrouter/free",)
    assert successors(openrouter, gone) == ("openrouter/free",)  # without a list nothing is known against it


def test_a_successor_that_the_list_named_before_the_model_went_is_remembered() -> None:
    old = ListedModel(name="old", deprecated=True, successor="new")
    kept = after(None, listing("new", old=old), ["old"], NOW)
    found = compare(provider("mistral", "old"), listing("new"), named=after(kept, listing("new"), ["old"], NOW).named)
    assert found.gone[0].successors == ("new",)


def test_a_model_is_proven_gone_by_lists_of_a_day() -> None:
    kept: KeptList | None = None
    for hours, there in ((0, True), (24, False), (36, False), (46.9, False)):  # a timer, and a clock put forward
        kept = after(kept, listing("other", *(["m"] if there else [])), ["m"], NOW + hours * 3600)
        assert kept.proves_gone("m") is (hours == 46.9), hours
    assert kept is not None
    broken = replace(listing("other"), complete=False)
    assert after(kept, broken, ["m"], NOW + 72 * 3600).missing_since == kept.missing_since
    assert not after(kept, listing("m"), ["m"], NOW + 72 * 3600).missing_since


def test_a_kept_list_is_read_as_it_was_by_every_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_text("state: sqlite:///state/counts.db\nproviders: {groq: {models: [m]}}")
    (groq,) = config.providers
    model = ListedModel(
        name="n", context=5, tools=False, free=False, price=Price(input=1, output=2), retires_on="2026-12-31",
        deprecated=True, successor="o", aliases=("p",), created=NOW,
    )  # fmt: skip
    told = Listing(models=(model, ListedModel(name="e", kind="embedding")), account=Account(free_tier=True))
    kept = after(None, told, ["m"], NOW)
    assert KeptLists(config).read(groq) is None
    assert KeptLists(config).write(groq, kept) is None
    assert KeptLists(config).read(groq) == kept
    assert KeptLists(config).read(replace(groq, api_base="http://another")) is None
    assert kept.is_fresh(NOW + FRESH - 1)
    assert not kept.is_fresh(NOW + FRESH)
    assert not kept.is_fresh(NOW - 1)
    (file,) = (tmp_path / "state" / "models").iterdir()
    for broken in ("", "{", "[]", '{"version": 2, "asked_at": 1}', '{"version": 1}', "[" * 100_000):
        file.write_text(broken)
        assert KeptLists(config).read(groq) is None


def test_a_list_that_cannot_be_kept_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_text("providers: {groq: {models: [m]}}")
    (groq,) = config.providers
    (tmp_path / ".router").write_text("a file where the folder should be")
    assert KeptLists(config).write(groq, after(None, listing("m"), [], NOW))
