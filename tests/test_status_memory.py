"""A status that remembers what it said last says what one says that remembers nothing."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from rig_config import load_text
from rig_ledger import START, run

from router_config.config.models import Config
from router_config.deployments.deployment import Deployment
from router_config.ledger.interfaces import Store
from router_config.ledger.opening import open_store
from router_config.ledger.rules.gates import Cooldown, Need
from router_config.ledger.rules.meters import Amount
from router_config.ledger.rules.reported_limits import Report
from router_config.ledger.values import Lease, Outcome, Settlement
from router_config.status.document import document
from router_config.status.views import View, view_of

FILE = """
providers:
  groq:
    api_key: [os.environ/ONE, os.environ/TWO]
    limits: {rpm: 12, tpd: 20k}
    models: [{name: a, limits: {rpm: 6, tpd: 9k}}, {name: b}]
  gemini:
    api_key: os.environ/ONE
    day: {window: calendar, timezone: America/Los_Angeles}
    models: [{name: c, limits: {tpm: 9k, rpd: 30}}]
  together: {api_key: os.environ/ONE, tier: paid, limits: {usd_per_day: 0.02}, models: [d]}
  openai: {api_key: os.environ/UNSET, tier: paid, models: [e]}
"""
KEYS = {"ONE": "fake-one", "TWO": "fake-two"}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.chdir(tmp_path)
    return load_text(FILE, KEYS)


@pytest.fixture(params=["memory", "sqlite"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """The one that is read, and another process', where there can be one."""
    if request.param == "memory":
        store = open_store("memory://")
        yield store, store
        return
    opened = [open_store(f"sqlite:///{tmp_path}/state.db") for _ in range(2)]
    yield opened[0], opened[1]
    for each in opened:
        run(each.aclose())


class Traffic:
    """Requests, failures, cooldowns, what providers report, and time that passes, as `random` has it."""

    def __init__(self, random: Random, view: View, stores: tuple[Store, Store]) -> None:
        self.now = START
        self._random, self._view, self._stores = random, view, stores
        self._open: list[tuple[Lease, Deployment]] = []
        for store in stores:
            store.register_meters(view.meters)

    async def goes_on(self) -> None:
        random = self._random
        self.now += random.choice([0, 0, 0, 0.1, 0.1, 0.1, 0.1, 5, 45, 4000])
        store, deployment = random.choice(self._stores), random.choice(self._view.deployments)
        _, lease = await store.reserve([deployment], Need(random.randint(10, 2000), 5), self.now, 60)
        if lease is not None:
            self._open.append((lease, deployment))
        if self._open and random.random() < 0.8:
            await self._end(store, *self._open.pop(random.randrange(len(self._open))))
        if random.random() < 0.1:
            await store.end_cooldown(random.choice(deployment.scopes))

    async def _end(self, store: Store, lease: Lease, deployment: Deployment) -> None:
        random, now = self._random, self.now
        error = random.choice([None, None, None, "timeout", "rate_limited"])
        cooldowns: tuple[Cooldown, ...] = ()
        if error == "rate_limited" and random.random() < 0.5:
            until = now + random.choice([0.2, 20, 3000])
            cooldowns = (
                Cooldown(random.choice(deployment.scopes), "cooldown", "why", now, until, random.random() < 0.5),
            )
        reports: tuple[Report, ...] = ()
        if random.random() < 0.05:
            reports = (Report(deployment.meters[0].scope, "rpm", random.choice([None, 8]), 3, random.choice([2, 50])),)
        spent = None if random.random() < 0.1 else Amount(1, random.randint(1, 900), random.choice([0.0, 0.001]))
        outcome = Outcome(deployment.provider, deployment.model, random.random(), error, "message")
        await store.settle(
            lease,
            Settlement(spent, now, now, alive=not error, cooldowns=cooldowns, reports=reports, outcome=outcome),
            now,
        )


@pytest.mark.parametrize("seed", range(4))
def test_what_is_remembered_is_what_is_true(config: Config, stores: tuple[Store, Store], seed: int) -> None:
    remembers = view_of(config)

    async def live() -> None:
        traffic = Traffic(Random(seed), remembers, stores)
        for _ in range(150):
            await traffic.goes_on()
            said = await document(remembers, stores[0], traffic.now)
            assert said == await document(view_of(config), stores[0], traffic.now)

    run(live())


def test_a_caller_may_change_what_it_was_given(config: Config) -> None:
    view, store = view_of(config), open_store("memory://")

    async def given() -> dict[str, Any]:
        return await document(view, store, START)

    first = run(given())
    for provider in first["providers"]:
        provider["limits"].clear()
        provider["models"].clear()
    second = run(given())
    assert second["providers"][0]["limits"]["rpm"]["limit"] == 24
    second["providers"][0]["limits"]["rpm"]["limit"] = 0
    assert run(given()) == run(document(view_of(config), store, START))
