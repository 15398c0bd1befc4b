"""A request must stay cheap: CPU against stock litellm.Router, in one run. Figures: benchmarks/overhead.py.

LiteLLM has three ways to ask a provider; each of these three kinds takes another.
"""

from itertools import count
from statistics import median

import pytest

from benchmarks.costs.replay import Replay
from benchmarks.costs.routing import Effort, field

BAR = 0.60
STOCK = "stock, 5 + enforce"
FEWEST, MOST = 5, 20
"""Rounds. It ends as soon as the bar is clearly kept; only one that is missed in so many is a failure."""

pytestmark = pytest.mark.measured


@pytest.mark.parametrize("first", ["groq", "gemini", "openai"])
def test_a_request_costs_less_cpu_than_with_stock_router(first: str) -> None:
    effort = Effort(rounds=1, requests=0, sequential=0, threaded=0, warm_up=100)
    ratios: list[float] = []
    with Replay() as replay, field(("ours", STOCK), first, "shipped", replay, effort) as clients:
        for number in count(1):
            ours, stock = (clients[name].do("burst", requests=50)["cpu"] for name in ("ours", STOCK))
            ratios.append(ours / stock)
            if number >= FEWEST and (median(ratios) < 0.9 * BAR or number >= MOST):
                break
    assert median(ratios) <= BAR, [round(each, 2) for each in ratios]
