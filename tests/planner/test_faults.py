"""Plans in which providers fail or are gone: what follows is what the router's own rules make of it."""

from collections.abc import Sequence
from datetime import date
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from router_config import ConfigError, Fault, Loss, plan
from router_config.config.grammar.quantities import BadValue
from router_config.config.loading import load_text
from router_config.config.loads import Load
from router_config.config.models import Config
from router_config.deployments.catalog import Group
from router_config.deployments.deployment import Deployment
from router_config.forecast.workload_hours import midnight
from router_config.planner.assumptions.faults import Faults, fault_of, loss_of, outages
from router_config.planner.assumptions.what_if import with_every_key, with_key, with_provider
from router_config.planner.assumptions.workload import DAY, Arrival, arrivals, even_load
from router_config.planner.virtual.observer import Observer, Served
from router_config.planner.virtual.simulation import Simulation

NOVEMBER = date(2026, 11, 23)
BEGINS = midnight(NOVEMBER, ZoneInfo("UTC"))
LOAD = even_load(requests_per_hour=120, tokens=100)
THREE: dict[str, object] = {
    "groq": {"priority": 1, "models": ["one", "two"]},
    "gemini": {"priority": 2, "models": ["three"]},
    "mistral": {"priority": 3, "models": ["four"]},
}


def config_of(providers: dict[str, object], **more: object) -> Config:
    text = yaml.safe_dump({"state": "memory://", "providers": providers, **more}, sort_keys=False)
    return with_every_key(load_text(text, "litellm.yaml", {}))


class Told(Observer):
    """Every call: when, at whom, and whether it was in vain."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, Deployment, bool]] = []
        self.unserved_at: list[float] = []
        self.needless = 0

    def served(self, request: Served) -> None:
        self.calls.append((request.asked_at, request.deployment, True))

    def failed(self, deployment: Deployment, now: float) -> None:
        self.calls.append((now, deployment, False))

    def unserved(self, arrival: Arrival, group: Group, now: float, *, needlessly: bool) -> None:
        self.unserved_at.append(now)
        self.needless += needlessly

    def failures(self, provider: str) -> list[float]:
        return [at for at, each, fine in self.calls if each.provider == provider and not fine]


def told_of(config: Config, load: Load, days: int, faults: Sequence[Fault] = (), losses: Sequence[Loss] = ()) -> Told:
    told, ends = Told(), BEGINS + days * DAY
    failing = Faults(config, faults, losses, begins=BEGINS, timezone="UTC", seed=1)
    simulation = Simulation(config, [load], told, latency=2.0, seed=1, faults=failing)
    for _ in simulation.run(arrivals([load], BEGINS, ends, 1)):
        pass
    return told


def test_a_fault_is_written_as_a_person_says_it() -> None:
    assert fault_of("groq down 2h every 3d") == Fault(of="groq", lasts=7200, every=3 * DAY)
    assert fault_of("groq/llama 429s for 90s every 1h30m") == Fault(of="groq/llama", kind="429s", lasts=90, every=5400)
    assert loss_of("gemini@day30") == Loss(of="gemini", day=30)
    assert loss_of("cloudflare/@cf/meta/llama@day 7") == Loss(of="cloudflare/@cf/meta/llama", day=7)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("groq down", "is no fault"),
        ("groq sulks 2h every 3d", '"sulks" is nothing'),
        ("groq down 2h every 1h", "longer than"),
        ("groq down 0s every 1h", "longer than nothing"),
        ("groq down soon every 1h", "is not a duration"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_with_what_to_write(text: str, told: str) -> None:
    with pytest.raises(BadValue, match=told):
        fault_of(text)


@pytest.mark.parametrize("text", ["gemini", "gemini@30", "gemini@day0", "@day3"])
def test_a_loss_that_makes_no_sense_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(BadValue, match="gemini@day30"):
        loss_of(text)


def test_who_is_not_in_the_file_cannot_fail() -> None:
    config = config_of(THREE)
    with pytest.raises(ConfigError, match=r"(?s)no provider is called .grq.*There are: groq, gemini, mistral"):
        plan(config, LOAD, 1, begins=NOVEMBER, faults=[Fault(of="grq", lasts=60, every=3600)])
    with pytest.raises(ConfigError, match=r"(?s)groq has no model .three.*There are: one, two"):
        plan(config, LOAD, 1, begins=NOVEMBER, losses=[Loss(of="groq/three", day=1)])


def test_a_fault_happens_once_in_each_stretch_for_as_long_as_it_says() -> None:
    fault = Fault(of="groq", lasts=(600, 7200), every=DAY)
    found = list(islice(outages(fault, BEGINS, 3), 60))
    assert {round(until - since) for since, until in found} == {600, 7200}
    assert all(BEGINS + number * DAY <= since for number, (since, _) in enumerate(found))
    assert all(until <= BEGINS + (number + 1) * DAY for number, (_, until) in enumerate(found))
    assert len({since % DAY // 3600 for since, _ in found}) > 12
    assert found == list(islice(outages(fault, BEGINS, 3), 60)) != list(islice(outages(fault, BEGINS, 4), 60))


def test_a_plan_with_a_fault_of_somebody_who_is_never_asked_is_the_plan_without_it() -> None:
    limits = {"rpm": 10, "tpd": "150k"}
    equal = {name: {"limits": limits, "models": ["m"]} for name in ("groq", "gemini")}
    config = config_of({**equal, "mistral": {"priority": 9, "models": ["four"]}})
    limited = config_of({**THREE, "groq": {"limits": limits, "models": ["one"]}, "gemini": {"models": ["three"]}})
    fault = Fault(of="mistral", lasts=3600, every=DAY)
    for each, wait in ((config, 20.0), (limited, 0.0)):
        how: dict[str, Any] = {"begins": NOVEMBER, "max_wait": wait, "seed": 2}
        assert plan(each, LOAD, 3, **how) == plan(each, LOAD, 3, faults=[fault], **how)


def test_a_provider_that_fails_is_in_cooldown_for_five_minutes_and_one_request_probes_it_then() -> None:
    told = told_of(config_of(THREE), LOAD, 2, [Fault(of="groq", lasts=4 * 3600, every=2 * DAY)])
    failures = told.failures("groq")
    pauses = [later - at for at, later in pairwise(failures)]
    probes = [pause for pause in pauses if pause > 5]
    assert 300 <= min(probes) <= max(probes) < 500
    assert 4 * 3600 / 400 < len(probes) <= 4 * 3600 / 300
    assert len(pauses) - len(probes) < 5  # Those that were under way when the first failed.
    assert told.unserved_at == []


def test_a_request_that_fails_goes_on_with_another_provider_and_asks_none_twice() -> None:
    rare = even_load(requests_per_hour=20, tokens=100)
    faults = [Fault(of=each, lasts=3600, every=3600) for each in ("groq", "gemini")]
    told = told_of(config_of(THREE), rare, 1, faults)
    requests, asked = 0, list[str]()
    for _, deployment, fine in told.calls:
        asked.append(deployment.provider)
        if fine:
            assert deployment.provider == "mistral"
            assert len(asked) == len(set(asked))
            requests, asked = requests + 1, []
    assert requests > 400
    assert told.unserved_at == []
    assert told.failures("groq")
    assert told.failures("gemini")


def test_a_fault_of_one_model_leaves_the_other_models_of_its_provider_alone() -> None:
    told = told_of(config_of(THREE), LOAD, 1, [Fault(of="groq/one", kind="429s", lasts=DAY, every=DAY)])
    assert {each.model for _, each, fine in told.calls if fine} == {"two"}
    pauses = [later - at for at, later in pairwise(told.failures("groq"))]
    expected = [60, 300, 1800, 6 * 3600, 6 * 3600, 6 * 3600]  # As of a refusal that does not say until when.
    assert pauses[-len(expected) :] == [pytest.approx(pause, abs=240) for pause in expected[-len(pauses) :]]
    assert told.unserved_at == []


def test_while_everybody_is_down_it_is_dark_and_soon_after_somebody_serves_again() -> None:
    fault = Fault(of="all", lasts=3600, every=DAY)
    made = plan(config_of(THREE), LOAD, 3, begins=NOVEMBER, faults=[fault], advise=False)
    assert [day.dark_seconds for day in made.days] == [pytest.approx(3600, abs=150)] * 3
    assert made.dark_seconds == sum(day.dark_seconds for day in made.days)
    assert made.served == pytest.approx(1 - 1 / 24, abs=0.01)
    assert made.needless_failures <= 3 * 2
    assert made.wasted_attempts > 3 * 60


def test_an_answer_that_never_comes_costs_the_timeout() -> None:
    config = config_of(THREE, defaults={"timeout": "20s"})
    told = told_of(
        config, even_load(requests_per_hour=10), 1, [Fault(of="groq", kind="timeouts", lasts=DAY, every=DAY)]
    )
    came = [each.at for each in arrivals([even_load(requests_per_hour=10)], BEGINS, BEGINS + DAY, 1)]
    failures = told.failures("groq")
    assert failures[0] == pytest.approx(came[0] + 20)
    assert told.calls[1][:2][0] == failures[0]
    assert told.calls[1][1].provider == "gemini"


def test_who_is_lost_serves_until_the_midnight_of_that_day_and_is_seldom_asked_after_it() -> None:
    made = plan(config_of(THREE), LOAD, 40, begins=NOVEMBER, losses=[Loss(of="groq", day=30)])
    assert made
    shares = [{each.provider: each.share for each in day.providers} for day in made.days]
    assert [share.get("groq", 0.0) for share in shares] == [1.0] * 29 + [0.0] * 11
    assert [share["gemini"] for share in shares[29:]] == [1.0] * 11
    failed = [{each.provider: each.failed for each in day.providers}.get("groq", 0) for day in made.days]
    assert failed[:29] == [0] * 29
    assert 2 <= failed[29] < 20
    assert max(failed[32:]) <= 2  # Both models once a day.


def test_faults_losses_keys_and_providers_combine() -> None:
    small: dict[str, object] = {name: {"limits": {"tpd": "150k"}, "models": ["m"]} for name in ("groq", "gemini")}
    config = config_of(small)
    how: dict[str, Any] = {"begins": NOVEMBER, "advise": False}
    load = even_load(tokens_per_day=250_000)
    faults, losses = [Fault(of="groq", lasts=6 * 3600, every=DAY)], [Loss(of="gemini", day=4)]
    assert plan(config, load, 3, **how)
    worse = plan(config, load, 6, faults=faults, losses=losses, **how)
    assert not worse
    assert 0.4 < worse.served < 0.8
    with_keys = with_key(with_key(config, "groq"), "gemini")
    better = plan(with_keys, load, 6, faults=faults, losses=losses, **how)
    assert worse.served < better.served < 0.999
    rescued = plan(with_provider(with_keys, "cerebras", NOVEMBER), load, 6, faults=faults, losses=losses, **how)
    assert rescued.served == 1.0
    assert rescued.wasted_attempts > 0 == rescued.needless_failures
