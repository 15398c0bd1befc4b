"""`add`, `remove` and `set` change one thing in litellm.yaml: comments, order and all else stay as they were."""

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from router_config.cli.editing.yaml_edit import flow
from router_config.config.loading import load_config

Run = Callable[..., subprocess.CompletedProcess[str]]

BLOCK = """\
# mine
state: memory://
providers:
  groq:               # first
    limits: {rpm: 30} # as in the console
    models:
      - openai/gpt-oss-20b    # small
      - name: a.b-1.5
        limits:
          rpd: 100    # a day

  # the last resort
  openai:
    models: [gpt-4o-mini]
    priority: 2

# the end
aliases: {x: default}
"""
FLOW = "state: memory://\nproviders: {groq: {limits: {rpm: 30}, models: [m]}, openai: {models: [gpt-4o-mini]}}\n"


def changed(before: str, after: str) -> list[str]:
    """The lines that are new in `after`; everything else is as it was, in its order."""
    old, new = before.splitlines(), after.splitlines()
    return [line for line in new if line not in old]


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("groq.limits.rpm", "60", "    limits: {rpm: 60} # as in the console"),
        ("providers.groq.limits.tpd", "100k", "    limits: {rpm: 30, tpd: 100k} # as in the console"),
        ("groq.priority", "7", "    priority: 7"),
        (
            "groq.models.openai/gpt-oss-20b.limits.rpm",
            "5",
            "      - {name: openai/gpt-oss-20b, limits: {rpm: 5}}    # small",
        ),
        ("groq.models.a.b-1.5.limits.rpd", "1k", "          rpd: 1k    # a day"),
        ("groq.models.1.limits.rpm", "2", "          rpm: 2"),
        ("groq.day", "{window: calendar, timezone: UTC}", "    day: {window: calendar, timezone: UTC}"),
        ("groq.models", "[m, n]", "      [m, n]"),
        ("openai.models.0", '"@cf/x"', '    models: ["@cf/x"]'),
        ("openai.models.0", "@cf/x", '    models: ["@cf/x"]'),
        ("defaults.cooldown", "10m", "defaults: {cooldown: 10m}"),
        ("classes.trader.reserve", "40%", "classes: {trader: {reserve: 40%}}"),
        ("aliases.*", "default", 'aliases: {x: default, "*": default}'),
        ("openai.api_key", "none", "    api_key: none"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_one_value_changes(run: Run, folder: Path, path: str, value: str, line: str, newline: str) -> None:
    file = folder / "litellm.yaml"
    file.write_bytes(BLOCK.replace("\n", newline).encode())
    done = run("set", path, value)
    assert (done.returncode, done.stderr) == (0, "")
    after = file.read_bytes().decode()
    assert changed(BLOCK, after) == [line]
    assert after.count(newline) == after.count("\n")
    assert f"+{line}" in done.stdout
    again = run("set", path, value)
    assert (again.returncode, again.stdout) == (0, "")
    assert file.read_bytes().decode() == after


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("set", "groq.limits.rpm", "lots"), "litellm.yaml:5:19: "),
        (("set", "groq.limit.rpm", "5"), "Did you mean limits?"),
        (("set", "grok.limits.rpm", "5"), "Did you mean groq?"),
        (("set", "groq.models.gone.limits.rpm", "5"), "There: openai/gpt-oss-20b, a.b-1.5"),
        (("set", "aliases.x", "nobody"), "litellm.yaml:18:14: "),
        (("set", "groq.api_key", "gsk_secret_1"), "a key does not belong into the file"),
        (("set", "openai.priority.x", "5"), "It holds a value"),
        (("remove", "grok"), "Did you mean groq?"),
        (("add", "groq"), "groq is there already"),
        (("add", "grop"), "Did you mean groq?"),
        (("add", "cerebras", "--key-stdin"), "no key came"),
    ],
)
def test_a_bad_change_is_refused_and_the_file_is_as_it_was(
    run: Run, folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    (folder / "litellm.yaml").write_text(BLOCK)
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "gsk_secret_1" not in done.stderr
    assert (folder / "litellm.yaml").read_text() == BLOCK
    assert sorted(path.name for path in folder.iterdir()) == ["litellm.yaml"]


@pytest.mark.parametrize("text", [BLOCK, FLOW], ids=["block", "flow"])
def test_a_provider_is_added_and_removed_again(run: Run, folder: Path, text: str) -> None:
    file = folder / "litellm.yaml"
    file.write_text(text)
    done = run("add", "cerebras", "--key-stdin", stdin="csk-secret-1\n")
    assert done.returncode == 0, done.stderr
    assert "csk-secret-1" not in done.stdout + done.stderr
    assert (folder / ".env").read_text() == "CEREBRAS_API_KEY=csk-secret-1\n"
    config = load_config(file, {})
    added = next(each for each in config.providers if each.name == "cerebras")
    assert (added.configured, added.limits.rpm) == (True, 5)
    if text == BLOCK:
        assert "    # As of 2026-" in file.read_text()
        assert [line for line in BLOCK.splitlines() if line not in file.read_text().splitlines()] == []
    assert run("remove", "cerebras").returncode == 0
    assert file.read_text() == text


@pytest.mark.parametrize(
    ("tiers", "preset", "priority"),
    [
        ({1: "free", 2: "free"}, "cerebras", 3),
        ({1: "free", 5: "paid"}, "cerebras", 2),
        ({1: "free", 2: "free", 3: "paid", 4: "paid"}, "cerebras", 2),
        ({1: "free", 2: "paid", 7: "free"}, "cerebras", 1),
        ({1: "paid"}, "cerebras", 0),
        ({1: "free", 2: "paid"}, "deepinfra", 3),
    ],
)
def test_what_is_free_is_added_before_what_is_paid(
    run: Run, folder: Path, tiers: dict[int, str], preset: str, priority: int
) -> None:
    text = "state: memory://\nproviders:\n"
    for place, tier in tiers.items():
        text += f"  p{place}: {{priority: {place}, tier: {tier}, litellm_provider: groq, models: [m]}}\n"
    (folder / "litellm.yaml").write_text(text)
    assert run("add", preset).returncode == 0
    added = next(line for line in (folder / "litellm.yaml").read_text().splitlines() if line.startswith("    priority"))
    assert added == f"    priority: {priority}"


def test_a_link_and_its_mode_stay_and_what_an_anchor_shares_is_not_changed(run: Run, folder: Path) -> None:
    real = folder / "real.yaml"
    (folder / "litellm.yaml").replace(real)
    (folder / "litellm.yaml").symlink_to("real.yaml")
    real.chmod(0o640)
    assert run("set", "groq.limits.rpm", "31").returncode == 0
    assert (folder / "litellm.yaml").is_symlink()
    assert stat.S_IMODE(os.stat(real).st_mode) == 0o640
    assert load_config(real, {}).providers[0].limits.rpm == 31
    shared = "providers:\n  groq: {limits: &l {rpm: 1}, models: [m]}\n  openai: {limits: *l, models: [m]}\n"
    real.write_text(shared)
    done = run("set", "openai.limits.rpm", "5")
    assert done.returncode == 2
    assert "cannot be changed alone" in done.stderr
    assert real.read_text() == shared


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("5", "5"), ("95%", "95%"), ("a: b", '"a: b"'), ("# x", '"# x"'), ("[a, b]", "[a, b]"), ("*", '"*"'),
        ("", '""'), ("a, b", '"a, b"'), ("{x: 1}", "{x: 1}"), ("a #b", '"a #b"'), ("x\ny", '"x\\ny"'), ("'q'", "'q'"),
        ("qwen3:4b", "qwen3:4b"), ("- a", '"- a"'), ("] x", '"] x"'),
    ],
)  # fmt: skip
def test_a_value_is_written_as_it_is_or_in_quotes(value: str, written: str) -> None:
    assert flow(value) == written
