"""No plan ever exceeds a limit, as the simulator's quotas count, which share no code with the router."""

from datetime import date
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from router_config.config.loading import load_text
from router_config.config.loads import Burst, Hours, Load, Spread
from router_config.config.models import Config
from router_config.forecast.workload_hours import midnight
from router_config.planner.assumptions.faults import Fault, FaultKind, Faults
from router_config.planner.assumptions.what_if import with_every_key
from router_config.planner.assumptions.workload import DAY, arrivals
from router_config.planner.record import Recorder
from router_config.planner.virtual.observer import Observer, Served
from router_config.planner.virtual.open_candidates import OpenCandidates
from router_config.planner.virtual.simulation import Simulation
from router_config.simulator.quotas.admission import Admission, Demand, Quotas
from router_config.simulator.quotas.limits import ProviderLimits
from router_config.simulator.quotas.plain_limits import read_limits

UTC_ZONE = ZoneInfo("UTC")
ZONES = ("UTC", "America/New_York", "Europe/Zurich", "Asia/Kolkata", "Pacific/Auckland")
BEGINNINGS = (
    date(2026, 10, 31),  # The clocks of New York go back, and a month ends.
    date(2026, 10, 24),  # Those of Zurich do.
    date(2027, 3, 12),  # New York goes forward.
    date(2027, 3, 26),  # Zurich, and Easter's month ends.
    date(2026, 9, 25),  # Auckland.
    date(2028, 2, 27),
)


def config_of(providers: dict[str, object], classes: dict[str, object]) -> Config:
    text = yaml.safe_dump({"state": "memory://", "providers": providers, "classes": classes}, sort_keys=False)
    return with_every_key(load_text(text, "litellm.yaml", {}))


class Judge(Recorder):
    """Asks the simulator's quotas, which share no code with the router, whether each request would be admitted."""

    def __init__(self, limits: dict[str, ProviderLimits], begins: float, ends: float) -> None:
        super().__init__("UTC", begins, ends)
        self._quotas = {name: Quotas(name, each) for name, each in limits.items()}
        self._open: list[tuple[float, Admission, Demand]] = []
        self.admitted: list[tuple[float, str]] = []

    def served(self, request: Served) -> None:
        super().served(request)
        for ends, admission, demand in [each for each in self._open if each[0] <= request.asked_at]:
            admission.settle(demand, ends)
            admission.end()
        self._open = [each for each in self._open if each[0] > request.asked_at]
        demand = Demand(request.arrival.prompt, request.arrival.prompt + request.arrival.answer)
        deployment = request.deployment
        quotas = self._quotas[deployment.provider]
        taken = quotas.admit(deployment.scopes.key, deployment.model, demand, request.asked_at)
        assert isinstance(taken, Admission), taken
        self._open.append((request.ends_at, taken, demand))
        self.admitted.append((request.asked_at, deployment.id))


LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "rpm": st.integers(1, 30),
        "tpm": st.integers(500, 20_000),
        "itpm": st.integers(300, 9_000),
        "otpm": st.integers(300, 9_000),
        "rph": st.integers(5, 200),
        "tph": st.integers(2_000, 90_000),
        "rpd": st.integers(5, 500),
        "tpd": st.integers(2_000, 200_000),
        "rpw": st.integers(50, 900),
        "tpw": st.integers(9_000, 600_000),
        "rpmo": st.integers(90, 1500),
        "tpmo": st.integers(20_000, 900_000),
        "usd_per_day": st.floats(0.001, 0.1).map(lambda usd: round(usd, 4)),
        "usd_per_month": st.floats(0.01, 0.4).map(lambda usd: round(usd, 4)),
        "parallel": st.integers(1, 4),
        "requests": st.fixed_dictionaries({"per": st.sampled_from(["90s", "5h"]), "max": st.integers(1, 50)}),
        "tokens": st.fixed_dictionaries({"per": st.sampled_from(["10m", "2d"]), "max": st.integers(2_000, 50_000)}),
    },
)
ROLLING = st.just({"window": "rolling"})
CALENDAR = st.builds(lambda zone: {"window": "calendar", "timezone": zone}, st.sampled_from(ZONES))
SPANS = {
    "day": st.one_of(ROLLING, CALENDAR),
    "week": st.one_of(ROLLING, st.just({"window": "calendar"})),
    "month": st.one_of(ROLLING, st.builds(lambda day: {"window": "calendar", "day": day}, st.integers(1, 31))),
}
PROVIDER = st.fixed_dictionaries(
    {
        **SPANS,
        "limits": LIMITS,
        "models": st.lists(LIMITS, min_size=1, max_size=2),
        "keys": st.integers(1, 3),
        "one_account": st.booleans(),
    }
)
SPREAD = st.lists(st.integers(1, 900), min_size=1, max_size=3).map(
    lambda sizes: Spread(tuple((number / len(sizes), size) for number, size in enumerate(sorted(sizes), 1)))
)
FAULTS = st.builds(
    Fault,
    of=st.sampled_from(["groq", "openai", "all"]),
    kind=st.sampled_from(get_args(FaultKind)),
    lasts=st.sampled_from([30.0, 7200.0]),
    every=st.just(DAY / 4),
)
BURSTS = st.builds(
    Burst,
    requests=st.integers(2, 40).map(lambda most: Spread(((0.0, 1), (1.0, most)))),
    over=st.sampled_from([1.0, 600.0]),
)
HOURS = st.builds(
    Hours,
    days=st.frozensets(st.integers(0, 6), min_size=3),
    begins=st.integers(0, 1439),
    ends=st.integers(0, 1439),
    timezone=st.sampled_from(ZONES),
)
CLASSES = st.fixed_dictionaries(
    {
        "trader": st.fixed_dictionaries(
            {"reserve": st.sampled_from(["20%", "70%"]), "release": st.sampled_from(["1h", "6h", "forecast", "never"])}
        ),
        "batch": st.sampled_from([{"use": "leftover"}, {"share": "40%"}, {"reserve": "10%", "priority": -1}, {}]),
        "default": st.sampled_from([{"share": "70%"}, {}]),
    }
)
LOADS = st.lists(
    st.builds(
        Load,
        agent_class=st.sampled_from(["trader", "batch", None]),
        requests_per_hour=st.floats(2, 25),
        prompt=SPREAD,
        answer=SPREAD,
        burst=st.none() | BURSTS,
        hours=st.none() | HOURS,
        growth=st.sampled_from([0.0, 0.0, -0.5, 4.0]),
        tools=st.booleans(),
        calls_per_loop=st.sampled_from([None, 2, 7, 40]),
    ),
    min_size=1,
    max_size=3,
)


class Observed(Observer):
    def __init__(self) -> None:
        self.seen: list[tuple[float, str]] = []

    def served(self, request: Served) -> None:
        self.seen.append((request.asked_at, request.deployment.id))


@settings(max_examples=16, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    st.dictionaries(st.sampled_from(["groq", "openrouter", "openai"]), PROVIDER, min_size=1),
    LOADS,
    st.integers(0, 9),
    st.booleans(),
    st.lists(FAULTS, max_size=2),
    st.sampled_from(BEGINNINGS),
    st.sampled_from([2, 2, 9]),
    st.sampled_from([0.5, 3.0, 40.0]),
    st.just({}) | CLASSES,
)
def test_no_plan_ever_exceeds_a_limit_as_the_judge_counts(
    listed: dict[str, dict[str, Any]],
    loads: list[Load],
    seed: int,
    equal: bool,
    failing: list[Fault],
    day: date,
    days: int,
    latency: float,
    classes: dict[str, object],
) -> None:
    """Nor does it matter to who serves that full candidates are left out. Both whoever fails."""
    providers: dict[str, object] = {}
    judged: dict[str, object] = {}
    for place, (name, each) in enumerate(listed.items()):
        price = {"input": 0, "output": 0} if place == 2 else {"input": 1, "output": 2}  # What is free costs nothing.
        models = dict(zip(["a:free", "b:free"], each["models"], strict=False))
        priced = [{"name": model, "limits": limits, "price": price} for model, limits in models.items()]
        keys = [f"os.environ/{name.upper()}_{number}" for number in range(each["keys"])]
        spans = {span: each[span] for span in SPANS}
        providers[name] = {
            **spans,
            "limits": each["limits"],
            "priority": 1 if equal else place,
            "tier": "free" if place == 2 else "paid",
            "models": priced,
            "api_key": keys,
            **({"account": f"of-{name}"} if each["one_account"] else {}),
        }
        shared = {"shared_account": each["one_account"], "strict_rolling": True, "price": price}
        judged[name] = {**spans, **each["limits"], "models": models, **shared}
    config = config_of(providers, classes)
    begins = midnight(day, UTC_ZONE)
    ends = begins + days * DAY
    judge, same = Judge(read_limits(judged), begins, ends), Observed()
    loads = [load.times(2 / days) for load in loads]
    for observer in (judge, same):
        theirs = [each for each in failing if each.of in ("all", *providers)]
        faults = Faults(config, theirs, (), begins=begins, timezone="UTC", seed=seed)
        how: dict[str, Any] = {"latency": latency, "max_wait": 90.0 * (seed % 2), "seed": seed}
        simulation = Simulation(config, loads, observer, faults=faults, **how)
        with pytest.MonkeyPatch.context() as patch:
            if observer is same:
                patch.setattr(OpenCandidates, "learn", lambda *_: None)
            for _ in simulation.run(arrivals(loads, begins, ends, seed)):
                pass
    judge.close(ends)
    assert len(judge.admitted) == sum(each.requests - each.unserved_requests for each in judge.days)
    assert judge.admitted == same.seen
