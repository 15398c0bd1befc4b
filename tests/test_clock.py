"""Wall clocks that jump neither free nor block quota; calendars follow one that was set for good."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from router_config.clock import SystemClock
from router_config.ledger.local.sqlite import SQLiteStore


@dataclass
class Machine:
    """A machine whose seconds and wall clock a test moves."""

    seconds: float = 5000.0
    set_by: float = 0.0

    def clock(self, boot: str = "boot") -> SystemClock:
        return SystemClock(lambda: 1.8e9 + self.seconds + self.set_by, lambda: self.seconds, boot)


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_jump_of_the_wall_clock_is_not_followed(jump: float) -> None:
    machine = Machine()
    clock = machine.clock()
    before = clock.now()
    machine.set_by = jump
    for _ in range(59):
        machine.seconds += 10
        clock.now()
    assert clock.now() == before + 590
    machine.set_by = 0.0
    machine.seconds += 1000
    assert clock.now() == before + 1590


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_wall_clock_that_was_set_for_good_corrects_calendars_after_ten_minutes(jump: float) -> None:
    machine = Machine()
    clock = machine.clock()
    before = clock.now()
    machine.set_by = jump
    for _ in range(70):
        machine.seconds += 10
        clock.now()
    assert (clock.now(), clock.correction) == (before + 700, jump)
    machine.set_by = 0.0
    for _ in range(70):
        machine.seconds += 10
        clock.now()
    assert (clock.now(), clock.correction) == (before + 1400, 0.0)


def test_processes_of_one_boot_agree_on_the_time_though_the_wall_clock_jumped_between_them(tmp_path: Path) -> None:
    machine = Machine()
    first = machine.clock()
    store = SQLiteStore(tmp_path / "state.db")
    store.lead(first)
    machine.set_by = 3600.0
    second = machine.clock()
    SQLiteStore(tmp_path / "state.db").lead(second)
    assert second.now() == first.now()
