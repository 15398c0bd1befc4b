"""Decisions, events and the history by slot: the same from every store, and bounded."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from rig_ledger import START, Place, run, taken
from rig_redis import RedisServer

from router_config.ledger.interfaces import Store
from router_config.ledger.opening import open_store
from router_config.ledger.rules.decisions import DECISIONS_KEPT, Attempt, Decision, SkippedModel, decision_text
from router_config.ledger.rules.gates import Cooldown
from router_config.ledger.rules.history import EVENTS_KEPT, MINUTE_SECONDS, MINUTES_KEPT, SLOT_SECONDS, Event
from router_config.ledger.rules.meters import Amount
from router_config.ledger.values import Lease, Outcome, Settlement, Usage

GROQ = Place("groq")
SPENT = Amount(1, 100)
ANSWER = Decision(
    at=START,
    agent="trader",
    group="default",
    provider="gemini",
    model="flash",
    outcome="ok",
    attempts=(Attempt("groq", "llama", "timeout", 2.0), Attempt("gemini", "flash", "ok", 0.4)),
    skipped=(SkippedModel("openrouter", "deepseek", "rate_limited"),),
    tokens=812,
    seconds=2.4,
)
REFUSAL = Decision(START, None, "default", None, None, "refused", (), (), None, 0.0, "no provider can serve it now")


@pytest.fixture(params=["sqlite", "redis"])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store that other processes, and the next, use too."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state.db"
    url: str = request.getfixturevalue("redis_url")
    return url


def settle(
    store: Store,
    at: float = START,
    *,
    decision: Decision | None = None,
    cooldown: Cooldown | None = None,
    error: str | None = None,
    spent: Amount | None = SPENT,
    provider: str = "groq",
    model: str = "llama",
) -> None:
    lease = taken(store, GROQ, at=at)
    assert lease
    outcome = Outcome(provider, model, 0.1, error, "" if error is None else "it failed")
    cooldowns = () if cooldown is None else (cooldown,)
    run(store.settle(lease, Settlement(spent, at, at, None, cooldowns, (), outcome, decision=decision), at))


def events(store: Store, since: float = 0.0, now: float = START) -> list[tuple[str, str, float]]:
    return [(each.kind, each.provider, each.at) for each in run(store.history(60, since, now)).events]


def test_a_decision_comes_back_as_it_was_with_a_number(store: Store) -> None:
    settle(store, decision=ANSWER)
    run(store.record(REFUSAL, START))
    assert run(store.decisions()) == (REFUSAL._replace(number=2), ANSWER._replace(number=1))


def test_the_class_of_the_agent_comes_back_even_where_it_is_of_some_alone(store: Store) -> None:
    of_a_class = REFUSAL._replace(agent_class="bätch\n")
    settle(store, decision=ANSWER._replace(agent_class="trader"))
    for decision in (REFUSAL, of_a_class):
        run(store.record(decision, START))
    assert [each.agent_class for each in run(store.decisions())] == ["bätch\n", None, "trader"]
    assert run(store.decisions(after=2)) == (of_a_class._replace(number=3),)


def test_the_class_of_a_decision_is_not_that_of_one_five_hundred_before(store: Store) -> None:
    async def fill() -> None:
        for number in range(DECISIONS_KEPT + 3):
            await store.record(REFUSAL._replace(agent_class="early" if number < 2 else None), START)
        await store.record(REFUSAL._replace(agent_class="late"), START)

    run(fill())
    found = run(store.decisions())
    assert (len(found), [each.agent_class for each in found if each.agent_class]) == (DECISIONS_KEPT, ["late"])


def test_an_earlier_version_reads_what_it_knows_of_a_decision_with_a_class(
    shared_url: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    """It took the whole text of a row for a list of these twelve fields, and would have stumbled over any more."""
    store = open_store(shared_url)
    run(store.record(ANSWER._replace(agent_class="trader"), START))
    if shared_url.startswith("sqlite"):
        with closing(sqlite3.connect(tmp_path / "state.db")) as file:
            text = file.execute("SELECT text FROM decision").fetchone()[0]
    else:
        name = redis_server.ask("KEYS", "*:decisions").split(b"\r\n")[2].decode()
        text = redis_server.ask("LINDEX", name, "0").split(b"\r\n")[1][8:].decode()
    assert json.loads(text) == json.loads(decision_text(ANSWER))
    assert len(json.loads(text)) == 12


def test_only_newer_ones_are_read_again(store: Store) -> None:
    for _ in range(5):
        run(store.record(REFUSAL, START))
    assert [each.number for each in run(store.decisions(after=3))] == [5, 4]
    assert [each.number for each in run(store.decisions(after=1, last=2))] == [5, 4]
    assert run(store.decisions(after=5)) == ()
    assert run(store.decisions(last=0)) == ()


def test_a_reader_who_is_ahead_of_the_store_gets_everything(store: Store) -> None:
    run(store.record(REFUSAL, START))
    assert [each.number for each in run(store.decisions(after=4711))] == [1]


def test_the_last_five_hundred_are_kept(store: Store) -> None:
    async def fill() -> None:
        for _ in range(DECISIONS_KEPT + 120):
            await store.record(REFUSAL, START)

    run(fill())
    kept = [each.number for each in run(store.decisions())]
    assert kept == list(range(DECISIONS_KEPT + 120, 120, -1))


def test_a_decision_brought_by_a_second_settlement_of_a_lease_is_kept_like_its_outcome(store: Store) -> None:
    lease = taken(store, GROQ)
    assert lease
    for _ in range(2):
        run(store.settle(lease, Settlement(Amount(1, 1), START, START, decision=ANSWER), START))
    assert len(run(store.decisions())) == 2


COOLDOWN = Cooldown("provider:groq", "cooldown", "timed out", START, START + 300, probes=True)


def test_a_rest_is_an_event_with_its_reason_and_end(store: Store) -> None:
    settle(store, cooldown=COOLDOWN, error="timeout")
    assert run(store.history(60, 0.0, START)).events == (Event(START, "cooldown", "groq", "timed out", START + 300),)


def test_failures_of_requests_that_were_under_way_are_no_further_events(store: Store) -> None:
    leases = [taken(store, GROQ) for _ in range(3)]
    for seconds, lease in enumerate(leases):
        assert lease
        cooldown = COOLDOWN._replace(since=START + seconds, until=START + 300 + seconds)
        outcome = Outcome("groq", "llama", 0.1, "timeout", "timed out")
        run(store.settle(lease, Settlement(None, START, START, None, (cooldown,), (), outcome), START + seconds))
    assert events(store) == [("cooldown", "groq", START)]


def test_a_failed_probe_is_another_event(store: Store) -> None:
    settle(store, cooldown=COOLDOWN, error="timeout")
    later = COOLDOWN._replace(since=START + 300, until=START + 600)
    settle(store, START + 300, cooldown=later, error="timeout")
    assert events(store) == [("cooldown", "groq", START), ("cooldown", "groq", START + 300)]


def test_waiting_for_the_minute_is_no_event(store: Store) -> None:
    settle(store, cooldown=Cooldown("model:groq", "rate_limited", "rpm", START, START + 12), error="rate_limit")
    assert events(store) == []


def test_a_disabled_key_is_an_event_and_its_recovery_another(store: Store) -> None:
    settle(store, cooldown=Cooldown("key:groq", "disabled", "bad key", START, START + 300, 1), error="bad_key")
    disabled = Event(START, "disabled", "groq", "bad key", START + 300)
    assert run(store.history(60, 0.0, START)).events == (disabled,)
    lease = taken(store, GROQ, at=START + 300)
    assert lease is not None
    assert lease.probes == ("key:groq",)
    run(store.settle(lease, Settlement(None, START, START, alive=True, outcome=Outcome("groq", "m", 1)), START + 301))
    recovered = Event(START + 301, "recovered", "groq", "It serves again. Before: bad key", START + 301)
    assert run(store.history(60, 0.0, START)).events == (disabled, recovered)


def test_a_failover_is_told_once_a_minute(store: Store) -> None:
    for seconds in (0, 10, 59, 60):
        settle(store, START + seconds, decision=ANSWER._replace(at=START + seconds))
    found = run(store.history(60, 0.0, START)).events
    assert [(each.kind, each.provider, each.at) for each in found] == [
        ("failover", "groq", START),
        ("failover", "groq", START + 60),
    ]
    assert found[0].reason == "timeout; gemini answered"


def test_a_day_that_is_used_up_is_told_once_an_hour(store: Store) -> None:
    models = (SkippedModel("groq", "llama", "exhausted"), SkippedModel("groq", "qwen", "exhausted"))
    skipped = REFUSAL._replace(skipped=models)
    for seconds in (0, 60, 3599, 3600):
        run(store.record(skipped._replace(at=START + seconds), START + seconds))
    assert events(store) == [("exhausted", "groq", START), ("exhausted", "groq", START + 3600)]


def test_a_class_that_has_used_its_share_is_told_once_a_day(store: Store) -> None:
    share_used = (SkippedModel("groq", "llama", "share_used"), SkippedModel("gemini", "flash", "cooldown"))
    refused = REFUSAL._replace(skipped=share_used, agent_class="batch")
    run(store.record(ANSWER._replace(skipped=share_used, agent_class="batch", attempts=()), START))
    for seconds in (1, 3600, 86400, 86402):
        run(store.record(refused._replace(at=START + seconds), START + seconds))
    told = [("share_used", "class batch", START + 1), ("share_used", "class batch", START + 86402)]
    assert events(store, now=START + 86402) == told


def test_processes_that_share_a_store_tell_an_event_once(shared_url: str) -> None:
    one, other = open_store(shared_url), open_store(shared_url)
    for store in (one, other):
        settle(store, decision=ANSWER)
    assert events(one) == events(other) == [("failover", "groq", START)]


def test_the_last_two_hundred_events_are_kept(store: Store) -> None:
    async def fill() -> None:
        lease = Lease("none", "", (), Amount(), START, START)
        for number in range(EVENTS_KEPT + 30):
            cooldown = Cooldown(f"provider:{number}", "cooldown", "", START + number, START + number + 9)
            outcome = Outcome(f"provider {number}", "m", 0.1, "timeout")
            await store.settle(lease, Settlement(None, START, START, None, (cooldown,), (), outcome), START + number)

    run(fill())
    assert [at - START for _, _, at in events(store)] == list(range(30, EVENTS_KEPT + 30))


@pytest.mark.parametrize("length", [MINUTE_SECONDS, SLOT_SECONDS])
def test_usage_is_summed_by_slot_and_provider(store: Store, length: int) -> None:
    for at, model in ((0.0, "llama"), (1.0, "qwen"), (length, "llama")):
        settle(store, START + at, model=model)
    settle(store, START + length, spent=None, error="timeout")
    settle(store, START + length, provider="gemini", spent=Amount(1, 5, 0.25))
    first = int(START // length)
    slots = run(store.history(60 if length == 60 else 300, START, START + length)).slots
    assert slots == {
        "groq": {first: Usage(2, 200, 0.0, 0), first + 1: Usage(1, 100, 0.0, 1)},
        "gemini": {first + 1: Usage(1, 5, 0.25, 0)},
    }


def test_slots_before_the_time_asked_for_are_left_out(store: Store) -> None:
    for minutes in range(5):
        settle(store, START + 60 * minutes)
    now = START + 4 * 60
    recent = run(store.history(60, now - 60, now)).slots["groq"]
    assert sorted(recent) == [int(now // 60) - 1, int(now // 60)]


def test_minutes_are_kept_in_a_ring_that_the_next_round_overwrites(store: Store) -> None:
    settle(store, START)
    settle(store, START + 60 * MINUTES_KEPT)
    settle(store, START)  # Told late, as after a failure of the store: it belongs to a round that is over.
    now = START + 60 * MINUTES_KEPT
    assert run(store.history(60, 0.0, now)).slots["groq"] == {int(now // 60): Usage(1, 100, 0.0, 0)}


def test_the_past_survives_a_restart(shared_url: str) -> None:
    store = open_store(shared_url)
    settle(store, cooldown=COOLDOWN, error="timeout", decision=ANSWER)

    async def again() -> None:
        await store.aclose()

    asyncio.run(again())
    other = open_store(shared_url)
    assert [each.number for each in run(other.decisions())] == [1]
    assert [kind for kind, _, _ in events(other)] == ["cooldown", "failover"]
    run(other.record(REFUSAL, START))
    assert [each.number for each in run(other.decisions())] == [2, 1]
