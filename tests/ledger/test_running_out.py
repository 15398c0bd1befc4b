"""On every store: the forecast is made of what it counted, and what runs out is told once by all of its processes."""

from pathlib import Path
from typing import Any

import pytest
from rig_config import load_text
from rig_ledger import Place, run

from router_config.ledger.interfaces import Store
from router_config.ledger.opening import open_store
from router_config.ledger.rules.gates import Need
from router_config.ledger.rules.meters import Amount
from router_config.ledger.values import Outcome, Settlement
from router_config.status.document import document
from router_config.status.outlook import Outlooks
from router_config.status.running_out import EVERY, RunningOut
from router_config.status.views import View, view_of

MIDNIGHT = 1_795_392_000.0
HOUR, DAYS = 3600.0, 4

FILE = """
providers:
  groq:
    api_key: none
    limits: {tpd: 20k}
    day: {window: calendar, timezone: UTC}
    models: [m]
"""
ANYWHERE = Place("anywhere")


@pytest.fixture
def view(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> View:
    monkeypatch.chdir(tmp_path)
    return view_of(load_text(FILE))


class Process:
    """One of those that share a store: it looks at the forecast."""

    def __init__(self, store: Store, view: View) -> None:
        self._store, self._view = store, view
        self._outlooks, self._running_out = Outlooks(), RunningOut()

    def looks(self, now: float) -> dict[str, Any]:
        """Its `capacity`."""

        async def look() -> dict[str, Any]:
            shown = await document(self._view, self._store, now, self._outlooks)
            await self._running_out.tell(self._outlooks, self._store, now)
            found: dict[str, Any] = shown["capacity"]
            return found

        return run(look())


def use(store: Store, tokens: int, at: float, place: Place = ANYWHERE) -> None:
    async def used() -> None:
        _, lease = await store.reserve([place], Need(tokens, 1), at, 60)
        assert lease is not None
        spent = Settlement(Amount(1, tokens, 0.0), at, at, alive=True, outcome=Outcome("groq", "m", 0.1, None, ""))
        await store.settle(lease, spent, at)

    run(used())


def days_of(store: Store, tokens: int) -> None:
    """Days before midnight, each hour of which used so many."""
    for hour in range(DAYS * 24):
        use(store, tokens, MIDNIGHT - (DAYS * 24 - hour) * HOUR + 60)


def told(store: Store, now: float) -> list[tuple[str, str]]:
    """Kind and provider of the warnings that the store kept, oldest first."""
    events = run(store.history(300, 0, now)).events
    return [(each.kind, each.provider) for each in events if each.kind in ("running_out", "lasts_again")]


def test_the_day_is_forecast_from_the_hours_that_were(store: Store, view: View) -> None:
    days_of(store, 1000)
    found = Process(store, view).looks(MIDNIGHT)
    assert (found["basis"], found["burn_tokens_per_hour"]) == ("profile", 1000)
    day = found["providers"]["groq"]["day"]
    assert (day["limit"], day["remaining"], day["unit"]) == ("tpd", 20_000, "tokens")
    assert day["exhausted"] == dict.fromkeys(("p10", "p50", "p90"), "2026-11-23T20:00:00Z")
    assert found["windows"]["day"]["expected"]["tokens"]["p50"] == 24_000


def test_of_processes_that_share_a_store_one_tells_what_runs_out(url: str, store: Store, view: View) -> None:
    days_of(store, 1000)
    other = store if url == "memory://" else open_store(url)
    first, second = Process(store, view), Process(other, view)
    assert not first.looks(MIDNIGHT)["providers"]["groq"]["day"]["running_out"]
    second.looks(MIDNIGHT + 1)
    expected = [("running_out", "all providers"), ("running_out", "groq")]
    assert sorted(told(store, MIDNIGHT + 1)) == expected
    for process in (first, second):
        found = process.looks(MIDNIGHT + EVERY)
        assert found["providers"]["groq"]["day"]["running_out"]
        assert found["windows"]["day"]["running_out"]
    assert sorted(told(store, MIDNIGHT + EVERY)) == expected
    assert not first.looks(MIDNIGHT + 25 * HOUR)["windows"]["day"]["running_out"], "another day has begun"
    run(other.aclose())


def test_what_lasts_warns_nobody(store: Store, view: View) -> None:
    days_of(store, 500)
    found = Process(store, view).looks(MIDNIGHT)
    assert found["providers"]["groq"]["day"]["exhausted"] == dict.fromkeys(("p10", "p50", "p90"))
    assert told(store, MIDNIGHT) == []


def test_a_guess_warns_nobody(store: Store, view: View) -> None:
    for minute in range(30):
        use(store, 500, MIDNIGHT + 60 * minute, view.deployments[0])  # type: ignore[arg-type]
    found = Process(store, view).looks(MIDNIGHT + HOUR / 2)
    assert (found["basis"], found["exhausted_at"]) == ("last_hour", "2026-11-23T00:50:00Z")
    assert told(store, MIDNIGHT + HOUR / 2) == []
