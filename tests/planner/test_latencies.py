"""How long answers take in a plan: as the last ones of each provider did, unless a person says otherwise."""

from datetime import date
from typing import Any

import pytest
import yaml
from rig_ledger import Place, run, taken

from router_config import plan
from router_config.config.loading import load_text
from router_config.config.models import Config
from router_config.ledger.local.memory import MemoryStore
from router_config.ledger.rules.meters import Amount
from router_config.ledger.values import Outcome, Settlement
from router_config.planner.assumptions.latencies import Latencies, latencies_of, seconds_of
from router_config.planner.assumptions.own_history import measured_latencies
from router_config.planner.assumptions.what_if import with_every_key
from router_config.planner.assumptions.workload import even_load

MONDAY = date(2026, 11, 23)
NOW = 1_795_435_200.0


def config_of(**providers: dict[str, Any]) -> Config:
    text = yaml.safe_dump({"providers": {name: {"models": ["m"], **each} for name, each in providers.items()}})
    return with_every_key(load_text(text, "litellm.yaml", {}))


def test_answers_take_as_long_as_the_last_ones_did_at_each_provider() -> None:
    measured = latencies_of({"groq": [100, 200, 300, 400], "gemini": [5000], "openai": []})
    assert set(measured.measured) == {"groq", "gemini"}
    takes = seconds_of(measured, seed=1)
    times = [takes("groq") for _ in range(200)]
    assert 0.1 <= min(times) < 0.15 < 0.35 < max(times) <= 0.4
    assert (takes("gemini"), takes("openai")) == (5.0, 2.0)
    again = seconds_of(measured, seed=1)
    assert times == [again("groq") for _ in range(200)]
    assert seconds_of(7.0, seed=1)("groq") == 7.0


def test_limits_on_requests_at_a_time_bind_by_how_long_the_answers_of_that_provider_take() -> None:
    config = config_of(groq={"limits": {"parallel": 1}}, gemini={"limits": {"parallel": 1}, "priority": 2})
    load = even_load(requests_per_hour=60)
    slow, fast = [30_000] * 9, [100] * 9

    def shares(**answers: list[int]) -> tuple[float, ...]:
        made = plan(config, load, 2, begins=MONDAY, latency=latencies_of(answers), advise=False)
        return (made.served, *(each.share for each in made.providers))

    served, groq, _ = shares(groq=slow, gemini=slow)
    assert served < 0.95
    assert groq == pytest.approx(1 / 1.5, abs=0.05)  # A request a minute, each of which takes half of one.
    served, groq, gemini = shares(groq=slow, gemini=fast)
    assert served > 0.99
    assert gemini > 0.25
    served, groq, *_ = shares(groq=fast, gemini=slow)
    assert groq > 0.99
    assert shares() == pytest.approx(shares(groq=[2000], gemini=[2000]))


def test_the_store_tells_how_long_answers_took() -> None:
    store, config = MemoryStore(), config_of(groq={}, gemini={})
    nothing, told = run(measured_latencies(store, config, NOW))
    assert nothing == Latencies({})
    assert told.startswith("Answers take 2 s, for none has been measured yet")
    for seconds, error in ((0.5, None), (0.7, None), (30.0, "timeout")):
        lease = taken(store, Place("groq/m"), at=NOW)
        assert lease is not None
        settled = Settlement(Amount(1, 10), NOW, NOW, outcome=Outcome("groq", "m", seconds, error))
        run(store.settle(lease, settled, NOW))
    measured, told = run(measured_latencies(store, config, NOW))
    assert [size for _, size in measured.measured["groq"].points] == [500, 700]
    assert told == "Answers take as long as each provider's last ones did: groq 0.6 s (p50), others 2 s."
