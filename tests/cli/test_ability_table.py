"""What `check` tells of what models can do: how it is known, and whether a group can do what is asked for."""

import asyncio
import json
from pathlib import Path
from typing import Any

from rig import NOON

from router_config.cli.checks.ability_table import ability_documents, ability_report
from router_config.config.loading import load_config
from router_config.deployments.learned import Learned
from router_config.deployments.model_list import deployments_of
from router_config.iso import iso
from router_config.ledger.opening import open_store

from .conftest import Run

FILE = """
version: 1
state: sqlite:///state.db
providers:
  groq:
    models:
      - {name: openai/gpt-oss-120b, supports: {images: false}, context: 32k}
  gemini:
    models: [gemini-2.5-flash]
  openrouter: {models: [openrouter/free, {name: "openai/gpt-oss-20b:free", supports: {images: true}}]}
  mine: {litellm_provider: openai, api_base: "http://127.0.0.1:9/v1", models: [home-made]}
"""
KEYS = {"GROQ_API_KEY": "k", "GEMINI_API_KEY": "k"}


def documents(folder: Path) -> dict[str, dict[str, Any]]:
    (folder / "can.yaml").write_text(FILE)
    return {each["model"]: each for each in ability_documents(load_config(folder / "can.yaml", KEYS))}


def test_each_ability_is_told_with_who_says_so(tmp_path: Path) -> None:
    by_model = documents(tmp_path)
    groq, gemini, mine = (by_model[name] for name in ("openai/gpt-oss-120b", "gemini-2.5-flash", "home-made"))
    assert groq["images"] == {"value": False, "source": "file"}
    assert groq["context"] == {"value": 32_000, "source": "file"}
    assert groq["tools"] == {"value": True, "source": "LiteLLM"}
    assert gemini["images"] == {"value": True, "source": "LiteLLM"}
    assert mine["tools"] == {"value": None, "source": None}
    shown = ability_report(list(by_model.values()))
    assert "no (file)" in shown
    assert "yes (LiteLLM)" in shown


def test_what_a_preset_knows_is_told_as_its_word_where_the_file_says_nothing(tmp_path: Path) -> None:
    by_model = documents(tmp_path)
    free, small = by_model["openrouter/free"], by_model["openai/gpt-oss-20b:free"]
    assert free["context"] == {"value": 200_000, "source": "preset"}
    assert free["tools"] == {"value": True, "source": "preset"}
    assert free["audio"] == {"value": None, "source": None}
    assert small["audio"] == {"value": False, "source": "preset"}
    assert small["images"] == {"value": True, "source": "file"}


def test_the_table_of_check_says_preset(run: Run, folder: Path) -> None:
    (folder / "can.yaml").write_text(FILE)
    shown = run("check", "can.yaml", "--verbose", **KEYS, OPENROUTER_API_KEY="k").stdout
    assert "200k (preset)" in shown
    assert "yes (preset)" in shown


def test_what_was_learned_is_told_with_its_date(tmp_path: Path) -> None:
    (tmp_path / "can.yaml").write_text(FILE)
    config, store = load_config(tmp_path / "can.yaml", KEYS), open_store(f"sqlite:///{tmp_path / 'state.db'}")
    (model,) = [each.same_model for each in deployments_of(config) if each.provider == "mine"]
    learned = Learned()
    learned.abilities.refused(model, "tools", NOON)

    async def tell() -> None:
        await learned.exchange(store, NOON)
        await store.aclose()

    asyncio.run(tell())
    assert documents(tmp_path)["home-made"]["tools"] == {"value": False, "source": f"learned {str(iso(NOON))[:10]}"}


def test_needs_are_answered_by_group(run: Run, folder: Path) -> None:
    (folder / "can.yaml").write_text(FILE)
    done = run("check", "can.yaml", "--needs", "images,tools", "--json", **KEYS)
    found = json.loads(done.stdout)["needs"]
    assert found["asked"] == ["images", "tools"]
    group = found["groups"]["default"]
    assert group["can"] == ["gemini/gemini-2.5-flash#1"]
    assert group["may"] == ["mine/home-made#1"]
    assert "images: not supported (the configuration says so)" in group["cannot"]["groq/openai/gpt-oss-120b#1"]
    assert "default: gemini/gemini-2.5-flash#1" in run("check", "can.yaml", "--needs", "images,tools", **KEYS).stdout


def test_a_group_that_cannot_is_a_warning_only_where_it_is_asked_for(run: Run, folder: Path) -> None:
    (folder / "text.yaml").write_text("providers:\n  groq: {models: [{name: m, supports: {images: false}}]}\n")
    plain = run("check", "text.yaml", GROQ_API_KEY="k")
    assert "images" not in plain.stderr
    asked = run("check", "text.yaml", "--needs", "images", "--strict", GROQ_API_KEY="k")
    assert "no model of group default can do images" in asked.stderr
    assert asked.returncode == 1


def test_a_name_that_is_no_ability_is_refused_with_those_that_are(run: Run, folder: Path) -> None:
    done = run("check", "--needs", "pictures")
    assert done.returncode == 2
    assert "'pictures' is no ability; there are tools" in done.stderr
