"""When requests are expected, as paced limits go by it."""

import pytest
from rig_ledger import START, run

from router_config.config.loading import load_text
from router_config.config.models import Config
from router_config.forecast.expected_hours import ExpectedHours
from router_config.ledger.local.memory import MemoryStore
from router_config.ledger.rules.meters import Amount
from router_config.ledger.rules.pacing import EVEN
from router_config.ledger.rules.windows import CalendarDay
from router_config.ledger.values import Lease, Outcome, Settlement

HOUR = 3600
MIDNIGHT = START - START % (24 * HOUR)
DAY = CalendarDay("UTC")


def settle(store: MemoryStore, number: int, moment: float) -> None:
    outcome = Outcome("gemini", "gemini-1.5-flash", 1.0)
    spent = Amount(1, 1000)
    lease = Lease(str(number), "gemini", (), spent, moment, moment + 60)
    run(store.settle(lease, Settlement(spent, moment, moment, True, outcome=outcome), moment))


def history(days: int) -> MemoryStore:
    """Of requests between nine and five o'clock, at a provider that is not paced."""
    store = MemoryStore()
    for day in range(-days, 0):
        for hour in range(9, 17):
            settle(store, 100 * day + hour, MIDNIGHT + (24 * day + hour) * HOUR + 60)
    return store


def paced(more: str = "") -> Config:
    return load_text(
        f"providers: {{groq: {{models: [m], pace: even, limits: {{tpd: 1M}}}}}}\n{more}", "litellm.yaml", {}
    )


def share_at(store: MemoryStore, hour: float) -> float:
    return store.expected.share(DAY, MIDNIGHT + hour * HOUR)


def test_the_hours_are_those_of_the_own_history_of_all_providers() -> None:
    store = history(days=3)
    run(ExpectedHours().tell(paced(), store, MIDNIGHT + 30))
    assert share_at(store, 8.9) == pytest.approx(share_at(store, 0)) == pytest.approx(0.02)
    assert share_at(store, 13) == pytest.approx(0.5 + 0.02 * 0.5, abs=0.02)
    assert share_at(store, 17) == pytest.approx(1)


def test_under_a_day_of_history_all_hours_are_alike() -> None:
    store = MemoryStore()
    settle(store, 1, MIDNIGHT - HOUR)
    run(ExpectedHours().tell(paced(), store, MIDNIGHT + 30))
    assert share_at(store, 12) == EVEN.share(DAY, MIDNIGHT + 12 * HOUR)


def test_a_workload_of_the_file_goes_before_the_history() -> None:
    store = history(days=3)
    workload = "workload: [{tokens_per_day: 1M, tokens: 1k, hours: 00:00-06:00 UTC}]\n"
    run(ExpectedHours().tell(paced(workload), store, MIDNIGHT + 30))
    assert share_at(store, 6) == pytest.approx(1)


def test_it_looks_once_an_hour_and_at_an_edit_and_only_where_something_is_paced() -> None:
    hours, config = ExpectedHours(), paced()
    assert hours.is_due(config, MIDNIGHT + 120)
    assert not hours.is_due(config, MIDNIGHT + 3000)
    assert hours.is_due(config, MIDNIGHT + HOUR + 120)
    assert hours.is_due(paced(), MIDNIGHT + HOUR + 121)
    free = load_text("providers: {groq: {models: [m]}}", "litellm.yaml", {})
    assert not hours.is_due(free, MIDNIGHT + HOUR + 122)
    assert not hours.is_due(None, MIDNIGHT + HOUR + 123)


def test_pace_without_a_limit_that_lasts_is_a_warning() -> None:
    config = load_text("providers: {groq: {models: [m], pace: even, limits: {rpm: 3}}}", "litellm.yaml", {})
    assert any("pace spreads limits of a day" in each for each in config.warnings)
    assert not any("pace" in each for each in paced().warnings)


@pytest.mark.parametrize(
    ("classes", "due"),
    [
        ("batch: {use: leftover}", True),
        ("trader: {reserve: 30%, release: forecast}", True),
        ("trader: {reserve: 30%}", False),
    ],
)
def test_what_a_class_gets_by_forecast_goes_by_the_hours_too(classes: str, due: bool) -> None:
    text = f"providers: {{groq: {{models: [m], limits: {{tpd: 1M}}}}}}\nclasses: {{{classes}}}"
    assert ExpectedHours().is_due(load_text(text, "litellm.yaml", {}), MIDNIGHT) is due
