"""Who of those that wait may ask for room: in order of arrival, and a class passes another that loses nothing by it."""

import asyncio
from typing import Any

import pytest

from router_config.config.agent_classes import PRIORITY_STEP, AgentClass
from router_config.deployments.deployment import Deployment, deployment_of_entry
from router_config.ledger.rules.gates import Cooldown, Examination, Gate
from router_config.routing.waiting_line import Lacks, Line, Place, lacks_of, left_by

TRADER = AgentClass(name="trader", reserve=0.3)
BATCH = AgentClass(name="batch")


def deployment(name: str = "groq") -> Deployment:
    params = {"model": f"{name}/m", "api_key": "k"}
    info = {"id": name, "limits": {"rpm": 10, "tpd": 1000}}
    return deployment_of_entry({"model_name": "default", "litellm_params": params, "model_info": info}, 0.95)


def gate(status: Any, clears_at: float | None = 10.0, value: float = 100) -> Gate:
    return Gate("account:a", "tpd", status, 50, 0, 60, value, clears_at)


def examined(*gates: Gate, cooldown: Cooldown | None = None) -> Examination:
    return Examination("groq", cooldown, gates, probe_due=False, examined_at=0.0)


def in_line(check: Any) -> None:
    """Places need a running loop."""

    async def main() -> None:
        check(Line())

    asyncio.run(main())


def test_without_classes_only_the_first_asks() -> None:
    def check(line: Line) -> None:
        with line.place(2) as second, line.place(1) as first:
            assert line.ahead_of(first) == ()
            line.looked(first, {"groq": "share"})
            assert line.ahead_of(second) is None

    in_line(check)


def test_of_one_class_only_the_first_asks() -> None:
    def check(line: Line) -> None:
        with line.place(1, 0.0, "batch") as first, line.place(2, 1.0, "batch") as second:
            line.looked(first, {"groq": "share"})
            assert line.ahead_of(first) == ()
            assert line.ahead_of(second) is None

    in_line(check)


def test_the_first_of_another_class_asks_once_those_before_it_have_looked() -> None:
    def check(line: Line) -> None:
        with line.place(1, 0.0, "batch") as batch, line.place(2, 1.0, "trader") as trader:
            assert line.ahead_of(trader) is None
            line.looked(batch, {"groq": "share"})
            assert line.ahead_of(trader) == [batch]

    in_line(check)


def test_a_better_priority_is_worth_ten_seconds_a_step_and_no_more() -> None:
    def check(line: Line) -> None:
        with (
            line.place(1, 100.0, "batch") as batch,
            line.place(2, 105.0 - PRIORITY_STEP, "trader") as trader,
            line.place(3, 111.0 - PRIORITY_STEP, "late") as late,
        ):
            assert line.ahead_of(trader) == ()
            line.looked(trader, {})
            assert line.ahead_of(batch) == [trader]
            line.looked(batch, {})
            assert line.ahead_of(late) == [trader, batch]

    in_line(check)


@pytest.mark.parametrize(
    ("met", "lacks"),
    [
        (examined(gate("rate_limited")), "room"),
        (examined(gate("exhausted"), gate("kept")), "room"),
        (examined(gate("kept")), "reserve"),
        (examined(gate("available")), "reserve"),
        (examined(gate("share_used")), "share"),
        (examined(gate("share_used"), gate("rate_limited")), "share"),
        (examined(gate("kept", clears_at=999.0)), None),
        (examined(gate("too_large")), None),
        (examined(gate("exhausted", value=0)), None),
        (examined(gate("kept"), cooldown=Cooldown("provider:groq", "cooldown", "", 0.0, 5.0)), "room"),
    ],
)
def test_what_one_who_waits_lacks(met: Examination, lacks: Lacks | None) -> None:
    assert lacks_of([met], 20.0) == ({} if lacks is None else {"groq": lacks})


async def places(*lacks: Lacks) -> list[Place]:
    found = []
    for number, each in enumerate(lacks):
        place = Place(number, 0.0, f"class-{number}")
        place.lacks = {"groq": each}
        found.append(place)
    return found


def left(agent_class: AgentClass, *lacks: Lacks) -> list[Deployment]:
    return left_by(asyncio.run(places(*lacks)), [deployment()], agent_class)


def test_room_that_somebody_before_waits_for_is_not_taken() -> None:
    assert left(TRADER, "share", "room") == left(BATCH, "room") == []


def test_who_has_used_its_share_holds_nobody_up() -> None:
    assert left(BATCH, "share", "share") == [deployment()]


def test_where_others_wait_for_what_is_not_kept_a_class_takes_of_what_is_kept_for_it_alone() -> None:
    assert left(BATCH, "reserve") == []
    (own,) = left(TRADER, "reserve", "share")
    assert own.id == "groq"


def test_a_deployment_that_nobody_before_waits_for_is_free() -> None:
    assert left_by(asyncio.run(places("room")), [deployment("gemini")], BATCH) == [deployment("gemini")]
