"""What a plan says becomes of a workload is what becomes of it over HTTP, at providers that judge each request."""

from typing import Any

import pytest

from benchmarks.truth.__main__ import measured
from benchmarks.truth.cases import CASES, Case
from benchmarks.truth.figures import dark
from benchmarks.truth.sending import Ended

CALM: dict[str, dict[str, Any]] = {
    "groq": {"rpm": 2, "tpd": 60_000},
    "gemini": {"rpd": 40},
    "openai": {"usd_per_day": 0.05},
}
LOAD = {"agent": "agents", "tokens": {"prompt": "300-700", "answer": "100-900"}, "requests_per_day": 150}
QUICK = {
    "a calm load that is too much": Case("", CALM, (LOAD,)),
    "a burst at equal priorities, groq down in it": Case(
        "",
        {"groq": {"rpm": 3, "rph": 60}, "together": {"rpm": 3, "parallel": 2}},
        ({**LOAD, "hours": "mon-fri 10:00-11:00 UTC", "burst": {"requests": "10-30", "over": "3m"}},),
        equal=True,
        latency=20.0,
        faults=("groq down 20m every 2h",),
    ),
    "requests wait": Case(
        "", {"groq": {"rpm": 1}}, ({**LOAD, "hours": "mon 10:00-12:00 UTC"},), defaults={"max_wait": "1m"}
    ),
}


@pytest.mark.parametrize("case", QUICK.values(), ids=list(QUICK))
def test_what_is_planned_is_what_becomes_of_it_over_http(case: Case) -> None:
    found = measured(case, seed=1)
    assert found.requests > 100
    assert found.figures[0].planned < 0.98
    assert found.figures[1].planned > 0
    assert found.too_many == 0
    assert not found.failed
    assert found.true, found.figures


def test_dark_is_when_somebody_waits_and_from_a_refusal_until_somebody_is_served_again() -> None:
    ended = [
        Ended(0.0, 1, "groq", 0.0),
        Ended(10.0, 1, None, 10.0),
        Ended(12.0, 1, None, 12.0),
        Ended(20.0, 1, "groq", 20.0),
        Ended(30.0, 1, "groq", 33.0),
        Ended(31.0, 1, "groq", 34.0),
        Ended(90.0, 1, None, 90.0),
    ]
    assert dark(ended, 100.0) == 10 + 4 + 10


def test_the_cases_have_titles_of_their_own() -> None:
    assert len({case.title for case in CASES}) == len(CASES) > 9
