"""The soak's faults are dealt fairly, it judges callers' failures rightly, and a few seconds of it run."""

import json
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.turmoil.cooldowns import PROBE, Cooldown, Pauses, cooldowns
from benchmarks.turmoil.faults import LOOSE, TIGHT, Deal, Episode, Fault, catalog, oddities, poisons
from benchmarks.turmoil.findings import counted_and_arrived, failures, growth, returns
from router_config.simulator import Call, Simulator

BROKEN = Fault("500", {"status": 500})
HARMLESS = Fault("usage", {"usage": 0}, "serves")


def test_every_fault_is_one_that_the_simulator_knows() -> None:
    faults = [*catalog("http://localhost:1/"), *poisons(), *oddities()]
    with Simulator({}, own_ports=False) as simulator:
        for fault in faults:
            simulator.fault(fault.providers[0], **fault.what)
    assert len({fault.name for fault in faults}) == len(faults)


def test_one_provider_with_room_is_always_free_of_faults_and_was_so_a_round_before() -> None:
    before = set(LOOSE)
    dealt = list(islice(Deal(7, "http://localhost:1/").rounds(6.0), 200))
    for number, episodes in enumerate(dealt):
        harmed = {
            one.provider for one in episodes if one.fault.text is None and one.fault.name != "nobody listens anywhere"
        }
        free = set(LOOSE) - harmed
        assert free & before, number
        before = free
    thrown = {one.fault.name for episodes in dealt for one in episodes}
    assert {fault.name for fault in catalog("")} <= thrown


def test_the_same_seed_deals_the_same_faults() -> None:
    def first(seed: int) -> list[Any]:
        return [(e.provider, e.fault.name, e.after) for one in islice(Deal(seed, "").rounds(6.0), 5) for e in one]

    assert first(1) == first(1) != first(2)


def _request(began: float, ended: float, kind: str = "chat", outcome: str = "failed", *, content: bool = False) -> Any:
    return {"kind": kind, "began": began, "ended": ended, "outcome": outcome, "content": content}


def test_a_failure_counts_where_one_provider_with_room_had_no_fault_all_the_time() -> None:
    away = [Episode(BROKEN, name, 0, 0, began=10, ended=20) for name in LOOSE]
    assert failures([_request(12, 13)], away) == []
    assert failures([_request(21, 22)], away)
    assert failures([_request(12, 13)], away[1:])
    harmless = [Episode(HARMLESS, name, 0, 0, began=10, ended=20) for name in LOOSE]
    assert failures([_request(12, 13)], harmless)
    assert failures([_request(12, 13, "poison"), _request(12, 13, outcome="served")], []) == []
    assert failures([_request(12, 13, "stream", content=True)], []) == []
    assert failures([_request(12, 13, "stream", "empty", content=True)], [])


def _attempt(ended: float, outcome: str = "ok", *, about: str = "1", answered: bool = True, counted: int = 1) -> Any:
    attempt = {"provider": "openai", "about": about, "began": ended - 0.1, "ended": ended, "outcome": outcome}
    return attempt | {"counted": counted, "answered": answered}


def test_a_provider_is_at_rest_after_a_failure_that_its_fault_caused_and_after_no_other() -> None:
    pauses = Pauses(2.0, 60.0)
    broken = Episode(BROKEN, "openai", 0, 0, began=10, ended=20)
    assert cooldowns([_attempt(12, "server_error")], [broken], pauses) == [Cooldown("openai", 12, 14 + PROBE)]
    assert cooldowns([_attempt(30, "server_error"), _attempt(12, "cancelled")], [broken], pauses) == []
    assert cooldowns([_attempt(12, "server_error")], [Episode(poisons()[0], "*", 0, 0, 10, 20)], pauses) == []
    refused = [Episode(fault, "openai", 0, 0, 10, 99) for fault in catalog("") if fault.name == "402"]
    in_a_row = [_attempt(at, "quota_gone") for at in (12.0, 12.1, 17.5, 21.0)]
    assert [each.ended - each.began - PROBE for each in cooldowns(in_a_row, refused, pauses)] == [5, 5]
    healed = [*in_a_row[:3], _attempt(22.8), _attempt(23, "quota_gone")]
    assert [each.ended - each.began - PROBE for each in cooldowns(healed, refused, pauses)] == [5, 5, 5]
    lost = [_request(15, 15.1)]
    others = [Episode(BROKEN, name, 0, 0, began=10, ended=20) for name in LOOSE[:2]]
    assert failures(lost, others, [Cooldown("openai", 14, 16)]) == []
    assert failures(lost, others, [Cooldown("openai", 13, 14)]) == lost


def test_what_is_counted_is_held_against_what_arrived_request_by_request() -> None:
    def found(attempts: list[Any], arrived: list[str], used: int) -> tuple[str, bool]:
        text = "How is the market? ({})"
        bodies = [{"messages": [{"role": "user", "content": text.format(about)}]} for about in arrived]
        calls = [Call(n, 1.0, "openai", "m", None, outcome="ok", body=body) for n, body in enumerate(bodies)]
        counts = dict.fromkeys(TIGHT + LOOSE, 0) | {"openai": used}
        row = counted_and_arrived(attempts, calls, counts)[-1]
        return row.found, row.missed

    assert found([_attempt(1)], ["1"], 1) == ("1, 1", False)
    cancelled = _attempt(1, "cancelled", answered=False)
    assert found([cancelled], [], 1) == ("1, 0 (1 sent, never arrived: 1 cancelled)", False)
    assert found([_attempt(1, counted=2)], ["1"], 2) == ("2, 1 (1 sent, never arrived: 1 sent again)", False)
    assert found([_attempt(1)], ["1", "1"], 1)[1], "more arrived than were counted"
    assert found([_attempt(1), _attempt(1, about="2")], ["1", "1"], 2)[1], "and others do not make up for it"
    assert found([_attempt(1), _attempt(1, about="2")], ["1"], 2)[1], "answered, but it never arrived"
    assert found([_attempt(1)], ["1"], 0)[1], "the ledger forgot it"


def test_a_provider_is_back_with_its_first_answer_after_the_fault() -> None:
    episodes = [Episode(BROKEN, "openai", 0, 0, began=10, ended=20), Episode(BROKEN, "openai", 0, 0, 30, 35)]
    calls = [Call(number, at, "openai", "m", None, outcome="ok") for number, at in enumerate((15.0, 22.5))]
    (first, second) = returns(episodes, calls, [])
    assert (first.seconds, second.seconds) == (2.5, None)
    tight = [Episode(BROKEN, TIGHT[0], 0, 0, began=10, ended=20)]
    statuses = [(21.0, dict.fromkeys(TIGHT, "cooldown")), (24.0, dict.fromkeys(TIGHT, "available"))]
    assert [each.seconds for each in returns(tight, [], statuses)] == [4.0]


def test_what_grows_too_much_is_a_target_missed() -> None:
    assert [row.missed for row in growth("p", {"threads": 3, "RSS, MB": 10}, {"threads": 30, "RSS, MB": 20})] == [
        True,
        False,
    ]


def test_a_few_seconds_of_it_run() -> None:
    command = "benchmarks.soak --seconds 1 --quiet-seconds 1 --processes 1 --seed 3 --only usage: --json"
    told = subprocess.run(
        [sys.executable, "-m", *command.split()],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
        check=False,
    )
    rows = {row["name"]: row["found"] for row in json.loads(told.stdout[told.stdout.index("{") :])["rows"]}
    assert int(rows["requests"]) > 0
    assert rows["gemini: counted, arrived"].split(", ")[1] != "0"
