"""`router-config forecast`: how long room lasts, and how good such forecasts were."""

import asyncio
import json
import time
from pathlib import Path

from rig_ledger import Place

from router_config.ledger.local.sqlite import SQLiteStore
from router_config.ledger.rules.gates import Need
from router_config.ledger.rules.meters import Amount, Limit
from router_config.ledger.values import Outcome, Settlement

from .conftest import Run

FILE = """
state: sqlite:///counts.db
providers:
  groq:
    api_key: none
    limits: {tpd: 20k}
    day: {window: calendar, timezone: UTC}
    models: [m]
"""
HOUR = 3600


def used(folder: Path, hours: int, tokens: int) -> None:
    """A store that counted so many tokens at the beginning of each of the last hours."""
    (folder / "litellm.yaml").write_text(FILE)
    present = int(time.time()) // HOUR
    groq = Place("elsewhere", (Limit("tpd", 10**12),))

    async def filled() -> None:
        store = SQLiteStore(folder / "counts.db")
        for hour in range(present - hours, present):
            at = hour * HOUR + 1.0
            _, lease = await store.reserve([groq], Need(tokens, 1), at, 60)
            assert lease is not None
            outcome = Outcome("groq", "m", 0.1, None, "")
            await store.settle(lease, Settlement(Amount(1, tokens), at, at, alive=True, outcome=outcome), at)
        await store.aclose()

    asyncio.run(filled())


def test_it_says_what_is_left_what_is_expected_and_when_it_ends(folder: Path, run: Run) -> None:
    used(folder, 72, 100)
    answer = run("forecast")
    assert answer.returncode == 0, answer.stderr
    lines = answer.stdout.splitlines()
    assert lines[0].startswith("By the hours of the week, from 3.")
    assert lines[3].split()[:4] == ["groq", "day", "tpd", "20k"]
    assert lines[4].split()[:2] == ["all", "day"]
    assert "  no  " in lines[4]


def test_where_all_run_out_too_early_the_answer_is_1(folder: Path, run: Run) -> None:
    used(folder, 72, 100_000_000)
    answer = run("forecast", "--json")
    assert answer.returncode == 1
    found = json.loads(answer.stdout)
    assert found["basis"] == "profile"
    assert found["providers"]["groq"]["day"]["exhausted"]["p50"] is not None


def test_without_history_it_says_that_it_guesses(folder: Path, run: Run) -> None:
    (folder / "litellm.yaml").write_text(FILE)
    answer = run("forecast")
    assert answer.returncode == 0
    assert answer.stdout.startswith("A guess: under a day of history")


def test_the_backtest_says_how_good_it_was(folder: Path, run: Run) -> None:
    used(folder, 100, 1000)
    answer = run("forecast", "--backtest")
    assert answer.returncode == 0, answer.stderr
    assert "WITHIN P10-P90" in answer.stdout
    found = json.loads(run("forecast", "--backtest", "--json").stdout)
    assert found["rooms"][0]["days"] == 0.5
    assert found["rooms"][0]["error"] < 0.01


def test_a_short_history_is_said_plainly(folder: Path, run: Run) -> None:
    used(folder, 30, 1000)
    answer = run("forecast", "--backtest")
    assert answer.returncode == 1
    assert answer.stderr == "The history is too short: 30 hours, and it takes 3 days.\n"
