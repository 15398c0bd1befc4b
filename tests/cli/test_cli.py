"""The command `router-config`: exit codes, short errors, and a quick start."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from rig_cli import GOOD, environment, retired_model

from router_config.cli.text import amount, table

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("check",), 0),
        (("check", "litellm.yaml"), 0),
        (("check", "-c", "litellm.yaml"), 0),
        (("-c", "litellm.yaml", "check"), 0),
        (("check", "--strict"), 1),
        (("show",), 0),
        (("schema",), 0),
        (("status",), 0),
        (("explain", "--group", "gpt-4o", "--tokens", "1500"), 0),
        (("plan", "--tokens-per-day", "90k", "--days", "2"), 0),
        (("plan", "--requests-per-hour", "100", "--days", "2", "--max-wait", "0"), 0),
        (("env", "--show"), 0),
        (("--help",), 0),
        (("--version",), 0),
        ((), 2),
        (("chekc",), 2),
        (("check", "--no-such-option"), 2),
        (("check", "nowhere.yaml"), 2),
        (("show", "-c", "nowhere.yaml"), 2),
        (("explain", "--group", "nobody"), 2),
        (("explain", "--tokens", "0"), 2),
        (("explain", "--tokens", "many"), 2),
        (("plan", "--tokens-per-day", "9M", "--days", "1", "--add-key", "groq"), 0),
        (("plan", "--tokens-per-day", "9k", "--days", "1", "--html", "-"), 0),
        (("plan", "--tokens-per-day", "9k", "--days", "1", "--html", "no/such/folder.html"), 2),
        (("plan", "--tokens-per-day", "9k", "--days", "1", "--fault", "groq down 2h every 1d"), 0),
        (("plan", "--tokens-per-day", "9k", "--days", "1", "--faults", "observed", "--lose", "groq@day1"), 0),
        (("plan", "--tokens-per-day", "9k", "--days", "1", "--fault", "groq down"), 2),
        (("plan", "--tokens-per-day", "9k", "--days", "1", "--lose", "nobody@day1"), 2),
        (("plan",), 2),
        (("plan", "--replay", "7d"), 2),
        (("plan", "--replay", "90d"), 2),
        (("plan", "--tokens-per-day", "9k", "--days", "1", "--times", "0.5"), 0),
        (("plan", "--tokens-per-day", "9k", "--days", "1", "--times", "0"), 2),
        (("plan", "--tokens-per-day", "1M", "--add-key", "nobody"), 2),
        (("plan", "--tokens-per-day", "0"), 2),
        (("plan", "--tokens-per-day", "1M", "--from", "today"), 2),
        (("plan", "--tokens-per-day", "1M", "--timezone", "Nowhere"), 2),
        (("status", "--watch", "never"), 2),
        (("serve", "--port", "99999"), 2),
        (("ask",), 2),
        (("ask", " "), 2),
        (("ask", "hello", "--group", "defualt"), 2),
        (("ask", "hello"), 1),
        (("env", "--show", "--stdin"), 2),
    ],
)
def test_exit_codes(run: Run, arguments: tuple[str, ...], code: int) -> None:
    done = run(*arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    if code == 2:
        assert done.stdout == ""
        assert 1 <= len(done.stderr.splitlines()) <= 3


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", ""),
        ("providers:\n\tgroq:\n", ":2:1"),
        ("providers: {groq: {models: [m], colour: red}}", ":1:33"),
        ("providers: {groq: {models: [m], limits: {rpm: -1}}}", ":1:47"),
        ("providers: {groq: {models: [m], limits: {rpm: lots}}}", ":1:47"),
        ("providers:\n  groq: {models: [m]}\n  groq: {models: [m]}\n", ":3:3"),
        ("providers: {groq: {models: [m]}}\naliases: {a: nobody}\n", ":2:14"),
        ("providers: {groq: {models: [m, m]}}", ":1:32"),
        ("state: sqlite:////dev/null/state.db\nproviders: {groq: {models: [m]}}", ":1:8"),
        ("state: sqlite:////proc/nowhere/state.db\nproviders: {groq: {models: [m]}}", ":1:8"),
    ],
)
def test_bad_input_is_one_error_with_its_place(run: Run, folder: Path, text: str, place: str) -> None:
    (folder / "bad.yaml").write_text(text)
    done = run("check", "bad.yaml")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"bad.yaml{place}: ")
    assert 1 <= len(done.stderr.splitlines()) <= 3


def test_a_store_that_cannot_be_written_is_named(run: Run, folder: Path) -> None:
    (folder / "file").touch()
    (folder / "litellm.yaml").write_text(GOOD.replace("sqlite:///state/counts.db", "sqlite:///file/counts.db"))
    done = run("check")
    assert done.returncode == 2
    assert f"{folder}/file/counts.db cannot be written" in done.stderr
    assert "litellm.yaml:2:8" in done.stderr


def test_looking_leaves_nothing_behind(run: Run, folder: Path) -> None:
    for command in ("check", "status", "explain", "show", "plan --tokens-per-day 9k"):
        run(*command.split())
    assert [each.name for each in folder.iterdir()] == ["litellm.yaml"]


def test_a_plan_is_for_the_workload_of_the_file_unless_another_is_given(run: Run, folder: Path) -> None:
    (folder / "litellm.yaml").write_text(GOOD + "workload: [{requests_per_day: 100, tokens: 3k}]\n")
    done = run("plan", "--days", "3", "--json", "--from", "2026-11-23", "--timezone", "Europe/Zurich")
    made = json.loads(done.stdout)
    assert done.returncode == 0
    assert (made["answer"], made["served"], made["binding"]) == (True, 1.0, None)
    assert [day["date"] for day in made["days"]] == ["2026-11-23", "2026-11-24", "2026-11-25"]
    assert 200 < made["requests"] < 400
    done = run("plan", "--days", "1", "--requests-per-hour", "10", "--csv", GROQ_API_KEY="k")
    assert done.stdout.splitlines()[0].startswith("date,provider,share,requests")
    assert "gemini is left out" not in done.stdout
    told = run("plan", "--days", "3", "--tokens-per-day", "900k", "--no-advice", GROQ_API_KEY="k")
    assert told.returncode == 1
    assert told.stdout.startswith("No. ")
    assert re.fullmatch(
        r"No\. \d\d(\.\d)? % of 900k tokens a day are served; from day 1, \d\d:\d\d UTC, each day, everything free is "
        r"used up: groq tpd binds; paid fallback \(openai\) would cost \$\d+\.\d\d a month\.",
        told.stdout.splitlines()[0],
    )
    assert re.search(
        r"The first was not served at .*; the worst hour began at .*, with \d+ of \d+ requests", told.stdout
    )
    assert "gemini is left out: GEMINI_API_KEY is not set." in told.stderr


def test_the_page_of_a_plan_goes_to_a_file_or_to_standard_output(run: Run, folder: Path) -> None:
    arguments = ("plan", "--tokens-per-day", "9k", "--days", "2", "--from", "2026-11-23", "--html")
    written = run(*arguments, "plan.html")
    assert written.stdout.startswith("Yes. 100 % of 9k tokens a day are served for 2 days")
    assert "Its charts: plan.html" in written.stderr
    page = (folder / "plan.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "litellm.yaml" in page
    assert run(*arguments, "-").stdout.startswith("<!doctype html>")


def test_a_misspelt_command_is_recognised(run: Run) -> None:
    assert run("chekc").stderr == 'router-config: unknown command "chekc"\n  Did you mean check?\n'


@pytest.mark.parametrize(
    "command", ["check", "diff", "show", "env", "schema", "ask", "status", "explain", "plan", "serve", "demo"]
)
def test_help_has_examples(run: Run, command: str) -> None:
    help_text = run(command, "--help").stdout
    assert f"Examples:\n  router-config {command}" in help_text
    assert "-c FILE, --config FILE" in help_text


def test_a_reader_that_goes_away_draws_no_complaint(folder: Path) -> None:
    command = f"{sys.executable} -m router_config.cli schema | head -1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["show"],
        ["schema"],
        ["diff", "litellm.yaml"],
        ["status"],
        ["explain"],
        ["plan", "--tokens-per-day", "50k", "--days", "1"],
        ["env", "--show"],
        ["--help"],
        ["check", "nowhere.yaml"],
    ],
)
def test_quick_commands_import_nothing_slow(folder: Path, arguments: list[str]) -> None:
    paid = "openai: {tier: paid, api_key: none, limits: {usd_per_day: 1}, models: [gpt-4o-mini]}"
    (folder / "litellm.yaml").write_text(GOOD.replace("providers:", f"providers:\n  {paid}"))
    code = (
        "import sys\nfrom router_config import cli\n"
        f"try:\n    cli.main({arguments!r})\nexcept SystemExit:\n    pass\n"
        "slow = {'litellm', 'openai', 'pydantic', 'fastapi', 'uvicorn', 'rich', 'httpx', 'redis'}\n"
        "sys.exit(' '.join(slow & set(sys.modules)) or None)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment(GROQ_API_KEY="k"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"imported: {done.stderr}"


def test_check_shows_providers_groups_and_warnings(run: Run) -> None:
    done = run("check", GROQ_API_KEY="gsk_very_secret")
    assert "litellm.yaml is fine: 2 providers, 1 ready, 2 models." in done.stdout
    assert "1         groq      free  GROQ_API_KEY              30 rpm, 100k tpd  openai/gpt-oss-20b" in done.stdout
    assert "GEMINI_API_KEY (not set)" in done.stdout
    assert (
        "default: groq/openai/gpt-oss-20b#1, gemini/gemini-3.8-flash#1\nfast: gemini/gemini-3.8-flash#1\n"
        in done.stdout
    )
    assert "aliases: gpt-4o -> fast" in done.stdout
    assert "gsk_very_secret" not in done.stdout + done.stderr


def test_check_warns_of_retired_models_and_names_successors(run: Run, folder: Path) -> None:
    provider, model, gone = retired_model()
    (folder / "old.yaml").write_text(
        "providers:\n"
        "  groq: {models: [mixtral-8x7b-32768]}\n"
        f"  mine: {{litellm_provider: {provider}, models: [{model}]}}\n"
        "  openai: {tier: paid, limits: {usd_per_day: 1}, models: [unheard-of-model]}\n"
    )
    done = run("check", "old.yaml")
    assert done.returncode == 0
    assert "mixtral-8x7b-32768 is no longer served since 2025-03-20; use openai/gpt-oss-20b instead" in done.stderr
    assert f"{model} is no longer served since {gone}" in done.stderr
    assert "usd_per_day needs a price, and none is known for unheard-of-model" in done.stderr


def test_check_in_json(run: Run, folder: Path) -> None:
    document = json.loads(run("check", "--json", GROQ_API_KEY="k").stdout)
    assert document["ok"] is True
    assert [(each["name"], each["configured"]) for each in document["providers"]] == [
        ("groq", True),
        ("gemini", False),
    ]
    assert document["groups"]["fast"] == ["gemini/gemini-3.8-flash#1"]
    (folder / "bad.yaml").write_text("providers: 5")
    done = run("check", "bad.yaml", "--json")
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (2, False)
    assert json.loads(done.stdout)["error"] == done.stderr.strip()


def test_show_is_yaml_without_a_secret(run: Run, folder: Path) -> None:
    (folder / "litellm.yaml").write_text(
        GOOD.replace("sqlite:///state/counts.db", "redis://:hunter2@host/0")
        + "router_settings: {redis_password: hunter2}\n"
        + "litellm_settings: {drop_params: true}\n"
    )
    done = run("show", GROQ_API_KEY="gsk_very_secret", GEMINI_API_KEY="hunter2")
    shown = yaml.safe_load(done.stdout)
    assert shown["providers"][0]["keys"] == [{"variable": "GROQ_API_KEY", "set": True}]
    assert shown["providers"][0]["limits"]["tpd"] == 100_000
    assert shown["state"] == "redis://***@host/0"
    assert "gsk_very_secret" not in done.stdout
    assert "hunter2" not in done.stdout + done.stderr
    assert json.loads(run("show", "--json").stdout)["aliases"] == {"gpt-4o": "fast"}


def test_schema_is_json(run: Run) -> None:
    assert json.loads(run("schema").stdout)["title"] == "litellm.yaml"


def test_tables_and_amounts() -> None:
    assert table(("A", "LONG"), [("x", None), ("yyy", 5)]) == "A    LONG\nx    -\nyyy  5"
    assert [amount(number) for number in (0, 30, 1500, 100_000, 15_000_000, 41_234, 0.5)] == [
        "0", "30", "1.5k", "100k", "15M", "41234", "0.5",
    ]  # fmt: skip


def test_explain_tells_what_is_kept_for_others_where_there_is_room_too(run: Run, folder: Path) -> None:
    (folder / "litellm.yaml").write_text(GOOD + "classes: {trader: {reserve: 30%, agents: [TradingAgent]}}\n")
    told = run("explain", "--agent", "somebody", "--tokens", "2000", GROQ_API_KEY="k").stdout
    assert "fits; 30k are kept for trader" in told
    assert "kept for" not in run("explain", "--agent", "TradingAgent", "--tokens", "2000", GROQ_API_KEY="k").stdout
