"""Machines without a clock battery: a boot in 1970, an hour off or twelve years ahead neither frees nor blocks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from rig import message, reference, refusals

from router_config import NoProviderAvailable, Router
from router_config.clock import SystemClock
from router_config.simulator import Simulator

OTHERS: dict[str, Any] = dict.fromkeys(("groq", "gemini", "openrouter", "together", "openai"))
TRUE = datetime.fromisoformat("2027-02-03T20:00:00+00:00").timestamp()
"""Noon in California, by whose days Gemini counts."""
HOUR, DAY = 3600.0, 86400.0
WRONG = {"1970": -TRUE, "an hour behind": -HOUR, "an hour ahead": HOUR, "12 years ahead": 12 * 365.25 * DAY}
RPM, RPD = 3, 10


@dataclass
class Machine:
    """A machine that is switched off and on, with a wall clock that may be wrong, and the providers that it asks."""

    simulator: Simulator
    path: Path
    provider: str
    now: float = TRUE
    booted: float = TRUE
    boots: int = 0
    wrong: float = 0.0

    def clock(self) -> SystemClock:
        return SystemClock(lambda: self.now + self.wrong, lambda: self.now - self.booted, f"boot {self.boots}")

    @contextmanager
    def boot(self, wrong: float = 0.0, off: float = 120.0) -> Iterator[Router]:
        """Switch it off for so many seconds, and on with a clock that is so wrong; a program starts soon after."""
        self.now += off
        self.booted, self.wrong, self.boots = self.now, wrong, self.boots + 1
        self.now += 20
        router = Router.from_yaml(self.path, env=self.simulator.env(), clock=self.clock())
        yield router
        router.close()

    def ask(self, router: Router, seconds: int, every: int = 5) -> int:
        """How many requests were served in so many seconds."""
        served = 0
        for _ in range(0, seconds, every):
            try:
                router.completion(model="default", messages=message())
                served += 1
            except NoProviderAvailable:
                pass
            self.now += every
        return served

    def says(self, router: Router) -> float:
        """Seconds by which the date that is shown is from the true one."""
        return datetime.fromisoformat(router.status()["generated_at"]).timestamp() - self.now


def used(router: Router, provider: str) -> int:
    shown = next(each for each in router.status()["providers"] if each["name"] == provider)
    return int(shown["limits"]["rpd"]["used"])


@pytest.fixture(params=["groq", "gemini"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    """With one provider, whose day is the last 24 hours (Groq) or goes by the calendar (Gemini)."""
    made: list[Machine] = []
    with Simulator(clock=lambda: made[0].now if made else TRUE) as simulator:
        limits = {"rpm": RPM, "rpd": RPD}
        simulator.set_limits({request.param: {**limits, "strict_rolling": True}})
        models = {"groq": "llama-3.3-70b-versatile", "gemini": "gemini-2.5-pro"}
        providers = {**OTHERS, request.param: {"limits": limits, "models": [models[request.param]]}}
        path = tmp_path / "litellm.yaml"
        text = yaml.safe_dump(reference(simulator, state=f"sqlite:///{tmp_path}/state.db", providers=providers))
        path.write_text(text, "utf-8")
        made.append(Machine(simulator, path, request.param))
        yield made[0]
        assert refusals(simulator) == 0


@pytest.mark.parametrize("known_by", ["answers", "answers, later set", "set"])
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_boot_neither_frees_nor_blocks_and_what_follows_is_right(
    machine: Machine, wrong: float, known_by: str
) -> None:
    """Known to be wrong by the `Date` of answers, or because the clock is set later, as over the network."""
    if known_by == "set":
        machine.simulator.fault(headers={"date": "unknown"})
    with machine.boot() as router:
        assert machine.ask(router, 120) == 6
    with machine.boot(wrong) as router:
        assert machine.ask(router, 60) == 3  # At first nobody knows that the last minute is over.
        if known_by != "answers":
            machine.wrong = 0.0
        machine.ask(router, 60)
        assert machine.says(router) == pytest.approx(0, abs=2)
        assert machine.ask(router, 300) == 0
        assert used(router, machine.provider) == RPD
    with machine.boot(off=2 * DAY) as router:
        assert machine.ask(router, 60) >= RPM
        machine.ask(router, 400)
        assert machine.says(router) == pytest.approx(0, abs=2)
        assert machine.simulator.count(machine.provider) == 2 * RPD


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_wrong_boots_that_nobody_noticed_leave_the_next_one_right(machine: Machine, wrong: float) -> None:
    with machine.boot() as router:
        assert machine.ask(router, 300) == RPD
    for _ in range(3):
        with machine.boot(wrong) as router:
            assert machine.ask(router, 20) == 0
            assert used(router, machine.provider) == RPD
    with machine.boot(off=3 * HOUR) as router:
        assert machine.ask(router, 600) == 0
        assert machine.says(router) == pytest.approx(0, abs=2)
        assert used(router, machine.provider) == RPD
        machine.now = TRUE + DAY + 600  # Past the midnight of both.
        assert machine.ask(router, 300) == RPD


def test_of_two_processes_one_tells_the_other(machine: Machine) -> None:
    with machine.boot() as router:
        assert machine.ask(router, 120) == 6
    with machine.boot(WRONG["12 years ahead"]) as router:
        other = Router.from_yaml(machine.path, env=machine.simulator.env(), clock=machine.clock())
        machine.now += 60
        assert machine.ask(router, 15) == 3
        machine.now += 2
        assert used(other, machine.provider) == 9
        assert machine.says(other) == pytest.approx(0, abs=2)
        machine.now += 60
        assert machine.ask(other, 60) == 1
        other.close()
