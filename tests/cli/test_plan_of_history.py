"""`router-config plan` asks the store that the file names: for the requests to replay, and how long answers took."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rig_ledger import Place, taken
from rig_ledger import run as done

from router_config.ledger.opening import open_store
from router_config.ledger.rules.meters import Amount
from router_config.ledger.values import Outcome, Settlement

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.machine_clock
def test_what_a_running_router_was_asked_is_planned_again_three_times(run: Run, folder: Path) -> None:
    (folder / "state").mkdir()
    store, now = open_store(f"sqlite:///{folder}/state/counts.db"), time.time()
    for number in range(12):
        at = now - 7200 - 60 * number
        lease = taken(store, Place("groq/m"), at=at)
        assert lease is not None
        settled = Settlement(Amount(1, 900), at, at, outcome=Outcome("groq", "m", 0.3))
        done(store.settle(lease, settled, at))
    told = run("plan", "--replay", "1d", "--times", "3", "--days", "2", "--json", GROQ_API_KEY="k")
    made = json.loads(told.stdout)
    replayed, latency = made["remarks"][:2]
    assert replayed.startswith("Replayed: 12 requests of the last 2.")
    assert replayed.endswith("; there is no more history, though 24 hours were asked for.")
    assert latency.startswith("Answers take as long as each provider's last ones did: groq 0.3 s (p50)")
    assert made["tokens"] == 900 * made["requests"] > 900 * 36
    assert "3 times" in made["told"]
    said = run("plan", "--replay", "1d", "--days", "1", "--latency", "5s", GROQ_API_KEY="k")
    assert "Answers take" not in said.stderr
    done(store.aclose())
